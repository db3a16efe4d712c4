package streams

import "zeta/event"

func init() {
	Register(Spec[SmapOptions]{
		Name:    "smap",
		Summary: "Pass the result of a fold, a patch or an expression; nothing where that is nil.",
		Doc:     "The bridge from windows to events: smap(max, …) passes the event of the window that has the largest metric. A map is a patch: a copy of the event with these fields set. A fold that gives a list passes it as a window.",
		Source:  "riemann.streams/smap",
		Clock:   "none",
		Takes:   func(o SmapOptions) Kind { return o.F.takes },
		Gives:   func(o SmapOptions, _ Kind) Kind { return o.F.results() },
		New: func(env *Env, o SmapOptions, next Stream) (Stream, error) {
			return &smap{env: env, f: o.F, next: next}, nil
		},
		Examples: []Example{
			{
				Title: "the mean of every three events",
				Rule:  `fixedEventWindow(3, smap(mean, out))`,
				Test:  `at(0, event({metric: 1}), event({metric: 2}), event({metric: 6})), expect(out, [{metric: 3}])`,
			},
			{
				Title: "a patch",
				Rule:  `smap({state: "ok"}, out)`,
				Test:  `at(0, event({metric: 1, state: "critical"})), expect(out, [{metric: 1, state: "ok"}])`,
			},
		},
	})
	Register(Spec[SmapOptions]{
		Name:    "smapStar",
		Summary: "As smap, but nil is passed on too.",
		Doc:     "Most operators ignore nil; taps see it, and a further smapStar passes it on.",
		Source:  "riemann.streams/smap*",
		Clock:   "none",
		Takes:   func(o SmapOptions) Kind { return o.F.takes },
		Gives:   func(o SmapOptions, _ Kind) Kind { return o.F.results() },
		New: func(env *Env, o SmapOptions, next Stream) (Stream, error) {
			return &smap{env: env, f: o.F, star: true, next: next}, nil
		},
		Examples: []Example{{
			Title: "nothing is passed on as nil",
			Rule:  `fixedEventWindow(1, smapStar(max, out))`,
			Test:  `at(0, event({metric: 2}), event({service: "none"})), expect(out, [{metric: 2}, nil])`,
		}},
	})
	Register(Spec[SmapOptions]{
		Name:    "smapcat",
		Summary: "Pass each element of a list of results, in order.",
		Doc:     "The list is what a fold gives (smapcat(modes, …)), a list of patches and events ([event, {service: \"x\"}]), or a window itself. A single event is passed as it is; nil and the empty list pass nothing.",
		Source:  "riemann.streams/smapcat",
		Differs: "A single event as result is passed; in Riemann its fields would be.",
		Clock:   "none",
		Takes:   func(o SmapOptions) Kind { return o.F.takes },
		Gives: func(o SmapOptions, _ Kind) Kind {
			if g := o.F.results(); g != Windows || len(o.F.ones) > 1 {
				return g
			}
			return Events // the window's
		},
		New: func(env *Env, o SmapOptions, next Stream) (Stream, error) {
			return &smapcat{env: env, f: o.F, next: next}, nil
		},
		Examples: []Example{{
			Title: "two events out of one",
			Rule:  `smapcat([event, {service: service + " copy"}], out)`,
			Test:  `at(0, event({service: "a", metric: 1})), expect(out, [{service: "a", metric: 1}, {service: "a copy", metric: 1}])`,
		}},
	})
	Register(Spec[struct{}]{
		Name:    "sflatten",
		Summary: "Pass each event of a window, in order.",
		Doc:     "A missing event in the window is passed on as nil. A single event is passed as it is.",
		Source:  "riemann.streams/sflatten",
		Differs: "A single event is passed; in Riemann its fields would be.",
		Clock:   "none",
		In:      Windows,
		Out:     Events,
		New:     func(_ *Env, _ struct{}, next Stream) (Stream, error) { return &sflatten{next}, nil },
		Examples: []Example{{
			Title: "undo a window",
			Rule:  `fixedEventWindow(2, sflatten(out))`,
			Test:  `at(0, event({metric: 1}), event({metric: 2}), event({metric: 3})), expect(out, [{metric: 1}, {metric: 2}])`,
		}},
	})
	Register(Spec[SreduceOptions]{
		Name:    "sreduce",
		Summary: "Fold each input into an accumulator and pass that.",
		Doc:     "For each input the accumulator becomes the result and is passed on: of a fold, over the window of accumulator and input; of a patch or an expression, in which acc is the accumulator and event the input. Without a seed the first input becomes the accumulator and is not passed. A failure leaves the accumulator as it was. A result of nil is kept but not passed.",
		Source:  "riemann.streams/sreduce",
		Clock:   "none",
		Bounds:  "One value is kept, as long as the rules live.",
		Takes:   func(o SreduceOptions) Kind { return o.F.takes },
		Gives:   func(o SreduceOptions, _ Kind) Kind { return o.F.results() },
		New: func(env *Env, o SreduceOptions, next Stream) (Stream, error) {
			n := &sreduce{env: env, f: o.F, next: next}
			if o.Seed.apply != nil {
				n.seeded, n.acc = true, EventValue(o.Seed.Event(&event.Event{}))
			}
			return n, nil
		},
		Examples: []Example{
			{
				Title: "a running total",
				Rule:  `sreduce(sum, out)`,
				Test:  `at(0, event({metric: 1}), event({metric: 2}), event({metric: 3})), expect(out, [{metric: 3}, {metric: 6}])`,
			},
			{
				Title: "from a seed",
				Rule:  `sreduce({metric: acc.metric * metric}, {metric: 1}, out)`,
				Test:  `at(0, event({metric: 2}), event({metric: 5})), expect(out, [{metric: 2}, {metric: 10}])`,
			},
		},
	})
}

