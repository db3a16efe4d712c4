package streams

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// Coverage says what the tests of rules loaded with LoadOptions.Coverage have reached, all runs of them together.
// The uses of a template count as one.
type Coverage struct {
	Conditions int // conditions that are written in the rules
	BothWays   int // those that have held and have not held
	Streams    int // operators and sinks
	Ran        int // those that anything came to
	Gaps       []Gap
}

// Gap is something that no test has reached.
type Gap struct {
	Pos      string // file:line:col
	Operator string
	Text     string // "never ran", "never true: …" or "never false: …"

	offset int
}

// condCover counts how a condition has come out.
type condCover struct {
	offset  int // where it is written
	pos     string
	name    string // of the operator
	text    string
	yes, no uint64
}

// covered returns test, which counts what it says if the rules are loaded for that.
func (d *decoder) covered(test testFn, n ast.Node) testFn {
	if !d.c.opts.Coverage || test == nil {
		return test
	}
	from := beginning(n)
	at := d.c.src.position(from)
	cover := &condCover{offset: from, pos: fmt.Sprintf("%s:%d:%d", at.file, at.line, at.col), name: d.r.Name, text: sourceText(n)}
	d.c.covers = append(d.c.covers, cover)
	return func(in *Input) bool {
		if test(in) {
			cover.yes++
			return true
		}
		cover.no++
		return false
	}
}

// beginning is where an expression begins; the place of "a > b" is that of the >.
func beginning(n ast.Node) int {
	from := nodeLocation(n).From
	for _, child := range below(n) {
		if *child != nil {
			from = min(from, beginning(*child))
		}
	}
	return from
}

// Coverage returns what has been reached since the rules were loaded. What follows a stream that never ran is not
// told: it cannot have run either.
func (r *Rules) Coverage() Coverage {
	var c Coverage
	r.coverStreams(&c)
	r.coverConditions(&c)
	slices.SortFunc(c.Gaps, func(a, b Gap) int { return cmp.Compare(a.offset, b.offset) })
	return c
}

// coverStreams tells of the streams that never ran.
func (r *Rules) coverStreams(c *Coverage) {
	first := map[int]*node{} // by where it is written
	ran := map[int]bool{}
	for _, n := range r.places {
		if n.let != nil && !n.let.live {
			continue
		}
		if at := n.at.From; first[at] == nil {
			first[at] = n
		}
		ran[n.at.From] = ran[n.at.From] || n.events > 0
	}
	behind := map[int]bool{} // something that never ran
	for _, n := range r.places {
		if !ran[n.at.From] {
			for _, o := range n.outlets {
				mark(*o.part, behind)
			}
			mark(n.next, behind)
		}
	}
	for at, n := range first {
		c.Streams++
		switch {
		case ran[at]:
			c.Ran++
		case !behind[at]:
			text := "never ran"
			if n.let != nil {
				text += ", in let " + n.let.name
			}
			c.Gaps = append(c.Gaps, Gap{Pos: n.pos, Operator: n.name, Text: text, offset: at})
		}
	}
}

// mark marks the places where p begins.
func mark(p part, marked map[int]bool) {
	switch p := p.(type) {
	case *node:
		marked[p.at.From] = true
	case fan:
		for _, p := range p {
			mark(p, marked)
		}
	case *pipeline:
		for _, p := range p.stages {
			mark(p, marked)
		}
	}
}

// coverConditions tells of the conditions that came out one way only. One that was never asked stands at a stream
// that never ran, or behind a condition that decided alone.
func (r *Rules) coverConditions(c *Coverage) {
	sums := map[int]condCover{}
	for _, cover := range r.covers {
		sum := sums[cover.offset]
		yes, no := sum.yes+cover.yes, sum.no+cover.no
		sum = *cover
		sum.yes, sum.no = yes, no
		sums[cover.offset] = sum
	}
	for at, s := range sums {
		c.Conditions++
		text := "never true: "
		switch {
		case s.yes > 0 && s.no > 0:
			c.BothWays++
			continue
		case s.yes == 0 && s.no == 0:
			continue
		case s.yes > 0:
			text = "never false: "
		}
		c.Gaps = append(c.Gaps, Gap{Pos: s.pos, Operator: s.name, Text: text + clip(s.text), offset: at})
	}
}
