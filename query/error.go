package query

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error says why a text is no query.
type Error struct {
	Offset    int    // byte offset of the problem in the text
	Line, Col int    // from 1; Col counts characters
	Found     string // what stands there
	Want      string // what was expected; "" when Found says it all
	Hint      string // what to do; may be ""
	line      string // the line it stands in
}

// Error returns the problem, the line and a caret below the place.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "query:%d:%d: found %s", e.Line, e.Col, e.Found)
	if e.Want != "" {
		b.WriteString(", expected " + e.Want)
	}
	if line, caret, ok := e.excerpt(); ok {
		fmt.Fprintf(&b, "\n%5d | %s\n      | %s^", e.Line, line, strings.Repeat(" ", caret))
	}
	if e.Hint != "" {
		b.WriteString("\n      " + e.Hint)
	}
	return b.String()
}

// Short returns the problem in one line, without the excerpt.
func (e *Error) Short() string {
	s := fmt.Sprintf("query: at byte %d: found %s", e.Offset, e.Found)
	if e.Want != "" {
		s += ", expected " + e.Want
	}
	return s
}

// excerptWidth is how much of a long line is shown.
const excerptWidth = 72

func (e *Error) excerpt() (line string, caret int, ok bool) {
	rs := []rune(e.line)
	caret = min(e.Col-1, len(rs))
	from := max(0, min(caret-excerptWidth/2, len(rs)-excerptWidth))
	to := min(len(rs), from+excerptWidth)
	for i := from; i < to; i++ {
		if rs[i] < ' ' || rs[i] == 0x7f {
			rs[i] = ' '
		}
	}
	return string(rs[from:to]), caret - from, len(rs) > 0
}

// problem makes an Error at a byte offset of text.
func problem(text string, offset int, found, want, hint string) *Error {
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	end := len(text)
	if n := strings.IndexByte(text[offset:], '\n'); n >= 0 {
		end = offset + n
	}
	return &Error{
		Offset: offset,
		Line:   1 + strings.Count(text[:offset], "\n"),
		Col:    1 + utf8.RuneCountInString(text[start:offset]),
		Found:  found, Want: want, Hint: hint,
		line: text[start:end],
	}
}
