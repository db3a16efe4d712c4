package streams

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/parser/lexer"
)

// breakable is the blank in front of an operator where a long expression may go on on the next line.
const breakable = "\n"

// breaksBefore are the operators that may begin a line.
var breaksBefore = []string{"and", "or", "&&", "||", "??", "?", "|"}

// spacing finds the blanks between the parts of an expression, one after another.
type spacing struct {
	last     *formatPart
	operand  bool // last ends an operand
	glue     bool // nothing stands behind last, which is a sign or a dot
	property bool // last is a dot, so that a name follows, whatever it looks like
	ternary  int  // ? without their :
	call     bool // the part asked for last is the brackets of a call
}

// before returns what stands between the part before p and p.
func (s *spacing) before(p *formatPart) string {
	last := s.last
	s.last, s.call = p, false
	gap := " "
	if last == nil || s.glue {
		gap = ""
	}
	wasOperand, wasProperty := s.operand, s.property
	if !p.isComment() {
		s.glue, s.property = false, false
	}
	switch {
	case p.isComment():
		if last != nil {
			gap = " "
		}
	case p.group != nil:
		s.operand = true
		if wasOperand && p.group.open != "{" || last != nil && last.is("?.") {
			s.call = p.group.open == "("
			if !last.isComment() {
				gap = ""
			}
		}
	case p.kind != lexer.Operator || wasProperty:
		s.operand = true
		if last != nil && last.is("#") {
			gap = ""
		}
	default:
		return s.operator(p, last, gap, wasOperand)
	}
	return gap
}

func (s *spacing) operator(p, last *formatPart, gap string, wasOperand bool) string {
	s.operand = false
	switch op := p.text; {
	case op == "." || op == "?.":
		s.glue, s.property = true, true
		if wasOperand && last.kind != lexer.Number && !last.isComment() {
			gap = ""
		}
	case op == "..":
		s.glue = true
		if wasOperand && !strings.HasSuffix(last.text, ".") && !last.isComment() {
			gap = ""
		}
	case op == "#" || op == "##":
		s.operand = true
	case op == "?":
		s.ternary++
		gap = breakable
	case op == ":" && s.ternary > 0:
		if s.ternary--; last.is("?") {
			gap = ""
		} else {
			gap = breakable
		}
	case op == ":":
		gap = ""
	case op == "not":
	case !wasOperand && (op == "-" || op == "+" || op == "!" || op == "::"):
		s.glue = true
		if last != nil && last.kind == lexer.Operator && last.text == op {
			gap = " "
		}
	case slices.Contains(breaksBefore, op):
		gap = breakable
	}
	if gap == breakable && last.isComment() {
		gap = " "
	}
	return gap
}
