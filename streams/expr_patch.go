package streams

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"

	"zeta/event"
)

// patchFn changes the copy e, reading the original from in.
type patchFn func(in *Input, e *event.Event)

// patchChange sets one field to the value of an expression.
type patchChange struct {
	field FieldName
	eval  evalFn
}

// compilePatch compiles a map literal as a patch on an event: every value is an expression over the event
// as it was; a missing one removes the field. Attributes are set one by one, {"attributes.dc": "eu"} or
// {attributes: {dc: "eu"}}, the others stay; {attributes: nil} removes them all.
func compilePatch(c *checker, n ast.Node) (Patch, bool) {
	m, ok := n.(*ast.MapNode)
	if !ok {
		c.problem(n, describe(n)+" is no patch", "a patch is a map of fields: {state: \"ok\", metric: metric * 2}", "")
		return Patch{}, false
	}
	var changes []patchChange
	failed := false
	seen := map[FieldName]bool{}
	add := func(key ast.Node, f FieldName, x code) {
		failed = failed || x.failed
		if seen[f] {
			c.problem(key, fmt.Sprintf("%s is set twice", f), "", "")
			failed = true
		}
		seen[f] = true
		changes = append(changes, patchChange{f, x.eval})
	}
	for _, p := range m.Pairs {
		pair := p.(*ast.PairNode)
		key, ok := pair.Key.(*ast.StringNode)
		if !ok {
			c.problem(pair.Key, "a computed key", "the keys of a patch are fields", "")
			failed = true
			continue
		}
		f, ok := c.patchField(key)
		if !ok {
			failed = true
			continue
		}
		if attrs, ok := pair.Value.(*ast.MapNode); ok && f.Name == "attributes" && f.Attr == "" {
			for _, q := range attrs.Pairs {
				attr := q.(*ast.PairNode)
				name, ok := attr.Key.(*ast.StringNode)
				if !ok || name.Value == "" {
					c.problem(attr.Key, "no attribute's name", "the keys of attributes are names or strings", "")
					failed = true
					continue
				}
				f := FieldName{Name: "attributes", Attr: name.Value}
				add(name, f, c.compileFieldValue(attr.Value, f))
			}
			continue
		}
		add(key, f, c.compileFieldValue(pair.Value, f))
	}
	if failed {
		return Patch{}, false
	}
	// All of attributes first, so that single ones hold beside it.
	slices.SortStableFunc(changes, func(a, b patchChange) int {
		return boolRank(a.field.Attr != "") - boolRank(b.field.Attr != "")
	})
	return Patch{Text: sourceText(n), apply: patchOf(changes)}, true
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// patchField reads a key of a patch.
func (c *checker) patchField(key *ast.StringNode) (FieldName, bool) {
	const prefix = "attributes."
	if len(key.Value) > len(prefix) && key.Value[:len(prefix)] == prefix {
		return FieldName{Name: "attributes", Attr: key.Value[len(prefix):]}, true
	}
	if _, ok := fieldByName(key.Value); ok {
		return FieldName{Name: key.Value}, true
	}
	c.problem(key, "an event has no field "+key.Value,
		"an event has host, service, state, metric, description, tags, time, ttl; attributes are \"attributes.NAME\"", didYouMean(key.Value, eventFields))
	return FieldName{}, false
}

// compileFieldValue compiles a value for a field and checks its kind.
func (c *checker) compileFieldValue(n ast.Node, f FieldName) code {
	x := c.compile(n)
	if x.failed {
		return x
	}
	want := field{name: f.Name, attr: f.Attr, one: f.Attr != ""}.kind()
	if f.Name == "ttl" && x.konst && x.kind == kindString {
		d, ok := ParseDuration(x.val.Str)
		if !ok {
			return c.fail(n, fmt.Sprintf("%q is no duration", x.val.Str), `a ttl is seconds or a duration such as "5m"`, "")
		}
		return constCode(FloatDatum(d.Seconds()))
	}
	if !x.kind.fits(want) {
		return c.wrongKind(n, x, f.String(), want.String())
	}
	if f.Name == "tags" && x.kind == kindList && !x.elem.fits(kindString) {
		return c.fail(n, describe(n)+" holds "+plainKind(x.elem), "tags are strings", "")
	}
	return x
}

func patchOf(changes []patchChange) patchFn {
	if len(changes) == 1 {
		f, eval := changes[0].field, changes[0].eval
		return func(in *Input, e *event.Event) { f.Set(e, eval(in)) }
	}
	return func(in *Input, e *event.Event) {
		for i := range changes {
			changes[i].field.Set(e, changes[i].eval(in))
		}
	}
}

// compileFieldName reads the name of a field that can be set: metric, attributes.dc, attributes["any key"].
func compileFieldName(c *checker, n ast.Node) (FieldName, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if _, ok := fieldByName(n.Value); ok {
			return FieldName{Name: n.Value}, true
		}
		if n.Value != "event" {
			c.problem(n, "an event has no field "+n.Value,
				"an event has host, service, state, metric, description, tags, time, ttl; attributes are attributes.NAME", didYouMean(n.Value, eventFields))
			return FieldName{}, false
		}
	case *ast.MemberNode:
		of, ok1 := n.Node.(*ast.IdentifierNode)
		key, ok2 := n.Property.(*ast.StringNode)
		if ok1 && ok2 && of.Value == "attributes" && key.Value != "" {
			return FieldName{Name: "attributes", Attr: key.Value}, true
		}
	case *ast.StringNode:
		if _, ok := fieldByName(n.Value); ok {
			c.problem(n, describe(n)+" is a string", "a field is a bare name", "write "+n.Value)
			return FieldName{}, false
		}
	}
	c.problem(n, describe(n)+" is no field", "a field is a bare name: state, metric, attributes.NAME", "")
	return FieldName{}, false
}

// compileKeys compiles what by takes: one expression or a list of them.
func compileKeys(c *checker, n ast.Node) (Keys, bool) {
	nodes := []ast.Node{n}
	if list, ok := n.(*ast.ArrayNode); ok {
		nodes = list.Nodes
		if len(nodes) == 0 {
			c.problem(n, "no keys", "a field, an expression or a list of them", "")
			return nil, false
		}
	}
	keys, ok := make(Keys, 0, len(nodes)), true
	for _, node := range nodes {
		x := c.compile(node)
		ok = ok && !x.failed
		if !x.failed && x.konst {
			hint := ""
			if s, ok := node.(*ast.StringNode); ok && slices.Contains(eventFields, s.Value) {
				hint = "write " + s.Value + " without quotes"
			}
			c.problem(node, describe(node)+" is the same for all events", "a key is a field or an expression over the event", hint)
			ok = false
		}
		keys = append(keys, x.expr(sourceText(node)))
	}
	return keys, ok
}

// expr returns x as operators use it, to be bound to a scope.
func (x code) expr(text string) Expr {
	e := Expr{Text: text, kind: x.kind, static: x.static, eval: x.eval}
	if x.field.isField() {
		e.field = FieldName{Name: x.field.name, Attr: x.field.attr}
	}
	return e
}
