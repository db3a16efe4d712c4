package streams

import (
	"fmt"
	"slices"
	"time"

	"zeta/event"
)

const (
	byDoc = `Each new value gets instances of the children of its own, built when its first event comes, so that windows and timers start then.
A missing field is a value like any other, and differs from an empty text. A let below is not copied: it is one instance.`
	byBounds = `Forks: max, 100,000 by default; a new value beyond it evicts those that were idle longest (one in 64 of max at once), which is counted as overload.
A fork without an event for idle, 1 h by default, is forgotten, unless one of its timers is still to run.`
	byDiffers = "Forks are bounded and forgotten when idle; in Riemann they stay for ever."
)

func init() {
	defaults := ByOptions{Max: 100_000, Idle: time.Hour}
	Register(Spec[ByOptions]{
		Name:     "by",
		Summary:  "Give each value of the fields its own copy of the children.",
		Doc:      byDoc,
		Source:   "riemann.streams/by",
		Differs:  byDiffers,
		Clock:    "engine clock, for idle forks",
		Bounds:   byBounds,
		Defaults: defaults,
		New: func(env *Env, o ByOptions, _ Stream) (Stream, error) {
			return newBy(env, o, false), nil
		},
		Examples: []Example{{
			Title: "changes of each service of each host",
			Rule:  `by([host, service], changed(state, {init: "ok"}, out))`,
			Test: `at(0, event({host: "a", service: "up", state: "ok"}), event({host: "b", service: "up", state: "down"}), event({host: "a", service: "up", state: "ok"})),
				expect(out, [{host: "b", state: "down"}])`,
		}},
	})
	Register(Spec[ByBuilderOptions]{
		Name:     "byBuilder",
		Summary:  "As by, with the value bound to a name inside the children.",
		Doc:      byDoc + " With a list of fields the name stands for the list of their values.",
		Source:   "riemann.streams/by-builder",
		Differs:  byDiffers,
		Clock:    "engine clock, for idle forks",
		Bounds:   byBounds,
		Defaults: ByBuilderOptions{Max: defaults.Max, Idle: defaults.Idle},
		New: func(env *Env, o ByBuilderOptions, _ Stream) (Stream, error) {
			return newBy(env, ByOptions{Keys: o.Keys, Children: o.Children, Max: o.Max, Idle: o.Idle}, true), nil
		},
		Examples: []Example{{
			Title: "the host in the description",
			Rule:  `byBuilder(h, host, with(description, "seen on " + h, out))`,
			Test:  `at(0, event({host: "a"})), expect(out, [{description: "seen on a"}])`,
		}, {
			Title: "a count of each",
			Rule:  `byBuilder(h, host, counter(with(description, "so far on " + h, out)))`,
			Test:  `at(0, event({host: "a", metric: 1}), event({host: "b", metric: 1})), at(1, event({host: "a", metric: 1})), expect(out, [{metric: 1}, {metric: 1}, {metric: 2, description: "so far on a"}])`,
		}},
	})
}

// ByOptions are the options of by.
type ByOptions struct {
	Keys     Keys          `arg:"1" doc:"a field, an expression, or a list of them"`
	Max      int           `opt:"max" min:"1" max:"10000000" doc:"forks at most"`
	Idle     time.Duration `opt:"idle" min:"1s" doc:"a fork without an event for so long is forgotten"`
	Children Branch        `arg:"2,rest" fork:"true" doc:"the streams that each value gets its own copy of"`
}

// ByBuilderOptions are the options of byBuilder.
type ByBuilderOptions struct {
	Name     string        `arg:"1" bind:"true" doc:"the name that stands for the value inside the children"`
	Keys     Keys          `arg:"2" doc:"a field, an expression, or a list of them"`
	Max      int           `opt:"max" min:"1" max:"10000000" doc:"forks at most"`
	Idle     time.Duration `opt:"idle" min:"1s" doc:"a fork without an event for so long is forgotten"`
	Children Branch        `arg:"3,rest" fork:"true" doc:"the streams that each value gets its own copy of"`
}

