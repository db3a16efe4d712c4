package streams

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// warning reports something that is probably a mistake.
func (c *checker) warning(n ast.Node, found, want, hint string) {
	if c.warn != nil {
		c.warn(nodeLocation(n), c.operator, found, want, hint)
	}
}

// lintNeverMissing warns of a test for nil that is decided.
func (c *checker) lintNeverMissing(n, side ast.Node, x code) {
	if x.never {
		c.warning(n, describe(side)+" is never missing, only empty", "", fmt.Sprintf("ask for its length: len(%s) == 0", describe(side)))
	}
}

// lintUnequal warns of != on a field that is usually missing, where it is true without anything differing.
func (c *checker) lintUnequal(n *ast.BinaryNode, a, b code) {
	side := n.Left
	if a.konst {
		a, b, side = b, a, n.Right
	}
	if !b.konst || b.kind == kindMissing {
		return
	}
	switch {
	case a.field.name == "description", a.field.name == "metric", a.field.name == "ttl", a.field.one:
		text := describe(side)
		c.warning(n, fmt.Sprintf("%s is also true where %s is missing", describe(n), text), "", fmt.Sprintf("if that is not meant, write %s != nil and %s", text, describe(n)))
	}
}

// lint warns of a condition, or of an alternative in one, that can never be true.
func (c *checker) lint(n ast.Node) {
	if c.warn == nil {
		return
	}
	for _, alternative := range chain(n, isOr, nil) {
		bounds := map[string]*bound{}
		var asked []ast.Node
		for _, part := range conjuncts(alternative, nil) {
			if found := c.contradiction(part, bounds); found != "" {
				c.warning(part, found, "the condition is never true", "")
				break
			}
			if slices.ContainsFunc(asked, func(a ast.Node) bool { return isOpposite(a, part) || isOpposite(part, a) }) {
				c.warning(part, describe(part)+" contradicts what stands before it", "the condition is never true", "")
				break
			}
			if len(asked) < maxAlternatives {
				asked = append(asked, part)
			}
		}
	}
}

// bound is what the conditions of a conjunction so far leave of one value.
type bound struct {
	low, high         scalar // none: no bound
	lowOpen, highOpen bool
	lowText, highText string
	items             []Datum // the values that == or in leaves; nil: any
	itemsText         string
	conds             []constCond // what was asked so far
	missing           string      // the test for nil
	present           string      // a condition that only a value that is there meets
}

// contradiction adds a condition to what is known and says which earlier one it cannot be true with.
func (c *checker) contradiction(n ast.Node, bounds map[string]*bound) string {
	b, ok := n.(*ast.BinaryNode)
	if !ok {
		return ""
	}
	subject, op, constant := b.Left, b.Operator, b.Right
	if isConstNode(subject) {
		if mirrored[op] == "" {
			return ""
		}
		subject, op, constant = b.Right, mirrored[op], b.Left
	}
	switch subject.(type) {
	case *ast.IdentifierNode, *ast.MemberNode:
	default:
		return ""
	}
	if !isSmall(subject, 16) {
		return ""
	}
	text, name := describe(n), sourceText(subject)
	k := bounds[name]
	if k == nil {
		k = &bound{}
		bounds[name] = k
	}
	if _, isNil := constant.(*ast.NilNode); isNil {
		if op == "==" {
			k.missing = text
		} else {
			k.present = text
		}
	} else if op != "!=" {
		k.present = text
	}
	if k.missing != "" && k.present != "" {
		return together(k.missing, k.present)
	}
	d, ok := c.quietConst(constant)
	if !ok || d.Kind == Missing {
		return ""
	}
	if op == "in" && d.Kind == List && len(d.List) == 0 {
		return text + " is never true"
	}
	return k.add(op, d, text)
}

func together(a, b string) string { return fmt.Sprintf("%s and %s cannot both hold", a, b) }

// add narrows the bound by value OP d.
func (k *bound) add(op string, d Datum, text string) string {
	if found := k.narrow(op, d, text); found != "" || op == "==" {
		return found
	}
	v := d.scalar()
	if v.kind == Missing {
		return ""
	}
	switch op {
	case ">", ">=":
		if c, ok := compareScalars(v, k.low); !ok || c > 0 || c == 0 && op == ">" {
			k.low, k.lowOpen, k.lowText = v, op == ">", text
		}
	case "<", "<=":
		if c, ok := compareScalars(v, k.high); !ok || c < 0 || c == 0 && op == "<" {
			k.high, k.highOpen, k.highText = v, op == "<", text
		}
	}
	if c, ok := compareScalars(k.low, k.high); ok && (c > 0 || c == 0 && (k.lowOpen || k.highOpen)) {
		return together(k.lowText, k.highText)
	}
	return ""
}

// constCond is a comparison with a constant.
type constCond struct {
	op, text string
	d        Datum
}

// narrow keeps the values that the condition and those before it leave, where some condition names them.
func (k *bound) narrow(op string, d Datum, text string) string {
	k.conds = append(k.conds, constCond{op, text, d})
	last := k.conds[len(k.conds)-1:]
	switch {
	case k.items == nil && op == "==":
		k.items, k.itemsText, last = []Datum{d}, text, k.conds
	case k.items == nil && op == "in" && d.Kind == List && len(d.List) > 0:
		k.items, k.itemsText, last = slices.Clone(d.List), text, k.conds
	case k.items == nil:
		return ""
	}
	for _, c := range last {
		k.items = slices.DeleteFunc(k.items, func(x Datum) bool { return !holdsFor(c.op, &x, &c.d) })
		if len(k.items) == 0 {
			if c.text == k.itemsText || c.text == text {
				return together(k.itemsText, text)
			}
			return together(c.text, text)
		}
	}
	return ""
}

// holdsFor reports whether x OP d can hold for the constant x; true for operators that are not looked into.
func holdsFor(op string, x, d *Datum) bool {
	switch op {
	case "==":
		return equalValues(x, d)
	case "!=":
		return !equalValues(x, d)
	case "in":
		if d.Kind != List {
			return true
		}
		for i := range d.List {
			if equalValues(x, &d.List[i]) {
				return true
			}
		}
		return false
	case "<", "<=", ">", ">=":
		c, ok := compareScalars(x.scalar(), d.scalar())
		return !ok || orderHolds(op)(c)
	case "startsWith":
		return x.Kind != String || d.Kind != String || strings.HasPrefix(x.Str, d.Str)
	case "endsWith":
		return x.Kind != String || d.Kind != String || strings.HasSuffix(x.Str, d.Str)
	case "contains":
		return x.Kind != String || d.Kind != String || strings.Contains(x.Str, d.Str)
	}
	return true
}

func isConstNode(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.BoolNode, *ast.NilNode:
		return true
	case *ast.UnaryNode:
		return isConstNode(n.Node)
	}
	return false
}

// quietConst evaluates a constant without reporting anything.
func (c *checker) quietConst(n ast.Node) (Datum, bool) {
	x := c.quietly(n)
	return x.val, x.konst && !x.failed
}

// quietly compiles n without reporting anything.
func (c *checker) quietly(n ast.Node) code {
	try := *c
	try.quiet, try.warn = true, nil
	return try.compile(n)
}
