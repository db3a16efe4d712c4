package streams

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"zeta/event"
)

// stage runs one operator on a clock of its own and notes what it gives as text.
type stage struct {
	t     *testing.T
	env   *Env
	clock *Clock
	op    Stream
	make  func(env *Env, next Stream) Stream
	got   []string
}

func newStage(t *testing.T, make func(env *Env, next Stream) Stream) *stage {
	s := &stage{t: t, make: make, clock: NewClock(0)}
	s.build()
	return s
}

func (s *stage) build() {
	s.env = testEnv(s.clock)
	s.op = s.make(s.env, s)
}

// Push implements Stream: s stands behind the operator.
func (s *stage) Push(v Value) {
	s.got = append(s.got, strings.TrimSpace(fmt.Sprintf("%v %s", s.clock.Seconds(), given(v))))
}

// take returns what was given since the last call, one value a line.
func (s *stage) take() string {
	text := strings.Join(s.got, "\n")
	s.got = nil
	return text
}

// restart saves the operator's state, builds everything anew and loads it.
func (s *stage) restart() {
	s.t.Helper()
	saver := &Saver{}
	s.op.(Stateful).Save(saver)
	s.clock = NewClock(s.clock.Now())
	s.build()
	l := NewLoader(saver.Bytes())
	s.op.(Stateful).Load(l)
	if l.Err() != nil || len(l.buf) > 0 {
		s.t.Fatalf("load: %v, %d bytes left", l.Err(), len(l.buf))
	}
	again := &Saver{}
	s.op.(Stateful).Save(again)
	if !bytes.Equal(saver.Bytes(), again.Bytes()) {
		s.t.Fatalf("the state saved after a load differs:\n%x\n%x", saver.Bytes(), again.Bytes())
	}
}

func (s *stage) at(seconds float64) { s.clock.Advance(event.SecondsToMicros(seconds)) }

func (s *stage) event(e *event.Event) { s.op.Push(EventValue(e)) }