// by keeps a fork for each value of its keys. An event of a known series touches little memory: the slot that its
// series leads to, the fork, and the state of the first operator.
type by struct {
	env   *Env
	opts  ByOptions
	binds bool // children see the value as a variable
	idle  int64

	forks map[string]*fork
	order []*fork // in order of creation
	sweep *Timer
	key   []byte // scratch

	series bySeries
	near   []bySlot // by Series.ID or HostID: guesses, checked before they are believed
	gate   gate     // of the forks' first operator, without what follows; zero: they begin with something else
}

// bySeries says that the keys are identity fields, so that an event's series leads to its fork.
type bySeries uint8

const (
	byAnything bySeries = iota
	byHost
	byService
	byBoth
)

// bySlot is a guess: the fork of a series; nil: none. It has next so that an event's way does not wait for the fork.
type bySlot struct {
	series *event.Series
	fork   *fork
	next   Stream
}

// fork is one value's copy of the children.
type fork struct {
	used   int64  // when its last event came
	next   Stream // behind by's gate
	scope  scope
	values []Datum // what byBuilder binds
}

func newBy(env *Env, o ByOptions, binds bool) *by {
	b := &by{env: env, opts: o, binds: binds, idle: o.Idle.Microseconds(), forks: map[string]*fork{}}
	b.series = seriesOf(o.Keys)
	b.sweep = env.Timer(b.forget)
	return b
}

func seriesOf(keys Keys) bySeries {
	var fields []string
	for _, k := range keys {
		fields = append(fields, k.field.String())
	}
	switch {
	case slices.Equal(fields, []string{"host"}):
		return byHost
	case slices.Equal(fields, []string{"service"}):
		return byService
	case slices.Equal(fields, []string{"host", "service"}), slices.Equal(fields, []string{"service", "host"}):
		return byBoth
	}
	return byAnything
}

// Push implements Stream.
func (b *by) Push(v Value) {
	b.env.node.events++
	now := b.env.Now()
	// Fast path: the series leads to the fork.
	if e := v.Event; e != nil && e.Series != nil && b.series != byAnything && b.gate.takes != Windows {
		if n := b.nearby(e.Series); n != nil {
			n.fork.used = now
			if b.gate.place != nil {
				b.gate.place.events++
			}
			n.next.Push(v)
			return
		}
	}
	f := b.find(v, now)
	f.used = now
	if b.gate.place == nil {
		f.next.Push(v)
		return
	}
	g := b.gate
	g.next = f.next
	g.Push(v)
}

func (b *by) counts() {}

// slot is where the guess for a series stands.
func (b *by) slot(s *event.Series) uint32 {
	if b.series == byHost {
		return s.HostID
	}
	return s.ID
}

func (b *by) nearby(s *event.Series) *bySlot {
	if i := b.slot(s); int(i) < len(b.near) {
		if n := &b.near[i]; n.series == s || b.series == byHost && n.series != nil && sameHost(n.series, s) {
			return n
		}
	}
	return nil
}

func sameHost(a, b *event.Series) bool {
	return a.Host == b.Host && a.Has&event.HasHost == b.Has&event.HasHost
}

// maxNear bounds the guesses: series beyond it are found by their key.
const maxNear = 1 << 22

// find returns the fork of v, which it may have to make.
func (b *by) find(v Value, now int64) *fork {
	b.key = b.key[:0]
	for i := range b.opts.Keys {
		b.key = b.opts.Keys[i].Eval(v).AppendKey(b.key)
	}
	f := b.forks[string(b.key)]
	if f == nil {
		var values []Datum
		if b.binds {
			values = b.values(v)
		}
		f = b.add(string(b.key), values, now)
	}
	if e := v.Event; e != nil && e.Series != nil && b.series != byAnything {
		if i := b.slot(e.Series); i < maxNear {
			if int(i) >= len(b.near) {
				b.near = append(b.near, make([]bySlot, int(i)+1-len(b.near))...)
			}
			b.near[i] = bySlot{e.Series, f, f.next}
		}
	}
	return f
}

func (b *by) values(v Value) []Datum {
	values := make([]Datum, len(b.opts.Keys))
	for i, k := range b.opts.Keys {
		values[i] = keepDatum(k.Eval(v))
	}
	return values
}

