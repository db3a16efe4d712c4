package streams

import "github.com/expr-lang/expr/ast"

// exprKind is what is known at load time about the value of an expression. Any kind may also be missing.
type exprKind uint8

const (
	kindAny     exprKind = iota // known only when the event is there
	kindMissing                 // the literal nil
	kindBool
	kindNumber
	kindString
	kindList
	kindMap
	kindEvent
	kindWindow
)

var kindNames = [...]string{"any value", "nil", "a bool", "a number", "a string", "a list", "a map", "an event", "a window"}

// String returns the kind with its article, as messages say it.
func (k exprKind) String() string { return kindNames[k] }

// fits reports whether a value of kind k can be one of kind want, as far as is known.
func (k exprKind) fits(want exprKind) bool {
	return k == want || k == kindAny || want == kindAny || k == kindMissing
}

func kindOf(d Datum) exprKind {
	switch d.Kind {
	case Bool:
		return kindBool
	case Int, Float:
		return kindNumber
	case String:
		return kindString
	case List:
		return kindList
	case Map:
		return kindMap
	case EventKind:
		return kindEvent
	case WindowKind:
		return kindWindow
	}
	return kindMissing
}

// describe names a node in a message: the text of short ones, the sort of long ones.
func describe(n ast.Node) string {
	if isSmall(n, 16) {
		if text := sourceText(n); len(text) <= 40 {
			return text
		}
	}
	switch n.(type) {
	case *ast.StringNode:
		return "the string"
	case *ast.ArrayNode:
		return "the list"
	case *ast.MapNode:
		return "the map"
	case *ast.CallNode, *ast.BuiltinNode:
		return "the call of " + callName(n)
	}
	return "the expression"
}

// isSmall reports whether n has at most size nodes; printing large ones takes time.
func isSmall(n ast.Node, size int) bool { return budget(n, size) >= 0 }

// budget returns what is left of size after n and all below it; negative: too little.
func budget(n ast.Node, size int) int {
	size--
	for _, child := range below(n) {
		if size < 0 {
			return size
		}
		if *child != nil {
			size = budget(*child, size)
		}
	}
	return size
}
