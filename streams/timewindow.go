package streams

import (
	"math"
	"time"

	"zeta/event"
)

// TimeWindowOptions are the options of fixedTimeWindow and fixedOffsetTimeWindow.
type TimeWindowOptions struct {
	Length   time.Duration `arg:"1" min:"1ms" doc:"length of a window"`
	Grace    time.Duration `opt:"grace" min:"0s" doc:"also close a window this long after its end by the engine's clock; default 0: only a later event closes it"`
	Ahead    time.Duration `opt:"ahead" min:"0s" doc:"an event whose time is further than this ahead of the engine's clock counts as of the engine's clock; default 1h, 0: never"`
	MaxEmpty int           `opt:"maxEmpty" min:"0" doc:"empty windows given for one gap; default 1000, 0: none"`
	Max      int           `opt:"max" min:"1" doc:"events in a window; default 100000"`
}

var timeWindowDefaults = TimeWindowOptions{Ahead: time.Hour, MaxEmpty: 1000, Max: 100_000}

const timeWindowDoc = `Time is the event's own:

    s          s+n        s+2n
    [----------[----------[-----   start inclusive, end exclusive

A window leaves when an event with a time at or after its end arrives, in order of arrival; then one empty window leaves for each window skipped. An event older than the open window is dropped. An event without a time joins the open window. Expired events are events like any other.`

const timeWindowDiffers = "A gap gives at most maxEmpty empty windows (Riemann: one for each, so that one wrong stamp is a flood). An event stamped further ahead of the engine's clock than ahead counts as of the engine's clock, so that one wrong stamp does not shut the window for all right ones. Events without a time before the first one with a time are kept. With grace the clock closes a window too."

const timeWindowBounds = "A window holds max events (default 100000), and 64 MiB; the newest beyond are dropped and counted."

func init() {
	Register(Spec[TimeWindowOptions]{
		Name:     "fixedTimeWindow",
		Summary:  "Give the events of every n seconds as one window, counted from the first event's time.",
		Doc:      timeWindowDoc + " s is the time of the first event.",
		Source:   "riemann.streams/fixed-time-window",
		Differs:  timeWindowDiffers,
		Clock:    "event time; the engine's clock for grace, and to tell which stamps lie ahead",
		Bounds:   timeWindowBounds,
		In:       Events,
		Out:      Windows,
		Defaults: timeWindowDefaults,
		New: func(env *Env, o TimeWindowOptions, next Stream) (Stream, error) {
			return newFixedTimeWindow(env, o, next, false), nil
		},
		Examples: []Example{{
			Title: "a mean a minute",
			Rule:  `fixedTimeWindow("1m", smap(mean, out))`,
			Test:  `at(10, event({metric: 1})), at(69, event({metric: 3})), at(70, event({metric: 10})), expect(out, [{metric: 2}])`,
		}, {
			Title: "closed by the clock",
			Rule:  `fixedTimeWindow("1m", {grace: "5s"}, smap(sum, out))`,
			Test:  `at(10, event({metric: 1})), at(20, event({metric: 2})), at(75), expect(out, [{metric: 3}])`,
		}},
	})
	Register(Spec[TimeWindowOptions]{
		Name:     "fixedOffsetTimeWindow",
		Summary:  "Give the events of every n seconds as one window, aligned to whole multiples of n.",
		Doc:      timeWindowDoc + " s is a whole multiple of n since the epoch: with n = 60 windows are the minutes of the clock on the wall.",
		Source:   "riemann.streams/fixed-offset-time-window",
		Differs:  timeWindowDiffers,
		Clock:    "event time; the engine's clock for grace, and to tell which stamps lie ahead",
		Bounds:   timeWindowBounds,
		In:       Events,
		Out:      Windows,
		Defaults: timeWindowDefaults,
		New: func(env *Env, o TimeWindowOptions, next Stream) (Stream, error) {
			return newFixedTimeWindow(env, o, next, true), nil
		},
		Examples: []Example{{
			Title: "whole minutes",
			Rule:  `fixedOffsetTimeWindow("1m", smap(sum, out))`,
			Test:  `at(50, event({metric: 1})), at(61, event({metric: 2})), at(119, event({metric: 3})), at(120, event({metric: 4})), expect(out, [{metric: 1}, {metric: 5}])`,
		}},
	})
	Register(Spec[MovingTimeWindowOptions]{
		Name:    "movingTimeWindow",
		Summary: "After every event, give the events of the last n seconds as a window.",
		Doc: `Time is the event's own. The window reaches back from the newest time seen:

    newest-n        newest
    (--------------------]   old edge exclusive, new edge inclusive

It is in order of arrival. An event at or before the old edge is dropped and nothing is emitted; so n = 0 never emits. Expired events are events like any other.`,
		Source:   "riemann.streams/moving-time-window",
		Differs:  "An event without a time counts as of the engine's clock (Riemann keeps it for ever), and so does one stamped further ahead of the clock than ahead. Times at and before the epoch are times like any other.",
		Clock:    "event time; the engine's clock for events without a time and to tell which stamps lie ahead",
		Bounds:   "A window holds max events (default 100000), and 64 MiB; the oldest are dropped and counted.",
		In:       Events,
		Out:      Windows,
		Defaults: MovingTimeWindowOptions{Ahead: time.Hour, Max: 100_000},
		New: func(env *Env, o MovingTimeWindowOptions, next Stream) (Stream, error) {
			return &movingTimeWindow{env: env, opts: o, next: next, newest: math.MinInt64}, nil
		},
		Examples: []Example{{
			Title: "the largest of the last ten seconds",
			Rule:  `movingTimeWindow(10, smap(max, out))`,
			Test:  `at(0, event({metric: 9})), at(9, event({metric: 1})), at(10, event({metric: 2})), expect(out, [{metric: 9}, {metric: 9}, {metric: 2}])`,
		}},
	})
}

