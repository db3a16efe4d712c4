package streams

import (
	"fmt"

	"github.com/expr-lang/expr/ast"

	"zeta/event"
)

// compile compiles one node with all below it.
func (c *checker) compile(n ast.Node) code {
	if c.work == nil {
		c.work = &work{}
	}
	if c.work.nodes++; c.work.nodes > maxExprNodes {
		if !c.work.told && !c.quiet {
			c.work.told = true
			c.problem(n, "the expression is too large", fmt.Sprintf("at most %d parts, names expanded", maxExprNodes), "")
		}
		return failedCode()
	}
	switch n := n.(type) {
	case *ast.NilNode:
		return constCode(Datum{})
	case *ast.BoolNode:
		return constCode(BoolDatum(n.Value))
	case *ast.IntegerNode:
		return constCode(IntDatum(int64(n.Value)))
	case *ast.FloatNode:
		return constCode(FloatDatum(n.Value))
	case *ast.StringNode:
		return constCode(StringDatum(n.Value))
	case *ast.IdentifierNode:
		return c.compileName(n)
	case *ast.UnaryNode:
		return c.compileUnary(n)
	case *ast.BinaryNode:
		return c.compileBinary(n)
	case *ast.ConditionalNode:
		return c.compileConditional(n)
	case *ast.ChainNode:
		return c.compile(n.Node) // access to what is missing gives missing anyway
	case *ast.MemberNode:
		return c.compileMember(n)
	case *ast.SliceNode:
		return c.compileSlice(n)
	case *ast.ArrayNode:
		return c.compileArray(n)
	case *ast.MapNode:
		return c.compileMap(n)
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok {
			return c.compileCall(n, name.Value, n.Arguments)
		}
		return c.fail(n, "a value is called", "only functions can be called, by their names", "")
	case *ast.BuiltinNode:
		return c.compileCall(n, n.Name, n.Arguments)
	case *ast.PredicateNode, *ast.PointerNode:
		return c.fail(n, "a lambda", "rules have no lambdas", "")
	case *ast.VariableDeclaratorNode:
		return c.fail(n, "let inside an expression", "let is a statement of its own", "")
	case *ast.SequenceNode:
		return c.fail(n, "a sequence of expressions", "one expression is expected", "")
	}
	return c.fail(n, fmt.Sprintf("%s cannot stand in an expression", describe(n)), "", "")
}

// compileName compiles a bare name: a field, event, acc, or a name that rules have bound.
func (c *checker) compileName(n *ast.IdentifierNode) code {
	if i, ok := c.vars[n.Value]; ok {
		return evalCode(kindAny, func(in *Input) Datum {
			if i < len(in.Vars) {
				return in.Vars[i]
			}
			return Datum{}
		})
	}
	if d, ok := c.consts[n.Value]; ok {
		return constCode(d)
	}
	if c.names != nil {
		if bound, place, ok := c.names(n.Value); ok {
			from := *place
			from.work, from.quiet = c.work, from.quiet || c.quiet
			return from.compile(bound)
		}
	}
	switch n.Value {
	case "event":
		return evalCode(inputKind(c.in), func(in *Input) Datum { return ValueDatum(in.Value) })
	case "acc":
		if c.acc {
			return evalCode(kindEvent, func(in *Input) Datum { return ValueDatum(in.Acc) })
		}
	}
	if f, ok := fieldByName(n.Value); ok {
		if c.in == Windows {
			return c.fail(n, n.Value+" is a field of an event, and the input here is a window",
				"", "put a fold before it, e.g. smap(mean, …), or take one event of the window: event[0]."+n.Value)
		}
		if c.reads != nil && !c.quiet {
			c.reads(n)
		}
		return fieldCode(f)
	}
	return c.unknownName(n, n.Value)
}

func inputKind(in Kind) exprKind {
	switch in {
	case Events:
		return kindEvent
	case Windows:
		return kindWindow
	}
	return kindAny
}

