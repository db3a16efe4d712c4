package streams

import (
	"math"
	"testing"
	"time"

	"zeta/event"
)

func rateStage(t *testing.T, every time.Duration) *stage {
	return newStage(t, func(env *Env, next Stream) Stream {
		r := &rate{env: env, every: every.Seconds(), next: next}
		r.ticks.init(env, every, r.emit, r.forget)
		return r
	})
}

func withTTL(e *event.Event, ttl float64) *event.Event {
	e.SetTTL(ttl)
	return e
}

func inState(e *event.Event, state string) *event.Event {
	e.SetState(state)
	return e
}

// Riemann adds an interval that expiry cut short to the first one after the restart.
func TestRateStartsCleanAfterAStop(t *testing.T) {
	s := rateStage(t, 10*time.Second)
	s.event(metric(100, 0))
	s.at(5)
	s.event(inState(metric(7, 5), event.Expired))
	s.at(20)
	wantText(t, "stopped", s.take(), "")
	s.at(23)
	s.event(metric(10, 23))
	s.at(33)
	wantText(t, "a new grid, a new sum", s.take(), "33 =1@33")
}

// Riemann never emits when the ttl is shorter than the interval.
func TestRateWithATTLBelowTheInterval(t *testing.T) {
	s := rateStage(t, 10*time.Second)
	s.event(withTTL(metric(20, 0), 1))
	s.at(30)
	wantText(t, "one", s.take(), "10 =2@10 ttl 1")
}

// Riemann emits zeros for ever without a ttl.
func TestRateWithoutTTLFallsSilent(t *testing.T) {
	s := rateStage(t, 30*time.Second)
	s.event(metric(30, 0))
	s.at(10_000)
	wantText(t, "a minute and an interval", s.take(), "30 =1@30\n60 =0@60\n90 =0@90")
	if len(s.clock.timers) != 0 {
		t.Error("a timer is still pending")
	}
}

func TestRateSums(t *testing.T) {
	s := rateStage(t, time.Second)
	big := func(i int64) *event.Event {
		e := metric(0, 0)
		e.SetInt(i)
		return e
	}
	s.event(big(1 << 53))
	s.event(big(1))
	s.event(big(-1 << 53))
	s.event(metric(math.NaN(), 0))
	s.event(metric(math.Inf(1), 0))
	s.event(metric(math.Inf(-1), 0))
	s.at(1)
	wantText(t, "exact integers, no NaN", s.take(), "1 =1@1")

	s = rateStage(t, time.Second)
	s.event(inState(&event.Event{}, "ok"))
	s.at(5)
	wantText(t, "no metric yet", s.take(), "")
	s.event(metric(3, 5))
	s.at(6)
	wantText(t, "on the grid of the first event", s.take(), "6 =3@6")
}

// An event that another timer brings exactly at a tick is in the interval that begins there, whichever timer
// was made first.
func TestTickEdgeDoesNotDependOnTimerOrder(t *testing.T) {
	for _, upstreamFirst := range []bool{true, false} {
		s := &stage{t: t, clock: NewClock(0)}
		s.env = testEnv(s.clock)
		var up *Timer
		bring := func() { s.event(metric(100, 2)) }
		if upstreamFirst {
			up = s.env.Timer(bring)
		}
		r := &rate{env: s.env, every: 1, next: s}
		r.ticks.init(s.env, time.Second, r.emit, r.forget)
		s.op = r
		if !upstreamFirst {
			up = s.env.Timer(bring)
		}
		up.At(2e6)
		s.event(metric(1, 0))
		s.at(3)
		wantText(t, "edge", s.take(), "1 =1@1\n2 =0@2\n3 =100@3")
	}
}

