package streams

import (
	"time"

	"zeta/event"
)

const fillInDiffers = "After max fills in a row it waits for the next live event."

const fillInBounds = "max fills in a row (default 10000, 0: no limit), then it is counted and waits for a live event."

func init() {
	Register(Spec[FillInOptions]{
		Name:    "fillIn",
		Summary: "Pass every event, and give a default one whenever an interval passes without any.",
		Doc: `The interval is counted from the latest event or fill, at first from the moment the rules are loaded:

    event --every--> fill --every--> fill --- event --every--> fill

The fill has the fields given and time now. An expired event passes and stops it until the next live one; a ttl alone does not.`,
		Source:   "riemann.streams/fill-in",
		Differs:  fillInDiffers,
		Clock:    "engine clock",
		Bounds:   fillInBounds,
		In:       Events,
		Out:      Events,
		Defaults: FillInOptions{Every: time.Second, Max: 10_000},
		New: func(env *Env, o FillInOptions, next Stream) (Stream, error) {
			f := newFillIn(env, o.Every, o.Max, next, func() (*event.Event, error) { return o.Event.Event(&event.Event{}), nil })
			f.arm()
			return f, nil
		},
		Examples: []Example{{
			Title: "no news is zero",
			Rule:  `fillIn(5, {service: "req", metric: 0}, out)`,
			Test:  `at(0, event({service: "req", metric: 3})), at(10), expect(out, [{metric: 3}, {metric: 0, time: 5}, {metric: 0, time: 10}])`,
		}},
	})
	last := Spec[FillInLastOptions]{
		Name:    "fillInLast",
		Summary: "Pass every event, and repeat the last one, with changes, whenever an interval passes without any.",
		Doc: `The interval is counted from the latest event or fill; nothing is filled before the first live event:

    event --every--> fill --every--> fill --- event --every--> fill

The fill is the last event with the given fields set and time now. Values may be expressions over the last real event, so fills do not build on fills. An expired event passes and stops it until the next live one; a ttl alone does not.`,
		Source:   "riemann.streams/fill-in-last",
		Differs:  fillInDiffers,
		Clock:    "engine clock",
		Bounds:   fillInBounds,
		In:       Events,
		Out:      Events,
		Defaults: FillInLastOptions{Every: time.Second, Max: 10_000},
		New: func(env *Env, o FillInLastOptions, next Stream) (Stream, error) {
			f := newFillIn(env, o.Every, o.Max, next, nil)
			f.fill = func() (*event.Event, error) { return o.Changes.Event(&f.last), nil }
			f.keeps = true
			return f, nil
		},
		Examples: []Example{{
			Title: "silence is stale",
			Rule:  `fillInLast(5, {state: "stale"}, out)`,
			Test:  `at(0, event({host: "a", state: "ok"})), at(5), expect(out, [{host: "a", state: "ok"}, {host: "a", state: "stale", time: 5}])`,
		}},
	}
	Register(last)

	Register(Spec[FillInLastStarOptions]{
		Name:     "fillInLastStar",
		Summary:  "Pass every event, and give a function of the last one whenever an interval passes without any.",
		Doc:      last.Doc + " Where the function gives nothing, nothing is filled.",
		Source:   "riemann.streams/fill-in-last*",
		Differs:  fillInDiffers,
		Clock:    "engine clock",
		Bounds:   fillInBounds,
		In:       Events,
		Out:      Events,
		Defaults: FillInLastStarOptions{Every: time.Second, Max: 10_000},
		New: func(env *Env, o FillInLastStarOptions, next Stream) (Stream, error) {
			f := newFillIn(env, o.Every, o.Max, next, nil)
			f.fill = func() (*event.Event, error) {
				v, err := o.Function.Map(EventValue(&f.last))
				if err != nil || v.Event == nil {
					return nil, err
				}
				c := *v.Event // it may be anybody's
				return &c, nil
			}
			f.keeps = true
			return f, nil
		},
		Examples: []Example{{
			Title: "half of the last value",
			Rule:  `fillInLastStar(5, {metric: metric / 2}, out)`,
			Test:  `at(0, event({metric: 4})), at(10), expect(out, [{metric: 4}, {metric: 2, time: 5}, {metric: 2, time: 10}])`,
		}},
	})
}

// FillInOptions are the options of fillIn.
type FillInOptions struct {
	Every time.Duration `arg:"1" min:"1ms" doc:"longest time without an event"`
	Event Patch         `arg:"2" doc:"the fields of the fill"`
	Max   int           `opt:"max" min:"0" doc:"fills in a row; default 10000, 0: no limit"`
}

// FillInLastOptions are the options of fillInLast.
type FillInLastOptions struct {
	Every   time.Duration `arg:"1" min:"1ms" doc:"longest time without an event"`
	Changes Patch         `arg:"2" doc:"fields to set in the copy of the last event"`
	Max     int           `opt:"max" min:"0" doc:"fills in a row; default 10000, 0: no limit"`
}

// FillInLastStarOptions are the options of fillInLastStar.
type FillInLastStarOptions struct {
	Every    time.Duration `arg:"1" min:"1ms" doc:"longest time without an event"`
	Function Mapper        `arg:"2" doc:"makes the fill of the last event"`
	Max      int           `opt:"max" min:"0" doc:"fills in a row; default 10000, 0: no limit"`
}

// fillIn passes events and fills gaps with what fill gives.
type fillIn struct {
	env   *Env
	every int64
	max   int
	fill  func() (*event.Event, error) // a new event, or nil: nothing to fill with
	keeps bool                         // fill looks at last
	next  Stream
	timer *Timer

	last   event.Event // of the live ones
	filled int         // in a row
}

func newFillIn(env *Env, every time.Duration, limit int, next Stream, fill func() (*event.Event, error)) *fillIn {
	f := &fillIn{env: env, every: micros(every), max: limit, fill: fill, next: next}
	f.timer = env.Timer(f.tick)
	return f
}

// Push implements Stream.
func (f *fillIn) Push(v Value) {
	e := eventIn(f.env, v)
	if e == nil {
		return
	}
	if due, pending := f.timer.Pending(); pending && due <= f.env.Now() {
		f.timer.Stop() // e came from another timer, at the end of the interval
		f.tick()
	}
	f.filled = 0
	if e.IsExpired(f.env.Now()) {
		f.timer.Stop()
	} else {
		if f.keeps {
			f.last = *e
		}
		f.arm()
	}
	f.next.Push(v)
}

func (f *fillIn) arm() {
	if due := addMicros(f.env.Now(), f.every); due > f.env.Now() {
		f.timer.At(due)
	}
}

func (f *fillIn) tick() {
	if f.max > 0 && f.filled >= f.max {
		f.env.Overload("max", 1)
		return
	}
	f.filled++
	f.arm()
	e, err := f.fill()
	if err != nil {
		f.env.Fail(EventValue(&f.last), err)
		return
	}
	if e == nil {
		return
	}
	e.SetTime(f.env.Now())
	f.next.Push(EventValue(e))
}

// Save implements Stateful.
func (f *fillIn) Save(s *Saver) {
	s.Event(&f.last)
	s.Int(int64(f.filled))
	s.Timer(f.timer)
}

// Load implements Stateful.
func (f *fillIn) Load(l *Loader) {
	f.last = loadEvent(l)
	f.filled = int(l.Int())
	l.Timer(f.timer)
}
