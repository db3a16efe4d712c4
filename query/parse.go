package query

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a query's text; what exceeds one is refused before it can cost anything.
const (
	MaxLength  = 8 << 10 // bytes of the text
	MaxDepth   = 64      // levels of parentheses and nots
	MaxPattern = 1 << 10 // bytes of a regular expression
)

// Parse reads a query. The error is always an *Error.
func Parse(text string) (*Query, error) {
	if len(text) > MaxLength {
		return nil, &Error{Line: 1, Col: 1, Found: fmt.Sprintf("a query of %d bytes", len(text)), Want: fmt.Sprintf("at most %d", MaxLength)}
	}
	if !utf8.ValidString(text) {
		at := strings.IndexFunc(text, func(r rune) bool { return r == utf8.RuneError })
		for { // skip real U+FFFD characters
			if _, n := utf8.DecodeRuneInString(text[at:]); n == 1 {
				break
			}
			at += 3 + strings.IndexFunc(text[at+3:], func(r rune) bool { return r == utf8.RuneError })
		}
		return nil, problem(text, at, fmt.Sprintf("the byte 0x%02x", text[at]), "UTF-8", "")
	}
	p := &parser{lex: lexer{text: text}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	root, err := p.disjunction(0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.junk()
	}
	return newQuery(root), nil
}

// MustParse is Parse for texts known to be queries; it panics on an error.
func MustParse(text string) *Query {
	q, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return q
}

type parser struct {
	lex  lexer
	tok  token
	last token // the token before tok
}

func (p *parser) advance() error {
	t, err := p.lex.next()
	if err != nil {
		return err
	}
	p.last, p.tok = p.tok, t
	return nil
}

func (p *parser) disjunction(depth int) (node, error) {
	return p.joined(depth, tokOr, func() (node, error) {
		return p.joined(depth, tokAnd, func() (node, error) { return p.unary(depth) })
	})
}

func (p *parser) joined(depth int, word tokenKind, part func() (node, error)) (node, error) {
	var kids []node
	for {
		n, err := part()
		if err != nil {
			return nil, err
		}
		kids = append(kids, n)
		if p.tok.kind != word {
			return joinOf(word == tokOr, kids), nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) unary(depth int) (node, error) {
	if depth > MaxDepth {
		return nil, problem(p.lex.text, p.tok.pos, fmt.Sprintf("more than %d levels of parentheses and not", MaxDepth), "fewer", "")
	}
	switch p.tok.kind {
	case tokNot:
		if err := p.advance(); err != nil {
			return nil, err
		}
		n, err := p.unary(depth + 1)
		if err != nil {
			return nil, err
		}
		return &not{n}, nil
	case tokOpen:
		open := p.tok
		if err := p.advance(); err != nil {
			return nil, err
		}
		n, err := p.disjunction(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.tok.kind != tokClose {
			if p.tok.kind == tokEnd {
				return nil, p.unexpected(fmt.Sprintf("the ) of the ( at byte %d", open.pos))
			}
			return nil, p.unexpected("and, or, or )")
		}
		return n, p.advance()
	case tokTagged:
		if err := p.advance(); err != nil {
			return nil, err
		}
		s, err := p.str("a string after tagged")
		return &tagged{s}, err
	}
	return p.comparison()
}

func (p *parser) comparison() (node, error) {
	left, ok, err := p.term()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, p.unexpected("a field, a value, not, tagged or (")
	}
	operator := p.tok
	switch operator.kind {
	case tokEq, tokNe:
		return p.equality(left, operator)
	case tokLt, tokLe, tokGt, tokGe:
		return p.ordering(left, operator)
	case tokLike:
		if err := p.advance(); err != nil {
			return nil, err
		}
		s, err := p.str("a string after =~")
		return &like{left, s}, err
	case tokRegex:
		if err := p.advance(); err != nil {
			return nil, err
		}
		at := p.tok.pos
		s, err := p.str("a string after ~=")
		if err != nil {
			return nil, err
		}
		re, bad := compileRegex(s)
		if bad != "" {
			return nil, problem(p.lex.text, at, bad, "", "look-around, back-references and possessive quantifiers do not exist here")
		}
		return &regex{left, s, re}, nil
	}
	return &truth{left}, nil
}

func (p *parser) equality(left term, operator token) (node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	right, ok, err := p.term()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, p.unexpected("a field or a value after " + operator.text)
	}
	return &compare{op(operator.kind - tokEq), left, right}, nil
}

func (p *parser) ordering(left term, operator token) (node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch p.tok.kind {
	case tokFloat, tokBig, tokLong:
		right, _, err := p.term()
		return &compare{op(operator.kind - tokEq), left, right}, err
	}
	return nil, p.unexpected("a number after " + operator.text)
}

// str reads a string literal.
func (p *parser) str(want string) (string, error) {
	if p.tok.kind != tokString {
		return "", p.unexpected(want)
	}
	s, err := unquote(p.lex.text, p.tok)
	if err != nil {
		return "", err
	}
	return s, p.advance()
}

// term reads a literal or a name; ok is false when there is none.
func (p *parser) term() (t term, ok bool, err error) {
	switch p.tok.kind {
	case tokNil:
	case tokTrue, tokFalse:
		t = term{kind: kindBool, bool: p.tok.kind == tokTrue}
	case tokString:
		s, err := unquote(p.lex.text, p.tok)
		if err != nil {
			return term{}, false, err
		}
		t = term{kind: kindString, str: s}
	case tokName:
		t = term{kind: kindField, str: p.tok.text, field: fieldOf(p.tok.text)}
	case tokFloat:
		f, err := strconv.ParseFloat(p.tok.text, 64) // beyond the range: an infinity
		if errors.Is(err, strconv.ErrSyntax) {
			f = math.NaN() // -NaN
		}
		t = term{kind: kindFloat, float: f}
	case tokLong, tokBig:
		if t, err = p.integer(); err != nil {
			return term{}, false, err
		}
	default:
		return term{}, false, nil
	}
	return t, true, p.advance()
}

func (p *parser) integer() (term, error) {
	digits := strings.TrimRight(p.tok.text, "nN")
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return term{kind: kindInt, int: n}, nil
	}
	switch p.tok.text[len(p.tok.text)-1] {
	case 'l', 'L':
		return term{}, problem(p.lex.text, p.tok.pos, p.tok.describe(), "an integer without L", "")
	case 'n', 'N':
		b, _ := new(big.Int).SetString(digits, 10)
		return term{kind: kindBig, big: b}, nil
	}
	return term{}, problem(p.lex.text, p.tok.pos, p.tok.describe(), "an integer of at most 64 bits", "write "+clip(digits)+"N or make it a float")
}

// unexpected is the error of a token that cannot stand where it stands.
func (p *parser) unexpected(want string) error {
	return problem(p.lex.text, p.tok.pos, p.tok.describe(), want, p.hint())
}

// junk is the error of a token after a complete predicate.
func (p *parser) junk() error { return p.unexpected("and, or, or the end of the query") }

// hint guesses the usual mistakes: an operator grown into a name, keywords in capitals.
func (p *parser) hint() string {
	for _, t := range [...]token{p.last, p.tok} {
		if t.kind != tokName {
			continue
		}
		switch strings.ToLower(t.text) {
		case "and", "or", "not", "tagged":
			return "keywords are lower case: " + strings.ToLower(t.text)
		}
		if strings.ContainsAny(t.text, "=<>!") {
			return clip(t.text) + " is read as one name: put blanks around the operator"
		}
	}
	return ""
}
