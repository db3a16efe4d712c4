package streams

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// The bounds of the syntax tree of a statement.
const (
	maxStatementNodes = 50_000
	maxStatementDepth = 4_000
)

// parserConfig makes expr's parser read every call as a plain call, so that operators may have the names
// of its builtins (split), and else and if as names. Statements are short, so that nodes need no limit.
var parserConfig = func() *conf.Config {
	c := conf.CreateNew()
	c.MaxNodes = 0
	c.DisableIfOperator = true
	for _, f := range builtin.Builtins {
		c.Functions[f.Name] = f
	}
	return c
}()

// parseStatement parses text, whose first character has the given offset, and moves the places of all
// nodes there. On a syntax error it returns nil and says where and what.
func parseStatement(text string, offset int) (n ast.Node, at file.Location, found string) {
	tree, err := parser.ParseWithConfig(text, parserConfig)
	if err != nil {
		e, ok := err.(*file.Error)
		if !ok {
			return nil, file.Location{From: offset, To: offset + 1}, err.Error()
		}
		at := e.Location
		if size := runes(text); at.From >= size {
			at = file.Location{From: max(0, size-1), To: size}
		}
		return nil, file.Location{From: at.From + offset, To: max(at.From+1, at.To) + offset}, syntaxError(e.Message)
	}
	m := mover{offset: offset, sizes: map[ast.Node]int{}}
	size := m.move(tree.Node, 0)
	switch {
	case m.deep:
		return nil, file.Location{From: offset, To: offset + 1}, fmt.Sprintf("more than %d parts within one another", maxStatementDepth)
	case size > maxStatementNodes:
		return nil, file.Location{From: offset, To: offset + 1}, fmt.Sprintf("more than %d parts", maxStatementNodes)
	}
	return tree.Node, file.Location{}, ""
}

// syntaxError says in plain words what expr's parser says in its own.
func syntaxError(message string) string {
	message = strings.TrimPrefix(message, "unexpected token ")
	kind, rest, ok := strings.Cut(message, "(")
	switch {
	case message == "EOF" || message == "unexpected end of expression":
		return "the statement ends too early"
	case ok && kind == "String":
		return "unexpected " + strings.TrimSuffix(rest, ")")
	case ok && (kind == "Operator" || kind == "Bracket" || kind == "Identifier" || kind == "Number"):
		return "unexpected " + strings.TrimSuffix(strings.Trim(rest, `"`), `")`)
	case strings.HasPrefix(message, "invalid "):
		message, _, _ = strings.Cut(message, ": strconv.")
	}
	return message
}

// mover moves the places of all nodes of a tree by offset. The parser shares nodes (a < b < c holds b twice),
// so that a tree can have far more nodes than were written.
type mover struct {
	offset int
	sizes  map[ast.Node]int
	deep   bool // deeper than allowed; the rest is left alone
}

// move moves n and what is below it and returns how many nodes that is.
func (m *mover) move(n ast.Node, depth int) (size int) {
	if n == nil || m.deep {
		return 0
	}
	if m.deep = depth > maxStatementDepth; m.deep {
		return 0
	}
	if size, ok := m.sizes[n]; ok {
		return size
	}
	at := n.Location()
	n.SetLocation(file.Location{From: at.From + m.offset, To: at.To + m.offset})
	size = 1
	for _, child := range below(n) {
		size = min(size+m.move(*child, depth+1), maxStatementNodes+1)
	}
	m.sizes[n] = size
	return size
}

// treeSize counts the nodes of a tree, to limit at most.
func treeSize(n ast.Node, limit int) int {
	if n == nil || limit <= 0 {
		return 0
	}
	size := 1
	for _, child := range below(n) {
		if size > limit {
			break
		}
		size += treeSize(*child, limit-size)
	}
	return size
}

// below returns where n keeps its children.
func below(n ast.Node) []*ast.Node {
	var to []*ast.Node
	list := func(nodes []ast.Node) {
		for i := range nodes {
			to = append(to, &nodes[i])
		}
	}
	switch n := n.(type) {
	case *ast.UnaryNode:
		to = append(to, &n.Node)
	case *ast.BinaryNode:
		to = append(to, &n.Left, &n.Right)
	case *ast.ChainNode:
		to = append(to, &n.Node)
	case *ast.MemberNode:
		to = append(to, &n.Node, &n.Property)
	case *ast.SliceNode:
		to = append(to, &n.Node, &n.From, &n.To)
	case *ast.CallNode:
		to = append(to, &n.Callee)
		list(n.Arguments)
	case *ast.BuiltinNode:
		list(n.Arguments)
	case *ast.PredicateNode:
		to = append(to, &n.Node)
	case *ast.VariableDeclaratorNode:
		to = append(to, &n.Value, &n.Expr)
	case *ast.SequenceNode:
		list(n.Nodes)
	case *ast.ConditionalNode:
		to = append(to, &n.Cond, &n.Exp1, &n.Exp2)
	case *ast.ArrayNode:
		list(n.Nodes)
	case *ast.MapNode:
		list(n.Pairs)
	case *ast.PairNode:
		to = append(to, &n.Key, &n.Value)
	}
	return to
}

// clone copies n without what is below it.
func clone(n ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		c := *n
		return &c
	case *ast.BinaryNode:
		c := *n
		return &c
	case *ast.ChainNode:
		c := *n
		return &c
	case *ast.MemberNode:
		c := *n
		return &c
	case *ast.SliceNode:
		c := *n
		return &c
	case *ast.CallNode:
		c := *n
		c.Arguments = append([]ast.Node(nil), n.Arguments...)
		return &c
	case *ast.BuiltinNode:
		c := *n
		c.Arguments = append([]ast.Node(nil), n.Arguments...)
		return &c
	case *ast.ConditionalNode:
		c := *n
		return &c
	case *ast.ArrayNode:
		c := *n
		c.Nodes = append([]ast.Node(nil), n.Nodes...)
		return &c
	case *ast.MapNode:
		c := *n
		c.Pairs = append([]ast.Node(nil), n.Pairs...)
		return &c
	case *ast.PairNode:
		c := *n
		return &c
	}
	return n // leaves, and nodes that the checker refuses
}

// rewrite returns n with every node replaced for which with returns another one. The replacement itself
// is not looked into. n is not changed; parts without a replacement are shared.
func rewrite(n ast.Node, with func(ast.Node) ast.Node) ast.Node {
	if n == nil {
		return nil
	}
	if r := with(n); r != n {
		return r
	}
	var out ast.Node
	_, isCall := n.(*ast.CallNode)
	for i, child := range below(n) {
		if *child == nil || isCall && i == 0 && identName(*child) != "" {
			continue // what is called keeps its name
		}
		r := rewrite(*child, with)
		if r == *child {
			continue
		}
		if out == nil {
			out = clone(n)
		}
		*below(out)[i] = r
	}
	if out == nil {
		return n
	}
	return out
}

// identName returns the identifier that n is, or "".
func identName(n ast.Node) string {
	if id, ok := n.(*ast.IdentifierNode); ok {
		return id.Value
	}
	return ""
}

// callOf returns the name and the arguments of a call of a plain name.
func callOf(n ast.Node) (name string, args []ast.Node, ok bool) {
	c, ok := n.(*ast.CallNode)
	if !ok {
		return "", nil, false
	}
	id, ok := c.Callee.(*ast.IdentifierNode)
	if !ok {
		return "", nil, false
	}
	return id.Value, c.Arguments, true
}