// add makes a fork.
func (b *by) add(key string, values []Datum, now int64) *fork {
	if len(b.order) >= b.opts.Max {
		b.evict()
	}
	outer := b.env.scope
	in := outer.in
	if b.binds {
		value := Datum{Kind: List, List: values}
		if len(values) == 1 {
			value = values[0]
		}
		in = &Input{rt: b.env.rt, Vars: append(slices.Clone(outer.in.Vars), value)}
	}
	f := &fork{used: now, scope: scope{graph: outer.graph, parent: outer, key: key, in: in}, values: values}
	f.next = b.opts.Children.Build(&Env{rt: b.env.rt, node: b.env.node, scope: &f.scope, handler: b.env.handler})
	// What stands first in all forks counts and checks here, so that no fork needs a gate of its own.
	if g, ok := f.next.(*gate); ok {
		f.next = g.next
		if b.gate.place == nil {
			b.gate = gate{place: g.place, takes: g.takes, env: &Env{rt: b.env.rt, node: g.place, scope: outer, handler: b.env.handler}}
		}
	}
	b.forks[key] = f
	b.order = append(b.order, f)
	if _, pending := b.sweep.Pending(); !pending {
		b.sweep.After(b.idle)
	}
	return f
}

// evict removes the forks that were idle longest, one in 64 of the maximum.
func (b *by) evict() {
	byUse := slices.Clone(b.order)
	slices.SortStableFunc(byUse, func(x, y *fork) int {
		switch {
		case x.used < y.used:
			return -1
		case x.used > y.used:
			return 1
		}
		return 0
	})
	gone := map[*fork]bool{}
	for _, f := range byUse[:max(1, min(b.opts.Max/64, len(byUse)))] {
		gone[f] = true
	}
	b.remove(func(f *fork) bool { return gone[f] })
	b.env.Overload(fmt.Sprintf("max %d", b.opts.Max), len(gone))
}

// forget removes the forks that are idle. One with a timer that is still to run stays: what it holds back is
// going to leave.
func (b *by) forget() {
	now := b.env.Now()
	b.remove(func(f *fork) bool { return now-f.used >= b.idle && !f.scope.pending() })
	if len(b.order) == 0 {
		return
	}
	oldest := now
	for _, f := range b.order {
		oldest = min(oldest, f.used)
	}
	// At most four sweeps in idle, also when a pending timer keeps an old fork.
	b.sweep.At(max(oldest+b.idle, now+b.idle/4+1))
}

func (b *by) remove(gone func(f *fork) bool) {
	kept := b.order[:0]
	for _, f := range b.order {
		if !gone(f) {
			kept = append(kept, f)
			continue
		}
		delete(b.forks, f.scope.key)
		f.close()
	}
	clear(b.order[len(kept):])
	b.order = kept
	for i, n := range b.near {
		if n.fork != nil && n.fork.next == nil {
			b.near[i] = bySlot{}
		}
	}
}

// close stops the fork for good.
func (f *fork) close() {
	f.scope.close()
	f.next = nil
}

// closeForks implements forked.
func (b *by) closeForks() { b.remove(func(*fork) bool { return true }) }

// pendingForks implements forked.
func (b *by) pendingForks() bool {
	return slices.ContainsFunc(b.order, func(f *fork) bool { return f.scope.pending() })
}

// Save implements Stateful.
func (b *by) Save(s *Saver) {
	s.Timer(b.sweep)
	s.Uint(uint64(len(b.order)))
	for _, f := range b.order {
		s.String(f.scope.key)
		s.Int(f.used)
		s.Uint(uint64(len(f.values)))
		for _, d := range f.values {
			s.Datum(d)
		}
		f.scope.save(s)
	}
}

// Load implements Stateful.
func (b *by) Load(l *Loader) { b.loadForks(l, &Moved{}, "") }

// loadForks implements forked.
func (b *by) loadForks(l *Loader, m *Moved, outer string) {
	l.Timer(b.sweep)
	for range l.Len() {
		key, used := l.String(), l.Int()
		values := make([]Datum, l.Len())
		for i := range values {
			values[i] = l.Datum()
		}
		if l.Err() != nil {
			return
		}
		if b.binds && len(values) != len(b.opts.Keys) || b.forks[key] != nil {
			l.Fail(fmt.Errorf("a fork with %d values", len(values)))
			return
		}
		f := b.add(key, values, used)
		f.scope.load(l, m, outer)
	}
}
