package streams

import (
	"fmt"

	"github.com/expr-lang/expr/ast"

	"zeta/event"
)

// compileEquality compiles == and !=. != is the negation of ==; only the literal nil tests for missing.
func (c *checker) compileEquality(n *ast.BinaryNode) code {
	if x, ok := c.misplacedNot(n); ok {
		return x
	}
	a, b := c.compile(n.Left), c.compile(n.Right)
	if a.failed || b.failed {
		return failedCode()
	}
	var test testFn
	switch {
	case a.kind == kindMissing && b.kind == kindMissing:
		test = func(*Input) bool { return true }
	case b.kind == kindMissing:
		c.lintNeverMissing(n, n.Left, a)
		test = missingTest(a)
	case a.kind == kindMissing:
		c.lintNeverMissing(n, n.Right, b)
		test = missingTest(b)
	case !a.kind.fits(b.kind):
		return c.fail(n, fmt.Sprintf("%s is %s, %s is %s", describe(n.Left), a.kind, describe(n.Right), b.kind),
			fmt.Sprintf("the two sides of %s are of one kind", n.Operator), equalityHint(n, a, b))
	default:
		test = equalTest(a, b)
	}
	if n.Operator == "!=" {
		c.lintUnequal(n, a, b)
		test = negate(test, a, b)
	}
	return testCode(test).from(a, b)
}

func equalityHint(n *ast.BinaryNode, a, b code) string {
	switch {
	case a.kind == kindList && a.elem.fits(b.kind):
		return fmt.Sprintf("write %s in %s", describe(n.Right), describe(n.Left))
	case b.kind == kindList && b.elem.fits(a.kind):
		return fmt.Sprintf("write %s in %s", describe(n.Left), describe(n.Right))
	case b.konst && a.field.isField() && a.kind == kindString && b.kind == kindNumber:
		return fmt.Sprintf(`write %s %s "%s"`, describe(n.Left), n.Operator, b.val.Text())
	case b.konst && a.field.isField() && a.kind == kindNumber && b.kind == kindString && pointNumber(b.val.Str).Kind != Missing:
		return fmt.Sprintf("write %s %s %s", describe(n.Left), n.Operator, b.val.Str)
	}
	return ""
}

// misplacedNot finds not state == "ok" and not state in […], which are read as (not state) == ….
func (c *checker) misplacedNot(n *ast.BinaryNode) (code, bool) {
	not, ok := n.Left.(*ast.UnaryNode)
	if !ok || not.Operator != "not" && not.Operator != "!" {
		return code{}, false
	}
	if x := c.quietly(not.Node); x.failed || x.kind == kindBool {
		return code{}, false
	}
	left, right := describe(not.Node), describe(n.Right)
	better := fmt.Sprintf("%s not %s %s", left, n.Operator, right)
	switch n.Operator {
	case "==":
		better = fmt.Sprintf("%s != %s", left, right)
	case "!=":
		better = fmt.Sprintf("%s == %s", left, right)
	case "<", "<=", ">", ">=":
		better = fmt.Sprintf("not (%s %s %s)", left, n.Operator, right)
	}
	return c.fail(not, fmt.Sprintf("%s here negates %s alone: it is read as (%s %s) %s %s", not.Operator, left, not.Operator, left, n.Operator, right),
		"", "write "+better), true
}

// missingTest tests for nil.
func missingTest(x code) testFn {
	if x.field.isField() {
		if bit, ok := presenceOf(x.field); ok {
			return func(in *Input) bool { e := in.Event; return e == nil || e.Has&bit == 0 }
		}
	}
	switch {
	case x.never && !x.field.isField():
		return func(*Input) bool { return false }
	case x.kind == kindNumber:
		num := x.num
		return func(in *Input) bool { return num(in).kind == Missing }
	case x.kind == kindString:
		str := x.str
		return func(in *Input) bool { _, ok := str(in); return !ok }
	}
	eval := x.eval
	return func(in *Input) bool { d := eval(in); return d.Kind == Missing }
}

// presenceOf returns the bits that say that a field is there.
func presenceOf(f field) (event.Presence, bool) {
	switch f.name {
	case "host":
		return event.HasHost, true
	case "service":
		return event.HasService, true
	case "state":
		return event.HasState, true
	case "description":
		return event.HasDescription, true
	case "metric":
		return event.HasMetric, true
	case "time":
		return event.HasTime, true
	case "ttl":
		return event.HasTTL, true
	}
	return 0, false
}