// compileUnary compiles not, ! and the signs.
func (c *checker) compileUnary(n *ast.UnaryNode) code {
	switch n.Operator {
	case "not", "!":
		x := c.compileBool(n.Node)
		if x.failed {
			return x
		}
		test := x.test
		return testCode(func(in *Input) bool { return !test(in) }).from(x)
	}
	x := c.compile(n.Node)
	if x.failed || !x.kind.fits(kindNumber) {
		return c.wrongKind(n.Node, x, "the sign "+n.Operator, kindNumber.String())
	}
	num := x.asNumber()
	if n.Operator == "+" {
		return numCode(num).from(x)
	}
	return numCode(func(in *Input) scalar {
		v := num(in)
		if v.kind == Missing {
			return v
		}
		return negateScalar(v)
	}).from(x)
}

func (c *checker) compileBinary(n *ast.BinaryNode) code {
	switch n.Operator {
	case "and", "&&", "or", "||":
		return c.compileLogic(n)
	case "==", "!=":
		return c.compileEquality(n)
	case "<", "<=", ">", ">=":
		return c.compileOrder(n)
	case "in":
		return c.compileIn(n)
	case "matches":
		return c.compileMatches(n)
	case "contains", "startsWith", "endsWith":
		return c.compileStringTest(n)
	case "+", "-", "*", "/", "%", "**", "^":
		return c.compileArithmetic(n)
	case "..":
		return c.compileRange(n)
	case "??":
		return c.compileDefault(n)
	}
	return c.fail(n, "the operator "+n.Operator+" is not known", "", "")
}

// compileConditional compiles cond ? a : b.
func (c *checker) compileConditional(n *ast.ConditionalNode) code {
	cond, a, b := c.compileBool(n.Cond), c.compile(n.Exp1), c.compile(n.Exp2)
	if cond.failed || a.failed || b.failed {
		return failedCode()
	}
	kind, ok := commonKind(a.kind, b.kind)
	if !ok {
		return c.fail(n.Exp2, fmt.Sprintf("%s is %s, %s is %s", describe(n.Exp1), a.kind, describe(n.Exp2), b.kind), "both branches of ?: are of one kind", "")
	}
	test := cond.test
	x := choose(kind, test, a, b)
	x.never = a.never && b.never
	return x.from(cond, a, b)
}

// choose makes the code that is a where test holds, else b.
func choose(kind exprKind, test testFn, a, b code) code {
	switch kind {
	case kindNumber:
		an, bn := a.asNumber(), b.asNumber()
		return numCode(func(in *Input) scalar {
			if test(in) {
				return an(in)
			}
			return bn(in)
		})
	case kindString:
		as, bs := a.asString(), b.asString()
		return strCode(func(in *Input) (string, bool) {
			if test(in) {
				return as(in)
			}
			return bs(in)
		})
	}
	ae, be := a.eval, b.eval
	x := evalCode(kind, func(in *Input) Datum {
		if test(in) {
			return ae(in)
		}
		return be(in)
	})
	if a.elem == b.elem {
		x.elem = a.elem
	}
	return x
}

// commonKind returns the one kind two alternatives have; nil goes with any.
func commonKind(a, b exprKind) (exprKind, bool) {
	switch {
	case a == b, b == kindMissing:
		return a, true
	case a == kindMissing:
		return b, true
	case a == kindAny || b == kindAny:
		return kindAny, true
	}
	return kindAny, false
}

// compileDefault compiles a ?? b.
func (c *checker) compileDefault(n *ast.BinaryNode) code {
	a, b := c.compile(n.Left), c.compile(n.Right)
	if a.failed || b.failed {
		return failedCode()
	}
	kind, ok := commonKind(a.kind, b.kind)
	if !ok {
		return c.fail(n.Right, fmt.Sprintf("%s is %s, %s is %s", describe(n.Left), a.kind, describe(n.Right), b.kind), "both sides of ?? are of one kind", "")
	}
	x := defaultCode(kind, a, b)
	x.never = a.never || b.never
	return x.from(a, b)
}

