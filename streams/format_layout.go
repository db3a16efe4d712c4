package streams

import (
	"slices"

	"github.com/expr-lang/expr/parser/lexer"
)

// The indentation of what is broken over several lines.
const (
	childIndent = 2 // a stream below its operator, an item of a list or a map
	continued   = 4 // the rest of an argument or of an expression
)

// statementHeads says for the words that are no operators how many arguments stand on their first line.
var statementHeads = map[string]int{"def": 1, "include": 1, "test": 1, "property": 1, "over": 1, "never": 2, "always": 2, "eventually": 2, "atMost": 3, "at": 1, "expect": 2, "event": 1, "id": 1, "regex": 1, "env": 1}

// heads returns how many arguments a call takes before its streams, -1 if that is not known, and
// whether pairs of a condition and a stream follow.
func heads(name string) (n int, cases bool) {
	if n, ok := statementHeads[name]; ok {
		return n, false
	}
	r := registry[name]
	if r == nil {
		return -1, false
	}
	for i := range r.fields {
		if f := &r.fields[i]; f.place == placeArg {
			if f.typ == typeCases {
				return n, true
			}
			if f.isBranch() || f.optional {
				break
			}
			n++
		}
	}
	return n, false
}

// hasElse reports whether a call takes else(…), which is then put last.
func hasElse(name string) bool {
	r := registry[name]
	return r != nil && slices.ContainsFunc(r.fields, func(f optionField) bool { return f.place == placeElse })
}

// called returns the name and the brackets of an item that is a call of a plain name and nothing else.
func (x *formatItem) called() (name string, g *formatGroup) {
	if len(x.parts) == 2 && x.parts[0].kind == lexer.Identifier && x.parts[1].group != nil && x.parts[1].group.open == "(" {
		return x.parts[0].text, x.parts[1].group
	}
	return "", nil
}

// isChild reports whether an argument reads as a stream (or, in a test, as a step): only its look is known.
func (x *formatItem) isChild() bool {
	if len(x.parts) == 1 && x.parts[0].kind == lexer.Identifier {
		name := x.parts[0].text
		_, isFold := foldByName(name)
		return !isFold && !slices.Contains(eventFields, name) && !slices.Contains([]string{"true", "false", "nil", "event", "acc"}, name)
	}
	name, g := x.called()
	if g == nil || name == "env" || name == "regex" {
		return false
	}
	if _, isFunction := findBuiltin(name); isFunction {
		return slices.ContainsFunc(g.items, (*formatItem).isChild)
	}
	return true
}

// elseLast moves the else(…) of every call that takes one behind its other children.
func (g *formatGroup) elseLast() {
	for _, x := range g.items {
		for _, p := range x.parts {
			if p.group != nil {
				p.group.elseLast()
			}
		}
		if name, call := x.called(); call != nil && hasElse(name) {
			slices.SortStableFunc(call.items, func(a, b *formatItem) int { return a.elseRank() - b.elseRank() })
		}
	}
}

func (x *formatItem) elseRank() int {
	if name, _ := x.called(); name == "else" {
		return 1
	}
	return 0
}

// layout lays out an item; indent is that of its further lines.
func (x *formatItem) layout(indent int) *layout {
	var parts []*layout
	for i, c := range x.before {
		parts = append(parts, textLayout(c.text))
		next := piece{newline: len(x.parts) > 0 && x.parts[0].newline}
		if i+1 < len(x.before) {
			next = x.before[i+1]
		}
		if c.isLineComment() || next.newline {
			parts = append(parts, breakLayout)
		} else {
			parts = append(parts, textLayout(" "))
		}
	}
	return concatLayout(append(parts, x.expression(indent))...)
}

// expression lays out the parts of an item.
func (x *formatItem) expression(indent int) *layout {
	s := spacing{}
	var chunks [][]*layout // between them lines may be broken
	chunk := []*layout{}
	for i := range x.parts {
		p := &x.parts[i]
		gap := s.before(p)
		if i > 0 && x.parts[i-1].isLineComment() {
			gap = ""
		}
		if gap == breakable {
			chunks, chunk = append(chunks, chunk), []*layout{}
		} else if gap != "" {
			chunk = append(chunk, textLayout(gap))
		}
		switch {
		case p.isLineComment():
			chunk = append(chunk, textLayout(p.text), breakLayout)
		case p.group != nil && p.group.open == "(" && s.call:
			name := ""
			if i == 1 || i > 1 && !x.parts[i-2].is(".") {
				name = x.parts[i-1].text
			}
			chunk = append(chunk, p.group.call(name))
		case p.group != nil:
			chunk = append(chunk, p.group.brackets())
		default:
			chunk = append(chunk, textLayout(p.text))
		}
	}
	out := []*layout{concatLayout(chunksAt(chunks, chunk, 0)...)}
	for i := 1; i <= len(chunks); i++ {
		out = append(out, nestLayout(indent, groupLayout(append([]*layout{lineLayout}, chunksAt(chunks, chunk, i)...)...)))
	}
	return concatLayout(out...)
}

