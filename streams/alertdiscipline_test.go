package streams

import (
	"fmt"
	"math"
	"testing"
	"time"

	"zeta/event"
)

func rollupStage(t *testing.T, o RollupOptions) *stage {
	return newStage(t, func(env *Env, next Stream) Stream {
		s, err := newRollup(env, o, next)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// Riemann keeps the reduced quota until the next window with events, so that an alert after a quiet week waits.
func TestRollupQuotaReturnsAfterSilence(t *testing.T) {
	s := rollupStage(t, RollupOptions{1, 10 * time.Second, 100})
	s.event(metric(1))
	s.event(metric(2))
	s.at(10)
	s.event(metric(3)) // the window that begins with a carry-over
	s.at(30)
	wantText(t, "carry-over", s.take(), "0 [=1]\n10 [=2]\n20 [=3]")
	s.event(metric(4)) // 20 to 30 saw nothing
	wantText(t, "at once", s.take(), "30 [=4]")
}

func TestRollupIsBounded(t *testing.T) {
	s := rollupStage(t, RollupOptions{0, 10 * time.Second, 2})
	for i := range 5 {
		s.event(metric(float64(i)))
	}
	s.op.Push(Value{}) // nothing counts too
	s.at(10)
	wantText(t, "the newest are dropped", s.take(), "10 [=0, =1]")
	if s.env.node.shed != 4 {
		t.Errorf("%d were counted, want 4", s.env.node.shed)
	}
	s.op.Push(Value{})
	s.at(20)
	wantText(t, "a nil may be held", s.take(), "20 [nil]")
}

func TestThrottleWindowsAreAnchoredWhereItWasBuilt(t *testing.T) {
	clock := NewClock(3_000_000)
	s := &stage{t: t, clock: clock}
	s.env = testEnv(clock)
	g := grid{clock.Now(), 5e6}
	s.op = &throttle{env: s.env, limit: 1, grid: g, end: g.next(clock.Now()), next: s}
	for _, at := range []float64{3, 7.999999, 8, 8.000001, 12.999999, 1000} {
		s.at(at)
		s.event(metric(at))
	}
	wantText(t, "edges", s.take(), "3 =3\n8 =8\n1000 =1000")
}

func stableStage(t *testing.T, every time.Duration, limit int) *stage {
	return newStage(t, func(env *Env, next Stream) Stream {
		value := Expr{in: &Input{}, eval: func(in *Input) Datum {
			if in.IsWindow() {
				return IntDatum(int64(len(in.Window)))
			}
			if in.Event == nil {
				return Datum{}
			}
			return presentString(in.Event, event.HasState, in.Event.State)
		}}
		s := &stable{env: env, opts: StableOptions{every, value, limit}, next: next}
		s.timer = env.Timer(s.release)
		return s
	})
}

// Riemann gives the output before once more when two changes share a time or times run ahead of its clock.
func TestStableGivesEachOnce(t *testing.T) {
	s := stableStage(t, 3*time.Second, 100)
	s.event(inState(metric(1, 10), "a")) // ten seconds ahead
	s.at(3)
	wantText(t, "at the latest every after its arrival", s.take(), "3 a=1@10")
	s.event(inState(metric(2, 11), "b"))
	s.event(inState(metric(3, 11), "a"))
	s.event(inState(metric(4, 11), "b"))
	s.at(60)
	wantText(t, "once", s.take(), "6 b=4@11")
	s.event(inState(metric(5), "b"))
	s.event(inState(metric(6), "a")) // no time
	s.event(inState(metric(7), "a"))
	s.at(63)
	wantText(t, "a missing time does not jam it", s.take(), "60 b=5\n63 a=6\n63 a=7")
	s.event(inState(metric(8, 50), "c")) // late: long stable by its own time
	wantText(t, "late", s.take(), "63 c=8@50")
}

func TestStableHoldsWindowsAndNothing(t *testing.T) {
	s := stableStage(t, time.Second, 2)
	s.op.Push(Value{})
	s.at(1)
	wantText(t, "nothing", s.take(), "1 nil")
	lent := metric(1)
	for range 4 {
		s.op.Push(WindowValue([]*event.Event{lent, nil}))
	}
	lent.SetFloat(2)
	s.at(2)
	wantText(t, "copies, two of them", s.take(), "2 [=1, nil]\n2 [=1, nil]")
	if s.env.node.shed != 2 {
		t.Errorf("%d were counted, want 2", s.env.node.shed)
	}
}

func TestChangedByValue(t *testing.T) {
	value := Expr{in: &Input{}, eval: func(in *Input) Datum { return FieldName{Name: "metric"}.Get(in.Event) }}
	s := newStage(t, func(env *Env, next Stream) Stream {
		return &changed{env: env, opts: ChangedOptions{Value: value}, next: next}
	})
	one := metric(0)
	one.SetInt(1)
	for _, e := range []*event.Event{{}, one, metric(1), metric(math.NaN()), metric(math.NaN()), {}, {}} {
		s.event(e)
	}
	wantText(t, "changes", s.take(), "0 =1\n0 =NaN\n0")
}

// The number of a series may be given to another one; a source is found by its name.
func TestChangedStateWithSeriesNumbersReused(t *testing.T) {
	s := newStage(t, stagedOperators()["changedState"])
	of := func(host string, id uint32, state string) *event.Event {
		e := inState(&event.Event{}, state)
		e.SetHost(host)
		e.Series = &event.Series{Host: host, Has: event.HasHost, ID: id}
		return e
	}
	s.event(of("a", 0, "ok"))
	s.event(of("b", 0, "ok"))
	s.event(of("a", 1, "ok"))
	s.event(of("b", 1, "bad"))
	s.event(of("a", 0, "ok"))
	s.event(of("", 0, "ok"))
	none := inState(&event.Event{Series: &event.Series{}}, "ok")
	s.event(none)
	s.event(none)
	wantText(t, "by name", s.take(), "0 a ok\n0 b ok\n0 b bad\n0 ok\n0 ok")
}

func TestChangedStateForgetsTheSilentFirst(t *testing.T) {
	s := newStage(t, func(env *Env, next Stream) Stream {
		return newChangedState(env, ChangedStateOptions{Init: StringDatum("ok"), Max: 2, Idle: 100 * time.Second}, next)
	})
	send := func(host, state string) {
		e := inState(&event.Event{}, state)
		e.SetHost(host)
		s.event(e)
	}
	send("a", "bad")
	send("b", "bad")
	send("a", "bad")
	send("c", "bad") // b makes room
	s.take()
	send("a", "bad")
	wantText(t, "a is known", s.take(), "")
	send("b", "bad")
	wantText(t, "b is new", s.take(), "0 b bad")
	if s.env.node.shed != 2 {
		t.Errorf("%d were counted, want 2", s.env.node.shed)
	}
	s.at(101)
	send("a", "bad")
	wantText(t, "idle", s.take(), "101 a bad")
}

func coalesceStage(t *testing.T, o CoalesceOptions) *stage {
	return newStage(t, func(env *Env, next Stream) Stream {
		s, err := newCoalesce(env, o, next)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func of(host string, e *event.Event) *event.Event {
	e.SetHost(host)
	return e
}

// In Riemann one expired event silences all sources, and when all fall silent nobody hears of it.
func TestCoalesceTellsOfSilence(t *testing.T) {
	s := coalesceStage(t, CoalesceOptions{Every: time.Second, Max: 100})
	s.event(of("b", withTTL(metric(1, 0), 1.5)))
	s.event(of("a", withTTL(metric(2, 0), 2.5)))
	s.at(0.5)
	s.event(of("c", inState(metric(3, 0.5), event.Expired)))
	s.at(10)
	wantText(t, "silence", s.take(), `
0 [b=1@0 ttl 1.5]
1 [b=1@0 ttl 1.5, a=2@0 ttl 2.5, c expired=3@0.5]
2 [b=1@0 ttl 1.5, a=2@0 ttl 2.5]
3 [a=2@0 ttl 2.5]`)
	s.event(of("a", withTTL(metric(4, 10), 1)))
	wantText(t, "again", s.take(), "10 [a=4@10 ttl 1]")
}

func TestCoalesceDelay(t *testing.T) {
	s := coalesceStage(t, CoalesceOptions{Every: 10 * time.Second, Delay: time.Second, Max: 100})
	s.event(of("a", metric(1, 0)))
	s.event(of("b", metric(2, 0)))
	s.at(11)
	wantText(t, "delayed", s.take(), "1 [a=1@0, b=2@0]\n11 [a=1@0, b=2@0]")
}

func TestCoalesceIsBounded(t *testing.T) {
	windows, longest := 0, 0
	clock := NewClock(0)
	env := testEnv(clock)
	op, _ := newCoalesce(env, CoalesceOptions{Every: time.Second, Max: 1000}, streamFunc(func(v Value) {
		windows++
		longest = max(longest, len(v.Window))
	}))
	for i := range 100_000 {
		op.Push(EventValue(of(fmt.Sprint(i), metric(1, 0))))
	}
	clock.Advance(1e6)
	if windows != 2 || longest != 1000 || env.node.shed != 99_000 {
		t.Errorf("%d windows of at most %d events, %d shed; want 2, 1000, 99000", windows, longest, env.node.shed)
	}
}

// Riemann waits for the next event that meets a condition to tell of a place that expired.
func TestProjectTellsOfSilence(t *testing.T) {
	s := newStage(t, stagedOperators()["project"]) // metric < 2, metric < 5
	s.event(of("a", withTTL(metric(3, 0), 2)))
	s.at(1)
	s.event(of("b", withTTL(metric(1, 1), 3)))
	s.at(2)
	wantText(t, "alive", s.take(), "0 [nil, a=3@0 ttl 2]\n1 [b=1@1 ttl 3, b=1@1 ttl 3]")
	s.event(of("a", withTTL(metric(3, 2), 1)))
	s.at(10)
	wantText(t, "silence", s.take(), `
2 [b=1@1 ttl 3, a=3@2 ttl 1]
3.000001 [b=1@1 ttl 3, a expired@3.000001]
4.000001 [b expired@4.000001, nil]`)
}

func TestFillInStops(t *testing.T) {
	s := newStage(t, func(env *Env, next Stream) Stream {
		f := newFillIn(env, time.Second, 3, next, func() (*event.Event, error) { return metric(0), nil })
		f.arm()
		return f
	})
	s.at(10)
	wantText(t, "from the start, three in a row", s.take(), "1 =0@1\n2 =0@2\n3 =0@3")
	s.event(metric(1, 10))
	s.at(11.5)
	s.event(inState(metric(2, 11.5), event.Expired))
	s.at(20)
	wantText(t, "until expired", s.take(), "10 =1@10\n11 =0@11\n11.5 expired=2@11.5")
	if s.env.node.shed != 1 {
		t.Errorf("%d were counted, want 1", s.env.node.shed)
	}
}
