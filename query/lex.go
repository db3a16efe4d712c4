package query

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// tokenKind is the kind of a token; keywords and operators have one each.
type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokAnd
	tokOr
	tokNot
	tokLike  // =~
	tokRegex // ~=
	tokEq
	tokNe
	tokLt
	tokLe
	tokGt
	tokGe
	tokOpen
	tokClose
	tokNil
	tokTrue
	tokFalse
	tokTagged
	tokFloat
	tokBig  // 5N
	tokLong // 5
	tokString
	tokName
)

// words are the tokens that are also legal names: at equal length the word wins.
var words = map[string]tokenKind{
	"and": tokAnd, "or": tokOr, "not": tokNot, "tagged": tokTagged,
	"nil": tokNil, "null": tokNil, "true": tokTrue, "false": tokFalse,
	"=": tokEq, "!=": tokNe, "<": tokLt, "<=": tokLe, ">": tokGt, ">=": tokGe,
}

// token is one token; text is its source, a part of the query's.
type token struct {
	kind tokenKind
	pos  int
	text string
}

// describe says what the token is, for errors.
func (t token) describe() string {
	switch t.kind {
	case tokEnd:
		return "the end of the query"
	case tokString:
		return "the string " + clip(t.text)
	case tokFloat, tokBig, tokLong:
		return "the number " + clip(t.text)
	case tokName:
		return "the name " + clip(t.text)
	}
	return strconv.Quote(t.text)
}

// clip shortens a long token.
func clip(s string) string {
	if len(s) <= 40 {
		return s
	}
	cut := 37
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

// lexer cuts a query into tokens: the longest token wins, and at equal length words, then numbers, then names.
type lexer struct {
	text string
	pos  int
}

func (l *lexer) next() (token, error) {
	for l.pos < len(l.text) && isBlank(l.text[l.pos]) {
		l.pos++
	}
	start, rest := l.pos, l.text[l.pos:]
	if rest == "" {
		return token{kind: tokEnd, pos: start}, nil
	}
	take := func(kind tokenKind, n int) (token, error) {
		l.pos += n
		return token{kind, start, rest[:n]}, nil
	}
	switch {
	case rest[0] == '(':
		return take(tokOpen, 1)
	case rest[0] == ')':
		return take(tokClose, 1)
	case rest[0] == '"':
		n, err := stringLen(l.text, start)
		if err != nil {
			return token{}, err
		}
		return take(tokString, n)
	case strings.HasPrefix(rest, "~="):
		return take(tokRegex, 2)
	}
	name := nameLen(rest)
	if name <= 1 && strings.HasPrefix(rest, "=~") {
		return take(tokLike, 2)
	}
	if kind, ok := words[rest[:name]]; ok {
		return take(kind, name)
	}
	if kind, n := numberLen(rest); n > 0 && n >= name {
		return take(kind, n)
	}
	if name > 0 {
		return take(tokName, name)
	}
	return token{}, badCharacter(l.text, start)
}

// badCharacter says why no token starts at pos.
func badCharacter(text string, pos int) error {
	r, _ := utf8.DecodeRuneInString(text[pos:])
	hint := ""
	switch r {
	case '\'':
		hint = `strings stand in double quotes: "ok"`
	case '~':
		hint = `the operators are =~ (with % as wildcard) and ~= (regular expression), with a blank before =~`
	case '/', ':':
		hint = "a name cannot hold / and holds : only between other characters"
	case '\\':
		hint = "a backslash is legal in strings only"
	case '#':
		hint = "queries have no comments"
	}
	return problem(text, pos, strconv.QuoteRune(r), "a field, a value, not, tagged or a parenthesis", hint)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' }

// nameByte reports whether c may stand in a name (digits only after the head); all bytes of
// non-ASCII characters may, and so may operators.
func nameByte(c byte) bool {
	switch c {
	case '^', '`', '\'', '"', '#', '~', '@', ':', '/', '%', '(', ')', '[', ']', '{', '}', '\\':
		return false
	}
	return !isBlank(c)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// nameLen returns the length of the name s starts with, 0 if it starts with none: head rest* (':' rest+)*.
func nameLen(s string) int {
	if s == "" || isDigit(s[0]) || !nameByte(s[0]) {
		return 0
	}
	n := 1
	for {
		for n < len(s) && nameByte(s[n]) {
			n++
		}
		if n+1 < len(s) && s[n] == ':' && nameByte(s[n+1]) {
			n += 2
			continue
		}
		return n
	}
}

// numberLen returns the kind and length of the longest number s starts with; 0 if there is none.
func numberLen(s string) (tokenKind, int) {
	n := 0
	if strings.HasPrefix(s, "-") {
		n = 1
	}
	for _, word := range [...]string{"Infinity", "NaN"} {
		if strings.HasPrefix(s[n:], word) {
			return tokFloat, n + len(word)
		}
	}
	digits := digitsLen(s[n:])
	if digits == 0 {
		return 0, 0
	}
	n += digits
	kind := tokLong
	if n < len(s) && s[n] == '.' {
		if d := digitsLen(s[n+1:]); d > 0 {
			kind, n = tokFloat, n+1+d
		}
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		sign := 0
		if n+1 < len(s) && s[n+1] == '-' {
			sign = 1
		}
		if d := digitsLen(s[n+1+sign:]); d > 0 {
			kind, n = tokFloat, n+1+sign+d
		}
	}
	if kind == tokLong && n < len(s) {
		switch s[n] {
		case 'n', 'N':
			return tokBig, n + 1
		case 'l', 'L':
			return tokLong, n + 1
		}
	}
	return kind, n
}

func digitsLen(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}
