package streams

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"zeta/event"
)

// stagedOperators makes each operator with state, with small bounds and short times, so that a random script reaches
// all edges.
func stagedOperators() map[string]func(env *Env, next Stream) Stream {
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
	reduce := Mapper{in: &Input{}, ones: []mapping{foldMapping(sum, nil, true)}}
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
		"rollup": func(env *Env, next Stream) Stream { return built(newRollup(env, RollupOptions{2, 3 * sec, 100}, next)) },
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
			return newChangedState(env, ChangedStateOptions{Max: 100, Idle: 20 * sec}, next)
		},
		"runs": func(env *Env, next Stream) Stream { return &runs{opts: RunsOptions{2, state()}, next: next} },
		"stable": func(env *Env, next Stream) Stream {
			s := &stable{env: env, opts: StableOptions{2 * sec, state(), 100}, next: next}
			s.timer = env.Timer(s.release)
			return s
		},
		"rate": func(env *Env, next Stream) Stream {
			r := &rate{env: env, every: 2, next: next}
			r.ticks.init(env, 2*sec, r.emit, r.forget)
			return r
		},
		"percentiles": func(env *Env, next Stream) Stream {
			p := &percentiles{env: env, opts: PercentilesOptions{Points: Points{{0.5, " 0.5"}, {1, " 1"}}, Max: 100}, next: next}
			p.ticks.init(env, 2*sec, p.emit, p.forget)
			p.ticks.quiet = true
			return p
		},
		"foldInterval": func(env *Env, next Stream) Stream {
			return newFoldInterval(env, FoldIntervalOptions{2 * sec, FieldName{Name: "metric"}, sum.Bind(env.rt.Clock, nil), 100}, next)
		},
		"ddt": func(env *Env, next Stream) Stream { return &ddtEvents{env: env, next: next} },
		"ddt interval": func(env *Env, next Stream) Stream {
			d := &ddtInterval{env: env, next: next}
			d.ticks.init(env, 2*sec, d.emit, d.forget)
			return d
		},
		"interpolateConstant": func(env *Env, next Stream) Stream {
			n := &interpolateConstant{env: env, next: next}
			n.ticks.init(env, 2*sec, n.emit, func() { n.last = event.Event{} })
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
			return built(newCoalesce(env, CoalesceOptions{2 * sec, 0, 100}, next))
		},
		"project": func(env *Env, next Stream) Stream {
			p := &project{env: env, conds: []Cond{low(2), low(5)}, next: next, places: make([]event.Event, 2), taken: make([]bool, 2), out: make([]*event.Event, 2)}
			p.timer = env.Timer(p.lapse)
			return p
		},
		"counter": func(env *Env, next Stream) Stream { return &counter{env: env, resets: true, next: next} },
		"ewma": func(env *Env, next Stream) Stream {
			return &ewma{env: env, next: next, avg: average{halflife: 2}}
		},
		"ewma elapsed": func(env *Env, next Stream) Stream {
			return &ewma{env: env, next: next, avg: average{halflife: 2, elapsed: true}}
		},
		"ewmaTimeless": func(env *Env, next Stream) Stream { return &ewmaTimeless{env: env, r: 0.3, next: next} },
		"predictLinear": func(env *Env, next Stream) Stream {
			return built(newPredictLinear(env, PredictLinearOptions{3, sec, 0}, next))
		},
		"predictLinear refit": func(env *Env, next Stream) Stream {
			return built(newPredictLinear(env, PredictLinearOptions{3, sec, 2 * sec}, next))
		},
		"clockSkew": func(env *Env, next Stream) Stream {
			return built(newClockSkew(env, ClockSkewOptions{Max: 2, Idle: time.Hour}, next))
		},
		"top": func(env *Env, next Stream) Stream {
			return built(newTop(env, TopOptions{K: 2, Value: metricExpr(), Top: branchOf(next), Bottom: branchOf(next)}, nil))
		},
		"sreduce": func(env *Env, next Stream) Stream { return &sreduce{env: env, f: reduce, next: next} },
		"flapping": func(env *Env, next Stream) Stream {
			return built(newFlapping(env, FlappingOptions{4 * sec, 3, 1, branchOf(next), 4, 20 * sec}, next))
		},
		"sequence": func(env *Env, next Stream) Stream {
			return built(newSequence(env, SequenceOptions{stateCond("ok"), stateCond("bad"), 2 * sec, nil, 2}, next))
		},
		"absentAfter": func(env *Env, next Stream) Stream {
			return built(newAbsentAfter(env, SequenceOptions{stateCond("ok"), stateCond("bad"), 2 * sec, nil, 2}, next))
		},
		"deadman": func(env *Env, next Stream) Stream {
			return built(newDeadman(env, DeadmanOptions{[]string{"a", "c", "a"}, 3 * sec, FieldName{Name: "host"}}, next))
		},
		"dedup": func(env *Env, next Stream) Stream {
			return &dedup{env: env, by: Keys{metricExpr()}, next: next, within: 2e6, passed: newKeyed[struct{}](env, 3, 2e6, nil)}
		},
		"slidingThrottle": func(env *Env, next Stream) Stream {
			return &slidingThrottle{env: env, limit: 3, every: 2e6, next: next}
		},
		"quantiles": func(env *Env, next Stream) Stream {
			return built(newQuantiles(env, QuantilesOptions{2 * sec, Points{{0, " 0"}, {0.5, " 0.5"}, {1, " 1"}}, 0.01}, next))
		},
		"histogram": func(env *Env, next Stream) Stream {
			return built(newHistogram(env, HistogramOptions{2 * sec, []float64{1, 2.5, 4}}, next))
		},
	}
}