// fixedTimeWindow is fixedTimeWindow and, aligned, fixedOffsetTimeWindow.
type fixedTimeWindow struct {
	env     *Env
	opts    TimeWindowOptions
	next    Stream
	aligned bool
	length  int64
	timer   *Timer // pending: closes the open window; nil without grace

	kept    queue
	started bool  // start is known
	start   int64 // of the open window
}

func newFixedTimeWindow(env *Env, o TimeWindowOptions, next Stream, aligned bool) *fixedTimeWindow {
	w := &fixedTimeWindow{env: env, opts: o, next: next, aligned: aligned, length: micros(o.Length)}
	if o.Grace > 0 {
		w.timer = env.Timer(w.closeByClock)
	}
	return w
}

// Push implements Stream.
func (w *fixedTimeWindow) Push(v Value) {
	e := eventIn(w.env, v)
	if e == nil {
		return
	}
	if e.Has&event.HasTime != 0 {
		t, ahead := e.Time, false
		if ahead = isAhead(w.env, t, w.opts.Ahead); ahead {
			t = w.env.Now()
		}
		switch {
		case !w.started:
			w.started, w.start = true, w.startOf(t)
		case t >= w.start:
			w.moveTo(t)
		case !ahead:
			return
		}
	}
	if w.kept.full(w.opts.Max) {
		w.env.Overload("max", 1)
		return
	}
	w.kept.add(e)
	w.armClose()
}

// startOf returns where the first window begins when its first event has time t.
func (w *fixedTimeWindow) startOf(t int64) int64 {
	if w.aligned {
		return grid{0, w.length}.floor(t)
	}
	return t
}

// moveTo closes the open window and those skipped if t lies behind it.
func (w *fixedTimeWindow) moveTo(t int64) {
	past := uint64(t) - uint64(w.start) // t is not before start, so this cannot overflow
	windows := past / uint64(w.length)
	if windows == 0 {
		return
	}
	w.start = t - int64(past%uint64(w.length))
	w.flush()
	for range min(windows-1, uint64(w.opts.MaxEmpty)) {
		w.next.Push(WindowValue(nil))
	}
}