func given(v Value) string {
	if v.IsWindow() {
		parts := []string{}
		for _, e := range v.Window {
			parts = append(parts, givenEvent(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return givenEvent(v.Event)
}

// givenEvent prints what tests look at: host/service state=metric@time.
func givenEvent(e *event.Event) string {
	if e == nil {
		return "nil"
	}
	text := strings.Trim(e.Host+"/"+e.Service, "/")
	if e.Has&event.HasState != 0 {
		text += " " + e.State
	}
	if m, ok := e.Metric(); ok {
		text += fmt.Sprintf("=%v", m)
	}
	if e.Has&event.HasTime != 0 {
		text += fmt.Sprintf("@%v", event.MicrosToSeconds(e.Time))
	}
	if e.Has&event.HasTTL != 0 {
		text += fmt.Sprintf(" ttl %v", e.TTL)
	}
	return strings.TrimSpace(text)
}

// metric makes an event with a metric and, if given, a time in seconds.
func metric(m float64, at ...float64) *event.Event {
	e := &event.Event{}
	e.SetFloat(m)
	if len(at) > 0 {
		e.SetTime(event.SecondsToMicros(at[0]))
	}
	return e
}

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if want = strings.TrimSpace(want); got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
	}
}

// operators makes each operator of this file's brief, with short times so that a random script reaches all
// edges.
func timedOperators() map[string]func(env *Env, next Stream) Stream {
	state := func() Expr {
		return Expr{in: &Input{}, eval: func(in *Input) Datum {
			if in.Event == nil {
				return Datum{}
			}
			return presentString(in.Event, event.HasState, in.Event.State)
		}}
	}
	low := func(limit float64) Cond {
		return Cond{in: &Input{}, test: func(in *Input) bool {
			m, ok := in.Event.Metric()
			return ok && m < limit
		}}
	}
	patch := Patch{in: &Input{}, apply: func(in *Input, e *event.Event) { e.SetState("filled") }}
	mapper := Mapper{in: &Input{}, ones: []mapping{func(in *Input) (Value, error) {
		c := *in.Event
		c.SetFloat(c.Float + 1)
		return EventValue(&c), nil
	}}}
	sum, _ := foldByName("sum")
	must := func(s Stream, err error) Stream {
		if err != nil {
			panic(err)
		}
		return s
	}
	sec := time.Second
	return map[string]func(env *Env, next Stream) Stream{
		"movingEventWindow": func(env *Env, next Stream) Stream { return &movingEventWindow{env: env, n: 3, next: next} },
		"fixedEventWindow":  func(env *Env, next Stream) Stream { return &fixedEventWindow{env: env, n: 3, next: next} },
		"movingTimeWindow": func(env *Env, next Stream) Stream {
			return &movingTimeWindow{env: env, opts: MovingTimeWindowOptions{3 * sec, time.Hour, 100}, next: next, newest: math.MinInt64}
		},
		"fixedTimeWindow": func(env *Env, next Stream) Stream {
			return newFixedTimeWindow(env, TimeWindowOptions{Length: 3 * sec, MaxEmpty: 5, Max: 100}, next, false)
		},
		"fixedOffsetTimeWindow": func(env *Env, next Stream) Stream {
			return newFixedTimeWindow(env, TimeWindowOptions{Length: 3 * sec, Grace: sec, MaxEmpty: 5, Max: 100}, next, true)
		},
		"throttle": func(env *Env, next Stream) Stream {
			g := grid{env.Now(), 3e6}
			return &throttle{env: env, limit: 2, grid: g, end: g.next(env.Now()), next: next}
		},
		"rollup": func(env *Env, next Stream) Stream { return must(newRollup(env, RollupOptions{2, 3 * sec, 100}, next)) },
		"batch": func(env *Env, next Stream) Stream {
			b := &batch{env: env, n: 3, next: next}
			b.time = newParttime(env, 2*sec, b.flush)
			return b
		},
		"apdex": func(env *Env, next Stream) Stream {
			a := &apdex{env: env, opts: ApdexOptions{Satisfied: low(1), Tolerating: low(4)}, next: next}
			a.time = newParttime(env, 2*sec, a.finish)
			return a
		},
		"changed": func(env *Env, next Stream) Stream {
			return &changed{env: env, opts: ChangedOptions{Value: state()}, next: next}
		},
		"changed pairs": func(env *Env, next Stream) Stream {
			return &changed{env: env, opts: ChangedOptions{Value: state(), Pairs: true}, next: next}
		},
		"changedState": func(env *Env, next Stream) Stream {
			return &changedState{env: env, next: next, sources: newPerSeries[sourceState](env, 100, 20e6, nil)}
		},
		"runs": func(env *Env, next Stream) Stream { return &runs{opts: RunsOptions{2, state()}, next: next} },
		"stable": func(env *Env, next Stream) Stream {
			s := &stable{env: env, opts: StableOptions{2 * sec, state(), 100}, next: next}
			s.timer = env.Timer(s.release)
			return s
		},
		"rate": func(env *Env, next Stream) Stream {
			r := &rate{env: env, every: 2, next: next}
			r.ticks = newPeriodic(env, 2*sec, r.emit, r.forget)
			return r
		},
		"percentiles": func(env *Env, next Stream) Stream {
			p := &percentiles{env: env, opts: PercentilesOptions{Points: Points{{0.5, " 0.5"}, {1, " 1"}}, Max: 100}, next: next}
			p.ticks = newPeriodic(env, 2*sec, p.emit, p.forget)
			p.ticks.quiet = true
			return p
		},
		"foldInterval": func(env *Env, next Stream) Stream {
			return newFoldInterval(env, FoldIntervalOptions{2 * sec, FieldName{Name: "metric"}, sum.Bind(env.rt.Clock, nil), 100}, next)
		},
		"ddt": func(env *Env, next Stream) Stream { return &ddtEvents{env: env, next: next} },
		"ddt interval": func(env *Env, next Stream) Stream {
			d := &ddtInterval{env: env, next: next}
			d.ticks = newPeriodic(env, 2*sec, d.emit, d.forget)
			return d
		},
		"interpolateConstant": func(env *Env, next Stream) Stream {
			n := &interpolateConstant{env: env, next: next}
			n.ticks = newPeriodic(env, 2*sec, n.emit, func() { n.last = event.Event{} })
			return n
		},
		"fillIn": func(env *Env, next Stream) Stream {
			f := newFillIn(env, 2*sec, 100, next, func() (*event.Event, error) { return patch.Event(&event.Event{}), nil })
			f.arm()
			return f
		},
		"fillInLastStar": func(env *Env, next Stream) Stream {
			f := newFillIn(env, 2*sec, 100, next, nil)
			f.keeps = true
			f.fill = func() (*event.Event, error) {
				v, err := mapper.Map(EventValue(&f.last))
				return v.Event, err
			}
			return f
		},
		"coalesce": func(env *Env, next Stream) Stream {
			return must(newCoalesce(env, CoalesceOptions{2 * sec, 0, 100}, next))
		},
		"project": func(env *Env, next Stream) Stream {
			p := &project{env: env, conds: []Cond{low(2), low(5)}, next: next, places: make([]event.Event, 2), taken: make([]bool, 2), out: make([]*event.Event, 2)}
			p.timer = env.Timer(p.lapse)
			return p
		},
	}
}

// anyEvent makes an event that may lack anything, come late or early, or be expired.
func anyEvent(r *rand.Rand, now int64) *event.Event {
	e := &event.Event{}
	if r.IntN(8) > 0 {
		e.SetHost(string("ab"[r.IntN(2)]))
	}
	if r.IntN(8) > 0 {
		e.SetService(string("xy"[r.IntN(2)]))
	}
	if r.IntN(6) > 0 {
		e.SetState([]string{"ok", "bad", "bad", event.Expired, ""}[r.IntN(5)])
	}
	switch r.IntN(8) {
	case 0:
	case 1:
		e.SetFloat([]float64{math.NaN(), math.Inf(1), math.Inf(-1)}[r.IntN(3)])
	case 2, 3:
		e.SetInt(int64(r.IntN(7)))
	default:
		e.SetFloat(float64(r.IntN(14)) / 2)
	}
	if r.IntN(6) > 0 {
		e.SetTime(now + int64(r.IntN(9)-4)*500_000*int64(r.IntN(2)))
	}
	if r.IntN(3) == 0 {
		e.SetTTL([]float64{0, 1, 3, 10, -1, math.Inf(1)}[r.IntN(6)])
	}
	return e
}

// A restart after any step of a random script changes nothing: all state and every timer is saved.
func TestRestartAnywhere(t *testing.T) {
	for name, build := range timedOperators() {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(60) {
				run := func(restart bool) string {
					r := rand.New(rand.NewPCG(seed, 1))
					s := newStage(t, build)
					for range 60 {
						if r.IntN(3) == 0 {
							s.at(s.clock.Seconds() + float64(r.IntN(8))/2)
						} else {
							s.event(anyEvent(r, s.clock.Now()))
						}
						if restart {
							s.restart()
						}
					}
					s.at(s.clock.Seconds() + 100)
					return s.take()
				}
				if straight, restarted := run(false), run(true); straight != restarted {
					t.Fatalf("seed %d: with restarts\n%s\nwithout\n%s", seed, restarted, straight)
				}
			}
		})
	}
}

