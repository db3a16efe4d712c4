package streams

import (
	"errors"
	"time"

	"zeta/event"
)

func init() {
	Register(Spec[ChangedOptions]{
		Name:    "changed",
		Summary: "Pass an input when the value of an expression differs from the input's before.",
		Doc:     "Before the first input the value is init, which is missing unless given: a first value passes, a first missing one does not. Each input counts, passed or not. Numbers are compared by value, 1 equals 1.0; NaN equals NaN; missing equals missing. With pairs, a window [the input before, the input] leaves instead, the first with nothing in front; it needs events. Expired is a state like any other.",
		Source:  "riemann.streams/changed",
		Differs: "1 and 1.0 are equal (Riemann: a change).",
		Clock:   "none",
		Gives: func(o ChangedOptions, in Kind) Kind {
			if o.Pairs {
				return Windows
			}
			return in
		},
		New: func(env *Env, o ChangedOptions, next Stream) (Stream, error) {
			if o.Value.field.Name == "state" && !o.Pairs && (o.Init.Kind == Missing || o.Init.Kind == String) {
				return &transitions{last: o.Init.Str, known: o.Init.Kind == String, next: next}, nil
			}
			return &changed{env: env, opts: o, next: next, last: o.Init}, nil
		},
		Examples: []Example{{
			Title: "only transitions",
			Rule:  `changed(state, {init: "ok"}, out)`,
			Test:  `at(0, event({state: "ok"}), event({state: "bad"}), event({state: "bad"}), event({state: "ok"})), expect(out, [{state: "bad"}, {state: "ok"}])`,
		}},
	})
	Register(Spec[ChangedStateOptions]{
		Name:     "changedState",
		Summary:  "Per host and service, pass an event when its state differs from the one before.",
		Doc:      "Before the first event of a host and service its state is init, which is missing unless given: then a first event with a state passes. Each event counts, passed or not. With pairs, a window [the event before, the event] leaves instead, the first with nothing in front. Expired is a state like any other: falling silent is a change, and so is coming back.",
		Source:   "riemann.streams/changed-state",
		Differs:  "What is remembered is bounded: a source that was forgotten starts from init again.",
		Clock:    "none; the engine's clock for idle",
		Bounds:   "max sources (default 100000), the one silent longest is forgotten and counted; a source silent for idle (default a week) is forgotten.",
		In:       Events,
		Defaults: ChangedStateOptions{Max: 100_000, Idle: 7 * 24 * time.Hour},
		Gives: func(o ChangedStateOptions, _ Kind) Kind {
			if o.Pairs {
				return Windows
			}
			return Events
		},
		Check: func(o ChangedStateOptions) error {
			if o.Init.Kind != Missing && o.Init.Kind != String {
				return errors.New(`init wants a state, such as "ok"`)
			}
			return nil
		},
		New: func(env *Env, o ChangedStateOptions, next Stream) (Stream, error) {
			return newChangedState(env, o, next), nil
		},
		Examples: []Example{{
			Title: "two services of one host",
			Rule:  `changedState({init: "ok"}, out)`,
			Test:  `at(0, event({host: "a", service: "x", state: "bad"}), event({host: "a", service: "y", state: "ok"}), event({host: "a", service: "x", state: "bad"}), event({host: "a", service: "x", state: "ok"})), expect(out, [{service: "x", state: "bad"}, {service: "x", state: "ok"}])`,
		}},
	})
}

// ChangedOptions are the options of changed.
type ChangedOptions struct {
	Value Expr  `arg:"1" doc:"what is compared"`
	Init  Datum `opt:"init" doc:"the value before the first input; default: missing"`
	Pairs bool  `opt:"pairs" doc:"give the event before along; default false"`
}

// transitions is changed where the value is the state: the one that stands below many by, so it is small.
type transitions struct {
	last  string
	known bool // not missing
	next  Stream
}