// SmapOptions are the options of smap, smapStar and smapcat.
type SmapOptions struct {
	F Mapper `arg:"1" doc:"a fold, a patch, an expression, or a list of those"`
}

// SreduceOptions are the options of sreduce.
type SreduceOptions struct {
	F    Mapper `arg:"1" acc:"true" doc:"a fold, or a patch or expression with acc and event"`
	Seed Patch  `arg:"2,optional" doc:"the fields of the first accumulator; without it the first input is that"`
}

// results returns what the results are, Unknown where only the data tells.
func (m Mapper) results() Kind {
	if m.gives == Either {
		return Unknown
	}
	return m.gives
}

type smap struct {
	env  *Env
	f    Mapper
	star bool
	next Stream
}

// Push implements Stream.
func (n *smap) Push(v Value) {
	r, err := n.f.Map(v)
	switch {
	case err != nil:
		n.env.Fail(v, err)
	case n.star || !r.IsNil():
		n.next.Push(r)
	}
}

type smapcat struct {
	env  *Env
	f    Mapper
	next Stream
}

// Push implements Stream.
func (n *smapcat) Push(v Value) {
	results, err := n.f.MapAll(v)
	if err != nil {
		n.env.Fail(v, err)
		return
	}
	if len(results) == 1 && results[0].IsWindow() {
		pushEach(n.next, results[0].Window)
		return
	}
	for _, r := range results {
		if !r.IsNil() {
			n.next.Push(r)
		}
	}
}

func pushEach(next Stream, w []*event.Event) {
	for _, e := range w {
		next.Push(Value{Event: e})
	}
}

type sflatten struct{ next Stream }

// Push implements Stream.
func (n *sflatten) Push(v Value) {
	if v.IsWindow() {
		pushEach(n.next, v.Window)
	} else if v.Event != nil {
		n.next.Push(v)
	}
}

type sreduce struct {
	env    *Env
	f      Mapper
	next   Stream
	seeded bool
	acc    Value
}

// Push implements Stream.
func (n *sreduce) Push(v Value) {
	if !n.seeded {
		n.seeded, n.acc = true, v.Keep()
		return
	}
	r, err := n.f.Reduce(n.acc, v)
	if err != nil {
		n.env.Fail(v, err)
		return
	}
	n.acc = r.Keep()
	if !r.IsNil() {
		n.next.Push(n.acc)
	}
}

// Save implements Stateful.
func (n *sreduce) Save(s *Saver) {
	s.Bool(n.seeded)
	s.Value(n.acc)
}

// Load implements Stateful.
func (n *sreduce) Load(l *Loader) { n.seeded, n.acc = l.Bool(), l.Value() }
