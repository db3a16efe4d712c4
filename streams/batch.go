package streams

import "time"

func init() {
	Register(Spec[BatchOptions]{
		Name:    "batch",
		Summary: "Give events in windows of n, and what is left at the end of each window of time.",
		Doc: `A window leaves as soon as n events are held, and with fewer at the edges of a grid that starts when the rules are loaded (inside by: with the first event of that key):

    loaded    +every    +2·every
    [---------[---------[---------   an event exactly on an edge is held for the next one

A full window does not move the grid. Nothing held, nothing given. An expired event is an event like any other.`,
		Source:   "riemann.streams/batch",
		Differs:  "Takes events only.",
		Clock:    "engine clock",
		Bounds:   "n events, and 64 MiB: then the window leaves early.",
		In:       Events,
		Out:      Windows,
		Defaults: BatchOptions{N: 100, Every: time.Second},
		New: func(env *Env, o BatchOptions, next Stream) (Stream, error) {
			b := &batch{env: env, n: o.N, next: next}
			b.time = newParttime(env, o.Every, b.flush)
			return b, nil
		},
		Examples: []Example{{
			Title: "two, or what came in three seconds",
			Rule:  `batch(2, 3, smap(sum, out))`,
			Test:  `at(0, event({metric: 1}), event({metric: 2}), event({metric: 4})), at(3), expect(out, [{metric: 3}, {metric: 4}])`,
		}},
	})
}

// BatchOptions are the options of batch.
type BatchOptions struct {
	N     int           `arg:"1" min:"1" max:"1000000" doc:"events in a full window"`
	Every time.Duration `arg:"2" min:"1ms" doc:"longest wait for a full window"`
}

type batch struct {
	env  *Env
	n    int
	next Stream
	time *parttime
	held queue
}

// Push implements Stream.
func (b *batch) Push(v Value) {
	e := eventIn(b.env, v)
	if v.IsWindow() {
		return
	}
	b.time.enter()
	b.held.add(e)
	if b.held.full(b.n) {
		b.time.drop()
		b.flush()
		return
	}
	b.time.keepOpen()
}

func (b *batch) flush() {
	b.next.Push(WindowValue(b.held.events()))
	b.held.clear()
}

// Save implements Stateful.
func (b *batch) Save(s *Saver) {
	b.time.save(s)
	b.held.save(s)
}

// Load implements Stateful.
func (b *batch) Load(l *Loader) {
	b.time.load(l)
	b.held.load(l)
}
