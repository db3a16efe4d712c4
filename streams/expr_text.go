package streams

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// maxTextBytes bounds the strings that expressions make: a longer result is missing.
const maxTextBytes = 64 << 10

// compileStringTest compiles contains, startsWith and endsWith.
func (c *checker) compileStringTest(n *ast.BinaryNode) code {
	if x, ok := c.misplacedNot(n); ok {
		return x
	}
	a, b := c.compile(n.Left), c.compile(n.Right)
	if a.failed || b.failed {
		return failedCode()
	}
	if a.kind == kindList && n.Operator == "contains" {
		return c.fail(n.Left, describe(n.Left)+" is a list", "contains takes strings", fmt.Sprintf("write %s in %s", describe(n.Right), describe(n.Left)))
	}
	if x, ok := c.wantString(n.Left, a, n.Operator); !ok {
		return x
	}
	if x, ok := c.wantString(n.Right, b, n.Operator); !ok {
		return x
	}
	if n.Operator == "startsWith" && b.konst {
		return testCode(startsWithText(a, b.val.Str)).from(a, b)
	}
	as, bs := a.asString(), b.asString()
	var holds func(s, part string) bool
	switch n.Operator {
	case "contains":
		holds = strings.Contains
	case "startsWith":
		holds = strings.HasPrefix
	default:
		holds = strings.HasSuffix
	}
	if b.konst {
		part := b.val.Str
		return testCode(func(in *Input) bool { s, ok := as(in); return ok && holds(s, part) }).from(a, b)
	}
	return testCode(func(in *Input) bool {
		s, ok := as(in)
		if !ok {
			return false
		}
		part, ok := bs(in)
		return ok && holds(s, part)
	}).from(a, b)
}

// wantString reports an operand that is no string.
func (c *checker) wantString(n ast.Node, x code, op string) (code, bool) {
	if x.kind == kindString || x.kind == kindAny {
		return x, true
	}
	return c.wrongKind(n, x, op, kindString.String()), false
}

// compileMatches compiles x matches "pattern". The pattern is compiled once, here.
func (c *checker) compileMatches(n *ast.BinaryNode) code {
	if x, ok := c.misplacedNot(n); ok {
		return x
	}
	a, b := c.compile(n.Left), c.compile(n.Right)
	if a.failed || b.failed {
		return failedCode()
	}
	if x, ok := c.wantString(n.Left, a, "matches"); !ok {
		return x
	}
	if !b.konst || b.kind != kindString {
		return c.fail(n.Right, describe(n.Right)+" is no constant string", "matches takes a pattern that is known when the rules are loaded", "")
	}
	matches, ok := c.compileRegexp(n.Right, b.val.Str)
	if !ok {
		return failedCode()
	}
	return testCode(matchesText(a, matches)).from(a, b)
}

// compileArithmetic compiles + - * / % ** and ^, and + of strings.
func (c *checker) compileArithmetic(n *ast.BinaryNode) code {
	a, b := c.compile(n.Left), c.compile(n.Right)
	if a.failed || b.failed {
		return failedCode()
	}
	if n.Operator == "+" && (a.kind == kindString || b.kind == kindString) {
		return c.compileConcat(n, a, b)
	}
	for i, x := range [...]code{a, b} {
		if !x.kind.fits(kindNumber) || x.kind == kindMissing {
			return c.wrongKind([...]ast.Node{n.Left, n.Right}[i], x, n.Operator, kindNumber.String())
		}
	}
	if n.Operator == "+" && a.kind == kindAny && b.kind == kindAny {
		return evalCode(kindAny, addAny(a.eval, b.eval)).from(a, b)
	}
	an, bn := a.asNumber(), b.asNumber()
	if b.konst && b.val.scalar().float() == 0 && (n.Operator == "/" || n.Operator == "%") {
		return c.fail(n, "a division by zero", "its result is always missing", "")
	}
	return numCode(arithmetic(n.Operator, an, bn)).from(a, b)
}

func arithmetic(op string, a, b numFn) numFn {
	var f func(a, b scalar) scalar
	switch op {
	case "+":
		f = addScalars
	case "-":
		f = subtractScalars
	case "*":
		f = multiplyScalars
	case "/":
		f = divideScalars
	case "%":
		f = moduloScalars
	default:
		f = powerScalars
	}
	return func(in *Input) scalar {
		x := a(in)
		if x.kind == Missing {
			return x
		}
		y := b(in)
		if y.kind == Missing {
			return y
		}
		return f(x, y)
	}
}

func (c *checker) compileConcat(n *ast.BinaryNode, a, b code) code {
	for i, x := range [...]code{a, b} {
		side := [...]ast.Node{n.Left, n.Right}[i]
		if x.kind != kindString && x.kind != kindAny {
			return c.fail(side, fmt.Sprintf("%s is %s", describe(side), x.kind), "+ takes two numbers or two strings", fmt.Sprintf("string(%s) makes it a string", describe(side)))
		}
	}
	as, bs := a.asString(), b.asString()
	return strCode(func(in *Input) (string, bool) {
		x, ok := as(in)
		if !ok {
			return "", false
		}
		y, ok := bs(in)
		if !ok || len(x)+len(y) > maxTextBytes {
			return "", false
		}
		return x + y, true
	}).from(a, b)
}

// addAny adds values whose kind is not known before: numbers or strings.
func addAny(a, b evalFn) evalFn {
	return func(in *Input) Datum {
		x, y := a(in), b(in)
		if x.Kind == String && y.Kind == String && len(x.Str)+len(y.Str) <= maxTextBytes {
			return StringDatum(x.Str + y.Str)
		}
		m, n := x.scalar(), y.scalar()
		if m.kind == Missing || n.kind == Missing {
			return Datum{}
		}
		return addScalars(m, n).datum()
	}
}
