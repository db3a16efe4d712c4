package streams

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// piece is a token or a comment of a statement, as written.
type piece struct {
	kind    lexer.Kind // "" for a comment
	text    string
	newline bool // a line break stands before it
}

func (p piece) isComment() bool     { return p.kind == "" }
func (p piece) isLineComment() bool { return p.isComment() && strings.HasPrefix(p.text, "//") }
func (p piece) is(text string) bool {
	return (p.kind == lexer.Operator || p.kind == lexer.Bracket) && p.text == text
}

// part of an item: a token, a comment in the middle of it, or brackets with what is in them.
type formatPart struct {
	piece
	group *formatGroup
}

// formatItem is what stands between two commas.
type formatItem struct {
	before []piece // comments in front
	parts  []formatPart
	after  []piece // comments at the end of its last line
}

// formatGroup is a pair of brackets.
type formatGroup struct {
	open, close string
	items       []*formatItem
	end         []piece // comments in front of the closing bracket
}

// lexStatement takes a statement that expr's parser has read apart. comments are those inside it; offset is
// the place of its first character.
func lexStatement(text string, offset int, comments []comment) ([]piece, bool) {
	l := lexer.New()
	l.DisableIfOperator = true
	l.Reset(file.NewSource(text))
	bytes := byteIndex(text)
	var pieces []piece
	last := 0
	add := func(kind lexer.Kind, from, to int) {
		pieces = append(pieces, piece{kind, text[from:to], strings.Contains(text[last:from], "\n")})
		last = to
	}
	addComments := func(before int) {
		for len(comments) > 0 && comments[0].start-offset < before {
			c := comments[0]
			comments = comments[1:]
			if from := c.start - offset; from >= 0 && from < len(bytes) {
				add("", bytes[from], bytes[from]+len(c.text))
				pieces[len(pieces)-1].text = trimComment(c.text)
			}
		}
	}
	for {
		t, err := l.Next()
		if err != nil {
			return nil, false
		}
		if t.Kind == lexer.EOF {
			addComments(len(bytes))
			return pieces, true
		}
		addComments(t.From)
		add(t.Kind, bytes[t.From], bytes[t.To])
	}
}

// byteIndex returns the byte index of every character of text, and of its end.
func byteIndex(text string) []int {
	index := make([]int, 0, len(text)+1)
	for i := range text {
		index = append(index, i)
	}
	return append(index, len(text))
}

// trimComment removes blanks at the ends of a comment's lines.
func trimComment(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	return strings.Join(lines, "\n")
}

// treeOf puts the pieces of a statement below one another.
func treeOf(pieces []piece) *formatGroup {
	r := treeReader{pieces: pieces}
	g := &formatGroup{}
	r.fill(g)
	return g
}

type treeReader struct{ pieces []piece }

// fill reads items up to the closing bracket of g.
func (r *treeReader) fill(g *formatGroup) {
	item := &formatItem{}
	add := func() {
		if len(item.parts) > 0 || len(item.before) > 0 && g.close == "" {
			g.items = append(g.items, item)
		} else {
			g.end = append(g.end, item.before...)
		}
		item = &formatItem{}
	}
	for len(r.pieces) > 0 {
		p := r.pieces[0]
		r.pieces = r.pieces[1:]
		switch {
		case p.isComment() && len(item.parts) == 0:
			item.before = append(item.before, p)
		case p.is(","):
			item.cutAfter()
			done := item
			add()
			for _, c := range r.sameLine() {
				if !c.isLineComment() && r.atEnd() {
					done.parts = append(done.parts, formatPart{piece: c}) // the comma is going to be left out
				} else {
					done.after = append(done.after, c)
				}
			}
		case p.is(")") || p.is("]") || p.is("}"):
			g.end = append(g.end, item.cutEnd()...)
			add()
			return
		case p.kind == lexer.Bracket:
			inner := &formatGroup{open: p.text, close: string(closing[rune(p.text[0])])}
			r.fill(inner)
			item.parts = append(item.parts, formatPart{piece: p, group: inner})
		default:
			item.parts = append(item.parts, formatPart{piece: p})
		}
	}
	item.cutAfter()
	add()
}

// atEnd reports whether the brackets end here.
func (r *treeReader) atEnd() bool {
	return len(r.pieces) > 0 && (r.pieces[0].is(")") || r.pieces[0].is("]") || r.pieces[0].is("}"))
}

// sameLine takes the comments that stand behind a comma at the end of its line.
func (r *treeReader) sameLine() []piece {
	n := 0
	for n < len(r.pieces) && r.pieces[n].isComment() && !r.pieces[n].newline {
		n++
	}
	if end := (&treeReader{r.pieces[n:]}).atEnd(); n < len(r.pieces) && !r.pieces[n].newline && !end {
		// What follows them on the same line is what they are about, but for line comments.
		for n > 0 && !r.pieces[n-1].isLineComment() {
			n--
		}
	}
	taken := r.pieces[:n]
	r.pieces = r.pieces[n:]
	return taken
}

// cutAfter moves comments at the item's end that run to the end of the line to where they are printed: behind
// the comma.
func (x *formatItem) cutAfter() {
	for n := len(x.parts); n > 0 && x.parts[n-1].isLineComment(); n = len(x.parts) {
		x.after = slices.Insert(x.after, 0, x.parts[n-1].piece)
		x.parts = x.parts[:n-1]
	}
}

// cutEnd does so for the last item of brackets; comments on lines of their own belong to the brackets.
func (x *formatItem) cutEnd() []piece {
	from := len(x.parts)
	for from > 0 && x.parts[from-1].isComment() {
		from--
	}
	for ; from < len(x.parts); from++ {
		if x.parts[from].newline {
			break
		}
	}
	var end []piece
	for _, p := range x.parts[from:] {
		end = append(end, p.piece)
	}
	x.parts = x.parts[:from]
	x.cutAfter()
	return end
}
