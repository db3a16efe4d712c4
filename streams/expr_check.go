package streams

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// checker is the scope an expression is checked and compiled in, and where its problems go.
type checker struct {
	report func(at file.Location, operator, found, want, hint string)
	warn   func(at file.Location, operator, found, want, hint string) // nil: no lints

	operator string           // whose argument the expression is
	in       Kind             // what the input can be
	acc      bool             // acc is the accumulator (sreduce)
	folds    bool             // the whole expression is a name, which may be that of a fold
	reads    func(n ast.Node) // told of each field of an event that is read; may be nil

	vars   map[string]int   // names bound by byBuilder: index in Input.Vars
	consts map[string]Datum // let constants
	// names resolves a let expression or a def parameter to its expression and the checker of the place
	// where it was written; nil: there are none.
	names func(name string) (ast.Node, *checker, bool)

	work  *work // shared by all checkers of one expression; nil: nothing has been compiled yet
	quiet bool  // only tries: problems are not reported
}

// work counts the nodes compiled, so that names within names cannot make an expression grow without bound.
type work struct {
	nodes int
	told  bool
}

// maxExprNodes bounds one expression, lets and parameters expanded.
const maxExprNodes = 100_000

// problem reports a mistake at n.
func (c *checker) problem(n ast.Node, found, want, hint string) {
	if !c.quiet {
		c.report(nodeLocation(n), c.operator, found, want, hint)
	}
}

// fail reports a mistake at n and returns the code that stands for it.
func (c *checker) fail(n ast.Node, found, want, hint string) code {
	c.problem(n, found, want, hint)
	return failedCode()
}

// wrongKind reports that the operand n of op is of kind got.
func (c *checker) wrongKind(n ast.Node, x code, op, want string) code {
	if x.failed {
		return failedCode()
	}
	return c.fail(n, fmt.Sprintf("%s is %s", describe(n), x.kind), fmt.Sprintf("%s takes %s", op, want), kindHint(n, x, want))
}

// kindHint says how the value could be made what is wanted.
func kindHint(n ast.Node, x code, want string) string {
	switch {
	case x.kind == kindNumber && want == kindString.String():
		return fmt.Sprintf("string(%s) makes it one", describe(n))
	case x.kind == kindString && want == kindNumber.String():
		if x.field.isField() {
			return fmt.Sprintf("float(%s) makes it one", describe(n))
		}
		return ""
	case want == kindBool.String():
		return compareHint(n, x)
	}
	return ""
}

// compareHint says how a condition is made of a value that is none.
func compareHint(n ast.Node, x code) string {
	text := describe(n)
	if _, ok := n.(*ast.ConditionalNode); ok {
		text = "(" + text + ")"
	}
	switch x.kind {
	case kindNumber:
		return fmt.Sprintf("compare it: %s > 0 or %s != nil", text, text)
	case kindString:
		return fmt.Sprintf(`compare it: %s == "…" or %s != nil`, text, text)
	case kindList, kindMap:
		return fmt.Sprintf(`ask for what it holds: "…" in %s or len(%s) > 0`, text, text)
	case kindAny, kindEvent:
		return fmt.Sprintf("compare it: %s != nil", text)
	}
	return "compare it with something"
}

// compileBool compiles n where a bool is wanted.
func (c *checker) compileBool(n ast.Node) code {
	x := c.compile(n)
	if x.failed || x.kind == kindBool {
		return x
	}
	return c.fail(n, fmt.Sprintf("%s is %s", describe(n), x.kind), "a condition is a comparison, true or false", compareHint(n, x))
}

// unknownName reports a name that means nothing here.
func (c *checker) unknownName(n ast.Node, name string) code {
	want := "an event has host, service, state, metric, description, tags, time, ttl; attributes are attributes.NAME"
	if _, ok := findBuiltin(name); ok {
		return c.fail(n, fmt.Sprintf("%s is a function", name), "", fmt.Sprintf("call it: %s(…)", name))
	}
	if name == "acc" {
		return c.fail(n, "unknown name acc", "acc is the accumulator of sreduce and known only there", "")
	}
	if name == "null" {
		return c.fail(n, "unknown name null", "", "what is missing is nil")
	}
	known := append(slices.Clone(eventFields), "event")
	for v := range c.vars {
		known = append(known, v)
	}
	for v := range c.consts {
		known = append(known, v)
	}
	if c.folds {
		want = "a fold such as mean or sum, a patch, or an expression over the event"
		for _, f := range Folds() {
			known = append(known, f.Name)
		}
	}
	slices.Sort(known)
	return c.fail(n, "unknown name "+name, want, cmp.Or(formerNames[name], didYouMean(name, known)))
}

// nodeLocation returns where a message about n points. The parser gives a conditional the place of what
// follows it.
func nodeLocation(n ast.Node) file.Location {
	switch n := n.(type) {
	case *ast.ConditionalNode:
		return nodeLocation(n.Cond)
	case *ast.ChainNode:
		return nodeLocation(n.Node)
	case *ast.PairNode:
		return nodeLocation(n.Key)
	}
	return n.Location()
}

// sourceText prints n much as it was written.
func sourceText(n ast.Node) string {
	switch n := n.(type) {
	case *ast.PredicateNode, *ast.PointerNode:
		return "the lambda"
	case *ast.MemberNode:
		if key, ok := n.Property.(*ast.StringNode); ok && !isName(key.Value) {
			return fmt.Sprintf("%s[%q]", sourceText(n.Node), key.Value)
		}
	}
	return n.String()
}

func isName(s string) bool {
	for i, r := range s {
		if r != '_' && r != '$' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') && r < 0x80 {
			return false
		}
	}
	return s != ""
}