// TestStagedOperators holds the table to having every operator with state; the forks of by have tests of their own, and
// some operators share what does their work.
func TestStagedOperators(t *testing.T) {
	same := map[string]string{
		"by": "by_test.go", "byBuilder": "by_test.go", "fillInLast": "fillInLastStar", "foldIntervalMetric": "foldInterval",
		"sumOverTime": "counter", "window": "movingEventWindow",
	}
	staged := stagedOperators()
	for _, d := range Operators() {
		if statefulByName(t, d) && staged[d.Name] == nil && same[d.Name] == "" {
			t.Errorf("%s has state and stands not in stagedOperators", d.Name)
		}
	}
}

// A restart after any step of a random script changes nothing: all state and every timer is saved.
func TestRestartAnywhere(t *testing.T) {
	for name, build := range stagedOperators() {
		t.Run(name, func(t *testing.T) {
			given := false
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
				straight, restarted := run(false), run(true)
				if straight != restarted {
					t.Fatalf("seed %d: with restarts\n%s\nwithout\n%s", seed, restarted, straight)
				}
				given = given || straight != ""
			}
			if !given {
				t.Error("no script gets anything out of it")
			}
		})
	}
}

// What an operator does not take is a failure or nothing, never a panic; a state that is cut short or scrambled is an
// error or another state.
func TestForeignValuesAndDamagedState(t *testing.T) {
	for name, build := range stagedOperators() {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 5))
			s := newStage(t, build)
			foreign := []Value{{}, WindowValue(nil), WindowValue([]*event.Event{nil, metric(1)})}
			if operator, _, _ := strings.Cut(name, " "); registry[operator].In == Events {
				foreign = nil // they do not get past the gate
			}
			for range 40 {
				if i := r.IntN(4); i < len(foreign) {
					s.op.Push(foreign[i])
				} else {
					s.event(anyEvent(r, s.clock.Now()))
				}
				s.at(s.clock.Seconds() + 0.5)
			}
			saver := &Saver{}
			s.op.(Stateful).Save(saver)
			for i := range 500 {
				state := slices.Clone(saver.Bytes())
				for range i % 4 {
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

// Whatever comes, only so much is emitted, and nothing panics: a jump of years, extreme times, ttls and metrics, no end
// of silence.
func TestClockAndTimesJump(t *testing.T) {
	times := []int64{0, -1, math.MinInt64, math.MaxInt64, 1 << 60, -1 << 60, 1_700_000_000_000_000}
	metrics := []float64{1, math.MaxFloat64, -math.MaxFloat64, 5e-324, math.Inf(-1), math.NaN()}
	for name, build := range stagedOperators() {
		t.Run(name, func(t *testing.T) {
			emitted := 0
			s := newStage(t, build)
			s.op = build(s.env, streamFunc(func(Value) { emitted++ }))
			for _, now := range []int64{0, 1e6, 50 * 365 * 86400 * 1e6, 1 << 61, math.MaxInt64 - 1, math.MaxInt64} {
				s.clock.Advance(now)
				for i, at := range times {
					for _, ttl := range []float64{0, 1, math.Inf(1), math.NaN(), 1e300, -1e300} {
						e := metric(metrics[i%len(metrics)])
						e.SetTime(at)
						e.SetTTL(ttl)
						e.SetState([]string{"ok", "bad"}[i%2])
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
	builds := stagedOperators()
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
