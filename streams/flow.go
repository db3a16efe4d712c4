package streams

import (
	"fmt"
	"reflect"

	"github.com/expr-lang/expr/ast"
)

// flow reports a stream that gets what it does not take. taker says who in a let takes it; "": the stream itself.
func (c *compiler) flow(n ast.Node, name string, x context, takes Kind, taker string) {
	if x.given != nil {
		if taker == "" {
			taker = c.placed(name, n)
		}
		c.need(n, name, x.given, takes, taker)
		return
	}
	giver := x.giver
	if giver == "" {
		giver = "the top level"
	}
	if taker != "" {
		taker = " (" + taker + ")"
	}
	if (takes == Events || takes == Windows) && (x.in == Events || x.in == Windows) && takes != x.in {
		c.report(n.Location(), name, fmt.Sprintf("takes %v%s, %s gives %v", takes, taker, giver, x.in), "", bridge(takes))
	}
}

// bridge says how to come to what a stream takes.
func bridge(takes Kind) string {
	if takes == Events {
		return "put a fold between them, e.g. smap(mean, …)"
	}
	return `put a window between them, e.g. fixedTimeWindow("1m", …)`
}

// need notes that what reaches a let has to be of the kind takes, which its uses are held to; a let that is to get
// both kinds suits nobody.
func (c *compiler) need(n ast.Node, name string, l *let, takes Kind, taker string) {
	switch {
	case takes != Events && takes != Windows || takes == l.takes:
	case l.takes == Either:
		l.takes, l.taker = takes, taker
	default:
		c.report(n.Location(), name, fmt.Sprintf("takes %v, but %s gets %v for %s", takes, l.name, l.takes, l.taker), "", bridge(takes))
	}
}

// placed is a name with its place.
func (c *compiler) placed(name string, n ast.Node) string {
	at := c.src.position(n.Location().From)
	return fmt.Sprintf("%s at %s:%d:%d", name, at.file, at.line, at.col)
}

// passesKind reports whether the operator gives what it is given, events or windows.
func (r *registration) passesKind(opts reflect.Value) bool {
	if r.gives == nil {
		return r.Out == Either
	}
	return r.gives(opts, Events) == Events && r.gives(opts, Windows) == Windows
}

// meet notes what a use of a pipe's marker gives the next stage.
func (s *slot) meet(x context) {
	if s.used && (s.in != x.in || s.given != x.given) {
		x.in, x.given = Unknown, nil
	}
	s.used, s.in, s.giver, s.given = true, x.in, x.giver, x.given
}
