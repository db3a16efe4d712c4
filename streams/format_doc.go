package streams

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// The measures of the layout, in characters.
const (
	formatWidth     = 100
	formatMaxIndent = 60 // deeper parts are not moved further to the right
)

// layout is a text with the places where its lines may be broken.
type layout struct {
	kind  layoutKind
	text  string
	parts []*layout
	nest  int
	hard  bool // holds a line break that is always taken, so that the groups around it are broken
}

type layoutKind uint8

const (
	layoutText  layoutKind = iota
	layoutLine             // a blank or, in a broken group, a line break
	layoutSoft             // nothing or, in a broken group, a line break
	layoutBreak            // always a line break
	layoutConcat
	layoutNest  // its line breaks are indented further
	layoutGroup // all its own line breaks are taken or none
)

var (
	lineLayout  = &layout{kind: layoutLine}
	softLayout  = &layout{kind: layoutSoft}
	breakLayout = &layout{kind: layoutBreak, hard: true}
)

func textLayout(s string) *layout { return &layout{text: s} }

func concatLayout(parts ...*layout) *layout {
	return withParts(&layout{kind: layoutConcat}, parts)
}

func nestLayout(by int, parts ...*layout) *layout {
	return withParts(&layout{kind: layoutNest, nest: by}, parts)
}

func groupLayout(parts ...*layout) *layout {
	return withParts(&layout{kind: layoutGroup}, parts)
}

func withParts(d *layout, parts []*layout) *layout {
	d.parts = parts
	for _, p := range parts {
		d.hard = d.hard || p.hard
	}
	return d
}

// pending is a layout still to be printed.
type pending struct {
	d      *layout
	indent int
	flat   bool
}

// printLayout prints d with the first line beginning at column col.
func printLayout(d *layout, col int) string {
	var b []byte
	stack := []pending{{d: d}}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		switch d := p.d; d.kind {
		case layoutText:
			b = append(b, d.text...)
			if i := strings.LastIndexByte(d.text, '\n'); i >= 0 {
				col = utf8.RuneCountInString(d.text[i+1:])
			} else {
				col += utf8.RuneCountInString(d.text)
			}
		case layoutLine, layoutSoft, layoutBreak:
			if p.flat && d.kind != layoutBreak {
				if d.kind == layoutLine {
					b = append(b, ' ')
					col++
				}
				break
			}
			col = min(p.indent, formatMaxIndent)
			b = append(bytes.TrimRight(b, " "), '\n')
			b = append(b, strings.Repeat(" ", col)...)
		case layoutConcat:
			stack = push(stack, d.parts, p.indent, p.flat)
		case layoutNest:
			stack = push(stack, d.parts, p.indent+d.nest, p.flat)
		case layoutGroup:
			flat := p.flat || !d.hard && fitsLine(d, stack, formatWidth-col)
			stack = push(stack, d.parts, p.indent, flat)
		}
	}
	return string(b)
}

func push(stack []pending, parts []*layout, indent int, flat bool) []pending {
	for i := len(parts) - 1; i >= 0; i-- {
		stack = append(stack, pending{parts[i], indent, flat})
	}
	return stack
}

// fitsLine reports whether d, on one line, and what follows it up to the next place for a line break need no
// more than room characters.
func fitsLine(d *layout, rest []pending, room int) bool {
	stack := []pending{{d: d, flat: true}}
	for room >= 0 {
		if len(stack) == 0 {
			if len(rest) == 0 {
				return true
			}
			stack = append(stack, rest[len(rest)-1])
			rest = rest[:len(rest)-1]
		}
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		switch d := p.d; d.kind {
		case layoutText:
			line, _, more := strings.Cut(d.text, "\n")
			if room -= utf8.RuneCountInString(line); more {
				return room >= 0
			}
		case layoutBreak:
			return true
		case layoutLine, layoutSoft:
			if !p.flat {
				return true
			}
			if d.kind == layoutLine {
				room--
			}
		default:
			stack = push(stack, d.parts, 0, p.flat)
		}
	}
	return false
}