// equalTest compares by value; a missing operand equals nothing.
func equalTest(a, b code) testFn {
	if a.konst && !b.konst {
		a, b = b, a
	}
	switch {
	case a.kind == kindNumber && b.kind == kindNumber:
		if b.konst && a.field.name == "metric" {
			if test := metricTest("==", b.val.scalar()); test != nil {
				return test
			}
		}
		an, bn := a.num, b.num
		return func(in *Input) bool { c, ok := compareScalars(an(in), bn(in)); return ok && c == 0 }
	case a.kind == kindString && b.kind == kindString:
		if b.konst {
			return equalsText(a, b.val.Str)
		}
		as, bs := a.str, b.str
		return func(in *Input) bool {
			x, ok := as(in)
			if !ok {
				return false
			}
			y, ok := bs(in)
			return ok && x == y
		}
	}
	ae, be := a.eval, b.eval
	return func(in *Input) bool {
		x, y := ae(in), be(in)
		return x.Kind != Missing && equalValues(&x, &y)
	}
}

// equalValues is == of rules: like Equal, but NaN equals nothing.
func equalValues(a, b *Datum) bool {
	if a.Kind == Float && a.Float != a.Float {
		return false
	}
	return a.Equal(*b)
}

// negate returns the test that holds where t does not.
func negate(t testFn, a, b code) testFn {
	if b.konst && b.kind == kindString && a.field.isField() {
		if test := differsFromText(a.field, b.val.Str); test != nil {
			return test
		}
	}
	return func(in *Input) bool { return !t(in) }
}

// compileOrder compiles <, <=, > and >=, of two numbers or two strings.
func (c *checker) compileOrder(n *ast.BinaryNode) code {
	if x, ok := c.misplacedNot(n); ok {
		return x
	}
	a, b := c.compile(n.Left), c.compile(n.Right)
	if a.failed || b.failed {
		return failedCode()
	}
	op := n.Operator
	for i, x := range [...]code{a, b} {
		side := [...]ast.Node{n.Left, n.Right}[i]
		switch x.kind {
		case kindNumber, kindString, kindAny:
		case kindMissing:
			return c.fail(side, op+" with nil is never true", "", "test for a missing value with == nil")
		default:
			return c.wrongKind(side, x, op, "numbers or strings")
		}
	}
	switch {
	case !a.kind.fits(b.kind):
		return c.fail(n, fmt.Sprintf("%s is %s, %s is %s", describe(n.Left), a.kind, describe(n.Right), b.kind),
			fmt.Sprintf("the two sides of %s are both numbers or both strings", op), "")
	case a.kind == kindNumber || b.kind == kindNumber:
		return testCode(orderNumbers(op, a, b)).from(a, b)
	case a.kind == kindString || b.kind == kindString:
		as, bs := a.asString(), b.asString()
		holds := orderHolds(op)
		return testCode(func(in *Input) bool {
			x, ok := as(in)
			if !ok {
				return false
			}
			y, ok := bs(in)
			return ok && holds(compareText(x, y))
		}).from(a, b)
	}
	ae, be := a.eval, b.eval
	holds := orderHolds(op)
	return testCode(func(in *Input) bool {
		x, y := ae(in), be(in)
		if x.Kind == String && y.Kind == String {
			return holds(compareText(x.Str, y.Str))
		}
		c, ok := compareScalars(x.scalar(), y.scalar())
		return ok && holds(c)
	}).from(a, b)
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// orderHolds returns which results of a comparison make op true.
func orderHolds(op string) func(c int) bool {
	switch op {
	case "<":
		return func(c int) bool { return c < 0 }
	case "<=":
		return func(c int) bool { return c <= 0 }
	case ">":
		return func(c int) bool { return c > 0 }
	}
	return func(c int) bool { return c >= 0 }
}

// mirrored is op with its sides exchanged.
var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}

func orderNumbers(op string, a, b code) testFn {
	if a.konst && !b.konst {
		a, b, op = b, a, mirrored[op]
	}
	if b.konst && a.field.name == "metric" {
		if test := metricTest(op, b.val.scalar()); test != nil {
			return test
		}
	}
	an, bn := a.asNumber(), b.asNumber()
	switch op {
	case "<":
		return func(in *Input) bool { c, ok := compareScalars(an(in), bn(in)); return ok && c < 0 }
	case "<=":
		return func(in *Input) bool { c, ok := compareScalars(an(in), bn(in)); return ok && c <= 0 }
	case ">":
		return func(in *Input) bool { c, ok := compareScalars(an(in), bn(in)); return ok && c > 0 }
	}
	return func(in *Input) bool { c, ok := compareScalars(an(in), bn(in)); return ok && c >= 0 }
}

