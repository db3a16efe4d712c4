package streams

func init() {
	moving := Spec[MovingEventWindowOptions]{
		Name:    "movingEventWindow",
		Summary: "After every event, give the last n events as a window.",
		Doc:     "The window is oldest first and grows 1, 2, … n before it slides by one event. Times do not matter, an expired event is an event like any other. With n = 0 every event gives an empty window.",
		Source:  "riemann.streams/moving-event-window",
		Clock:   "none",
		Bounds:  "n events, and 64 MiB; the oldest beyond are dropped and counted.",
		In:      Events,
		Out:     Windows,
		New: func(env *Env, o MovingEventWindowOptions, next Stream) (Stream, error) {
			return &movingEventWindow{env: env, n: o.N, next: next}, nil
		},
		Examples: []Example{{
			Title: "the mean of the last three",
			Rule:  `movingEventWindow(3, smap(mean, out))`,
			Test:  `at(0, event({metric: 1}), event({metric: 2}), event({metric: 6}), event({metric: 7})), expect(out, [{metric: 1}, {metric: 1.5}, {metric: 3}, {metric: 5}])`,
		}},
	}
	Register(moving)

	moving.Name = "window"
	moving.Summary = "The old name of movingEventWindow."
	moving.Doc = "Deprecated: write movingEventWindow."
	moving.Source = "riemann.streams/window"
	moving.Examples = []Example{{
		Title: "the last two",
		Rule:  `window(2, smap(count, out))`,
		Test:  `at(0, event({service: "a"}), event({service: "b"}), event({service: "c"})), expect(out, [{metric: 1}, {metric: 2}, {metric: 2}])`,
	}}
	Register(moving)

	Register(Spec[FixedEventWindowOptions]{
		Name:    "fixedEventWindow",
		Summary: "Give every n events as one window.",
		Doc:     "Windows do not overlap. A window that is not full waits for more events, however long. With n = 0 nothing is ever emitted.",
		Source:  "riemann.streams/fixed-event-window",
		Clock:   "none",
		Bounds:  "n events, and 64 MiB: then the window leaves before it is full, which is counted.",
		In:      Events,
		Out:     Windows,
		New: func(env *Env, o FixedEventWindowOptions, next Stream) (Stream, error) {
			return &fixedEventWindow{env: env, n: o.N, next: next}, nil
		},
		Examples: []Example{{
			Title: "pairs",
			Rule:  `fixedEventWindow(2, smap(sum, out))`,
			Test:  `at(0, event({metric: 1}), event({metric: 2}), event({metric: 3}), event({metric: 4}), event({metric: 5})), expect(out, [{metric: 3}, {metric: 7}])`,
		}},
	})
}

// MovingEventWindowOptions are the options of movingEventWindow and window.
type MovingEventWindowOptions struct {
	N int `arg:"1" min:"0" max:"1000000" doc:"events in a full window; 0 gives empty windows"`
}

type movingEventWindow struct {
	env  *Env
	n    int
	next Stream
	kept queue
}

// Push implements Stream.
func (w *movingEventWindow) Push(v Value) {
	e := eventIn(w.env, v)
	if v.IsWindow() {
		return
	}
	if w.n > 0 {
		for w.kept.full(w.n) && w.kept.len() > 0 {
			if w.kept.len() < w.n {
				w.env.Overload("bytes", 1)
			}
			w.kept.dropOldest()
		}
		w.kept.add(e)
	}
	w.next.Push(WindowValue(w.kept.events()))
}

// Save implements Stateful.
func (w *movingEventWindow) Save(s *Saver) { w.kept.save(s) }

// Load implements Stateful.
func (w *movingEventWindow) Load(l *Loader) { w.kept.load(l) }

// FixedEventWindowOptions are the options of fixedEventWindow.
type FixedEventWindowOptions struct {
	N int `arg:"1" min:"0" max:"1000000" doc:"events in a window; 0 emits nothing"`
}

type fixedEventWindow struct {
	env  *Env
	n    int
	next Stream
	kept queue
}

// Push implements Stream.
func (w *fixedEventWindow) Push(v Value) {
	e := eventIn(w.env, v)
	if v.IsWindow() || w.n == 0 {
		return
	}
	w.kept.add(e)
	if !w.kept.full(w.n) {
		return
	}
	if w.kept.len() < w.n {
		w.env.Overload("bytes", 1)
	}
	w.next.Push(WindowValue(w.kept.events()))
	w.kept.clear()
}

// Save implements Stateful.
func (w *fixedEventWindow) Save(s *Saver) { w.kept.save(s) }

// Load implements Stateful.
func (w *fixedEventWindow) Load(l *Loader) { w.kept.load(l) }