// What an operator does not take is a failure or nothing, never a panic; a damaged state is an error or
// another state.
func TestForeignValuesAndDamagedState(t *testing.T) {
	for name, build := range timedOperators() {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 5))
			s := newStage(t, build)
			for range 40 {
				s.op.Push([]Value{{}, WindowValue(nil), WindowValue([]*event.Event{nil, metric(1)}), EventValue(anyEvent(r, s.clock.Now()))}[r.IntN(4)])
				s.at(s.clock.Seconds() + 0.5)
			}
			saver := &Saver{}
			s.op.(Stateful).Save(saver)
			for range 500 {
				state := slices.Clone(saver.Bytes())
				for range 1 + r.IntN(3) {
					if len(state) > 0 {
						state[r.IntN(len(state))] = byte(r.IntN(256))
					}
				}
				state = state[:r.IntN(len(state)+1)]
				s.clock = NewClock(s.clock.Now())
				s.build()
				s.op.(Stateful).Load(NewLoader(state))
				s.at(s.clock.Seconds() + 1)
				for range 5 {
					s.event(anyEvent(r, s.clock.Now()))
				}
				s.at(s.clock.Seconds() + 20)
				s.take()
			}
		})
	}
}

// Whatever comes, only so much is emitted: a jump of years, extreme times, no end of silence.
func TestClockAndTimesJump(t *testing.T) {
	times := []int64{0, -1, math.MinInt64, math.MaxInt64, 1 << 60, -1 << 60, 1_700_000_000_000_000}
	for name, build := range timedOperators() {
		t.Run(name, func(t *testing.T) {
			emitted := 0
			s := newStage(t, build)
			s.op = build(s.env, streamFunc(func(Value) { emitted++ }))
			for _, now := range []int64{0, 1e6, 50 * 365 * 86400 * 1e6, 1 << 61, math.MaxInt64 - 1, math.MaxInt64} {
				s.clock.Advance(now)
				for _, at := range times {
					for _, ttl := range []float64{0, 1, math.Inf(1), math.NaN(), 1e300, -1e300} {
						e := metric(1)
						e.SetTime(at)
						e.SetTTL(ttl)
						s.event(e)
					}
				}
				s.event(metric(1))
			}
			if emitted > 8*maxSilent {
				t.Errorf("%d values were emitted", emitted)
			}
		})
	}
}

