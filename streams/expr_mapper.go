package streams

import (
	"fmt"

	"github.com/expr-lang/expr/ast"

	"zeta/event"
)

// compileMapper compiles what smap and its relatives take: a fold's name, a fold called with points, a
// patch, an expression that gives an event or a window, or a list of patches and expressions, each of which
// gives one result.
func compileMapper(c *checker, n ast.Node) (m Mapper, ok bool) {
	nodes := []ast.Node{n}
	if list, isList := n.(*ast.ArrayNode); isList {
		nodes = list.Nodes
	}
	m, ok = Mapper{Text: sourceText(n), ones: make([]mapping, len(nodes))}, true
	for i, n := range nodes {
		one, takes, gives, fine := c.compileMapping(n)
		if takes != Either && m.takes != Either && takes != m.takes {
			c.problem(n, fmt.Sprintf("%s takes %v, what stands before it takes %v", describe(n), takes, m.takes), "all of a list get the same input", "give each a stream of its own")
			fine = false
		}
		if takes != Either {
			m.takes = takes
		}
		if i == 0 {
			m.gives = gives
		} else if gives != m.gives {
			m.gives = Either
		}
		m.ones[i], ok = one, ok && fine
	}
	return m, ok
}

// mapping makes one result; the zero Value is nil.
type mapping func(in *Input) (Value, error)

func (c *checker) compileMapping(n ast.Node) (one mapping, takes, out Kind, ok bool) {
	if _, isPatch := n.(*ast.MapNode); isPatch {
		p, ok := compilePatch(c, n)
		if !ok {
			return nil, Events, Events, false
		}
		return func(in *Input) (Value, error) {
			if in.Event == nil {
				return Value{}, nil
			}
			e := *in.Event
			p.apply(in, &e)
			return EventValue(&e), nil
		}, Events, Events, true
	}
	if spec, points, found, ok := c.compileFold(n); found {
		if !ok {
			return nil, Windows, Events, false
		}
		takes, out := Windows, Events
		if spec.List != nil {
			out = Windows
		}
		if c.acc {
			takes = Events
		}
		return foldMapping(spec, points, c.acc), takes, out, true
	}
	c.folds = identName(n) != ""
	x := c.compile(n)
	c.folds = false
	if x.failed {
		return nil, Either, Either, false
	}
	switch x.kind {
	case kindEvent:
		out = Events
	case kindWindow:
		out = Windows
	case kindAny, kindMissing:
		out = Either
	default:
		c.problem(n, fmt.Sprintf("%s is %s", describe(n), x.kind), "an event is expected: a fold, a patch such as {state: \"ok\"}, or event", mapperHint(n, x))
		return nil, Either, Either, false
	}
	eval := x.eval
	return func(in *Input) (Value, error) { d := eval(in); return d.Value, nil }, Either, out, true
}

func mapperHint(n ast.Node, x code) string {
	if x.kind == kindNumber {
		return fmt.Sprintf("write {metric: %s}", describe(n))
	}
	return ""
}

// foldMapping applies a fold to a window, to an event as a window of one, or to [acc, event].
func foldMapping(spec *FoldSpec, points Points, reduces bool) mapping {
	return func(in *Input) (Value, error) {
		w := in.Window
		if reduces {
			w = []*event.Event{in.Acc.Event, in.Event}
		} else if w == nil {
			if in.Event == nil {
				return Value{}, nil
			}
			w = []*event.Event{in.Event}
		}
		var now int64
		if in.rt != nil && in.rt.Clock != nil {
			now = in.rt.Clock.now
		}
		if spec.List != nil {
			list, err := spec.List(now, points, w)
			if err != nil {
				return Value{}, err
			}
			return WindowValue(list), nil
		}
		e, err := spec.One(now, w)
		if err != nil || e == nil {
			return Value{}, err
		}
		return EventValue(e), nil
	}
}

// compileFold reads a fold: a bare name, or a call with points. found is false if n is something else.
func (c *checker) compileFold(n ast.Node) (spec *FoldSpec, points Points, found, ok bool) {
	if id, isName := n.(*ast.IdentifierNode); isName {
		if _, bound := c.vars[id.Value]; bound {
			return nil, nil, false, false
		}
		spec, found = foldByName(id.Value)
		if !found {
			return nil, nil, false, false
		}
		if spec.Points {
			c.problem(n, id.Value+" without points", fmt.Sprintf("call it with points: %s([0, 0.5, 1])", id.Value), "")
			return spec, nil, true, false
		}
		return spec, nil, true, true
	}
	var args []ast.Node
	switch n := n.(type) {
	case *ast.CallNode:
		args = n.Arguments
	case *ast.BuiltinNode:
		args = n.Arguments
	default:
		return nil, nil, false, false
	}
	name := callName(n)
	spec, found = foldByName(name)
	if !found || !spec.Points && builtinIndex[name] != nil {
		return nil, nil, false, false
	}
	if !spec.Points {
		c.problem(n, "the fold "+name+" is called", "a fold is a bare name here", "write "+name)
		return spec, nil, true, false
	}
	if len(args) != 1 {
		c.problem(n, fmt.Sprintf("%s called with %s", name, plural(len(args), "argument")), "it takes a list of points, or a map of points to suffixes", "")
		return spec, nil, true, false
	}
	points, ok = compilePoints(c, args[0])
	return spec, points, true, ok
}

// compilePoints reads the points of percentiles and sortedSample: a list of numbers 0..1, or a map of them
// to the suffixes of the service. The default suffix is a space and the number.
func compilePoints(c *checker, n ast.Node) (Points, bool) {
	const want = "points are a list of numbers from 0 to 1, or a map of them to suffixes: {0.5: \" median\"}"
	var points Points
	add := func(at ast.Node, d Datum, suffix string) bool {
		p, ok := d.Number()
		if !ok || !(p >= 0 && p <= 1) {
			c.problem(at, describe(at)+" is no point", want, "")
			return false
		}
		points = append(points, Point{At: p, Suffix: suffix})
		return true
	}
	switch n := n.(type) {
	case *ast.ArrayNode:
		for _, item := range n.Nodes {
			d, ok := compileConst(c, item)
			if !ok || !add(item, d, " "+d.Text()) {
				return nil, false
			}
		}
		return points, true
	case *ast.MapNode:
		for _, p := range n.Pairs {
			pair := p.(*ast.PairNode)
			key, isKey := pair.Key.(*ast.StringNode)
			if !isKey {
				c.problem(pair.Key, "a computed point", want, "")
				return nil, false
			}
			suffix, ok := compileConst(c, pair.Value)
			if !ok {
				return nil, false
			}
			if suffix.Kind != String {
				c.problem(pair.Value, describe(pair.Value)+" is no suffix", want, "")
				return nil, false
			}
			if !add(key, pointNumber(key.Value), suffix.Str) {
				return nil, false
			}
		}
		return points, true
	}
	d, ok := compileConst(c, n)
	if !ok {
		return nil, false
	}
	if d.Kind != List {
		c.problem(n, describe(n)+" is no list of points", want, "")
		return nil, false
	}
	for _, item := range d.List {
		if !add(n, item, " "+item.Text()) {
			return nil, false
		}
	}
	return points, true
}
