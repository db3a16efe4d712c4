package streams

import (
	"fmt"
	"strconv"

	"github.com/expr-lang/expr/ast"
)

// matchFn reports whether a value fits a pattern.
type matchFn func(d Datum) bool

// compilePattern compiles match's pattern: a constant (equal by value; a list that is matched fits where
// it is equal), a list (any of its patterns), regex("…") (found anywhere in a string), a map (every key's
// value fits: fields of an event, keys of attributes), nil (missing). Numbers are equal by value.
func compilePattern(c *checker, n ast.Node) (Pattern, bool) {
	match, ok := c.compilePattern(n)
	if !ok {
		match = func(Datum) bool { return false }
	}
	return Pattern{Text: sourceText(n), match: match}, ok
}

func (c *checker) compilePattern(n ast.Node) (matchFn, bool) {
	switch n := n.(type) {
	case *ast.NilNode:
		return func(d Datum) bool { return d.Kind == Missing }, true
	case *ast.ArrayNode:
		any := make([]matchFn, len(n.Nodes))
		all := true
		for i, item := range n.Nodes {
			match, ok := c.compilePattern(item)
			any[i], all = match, all && ok
		}
		return func(d Datum) bool {
			for _, match := range any {
				if match(d) {
					return true
				}
			}
			return false
		}, all
	case *ast.MapNode:
		return c.compileMapPattern(n)
	case *ast.CallNode, *ast.BuiltinNode:
		if name := callName(n); name == "regex" {
			return c.compileRegexPattern(n)
		}
	}
	d, ok := compileConst(c, n)
	if !ok {
		return nil, false
	}
	if d.Kind == Missing {
		return func(d Datum) bool { return d.Kind == Missing }, true
	}
	return func(got Datum) bool { return equalValues(&got, &d) }, true
}

func (c *checker) compileRegexPattern(n ast.Node) (matchFn, bool) {
	var args []ast.Node
	switch n := n.(type) {
	case *ast.CallNode:
		args = n.Arguments
	case *ast.BuiltinNode:
		args = n.Arguments
	}
	if len(args) != 1 {
		c.problem(n, fmt.Sprintf("regex called with %s", plural(len(args), "argument")), `it is regex("pattern")`, "")
		return nil, false
	}
	d, ok := compileConst(c, args[0])
	if !ok {
		return nil, false
	}
	if d.Kind != String {
		c.problem(args[0], describe(args[0])+" is no string", `it is regex("pattern")`, "")
		return nil, false
	}
	matches, ok := c.compileRegexp(args[0], d.Str)
	if !ok {
		return nil, false
	}
	return func(d Datum) bool { return d.Kind == String && matches(d.Str) }, true
}

// compileMapPattern compiles {state: "ok", attributes: {dc: "eu"}}.
func (c *checker) compileMapPattern(n *ast.MapNode) (matchFn, bool) {
	var parts []patternPart
	all := true
	for _, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		key, ok := pair.Key.(*ast.StringNode)
		if !ok {
			c.problem(pair.Key, "a computed key", "the keys of a pattern are fields", "")
			all = false
			continue
		}
		x := patternPart{key: key.Value}
		if _, ok := fieldByName(key.Value); ok {
			x.field = FieldName{Name: key.Value}
		} else {
			x.field = FieldName{Name: "attributes", Attr: key.Value}
		}
		if x.match, ok = c.compilePattern(pair.Value); !ok {
			all = false
		}
		parts = append(parts, x)
	}
	return func(d Datum) bool {
		if d.Kind != EventKind && d.Kind != Map {
			return false
		}
		for i := range parts {
			if !parts[i].match(parts[i].of(&d)) {
				return false
			}
		}
		return true
	}, all
}

// patternPart is one key of a map pattern.
type patternPart struct {
	key   string
	field FieldName // of an event; a key that is no field is an attribute
	match matchFn
}

func (p *patternPart) of(d *Datum) Datum {
	if d.Kind == EventKind {
		return p.field.Get(d.Value.Event)
	}
	for _, a := range d.Pairs {
		if a.Key == p.key {
			return StringDatum(a.Value)
		}
	}
	return Datum{}
}

func pointNumber(text string) Datum {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return Datum{}
	}
	return FloatDatum(f)
}
