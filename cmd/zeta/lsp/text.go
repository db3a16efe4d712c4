package lsp

import (
	"strings"
	"unicode/utf8"
)

// position is a place as the protocol counts: lines from 0, and in the line UTF-16 code units from 0.
type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// span is a part of a text; its end is behind its last character.
type span struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

// location is a span in a document.
type location struct {
	URI   string `json:"uri"`
	Range span   `json:"range"`
}

// index converts places in a text.
type index struct {
	text  string
	lines []int // byte index of each line's start
}

func newIndex(text string) *index {
	x := &index{text: text, lines: []int{0}}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			x.lines = append(x.lines, i+1)
		}
	}
	return x
}

// line returns the text of a line without its end, "" if there is no such line.
func (x *index) line(n int) string {
	if n < 0 || n >= len(x.lines) {
		return ""
	}
	text := x.text[x.lines[n]:]
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return strings.TrimSuffix(text, "\r")
}

// offset returns the byte index of a position; places outside of the text count as the nearest inside.
func (x *index) offset(p position) int {
	switch {
	case p.Line < 0:
		return 0
	case p.Line >= len(x.lines):
		return len(x.text)
	}
	line := x.line(p.Line)
	at, units := 0, 0
	for at < len(line) && units < p.Character {
		r, size := utf8.DecodeRuneInString(line[at:])
		if units += unitsOf(r); units > p.Character {
			break // in the middle of a pair
		}
		at += size
	}
	return x.lines[p.Line] + at
}

// position returns the position of a byte index.
func (x *index) position(offset int) position {
	offset = max(0, min(offset, len(x.text)))
	low, high := 0, len(x.lines)
	for high-low > 1 {
		if mid := (low + high) / 2; x.lines[mid] <= offset {
			low = mid
		} else {
			high = mid
		}
	}
	return position{low, units(x.text[x.lines[low]:offset])}
}

// span returns the span of a part of the text.
func (x *index) span(from, to int) span { return span{x.position(from), x.position(to)} }

// characters returns the position of a character: line and column as problems count them, from 1, in characters.
func (x *index) characters(line, col int) position {
	text := x.line(line - 1)
	at := 0
	for i := 1; i < col && at < len(text); i++ {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return position{line - 1, units(text[:at])}
}

// units counts UTF-16 code units.
func units(text string) int {
	n := 0
	for _, r := range text {
		n += unitsOf(r)
	}
	return n
}

func unitsOf(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// isWordByte reports whether a byte belongs to a name.
func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

// wordAt returns the name that a byte index lies in or behind, and where it begins and ends.
func wordAt(text string, at int) (word string, from, to int) {
	from, to = at, at
	for from > 0 && isWordByte(text[from-1]) {
		from--
	}
	for to < len(text) && isWordByte(text[to]) {
		to++
	}
	return text[from:to], from, to
}
