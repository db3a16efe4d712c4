package streams

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// syntaxAdvice says what is expected where text, whose first character has the given offset, cannot be
// parsed, and what was probably meant. Much of it is for those who write as in Riemann or in other languages.
func (s *sources) syntaxAdvice(text string, offset, at int, found string) (want, hint string) {
	a := newAdviser(text, at-offset)
	if hint := a.hint(); hint != "" {
		return "", hint
	}
	if a.depth == 0 && a.before != (lexer.Token{}) {
		if hint := s.semicolonHint(at, offset); hint != "" {
			return "", hint
		}
	}
	if strings.HasSuffix(found, " literal") || strings.HasPrefix(found, "bad number") {
		return "a number is written 5, 0.5, 1e3 or 0xff", ""
	}
	return a.want(), ""
}

// adviser knows the tokens around the place where a statement goes wrong.
type adviser struct {
	first, before lexer.Token // of the statement; in front of the place; each empty if there is none
	earlier       lexer.Token // in front of before
	rest          string      // from the place on
	depth         int         // brackets open there
	open          string      // the innermost of them
}

func newAdviser(text string, at int) adviser {
	characters := []rune(text)
	at = max(0, min(at, len(characters)))
	a := adviser{rest: string(characters[at:])}
	l := lexer.New()
	l.DisableIfOperator = true
	l.Reset(file.NewSource(string(characters[:at])))
	var open []string
	for first := true; ; first = false {
		t, err := l.Next()
		if err != nil || t.Kind == lexer.EOF {
			break
		}
		if first {
			a.first = t
		}
		a.earlier, a.before = a.before, t
		switch {
		case t.Is(lexer.Bracket, "(", "[", "{"):
			open = append(open, t.Value)
		case t.Kind == lexer.Bracket && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	if a.depth = len(open); a.depth > 0 {
		a.open = open[a.depth-1]
	}
	return a
}

// wrongSigns are what other languages write, and what stands for it here.
var wrongSigns = []struct{ sign, hint string }{
	{"=~", `a pattern is asked for by matches: service matches "^api"`},
	{"~=", `a pattern is asked for by matches: service matches "^api"`},
	{"~", `a pattern is asked for by matches: service matches "^api"`},
	{"=", "two values are compared by =="},
	{"&", "two conditions are joined by and"},
	{"|", "two conditions are joined by or"},
	{"/", `a pattern is a text: service matches "^api"`},
}

// hint is what was probably meant, or "".
func (a *adviser) hint() string {
	switch {
	case strings.HasPrefix(a.rest, ":") && a.depth > 0 && a.opens():
		return "a field is written by its name alone, without a colon"
	case strings.HasPrefix(a.rest, ":") && a.open == "(" && a.before.Kind == lexer.Identifier:
		return fmt.Sprintf("fields and options stand in braces: {%s: …}", a.before.Value)
	case strings.HasPrefix(a.rest, "#") && a.depth > 0 && word(strings.TrimLeft(a.rest, "# ")) == "":
		return `expressions have no lambdas; ask for a tag by "…" in tags`
	case strings.HasPrefix(a.rest, "#"):
		return "a comment is written // …"
	case strings.HasPrefix(a.rest, `"`) && a.before.Kind == lexer.Identifier && slices.Contains(eventFields, a.before.Value) && a.earlier.Is(lexer.Bracket, "("):
		return fmt.Sprintf(`compare it: %s == "…"`, a.before.Value)
	case strings.HasPrefix(a.rest, ">") && a.before.Is(lexer.Operator, "<"):
		return "two values are unequal by !="
	case a.before.Is(lexer.Identifier, "else"):
		return "the other children stand in brackets: where(condition, …, else(…))"
	case a.first.Is(lexer.Identifier, "if"):
		return "a condition with its streams is written where(condition, …, else(…))"
	case a.before.Kind == lexer.Number && a.rest != "" && slices.Contains([]string{"ms", "s", "m", "h", "d", "w"}, word(a.rest)):
		return fmt.Sprintf("a duration is a text: %q", a.before.Value+word(a.rest))
	case a.first.Is(lexer.Bracket, "(") && a.value() && a.depth > 0:
		return "a call is written name(argument, …), with a comma between two arguments"
	}
	for _, w := range wrongSigns {
		if strings.HasPrefix(a.rest, w.sign) && (w.sign != "/" || !a.value()) {
			return w.hint
		}
	}
	return ""
}

// want is what can stand at the place.
func (a *adviser) want() string {
	switch {
	case a.rest == "" && a.value() || a.before == (lexer.Token{}):
		return "a statement is a stream, let NAME = …, def(…), test(…) or a setting"
	case a.before.Kind == lexer.Operator && !a.before.Is(lexer.Operator, ",", ":"):
		return "a value is expected after " + a.before.Value
	case !a.value():
		return "a value or a stream is expected here"
	case a.depth == 0:
		return "a ; stands between two statements"
	case a.open == "{":
		return "between two fields stands a comma, between a field and its value a colon"
	}
	return "between two values stands a comma or an operator"
}

// opens reports whether an argument or item begins at the place.
func (a *adviser) opens() bool {
	return a.before.Is(lexer.Bracket, "(", "[") || a.before.Is(lexer.Operator, ",")
}

// value reports whether what stands in front of the place ends a value.
func (a *adviser) value() bool {
	return a.before.Kind == lexer.Identifier || a.before.Kind == lexer.Number || a.before.Kind == lexer.String || a.before.Is(lexer.Bracket, ")", "]", "}")
}

// word returns the letters that s begins with.
func word(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
	if end < 0 {
		return s
	}
	return s[:end]
}