func defaultCode(kind exprKind, a, b code) code {
	switch kind {
	case kindNumber:
		an, bn := a.asNumber(), b.asNumber()
		return numCode(func(in *Input) scalar {
			if v := an(in); v.kind != Missing {
				return v
			}
			return bn(in)
		})
	case kindString:
		as, bs := a.asString(), b.asString()
		return strCode(func(in *Input) (string, bool) {
			if s, ok := as(in); ok {
				return s, true
			}
			return bs(in)
		})
	}
	ae, be := a.eval, b.eval
	x := evalCode(kind, func(in *Input) Datum {
		if d := ae(in); d.Kind != Missing {
			return d
		}
		return be(in)
	})
	if a.elem == b.elem {
		x.elem = a.elem
	}
	return x
}

// compileArray compiles a list.
func (c *checker) compileArray(n *ast.ArrayNode) code {
	parts := make([]code, len(n.Nodes))
	evals := make([]evalFn, len(n.Nodes))
	elem, failed := kindAny, false
	for i, item := range n.Nodes {
		parts[i] = c.compileItem(item)
		evals[i] = parts[i].eval
		failed = failed || parts[i].failed
		if i == 0 {
			elem = parts[i].kind
		} else if elem != parts[i].kind {
			elem = kindAny
		}
	}
	if failed {
		return failedCode()
	}
	x := evalCode(kindList, func(in *Input) Datum {
		d := Datum{Kind: List, List: make([]Datum, len(evals))}
		for i, eval := range evals {
			d.List[i] = eval(in)
		}
		return d
	})
	x.elem, x.never = elem, true
	return x.from(parts...)
}

// compileItem compiles an item of a list.
func (c *checker) compileItem(n ast.Node) code {
	x := c.compile(n)
	if !x.failed && x.kind == kindMissing {
		return c.fail(n, "nil inside a list", "nothing ever equals an item that is missing", "ask for it apart: x == nil or x in […]")
	}
	return x
}

// compileMap compiles a map of strings. Maps as patches and patterns are compiled where those are expected.
func (c *checker) compileMap(n *ast.MapNode) code {
	var attrs []event.Attr
	for _, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		key, ok := pair.Key.(*ast.StringNode)
		if !ok {
			return c.fail(pair.Key, "a computed key", "the keys of a map are names, strings or numbers", "")
		}
		x := c.compile(pair.Value)
		if x.failed {
			return x
		}
		if !x.konst || x.kind != kindString {
			return c.fail(pair.Value, fmt.Sprintf("%s in a map that is a value", describe(pair.Value)), "the values of such a map are strings that do not depend on the event", "")
		}
		attrs = append(attrs, event.Attr{Key: key.Value, Value: x.val.Str})
	}
	set := event.NewSet(nil, attrs)
	if set == nil {
		return constCode(Datum{Kind: Map})
	}
	return constCode(Datum{Kind: Map, Pairs: set.Attrs})
}

const maxRange = 10_000

// compileRange compiles the constant list a..b.
func (c *checker) compileRange(n *ast.BinaryNode) code {
	a, b := c.compile(n.Left), c.compile(n.Right)
	if a.failed || b.failed {
		return failedCode()
	}
	if !a.konst || !b.konst || a.val.Kind != Int || b.val.Kind != Int {
		return c.fail(n, "a range that is not of two whole constants", "a range is written 1..5", "")
	}
	from, to := a.val.Int, b.val.Int
	if uint64(to-from) >= maxRange && to >= from {
		return c.fail(n, "a range of more than "+fmt.Sprint(maxRange)+" numbers", "", fmt.Sprintf("write x >= %d and x <= %d", from, to))
	}
	d := Datum{Kind: List, List: []Datum{}}
	for i := from; i <= to; i++ {
		d.List = append(d.List, IntDatum(i))
	}
	return constCode(d)
}
