package streams

import (
	"github.com/expr-lang/expr/ast"
)

// conjuncts appends the parts of a chain of and to parts.
func conjuncts(n ast.Node, parts []ast.Node) []ast.Node {
	return chain(n, isAnd, parts)
}

func isAnd(op string) bool { return op == "and" || op == "&&" }
func isOr(op string) bool  { return op == "or" || op == "||" }

// chain appends the operands of a chain of one operator, from left to right. A chain can be long, so its
// left spine is walked without recursion.
func chain(n ast.Node, same func(op string) bool, parts []ast.Node) []ast.Node {
	var rights []ast.Node
	for {
		b, ok := n.(*ast.BinaryNode)
		if !ok || !same(b.Operator) {
			break
		}
		rights = append(rights, b.Right)
		n = b.Left
	}
	parts = append(parts, n)
	for i := len(rights) - 1; i >= 0; i-- {
		if b, ok := rights[i].(*ast.BinaryNode); ok && same(b.Operator) {
			parts = chain(b, same, parts)
		} else {
			parts = append(parts, rights[i])
		}
	}
	return parts
}

// compileLogic compiles a chain of and, or of or.
func (c *checker) compileLogic(n *ast.BinaryNode) code {
	same, join := isAnd, allOf
	if isOr(n.Operator) {
		same, join = isOr, anyOf
	}
	nodes := chain(n, same, nil)
	parts := make([]code, len(nodes))
	tests := make([]testFn, len(nodes))
	failed := false
	for i, part := range nodes {
		parts[i] = c.compileBool(part)
		tests[i] = parts[i].test
		failed = failed || parts[i].failed
	}
	if failed {
		return failedCode()
	}
	return testCode(join(tests)).from(parts...)
}

// allOf joins tests by and.
func allOf(ts []testFn) testFn {
	switch len(ts) {
	case 1:
		return ts[0]
	case 2:
		a, b := ts[0], ts[1]
		return func(in *Input) bool { return a(in) && b(in) }
	case 3:
		a, b, c := ts[0], ts[1], ts[2]
		return func(in *Input) bool { return a(in) && b(in) && c(in) }
	case 4:
		a, b, c, d := ts[0], ts[1], ts[2], ts[3]
		return func(in *Input) bool { return a(in) && b(in) && c(in) && d(in) }
	}
	return func(in *Input) bool {
		for _, t := range ts {
			if !t(in) {
				return false
			}
		}
		return true
	}
}

// anyOf joins tests by or.
func anyOf(ts []testFn) testFn {
	switch len(ts) {
	case 1:
		return ts[0]
	case 2:
		a, b := ts[0], ts[1]
		return func(in *Input) bool { return a(in) || b(in) }
	case 3:
		a, b, c := ts[0], ts[1], ts[2]
		return func(in *Input) bool { return a(in) || b(in) || c(in) }
	}
	return func(in *Input) bool {
		for _, t := range ts {
			if t(in) {
				return true
			}
		}
		return false
	}
}
