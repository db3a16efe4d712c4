package streams

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"zeta/event"
)

// exprOf and condOf make arguments out of functions.
func exprOf(f func(e *event.Event) Datum) Expr {
	return Expr{in: &Input{}, eval: func(in *Input) Datum { return f(in.Event) }}
}

func condOf(f func(e *event.Event) bool) Cond {
	return Cond{in: &Input{}, test: func(in *Input) bool { return f(in.Event) }}
}

func metricExpr() Expr { return exprOf(FieldName{Name: "metric"}.Get) }

func stateCond(state string) Cond {
	return condOf(func(e *event.Event) bool { return e.State == state })
}

// branchOf makes a branch of a stream that is there already.
func branchOf(s Stream) Branch { return Branch{build: func(*Env) Stream { return s }} }

func built(s Stream, err error) Stream {
	if err != nil {
		panic(err)
	}
	return s
}

// statefulOperators makes each operator with a small bound and short times, so that a random script reaches
// all edges.
func statefulOperators() map[string]func(env *Env, next Stream) Stream {
	sec := time.Second
	sum, _ := foldByName("sum")
	reduce := Mapper{in: &Input{}, ones: []mapping{foldMapping(sum, nil, true)}}
	return map[string]func(env *Env, next Stream) Stream{
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

// A restart after any step of a random script changes nothing: all state and every timer is saved.
func TestStatefulRestartAnywhere(t *testing.T) {
	for name, build := range statefulOperators() {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(60) {
				run := func(restart bool) string {
					r := rand.New(rand.NewPCG(seed, 2))
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
				if straight == "" && seed == 0 {
					t.Error("the script gets nothing out of it")
				}
			}
		})
	}
}

// State that is cut short or scrambled is an error or some other state, never a panic.
func TestStatefulLoadsGarbage(t *testing.T) {
	for name, build := range statefulOperators() {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 3))
			s := newStage(t, build)
			for range 40 {
				s.event(anyEvent(r, s.clock.Now()))
			}
			saver := &Saver{}
			s.op.(Stateful).Save(saver)
			for i := range 300 {
				state := append([]byte(nil), saver.Bytes()...)
				if i%2 == 0 {
					state = state[:r.IntN(len(state)+1)]
				} else {
					state[r.IntN(len(state))] = byte(r.IntN(256))
				}
				s := newStage(t, build)
				s.op.(Stateful).Load(NewLoader(state))
				for range 5 {
					s.event(anyEvent(r, s.clock.Now()))
				}
				s.at(s.clock.Seconds() + 10)
			}
		})
	}
}

// Times, ttls and clocks of any size neither panic nor loop.
func TestStatefulExtremeTimes(t *testing.T) {
	times := []int64{0, -1, math.MinInt64, math.MaxInt64, 1 << 60, -1 << 60, 1_700_000_000_000_000}
	for name, build := range statefulOperators() {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, build)
			for _, now := range []int64{0, 1e6, 50 * 365 * 86400 * 1e6, 1 << 61, math.MaxInt64 - 1, math.MaxInt64} {
				s.clock.Advance(now)
				for i, at := range times {
					for _, ttl := range []float64{0, 1, math.Inf(1), math.NaN(), 1e300, -1e300} {
						e := metric([]float64{1, math.MaxFloat64, -math.MaxFloat64, 5e-324, math.Inf(-1), math.NaN()}[i%6])
						e.SetTime(at)
						e.SetTTL(ttl)
						e.SetState([]string{"ok", "bad"}[i%2])
						s.event(e)
					}
				}
			}
			if len(s.got) > 3000 {
				t.Errorf("%d values were emitted", len(s.got))
			}
		})
	}
}

// Nothing is allocated for an event of a known key where nothing is kept of it but numbers.
func TestStatefulNothingAllocated(t *testing.T) {
	builds := statefulOperators()
	for _, name := range []string{"counter", "ewma", "ewmaTimeless", "predictLinear", "clockSkew", "top", "flapping", "dedup", "slidingThrottle", "deadman", "absentAfter", "histogram", "quantiles"} {
		clock := NewClock(0)
		op := builds[name](testEnv(clock), Discard)
		e := metric(3, 0)
		e.SetHost("a")
		e.SetService("x")
		e.SetState("ok")
		e.Series = &event.Series{Host: "a", Service: "x", Has: event.HasHost | event.HasService, ID: 3}
		v := EventValue(e)
		for range 10 {
			op.Push(v)
		}
		if n := testing.AllocsPerRun(100, func() { e.Time++; op.Push(v) }); n != 0 {
			t.Errorf("%s: %v allocations per event", name, n)
		}
	}
}