func chunksAt(chunks [][]*layout, last []*layout, i int) []*layout {
	if i < len(chunks) {
		return chunks[i]
	}
	return last
}

// separate lays out what stands between an item and the next: the comma, comments, and gap.
func (x *formatItem) separate(gap *layout) *layout {
	if len(x.after) == 0 {
		return concatLayout(textLayout(","), gap)
	}
	return concatLayout(textLayout(","), x.trailing(), breakLayout)
}

// trailing lays out the comments at the end of the item's line.
func (x *formatItem) trailing() *layout {
	var parts []*layout
	for i, c := range x.after {
		if i > 0 && x.after[i-1].isLineComment() {
			parts = append(parts, breakLayout, textLayout(c.text))
		} else {
			parts = append(parts, textLayout(" "+c.text))
		}
	}
	return concatLayout(parts...)
}

// closed ends brackets whose items are indented by indent.
func (g *formatGroup) closed(parts []*layout, indent int) *layout {
	var last *formatItem
	if len(g.items) > 0 {
		last = g.items[len(g.items)-1]
	}
	if last != nil && len(last.after) > 0 {
		parts = append(parts, last.trailing())
	}
	for i, c := range g.end {
		gap := breakLayout
		if i == 0 && last == nil && !c.newline {
			gap = textLayout("")
		} else if !c.newline && i > 0 && !g.end[i-1].isLineComment() {
			gap = textLayout(" ")
		}
		parts = append(parts, nestLayout(indent, gap, textLayout(c.text)))
	}
	alone := len(g.end) > 0 && (last != nil || g.end[0].newline || slices.ContainsFunc(g.end, piece.isLineComment))
	if alone || last != nil && len(last.after) > 0 {
		parts = append(parts, breakLayout)
	}
	return groupLayout(append(parts, textLayout(g.close))...)
}

// call lays out the brackets of a call: arguments on the first line, streams each on its own where they do not fit.
func (g *formatGroup) call(name string) *layout {
	first, cases := heads(name)
	if first < 0 || !cases {
		for first = max(first, 0); first < len(g.items) && !g.items[first].isChild(); first++ {
		}
	}
	first = min(first, len(g.items))
	base := 0 // of a list or a map among the arguments, which is to stand out from the streams
	if first < len(g.items) {
		base = childIndent
	}
	parts := []*layout{textLayout(g.open)}
	var args []*layout
	if first > 0 && g.items[0].beginsWithLineComment() {
		if args = append(args, textLayout(" ")); g.items[0].before[0].newline {
			args[0] = breakLayout
		}
	}
	for i, x := range g.items[:first] {
		switch {
		case i == 0:
		case len(g.items[i-1].after) > 0 || x.isBrackets():
			args = append(args, g.items[i-1].separate(textLayout(" ")))
		default:
			args = append(args, textLayout(","), groupLayout(nestLayout(continued-base, lineLayout), x.layout(continued-base)))
			continue
		}
		args = append(args, x.layout(continued-base))
	}
	parts = append(parts, nestLayout(base, args...))
	var streams []*layout
	for i, x := range g.items[first:] {
		gap := lineLayout
		switch before := first + i - 1; {
		case before < 0:
			streams = append(streams, softLayout)
		case i > 0 && !g.items[before].isChild():
			gap = textLayout(" ")
			fallthrough
		default:
			streams = append(streams, g.items[before].separate(gap))
		}
		streams = append(streams, x.layout(continued))
	}
	parts = append(parts, nestLayout(childIndent, streams...))
	return g.closed(parts, childIndent)
}

func (x *formatItem) beginsWithLineComment() bool {
	return len(x.before) > 0 && x.before[0].isLineComment()
}

// isBrackets reports whether an item is a list or a map: it stays on the line and is broken inside.
func (x *formatItem) isBrackets() bool {
	return len(x.before) == 0 && len(x.parts) == 1 && x.parts[0].group != nil
}

// brackets lays out a list, a map, or an expression in brackets.
func (g *formatGroup) brackets() *layout {
	parts := []*layout{textLayout(g.open)}
	if g.open == "(" || len(g.items) == 0 {
		for _, x := range g.items {
			parts = append(parts, x.layout(continued))
		}
		return g.closed(parts, childIndent)
	}
	filled := g.open == "[" && !slices.ContainsFunc(g.items, func(x *formatItem) bool { return len(x.before)+len(x.after) > 0 || len(x.parts) > 2 || x.isBrackets() })
	items := []*layout{softLayout}
	if filled || len(g.items) == 1 && g.items[0].isBrackets() {
		items = nil
	}
	for i, x := range g.items {
		switch {
		case i == 0:
			items = append(items, x.layout(continued))
		case filled && len(g.items[i-1].after) == 0:
			items = append(items, textLayout(","), groupLayout(lineLayout, x.layout(continued)))
		default:
			items = append(items, g.items[i-1].separate(lineLayout), x.layout(continued))
		}
	}
	return g.closed(append(parts, nestLayout(childIndent, items...)), childIndent)
}