// Events of any size do not make an operator hold more than its bytes: a hundred events of 4 MiB come.
func TestHeldBytesAreBounded(t *testing.T) {
	shared := strings.Repeat("x", 4<<20)
	held := map[string]func(op Stream) int{
		"movingEventWindow":     func(op Stream) int { return op.(*movingEventWindow).kept.bytes },
		"fixedEventWindow":      func(op Stream) int { return op.(*fixedEventWindow).kept.bytes },
		"movingTimeWindow":      func(op Stream) int { return op.(*movingTimeWindow).kept.bytes },
		"fixedTimeWindow":       func(op Stream) int { return op.(*fixedTimeWindow).kept.bytes },
		"fixedOffsetTimeWindow": func(op Stream) int { return op.(*fixedTimeWindow).kept.bytes },
		"rollup":                func(op Stream) int { return op.(*rollup).held.bytes },
		"batch":                 func(op Stream) int { return op.(*batch).held.bytes },
		"percentiles":           func(op Stream) int { return op.(*percentiles).bin.bytes },
		"stable":                func(op Stream) int { return op.(*stable).bytes },
		"coalesce":              func(op Stream) int { return op.(*coalesce).bytes },
		"foldInterval":          func(op Stream) int { return op.(*foldInterval).bytes },
	}
	builds := timedOperators()
	builds["movingEventWindow"] = func(env *Env, next Stream) Stream { return &movingEventWindow{env: env, n: 1000, next: next} }
	builds["fixedEventWindow"] = func(env *Env, next Stream) Stream { return &fixedEventWindow{env: env, n: 1000, next: next} }
	builds["batch"] = func(env *Env, next Stream) Stream {
		b := &batch{env: env, n: 1000, next: next}
		b.time = newParttime(env, time.Hour, b.flush)
		return b
	}
	mode, _ := foldByName("mode")
	builds["foldInterval"] = func(env *Env, next Stream) Stream {
		return newFoldInterval(env, FoldIntervalOptions{time.Hour, FieldName{Name: "description"}, mode.Bind(env.rt.Clock, nil), 1000}, next)
	}
	for name, bytes := range held {
		clock := NewClock(0)
		env := testEnv(clock)
		op := builds[name](env, Discard)
		for i := range 100 {
			e := metric(float64(i), 0)
			e.SetHost(fmt.Sprint(i))
			e.SetState("ok")
			e.SetDescription(shared)
			op.Push(EventValue(e))
			if n := bytes(op); n > maxHeldBytes+5<<20 || n < 0 {
				t.Fatalf("%s holds %d bytes after %d events", name, n, i)
			}
		}
		if env.node.shed == 0 && name != "batch" {
			t.Errorf("%s: nothing was counted", name)
		}
		clock.Advance(10000e6)
		op.Push(EventValue(metric(1)))
		if n := bytes(op); n > maxHeldBytes+5<<20 || n < 0 {
			t.Errorf("%s holds %d bytes in the end", name, n)
		}
	}
}

type streamFunc func(v Value)

func (f streamFunc) Push(v Value) { f(v) }

// An input that is held or counted and gives nothing costs no memory once the operator is warm.
func TestNothingEmittedNothingAllocated(t *testing.T) {
	builds := timedOperators()
	names := []string{"throttle", "changed", "changedState", "runs", "rate", "ddt interval", "apdex", "percentiles", "foldInterval", "fillIn", "movingEventWindow", "movingTimeWindow", "stable", "interpolateConstant", "project"}
	for _, name := range names {
		clock := NewClock(0)
		op := builds[name](testEnv(clock), Discard)
		e := metric(3, 0)
		e.SetHost("a")
		e.SetService("x")
		e.SetState("ok")
		e.Series = &event.Series{Host: "a", Service: "x", Has: event.HasHost | event.HasService, ID: 3}
		v := EventValue(e)
		for range 120 { // fills what is bounded by 100
			op.Push(v)
		}
		if p, ok := op.(*percentiles); ok {
			p.bin.clear()
		}
		if f, ok := op.(*foldInterval); ok {
			f.values = slices.Grow(f.values[:0], 200)
		}
		if n := testing.AllocsPerRun(5, func() { op.Push(v) }); n != 0 {
			t.Errorf("%s: %v allocations per event", name, n)
		}
	}
}

// BenchmarkOperators is the cost of one event of a known series, with nobody behind the operator.
func BenchmarkOperators(b *testing.B) {
	builds := timedOperators()
	for _, name := range slices.Sorted(maps.Keys(builds)) {
		b.Run(name, func(b *testing.B) {
			clock := NewClock(0)
			op := builds[name](testEnv(clock), Discard)
			e := metric(3, 0)
			e.SetHost("a")
			e.SetService("x")
			e.SetState("ok")
			e.Series = &event.Series{Host: "a", Service: "x", Has: identity, ID: 3}
			b.ReportAllocs()
			for b.Loop() {
				clock.Advance(clock.Now() + 1000)
				e.SetTime(clock.Now())
				op.Push(EventValue(e))
			}
		})
	}
}
