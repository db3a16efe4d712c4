package streams

import (
	"reflect"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// scope owns what a graph, or one fork of it, has built: its stateful nodes and its timers.
type scope struct {
	graph  *Graph
	parent *scope
	key    string // of the fork, in its encoded form; "" at the root
	in     *Input // what the expressions of the scope see
	timers []*Timer
	nodes  []stateNode
	slots  map[int]Stream // pipe markers
}

// stateNode is an instance that has state, with the path by which it is saved.
type stateNode struct {
	place  *node
	stream Stateful
}

// forked is a node that has scopes below it.
type forked interface {
	loadForks(l *Loader, m *Moved, outer string)
	closeForks()
	pendingForks() bool
}

// close stops the timers of the scope and of those below it.
func (s *scope) close() {
	for _, t := range s.timers {
		t.Stop()
	}
	for _, n := range s.nodes {
		if f, ok := n.stream.(forked); ok {
			f.closeForks()
		}
	}
}

// pending reports whether one of the scope's timers is going to run.
func (s *scope) pending() bool {
	for _, t := range s.timers {
		if _, ok := t.Pending(); ok {
			return true
		}
	}
	for _, n := range s.nodes {
		if f, ok := n.stream.(forked); ok && f.pendingForks() {
			return true
		}
	}
	return false
}

// node is one place in the rules: the call of an operator or a sink. Its instances share its counters.
type node struct {
	entry    *registration
	name     string
	pos      string // file:line:col
	order    int    // among all places, as written
	path     *statePath
	opts     reflect.Value
	binds    []bind
	bound    reflect.Value         // opts as the last instance got them
	boundTo  *Input                // of that instance's scope
	make     func(env *Env) Stream // of a sink; else the registration's
	sink     string                // of a sink, its ID
	at       file.Location
	args     []ast.Node // as written, until the rules are loaded
	template bool       // it stands in a template
	idle     bool       // no stream follows, as written
	next     part
	outlets  []outlet
	let      *let // whose stream it belongs to; nil: none
	takes    Kind
	gives    Kind
	stateful bool
	fixed    testFn // of a where at the top level: the part of its condition that is decided once per series
	rest     testFn // and the other part; nil: nothing

	events   uint64 // values that came in
	failures uint64
	shed     uint64
	warned   int64  // when the last overload event left
	logged   int64  // when the last failure was logged
	unsaid   uint64 // failures or sheddings since
}

// outlet is a way out of a node other than to its children.
type outlet struct {
	label string // the option's name or the condition; "" where there is one way only
	part  *part
}

// bind returns the options of an instance in the scope of env. Scopes whose expressions see the same share them.
func (n *node) bind(env *Env) reflect.Value {
	if len(n.binds) == 0 {
		return n.opts
	}
	if n.boundTo == env.scope.in {
		return n.bound
	}
	opts := reflect.New(n.entry.options).Elem()
	opts.Set(n.opts)
	for _, b := range n.binds {
		b(env, opts)
	}
	n.bound, n.boundTo = opts, env.scope.in
	return opts
}

// build implements part.
func (n *node) build(parent *Env) Stream {
	env := &Env{rt: parent.rt, node: n, scope: parent.scope, handler: parent.handler}
	if n.make != nil {
		return n.make(env)
	}
	next := Discard
	if n.next != nil {
		next = n.next.build(env)
	}
	s, err := n.entry.make(env, n.bind(env), next)
	if err != nil {
		env.scope.graph.failed(n, err)
		return Discard
	}
	if st, ok := s.(Stateful); ok {
		env.scope.nodes = append(env.scope.nodes, stateNode{n, st})
	}
	if c, ok := s.(interface{ counts() }); ok {
		c.counts()
		return s
	}
	return &gate{place: n, env: env, takes: n.entry.In, next: s}
}

// gate stands before a node: it counts, and keeps out what the node does not take, where the kinds are known
// only when the data is there.
type gate struct {
	place *node
	env   *Env
	takes Kind
	next  Stream
}

// Push implements Stream.
func (g *gate) Push(v Value) {
	g.place.events++
	if g.takes != Either && !g.fits(v) {
		return
	}
	g.next.Push(v)
}

func (g *gate) fits(v Value) bool {
	switch {
	case g.takes == Events && v.Window != nil:
		g.env.Fail(v, errTakesEvents)
		return false
	case g.takes == Windows && v.Event != nil:
		g.env.Fail(v, errTakesWindows)
		return false
	}
	return !v.IsNil()
}

// fan is several streams side by side.
type fan []part

// build implements part.
func (f fan) build(env *Env) Stream {
	ss := make([]Stream, len(f))
	for i, p := range f {
		ss[i] = p.build(env)
	}
	return FanOut(ss...)
}

// letPart is the use of a let: the one instance, which stands in the root's scope.
type letPart struct{ let *let }

// build implements part.
func (p *letPart) build(env *Env) Stream { return env.scope.graph.shared(p.let) }

// slot is a pipe's marker: the next stage, of which there is one instance in the scope where the pipe stands.
type slot struct {
	id    int
	used  bool
	in    Kind   // what reaches the stage, from all uses
	giver string // see context
	given *let
}

// build implements part.
func (s *slot) build(env *Env) Stream {
	for sc := env.scope; sc != nil; sc = sc.parent {
		if stream, ok := sc.slots[s.id]; ok {
			return stream
		}
	}
	return Discard
}
