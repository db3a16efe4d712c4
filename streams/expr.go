package streams

import (
	"github.com/expr-lang/expr/ast"
)

// Expressions are compiled once, when rules are loaded, to closures. Every node becomes a code: its kind,
// and the closures that fit the kind. The typed closures (num, str, test) keep a Datum, which is large,
// out of the hot path; eval is there for every code.

type (
	evalFn func(in *Input) Datum
	testFn func(in *Input) bool
	numFn  func(in *Input) scalar
	strFn  func(in *Input) (s string, ok bool)
)

// code is a compiled expression.
type code struct {
	kind   exprKind
	elem   exprKind // of a list: what it holds; kindAny: not known or mixed
	static bool     // reads only host, service, tags and attributes: one value per series
	konst  bool     // reads nothing: the value is val
	never  bool     // is never missing
	failed bool     // a problem has been reported: say nothing more about it
	val    Datum
	field  field // a bare field of the input event, for the hot shapes

	eval evalFn
	num  numFn  // kindNumber
	str  strFn  // kindString
	test testFn // kindBool; a missing bool is false
}

// compileExpr compiles n. It never returns nil: after a problem has been reported the closure gives missing.
// static says that the value depends on nothing but the series (host, service, tags, attributes).
func compileExpr(c *checker, n ast.Node) (eval evalFn, kind exprKind, static bool) {
	x := c.compile(n)
	return x.eval, x.kind, x.static
}

// compileCond compiles a condition: a bool, nothing else.
func compileCond(c *checker, n ast.Node) (test testFn, static bool) {
	x := c.compileBool(n)
	c.lint(n)
	return x.test, x.static
}

// compileSplitCond compiles a condition as fixed(series) and rest(event): the parts of a conjunction that
// are decided once per series, and those that are not. Either is nil if there is no such part.
func compileSplitCond(c *checker, n ast.Node) (fixed, rest testFn) {
	var fixeds, rests []testFn
	for _, part := range conjuncts(n, nil) {
		x := c.compileBool(part)
		if x.static {
			fixeds = append(fixeds, x.test)
		} else {
			rests = append(rests, x.test)
		}
	}
	c.lint(n)
	if fixeds != nil {
		fixed = allOf(fixeds)
	}
	if rests != nil {
		rest = allOf(rests)
	}
	return fixed, rest
}

// compileConst evaluates an expression that reads nothing of the input; ok is false after a problem has
// been reported.
func compileConst(c *checker, n ast.Node) (d Datum, ok bool) {
	x := c.compile(n)
	switch {
	case x.failed:
		return Datum{}, false
	case !x.konst:
		c.problem(n, describe(n)+" depends on the event", "a constant is expected here", "")
		return Datum{}, false
	}
	return x.val, true
}

// failedCode stands for an expression with a problem.
func failedCode() code {
	x := evalCode(kindAny, func(*Input) Datum { return Datum{} })
	x.failed, x.static = true, true
	x.test = func(*Input) bool { return false }
	return x
}

// constCode is the code of a constant.
func constCode(d Datum) code {
	x := evalCode(kindOf(d), func(*Input) Datum { return d })
	x.konst, x.static, x.val, x.never = true, true, d, d.Kind != Missing
	switch x.kind {
	case kindNumber:
		n := d.scalar()
		x.num = func(*Input) scalar { return n }
	case kindString:
		x.str = func(*Input) (string, bool) { return d.Str, true }
	case kindBool:
		x.test = func(*Input) bool { return d.Bool }
	case kindList:
		x.elem = elementKind(d.List)
	}
	return x
}

// elementKind returns the kind of all of ds, kindAny if they differ.
func elementKind(ds []Datum) exprKind {
	if len(ds) == 0 {
		return kindAny
	}
	k := kindOf(ds[0])
	for _, d := range ds[1:] {
		if kindOf(d) != k {
			return kindAny
		}
	}
	return k
}

func numCode(f numFn) code {
	return code{kind: kindNumber, num: f, eval: func(in *Input) Datum { return f(in).datum() }}
}

func strCode(f strFn) code {
	return code{kind: kindString, str: f, eval: func(in *Input) Datum {
		if s, ok := f(in); ok {
			return Datum{Kind: String, Str: s}
		}
		return Datum{}
	}}
}

func testCode(f testFn) code {
	return code{kind: kindBool, never: true, test: f, eval: func(in *Input) Datum { return Datum{Kind: Bool, Bool: f(in)} }}
}

// evalCode derives the typed closures from eval.
func evalCode(kind exprKind, eval evalFn) code {
	x := code{kind: kind, eval: eval}
	switch kind {
	case kindNumber:
		x.num = x.asNumber()
	case kindString:
		x.str = x.asString()
	case kindBool:
		x.test = func(in *Input) bool { d := eval(in); return d.Kind == Bool && d.Bool }
	}
	return x
}

// asNumber returns the closure of a number, or for a value of unknown kind one that gives none where it is
// no number.
func (x *code) asNumber() numFn {
	if x.num != nil {
		return x.num
	}
	eval := x.eval
	return func(in *Input) scalar { d := eval(in); return d.scalar() }
}

// asString is asNumber for strings.
func (x *code) asString() strFn {
	if x.str != nil {
		return x.str
	}
	eval := x.eval
	return func(in *Input) (string, bool) { d := eval(in); return d.Str, d.Kind == String }
}

// from marks x as made of parts, which decides what it depends on, and evaluates it if they are constants.
func (x code) from(parts ...code) code {
	x.static, x.konst = true, true
	for i := range parts {
		x.static = x.static && parts[i].static
		x.konst = x.konst && parts[i].konst
		x.failed = x.failed || parts[i].failed
	}
	if !x.konst || x.failed {
		x.konst = false
		return x
	}
	x.val = x.eval(&Input{})
	if x.val.Kind == Missing {
		return x // the kind is still known
	}
	return constCode(x.val)
}
