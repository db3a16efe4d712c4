package streams

import (
	"errors"
	"fmt"

	"zeta/event"
)

// MaxHops is how often an event and what comes of it can be reinjected.
const MaxHops = 16

// maxQueued bounds the events that wait to be pushed at the root again.
const maxQueued = 100_000

// Graph is one running instance of rules. It belongs to the engine's one writer and is not safe for
// concurrent use.
type Graph struct {
	rules *Rules
	rt    *Runtime
	scope *scope
	root  Stream
	roots *roots // root, if it decides conditions per series
	lets  map[*let]Stream
	errs  []error

	hops     int // of the value that is being dealt with
	queue    []queued
	draining bool
	refused  uint64 // events not reinjected: too many hops, or a full queue
	rec      *recorder
}

// queued is an event that is to be pushed at the root again.
type queued struct {
	event event.Event
	hops  int
}

// Build makes an instance of the rules that uses rt. Operators start their windows now.
func (r *Rules) Build(rt *Runtime) (*Graph, error) {
	g := &Graph{rules: r, rt: rt.filled(), lets: map[*let]Stream{}}
	g.scope = &scope{graph: g, in: &Input{rt: g.rt}}
	if g.rec = g.rt.rec; g.rec == nil && g.rt.Testing {
		g.rec = newRecorder()
	}
	g.root = Discard
	if r.root != nil {
		g.root = r.root.build(&Env{rt: g.rt, scope: g.scope})
	}
	// A let that only forks use stands from the beginning, too: its state is there before the first fork.
	for _, l := range r.live {
		if l.part != nil {
			g.shared(l)
		}
	}
	if len(g.errs) > 0 {
		g.Close()
		return nil, errors.Join(g.errs...)
	}
	return g, nil
}

// failed notes that a node could not be built.
func (g *Graph) failed(n *node, err error) {
	g.errs = append(g.errs, fmt.Errorf("%s: %s: %w", n.pos, n.name, err))
}

// shared returns the one instance of a let, which is built on its first use.
func (g *Graph) shared(l *let) Stream {
	if s, ok := g.lets[l]; ok {
		return s
	}
	g.lets[l] = Discard // a let cannot reach itself, see compiler.resolve
	s := l.part.build(&Env{rt: g.rt, scope: g.scope})
	if n, ok := l.part.(*node); g.rec != nil && !(ok && n.name == "tap" && n.opts.Field(0).String() == l.name) {
		s = &tap{rec: g.rec, name: l.name, next: s}
	}
	g.lets[l] = s
	return s
}

// Push passes a value to every stream at the top level, and then what was reinjected meanwhile, unless the
// runtime sees to that. The value is lent.
func (g *Graph) Push(v Value) {
	g.root.Push(v)
	if len(g.queue) != 0 {
		g.drain()
	}
}

// Reinject pushes an event that rules sent back, for a runtime with a Reinject function.
func (g *Graph) Reinject(e *event.Event, hops int) {
	g.hops = hops
	defer func() { g.hops = 0 }() // also when a rule panics and the engine goes on
	g.root.Push(EventValue(e))
}

// Advance runs the timers due at or before t, each followed by what it reinjected, and sets the clock to t.
func (g *Graph) Advance(t int64) {
	for {
		due := g.rt.Clock.Next()
		if due > t {
			break
		}
		g.rt.Clock.Advance(due)
		if len(g.queue) != 0 {
			g.drain()
		}
	}
	g.rt.Clock.Advance(t)
}

// reinject has e pushed at the root after the current value. e is lent.
func (g *Graph) reinject(e *event.Event) bool {
	hops := g.hops + 1
	if hops > MaxHops || len(g.queue) >= maxQueued {
		g.refused++
		return false
	}
	if g.rt.Reinject != nil {
		g.rt.Reinject(e, hops)
		return true
	}
	g.queue = append(g.queue, queued{*e, hops})
	return true
}

func (g *Graph) drain() {
	if g.draining {
		return
	}
	g.draining = true
	for i := 0; i < len(g.queue); i++ {
		q := g.queue[i] // a copy: the slice may grow meanwhile
		g.Reinject(&q.event, q.hops)
	}
	clear(g.queue)
	g.queue = g.queue[:0]
	g.draining = false
}

// Close stops all timers of the graph.
func (g *Graph) Close() { g.scope.close() }

// NodeStats are the counters of one place in the rules, over all its instances.
type NodeStats struct {
	Pos      string // file:line:col
	Operator string
	Path     string // identity; stateful operators above it, with their arguments
	Events   uint64 // values that came in
	Failures uint64
	Shed     uint64 // dropped on reaching a bound
}

// Stats returns the counters of every place, as they are written in the rules. They count since the rules
// were loaded. Call it as the engine's writer.
func (g *Graph) Stats() []NodeStats {
	stats := make([]NodeStats, len(g.rules.places))
	for i, n := range g.rules.places {
		stats[i] = NodeStats{n.pos, n.name, n.path.full(), n.events, n.failures, n.shed}
		if g.roots != nil && g.roots.decides[n] {
			stats[i].Events += g.roots.fast
		}
	}
	return stats
}

// Refused returns how many events were not reinjected because of their hops or a full queue.
func (g *Graph) Refused() uint64 { return g.refused }