// A ticker that sleeps through silence keeps its grid while its source lives and begins a new one after.
func TestQuietTickerKeepsItsGrid(t *testing.T) {
	fold, _ := foldByName("sum")
	s := newStage(t, func(env *Env, next Stream) Stream {
		return newFoldInterval(env, FoldIntervalOptions{10 * time.Second, FieldName{Name: "metric"}, fold.Bind(env.rt.Clock, nil), 3}, next)
	})
	s.event(withTTL(metric(1, 0), 40))
	s.at(35)
	s.event(withTTL(metric(2, 35), 40))
	s.at(77) // the tick at 70 was the last before 75
	s.event(withTTL(metric(4, 77), 40))
	s.at(80)
	wantText(t, "grid", s.take(), "10 =1@0 ttl 40\n40 =2@35 ttl 40\n80 =4@77 ttl 40")
	s.at(123) // the tick at 120 is past 117
	s.event(metric(8, 123))
	s.at(200)
	wantText(t, "new grid", s.take(), "133 =8@123")
	for range 5 {
		s.event(metric(1, 200))
	}
	s.at(300)
	wantText(t, "bounded", s.take(), "203 =3@200")
	if s.env.node.shed != 2 {
		t.Errorf("%d were counted, want 2", s.env.node.shed)
	}
}

func TestPercentilesSample(t *testing.T) {
	build := func(env *Env, next Stream) Stream {
		p := &percentiles{env: env, opts: PercentilesOptions{Points: Points{{0, " 0"}, {0.5, " 0.5"}, {1, " 1"}}, Max: 1000}, next: next}
		p.ticks.init(env, time.Second, p.emit, p.forget)
		p.ticks.quiet = true
		return p
	}
	s := newStage(t, build)
	for i := range 100_000 {
		s.event(metric(float64(i), 0))
	}
	p := s.op.(*percentiles)
	if p.bin.len() != 1000 || s.env.node.shed != 99_000 {
		t.Errorf("%d events are kept and %d shed, want 1000 and 99000", p.bin.len(), s.env.node.shed)
	}
	all := *p.bin.ranks()
	for _, q := range []float64{0.1, 0.5, 0.9} {
		e := p.bin.event(int(selectRank(all, sampleIndex(1000, q)).sample))
		if m, _ := e.Metric(); math.Abs(m/100_000-q) > 0.05 {
			t.Errorf("the sample has %v at %v", m, q)
		}
	}

	s = newStage(t, build)
	for _, m := range []float64{3, math.NaN(), math.Inf(1), 1, math.Inf(-1)} {
		s.event(metric(m, 0))
	}
	s.at(1)
	wantText(t, "infinities are sorted, NaN is not there", s.take(), "1 0=-Inf@0\n1 0.5=3@0\n1 1=+Inf@0")
}

func TestDdtSlopes(t *testing.T) {
	s := newStage(t, func(env *Env, next Stream) Stream { return &ddtEvents{env: env, next: next} })
	e := func(i int64, at float64) *event.Event {
		x := metric(0, at)
		x.SetInt(i)
		return x
	}
	s.event(e(1<<62, 0))
	s.event(e(1<<62+3, 1)) // exact
	s.event(e(5, 1))       // no time has passed: the new base
	s.event(e(9, 2))
	s.event(e(7, 1.5)) // out of order
	s.event(metric(math.NaN(), 3))
	s.event(metric(math.Inf(1), 3))
	s.event(e(8, 2))
	wantText(t, "slopes", s.take(), "0 =3@1\n0 =4@2\n0 =4@1.5\n0 =2@2")
}

// After a down-time each ticker tells once of what it missed and goes on, on its grid.
func TestTickersGoOnAfterASkip(t *testing.T) {
	s := rateStage(t, 10*time.Second)
	s.event(withTTL(metric(20, 0), 1000))
	s.at(11)
	s.clock.Skip(547e6)
	s.at(560)
	wantText(t, "rate", s.take(), "10 =2@10 ttl 1000\n547 =0@547 ttl 990\n550 =0@550 ttl 980\n560 =0@560 ttl 970")

	s = newStage(t, stagedOperators()["fillIn"])
	s.clock.Skip(1e15)
	s.at(1e9 + 3)
	wantText(t, "fillIn", s.take(), "1e+09 filled@1e+09\n1.000000002e+09 filled@1.000000002e+09")
}