// Push implements Stream.
func (c *transitions) Push(v Value) {
	state, known := "", false
	if e := v.Event; e != nil && e.Has&event.HasState != 0 {
		state, known = e.State, true
	}
	if known != c.known || state != c.last {
		c.last, c.known = state, known
		c.next.Push(v)
	}
}

// Save implements Stateful.
func (c *transitions) Save(s *Saver) {
	s.Bool(c.known)
	s.String(c.last)
}

// Load implements Stateful.
func (c *transitions) Load(l *Loader) {
	c.known = l.Bool()
	c.last = l.String()
}

type changed struct {
	env    *Env
	opts   ChangedOptions
	next   Stream
	last   Datum
	before previous
}

// Push implements Stream.
func (c *changed) Push(v Value) {
	if !c.opts.Pairs {
		if c.observe(c.opts.Value.Eval(v)) {
			c.next.Push(v)
		}
		return
	}
	if e := eventIn(c.env, v); e != nil {
		c.before.pair(e, c.observe(c.opts.Value.Eval(v)), c.next)
	}
}

// observe makes d the last value and reports whether it differs from the one before.
func (c *changed) observe(d Datum) bool {
	if d.Equal(c.last) {
		return false
	}
	c.last = keepDatum(d)
	return true
}

// Save implements Stateful.
func (c *changed) Save(s *Saver) {
	s.Datum(c.last)
	s.Event(c.before.event)
}

// Load implements Stateful.
func (c *changed) Load(l *Loader) {
	c.last = l.Datum()
	c.before.event = l.Event()
}

// previous is the event before, for pairs; nil: none.
type previous struct{ event *event.Event }

// pair gives [the event before, e] to next if e is a change, and makes e the event before.
func (p *previous) pair(e *event.Event, isChange bool, next Stream) {
	if isChange {
		next.Push(WindowValue([]*event.Event{p.event, e}))
	}
	if p.event == nil {
		p.event = &event.Event{}
	}
	*p.event = *e
}

// ChangedStateOptions are the options of changedState.
type ChangedStateOptions struct {
	Init  Datum         `opt:"init" doc:"the state before a source's first event; default: missing"`
	Pairs bool          `opt:"pairs" doc:"give the event before along; default false"`
	Max   int           `opt:"max" min:"1" doc:"sources remembered; default 100000"`
	Idle  time.Duration `opt:"idle" min:"0s" doc:"a source silent for so long is forgotten; default 168h, 0: none is"`
}

type changedState struct {
	pairs   bool
	next    Stream
	sources perSeries[sourceState]
	env     *Env
	first   sourceState // of a source without an event
}

func newChangedState(env *Env, o ChangedStateOptions, next Stream) *changedState {
	c := &changedState{env: env, pairs: o.Pairs, next: next, first: sourceState{state: o.Init.Str, known: o.Init.Kind == String}}
	c.sources.init(env, o.Max, micros(o.Idle), nil)
	return c
}

// sourceState is the latest state of a source.
type sourceState struct {
	state  string
	known  bool // not missing
	before previous
}

// Push implements Stream.
func (c *changedState) Push(v Value) {
	e := eventIn(c.env, v)
	if e == nil {
		return
	}
	source, fresh := c.sources.useSeries(e)
	if fresh {
		*source = c.first
	}
	known := e.Has&event.HasState != 0
	differs := known != source.known || e.State != source.state
	source.state, source.known = e.State, known
	if c.pairs {
		source.before.pair(e, differs, c.next)
	} else if differs {
		c.next.Push(v)
	}
}

// Save implements Stateful.
func (c *changedState) Save(s *Saver) {
	c.sources.save(s, func(s *Saver, x *sourceState) {
		s.String(x.state)
		s.Bool(x.known)
		s.Event(x.before.event)
	})
}

// Load implements Stateful.
func (c *changedState) Load(l *Loader) {
	c.sources.load(l, func(l *Loader, x *sourceState) {
		x.state = l.String()
		x.known = l.Bool()
		x.before.event = l.Event()
	})
}
