package streams

import "time"

func init() {
	Register(Spec[StableOptions]{
		Name:    "stable",
		Summary: "Pass inputs only once the value of an expression has stayed the same for some time.",
		Doc: `From the first input with a value on, inputs are held. They leave together, in order and with their own times, when an input with the same value has a time at least every after the first one's, or when the engine's clock gets there, whichever is sooner; from then on inputs with that value pass at once. A change of value discards what is held and starts over:

    value   a---------b--a-----------
    held    [---------[--[---every---]
    passed                           a a a …

The very first value waits too, and so does a value that comes back. Missing is a value. An input without a time, such as a window, has the engine's.`,
		Source:   "riemann.streams/stable",
		Differs:  "Only what is held leaves, once (Riemann emits again when two changes share a time or times run ahead of its clock). The clock's turn comes at the latest every after the first input's arrival, also when that is stamped ahead of the clock. An input without a time does not jam it.",
		Clock:    "event time, and the engine's clock when no further event comes",
		Bounds:   "max inputs are held (default 10000), and 64 MiB; the newest beyond are dropped and counted.",
		Defaults: StableOptions{Every: time.Minute, Max: 10_000},
		New: func(env *Env, o StableOptions, next Stream) (Stream, error) {
			s := &stable{env: env, opts: o, next: next}
			s.timer = env.Timer(s.release)
			return s, nil
		},
		Examples: []Example{{
			Title: "a blip is not worth a call",
			Rule:  `stable(10, state, out)`,
			Test:  `at(0, event({state: "ok"})), at(10), at(11, event({state: "bad"})), at(12, event({state: "ok", metric: 1})), at(22), expect(out, [{state: "ok"}, {state: "ok", metric: 1}])`,
		}},
	})
}

// StableOptions are the options of stable.
type StableOptions struct {
	Every time.Duration `arg:"1" min:"0s" doc:"how long the value must stay"`
	Value Expr          `arg:"2" doc:"what must stay the same"`
	Max   int           `opt:"max" min:"1" doc:"inputs held; default 10000"`
}

type stable struct {
	env   *Env
	opts  StableOptions
	next  Stream
	timer *Timer // pending while something is held

	started bool // value is known
	passing bool // value has been stable for long enough
	value   Datum
	first   int64 // time of the first input with value
	held    []Value
	bytes   int // that they hold on to
	pool    pool
}

// Push implements Stream.
func (s *stable) Push(v Value) {
	now := s.env.Now()
	t := now
	if v.Event != nil {
		t = timeOf(v.Event, now)
	}
	if due, pending := s.timer.Pending(); pending && due <= now {
		s.release() // v came from another timer, on the edge
	}
	if d := s.opts.Value.Eval(v); !s.started || !d.Equal(s.value) {
		s.discard()
		s.started, s.passing, s.value, s.first = true, false, keepDatum(d), t
		s.timer.At(addMicros(min(t, now), micros(s.opts.Every)))
	}
	if s.passing {
		s.next.Push(v)
		return
	}
	s.hold(v)
	due, _ := s.timer.Pending()
	if t >= addMicros(s.first, micros(s.opts.Every)) || now >= due {
		s.release()
	}
}

func (s *stable) hold(v Value) {
	switch {
	case len(s.held) >= s.opts.Max || s.bytes >= maxHeldBytes:
		s.env.Overload("max", 1)
		return
	case v.Event != nil:
		v.Event = s.pool.keep(v.Event)
	default:
		v = v.Keep()
	}
	s.held = append(s.held, v)
	s.bytes += valueSize(v)
}

// valueSize returns about how many bytes a copy of v holds on to.
func valueSize(v Value) int {
	n := sizeOf(v.Event)
	for _, e := range v.Window {
		n += 8 + sizeOf(e)
	}
	return n
}

// release passes on what is held; the value is stable.
func (s *stable) release() {
	s.timer.Stop()
	s.passing = true
	for _, v := range s.held {
		s.next.Push(v)
	}
	s.discard()
}

// discard forgets what is held.
func (s *stable) discard() {
	for _, v := range s.held {
		s.pool.release(v.Event)
	}
	clear(s.held)
	s.held, s.bytes = s.held[:0], 0
	if cap(s.held) > 4*maxPooled {
		s.held = nil
	}
}

// Save implements Stateful.
func (s *stable) Save(to *Saver) {
	to.Bool(s.started)
	to.Bool(s.passing)
	to.Datum(s.value)
	to.Int(s.first)
	to.Uint(uint64(len(s.held)))
	for _, v := range s.held {
		to.Value(v)
	}
	to.Timer(s.timer)
}

// Load implements Stateful.
func (s *stable) Load(from *Loader) {
	s.started = from.Bool()
	s.passing = from.Bool()
	s.value = from.Datum()
	s.first = from.Int()
	for range from.Len() {
		v := from.Value()
		s.held = append(s.held, v)
		s.bytes += valueSize(v)
	}
	from.Timer(s.timer)
}
