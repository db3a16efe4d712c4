package streams

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// listen takes in listen.KIND(address, {…}).
func (l *load) listen(n *ast.CallNode, callee *ast.MemberNode) {
	kind, _ := callee.Property.(*ast.StringNode)
	if kind == nil {
		l.report(n.Location(), "listen", "a listener without a kind", `write listen.tcp("127.0.0.1:5555")`, "")
		return
	}
	r := listeners[kind.Value]
	if r == nil {
		known := slices.Sorted(maps.Keys(listeners))
		l.report(callee.Location(), "listen", fmt.Sprintf("unknown listener %q", kind.Value), "listeners are "+strings.Join(known, ", "), didYouMean(kind.Value, known))
		return
	}
	at := l.src.position(n.Location().From)
	if o, ok := l.declared(n, r, n.Arguments); ok {
		l.rules.Listeners = append(l.rules.Listeners, Declaration{
			Kind: kind.Value, Options: o, Pos: fmt.Sprintf("%s:%d:%d", at.file, at.line, at.col),
		})
	}
}

// setting takes in a setting.
func (l *load) setting(n ast.Node, r *registration, args []ast.Node) {
	if before, ok := l.set[r.Name]; ok {
		p := l.src.position(before.From)
		l.report(n.Location(), r.Name, r.Name+" is set already", fmt.Sprintf("at %s:%d", p.file, p.line), "")
		return
	}
	l.set[r.Name] = n.Location()
	if o, ok := l.declared(n, r, args); ok {
		l.rules.Settings[r.Name] = o
		l.rules.Given[r.Name] = true
	}
}

// declared decodes the arguments of a listener or a setting. They may use lets that stand further down.
func (l *load) declared(n ast.Node, r *registration, args []ast.Node) (any, bool) {
	before := l.errors
	d := decoder{c: &l.compiler, r: r, call: n, x: context{in: Events, path: newPath()}, opts: reflect.New(r.options).Elem()}
	d.opts.Set(r.defaults)
	for _, a := range d.arguments(args) {
		d.fault(a, "one argument too many", l.usage(r), "")
	}
	if l.errors > before {
		return nil, false
	}
	d.check()
	return d.opts.Interface(), l.errors == before
}
