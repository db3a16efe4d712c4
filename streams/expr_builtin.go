package streams

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// Builtin documents a function of expressions.
type Builtin struct {
	Name      string
	Signature string // "round(x number) number"
	Summary   string
	Example   string // an expression
}

// Builtins returns the functions of expressions, sorted by name.
func Builtins() []Builtin {
	all := make([]Builtin, 0, len(builtinTable))
	for _, b := range builtinTable {
		all = append(all, Builtin{b.name, b.signature(), b.summary, b.example})
	}
	slices.SortFunc(all, func(a, b Builtin) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// exprFunction is a function of expressions: what it is called with, what it gives and how a call is compiled.
// With a missing argument it gives missing, or false if it gives a bool.
type exprFunction struct {
	name    string
	params  []param
	result  exprKind
	summary string
	example string
	compile func(c *checker, n ast.Node, args []code) code
}

// param is a parameter; several kinds: any of them.
type param struct {
	name     string
	kinds    []exprKind // none: any
	optional bool
	rest     bool // as many as there are, at least one
}

func (p param) wants() string {
	var names []string
	for _, k := range p.kinds {
		names = append(names, k.String())
	}
	if len(names) == 0 {
		return kindAny.String()
	}
	return strings.Join(names, " or ")
}

func (p param) accepts(x code) bool {
	if x.kind == kindAny || len(p.kinds) == 0 {
		return true
	}
	return slices.Contains(p.kinds, x.kind)
}

func bare(k exprKind) string {
	name := k.String()
	return name[strings.IndexByte(name, ' ')+1:]
}

func (b *exprFunction) signature() string {
	var s strings.Builder
	s.WriteString(b.name + "(")
	for i, p := range b.params {
		if p.optional {
			s.WriteByte('[')
		}
		if i > 0 {
			s.WriteString(", ")
		}
		s.WriteString(p.name)
		if p.rest {
			s.WriteString(", …")
		}
		for j, k := range p.kinds {
			s.WriteString([]string{" ", "|"}[min(j, 1)] + bare(k))
		}
		if p.optional {
			s.WriteByte(']')
		}
	}
	s.WriteString(") " + bare(b.result))
	return s.String()
}

var builtinIndex map[string]*exprFunction

func init() {
	builtinIndex = make(map[string]*exprFunction, len(builtinTable))
	for i := range builtinTable {
		b := &builtinTable[i]
		if builtinIndex[b.name] != nil {
			panic("two builtins are called " + b.name)
		}
		builtinIndex[b.name] = b
	}
}

func findBuiltin(name string) (*exprFunction, bool) {
	b, ok := builtinIndex[name]
	return b, ok
}

// lambdaBuiltins are expr's functions that take lambdas, which rules do not have.
var lambdaBuiltins = []string{"all", "none", "any", "one", "filter", "map", "count", "sum", "find", "findIndex", "findLast", "findLastIndex", "groupBy", "sortBy", "reduce"}

// compileCall compiles the call of a function.
func (c *checker) compileCall(n ast.Node, name string, nodes []ast.Node) code {
	b, ok := findBuiltin(name)
	if !ok {
		return c.unknownFunction(n, name, nodes)
	}
	args := make([]code, len(nodes))
	failed := false
	for i, arg := range nodes {
		args[i] = c.compile(arg)
		failed = failed || args[i].failed
	}
	if failed {
		return failedCode()
	}
	least, most := b.arity()
	if len(args) < least || len(args) > most {
		return c.fail(n, fmt.Sprintf("%s called with %s", name, plural(len(args), "argument")), "it is "+b.signature(), "")
	}
	for i, x := range args {
		p := b.params[min(i, len(b.params)-1)]
		if !p.accepts(x) {
			return c.wrongKind(nodes[i], x, name, p.wants())
		}
	}
	return b.compile(c, n, args)
}

func (b *exprFunction) arity() (least, most int) {
	for _, p := range b.params {
		most++
		if !p.optional {
			least++
		}
		if p.rest {
			most = 1 << 16
		}
	}
	return least, most
}

func (c *checker) unknownFunction(n ast.Node, name string, args []ast.Node) code {
	if slices.Contains(lambdaBuiltins, name) {
		hint := ""
		if len(args) > 0 {
			if id, ok := args[0].(*ast.IdentifierNode); ok && id.Value == "tags" {
				hint = `ask for a tag by "…" in tags`
			}
		}
		return c.fail(n, name+" takes a lambda", "expressions have no lambdas", hint)
	}
	if _, ok := fieldByName(name); ok {
		return c.fail(n, name+" is a field, not a function", "", "write "+name)
	}
	names := make([]string, 0, len(builtinTable))
	for i := range builtinTable {
		names = append(names, builtinTable[i].name)
	}
	return c.fail(n, "unknown function "+name, "", didYouMean(name, names))
}

func callName(n ast.Node) string {
	switch n := n.(type) {
	case *ast.BuiltinNode:
		return n.Name
	case *ast.CallNode:
		return sourceText(n.Callee)
	}
	return ""
}