func (w *fixedTimeWindow) flush() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.next.Push(WindowValue(w.kept.events()))
	w.kept.clear()
}

// armClose makes the clock close a window that holds something.
func (w *fixedTimeWindow) armClose() {
	if w.timer == nil || !w.started {
		return
	}
	if _, pending := w.timer.Pending(); !pending {
		w.timer.At(addMicros(w.start, addMicros(w.length, micros(w.opts.Grace))))
	}
}

func (w *fixedTimeWindow) closeByClock() {
	w.start = addMicros(w.start, w.length)
	w.flush()
}

// Save implements Stateful.
func (w *fixedTimeWindow) Save(s *Saver) {
	w.kept.save(s)
	s.Bool(w.started)
	s.Int(w.start)
	if w.timer != nil {
		s.Timer(w.timer)
	}
}

// Load implements Stateful.
func (w *fixedTimeWindow) Load(l *Loader) {
	w.kept.load(l)
	w.started = l.Bool()
	w.start = l.Int()
	if w.timer != nil {
		l.Timer(w.timer)
	}
}

// isAhead reports whether the time t is further than limit ahead of the engine's clock; limit 0: never.
func isAhead(env *Env, t int64, limit time.Duration) bool {
	return limit > 0 && t > addMicros(env.Now(), micros(limit))
}

// MovingTimeWindowOptions are the options of movingTimeWindow.
type MovingTimeWindowOptions struct {
	Length time.Duration `arg:"1" min:"0s" doc:"length of the window; 0 never emits"`
	Ahead  time.Duration `opt:"ahead" min:"0s" doc:"an event whose time is further than this ahead of the engine's clock counts as of the engine's clock; default 1h, 0: never"`
	Max    int           `opt:"max" min:"1" doc:"events in the window; default 100000"`
}

type movingTimeWindow struct {
	env  *Env
	opts MovingTimeWindowOptions
	next Stream

	kept   queue
	times  []int64 // the time each kept event counts as of
	newest int64
	oldest int64 // the least of times
}

// Push implements Stream.
func (w *movingTimeWindow) Push(v Value) {
	e := eventIn(w.env, v)
	if e == nil {
		return
	}
	t := timeOf(e, w.env.Now())
	if isAhead(w.env, t, w.opts.Ahead) {
		t = w.env.Now()
	}
	w.newest = max(w.newest, t)
	edge := addMicros(w.newest, -micros(w.opts.Length))
	if t <= edge {
		return
	}
	if w.kept.len() > 0 && w.oldest <= edge {
		w.dropUntil(edge)
	}
	for w.kept.full(w.opts.Max) && w.kept.len() > 0 {
		w.env.Overload("max", 1)
		w.kept.dropOldest()
		w.times = w.times[1:]
	}
	if w.kept.len() == 0 || t < w.oldest {
		w.oldest = t
	}
	w.kept.add(e)
	w.times = append(w.times, t)
	w.next.Push(WindowValue(w.kept.events()))
}

// dropUntil removes the events at and before the old edge. Late events stand among newer ones, so it looks
// at each, as whoever gets the window will.
func (w *movingTimeWindow) dropUntil(edge int64) {
	n := 0
	w.oldest = math.MaxInt64
	w.kept.retain(func(i int) bool {
		t := w.times[i]
		if t <= edge {
			return false
		}
		w.times[n] = t
		n++
		w.oldest = min(w.oldest, t)
		return true
	})
	w.times = w.times[:n]
}

// Save implements Stateful.
func (w *movingTimeWindow) Save(s *Saver) {
	w.kept.save(s)
	for _, t := range w.times {
		s.Int(t)
	}
	s.Int(w.newest)
}

// Load implements Stateful.
func (w *movingTimeWindow) Load(l *Loader) {
	w.kept.load(l)
	w.oldest = math.MaxInt64
	for range w.kept.len() {
		t := l.Int()
		w.times = append(w.times, t)
		w.oldest = min(w.oldest, t)
	}
	w.newest = l.Int()
}