// compileIn compiles x in list, x in tags and key in attributes.
func (c *checker) compileIn(n *ast.BinaryNode) code {
	if x, ok := c.misplacedNot(n); ok {
		return x
	}
	a := c.compile(n.Left)
	if list, ok := n.Right.(*ast.ArrayNode); ok {
		return c.compileInList(n, a, list)
	}
	b := c.compile(n.Right)
	switch {
	case a.failed || b.failed:
		return failedCode()
	case a.kind == kindMissing:
		return c.fail(n.Left, "nil in a list is never true", "", "test for a missing value with == nil")
	case b.kind == kindMap:
		if !a.kind.fits(kindString) {
			return c.wrongKind(n.Left, a, "the key of a map", kindString.String())
		}
		return testCode(hasKey(a, b)).from(a, b)
	case b.kind != kindList && b.kind != kindAny:
		hint := ""
		if b.kind == kindString && a.kind == kindString {
			hint = fmt.Sprintf("write %s contains %s, or %s == %s", describe(n.Right), describe(n.Left), describe(n.Left), describe(n.Right))
		}
		if b.failed {
			return failedCode()
		}
		return c.fail(n.Right, fmt.Sprintf("%s is %s", describe(n.Right), b.kind), "in takes a list or a map on its right", hint)
	case !a.kind.fits(b.elem):
		return c.fail(n.Left, fmt.Sprintf("%s is %s, and %s holds only %s", describe(n.Left), a.kind, describe(n.Right), plainKind(b.elem)), "", "")
	case b.konst:
		return testCode(inSet(a, b.val.List)).from(a, b)
	case b.field.name == "tags":
		return testCode(inTags(a)).from(a, b)
	}
	ae, be := a.eval, b.eval
	return testCode(func(in *Input) bool {
		x := ae(in)
		if x.Kind == Missing {
			return false
		}
		list := be(in)
		for i := range list.List {
			if equalValues(&x, &list.List[i]) {
				return true
			}
		}
		return false
	}).from(a, b)
}

func plainKind(k exprKind) string {
	switch k {
	case kindNumber:
		return "numbers"
	case kindString:
		return "strings"
	case kindBool:
		return "bools"
	}
	return k.String() + "s"
}

// compileInList compiles x in […], each item of which can be an expression.
func (c *checker) compileInList(n *ast.BinaryNode, a code, list *ast.ArrayNode) code {
	failed := a.failed
	if !failed && a.kind == kindMissing {
		a = c.fail(n.Left, "nil in a list is never true", "", "test for a missing value with == nil")
		failed = true
	}
	parts := []code{a}
	konst := true
	var data []Datum
	for _, item := range list.Nodes {
		x := c.compileItem(item)
		if !x.failed && !failed && !a.kind.fits(x.kind) {
			x = c.fail(item, fmt.Sprintf("%s is %s, %s is %s", describe(item), x.kind, describe(n.Left), a.kind), "the items are of the kind of the left side", equalityHint(&ast.BinaryNode{Operator: "==", Left: n.Left, Right: item}, a, x))
		}
		failed = failed || x.failed
		konst = konst && x.konst
		parts = append(parts, x)
		data = append(data, x.val)
	}
	if failed {
		return failedCode()
	}
	if konst {
		return testCode(inSet(a, data)).from(parts...)
	}
	tests := make([]testFn, len(list.Nodes))
	for i := range tests {
		tests[i] = equalTest(a, parts[i+1])
	}
	return testCode(anyOf(tests)).from(parts...)
}

// hasKey tests for a key of a map, attributes among them.
func hasKey(a, b code) testFn {
	str := a.asString()
	if b.field.name == "attributes" {
		return func(in *Input) bool {
			key, ok := str(in)
			if !ok || in.Event == nil {
				return false
			}
			_, ok = in.Event.Attr(key)
			return ok
		}
	}
	eval := b.eval
	return func(in *Input) bool {
		key, ok := str(in)
		if !ok {
			return false
		}
		d := eval(in)
		for _, p := range d.Pairs {
			if p.Key == key {
				return true
			}
		}
		return false
	}
}
