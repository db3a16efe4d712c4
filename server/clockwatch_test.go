package server

import (
	"fmt"
	"testing"
	"time"
)

func TestClockWatch(t *testing.T) {
	const day = 24 * time.Hour
	type look struct {
		mono, wall time.Duration // since the first look
		step, skip time.Duration
	}
	for _, c := range []struct {
		name  string
		looks []look
	}{
		{"steady", []look{{time.Second, time.Second, 0, 0}, {2 * time.Second, 2 * time.Second, 0, 0}}},
		{"slewed", []look{{time.Second, 1400 * time.Millisecond, 0, 0}, {2 * time.Second, 2800 * time.Millisecond, 0, 0}}},
		{"an hour forward", []look{
			{time.Second, time.Hour + time.Second, time.Hour, 0},
			{time.Minute, time.Hour + time.Minute, 0, 0},
			{61 * time.Second, time.Hour + 61*time.Second, 0, time.Hour},
			{200 * time.Second, time.Hour + 200*time.Second, 0, 0},
		}},
		{"a day forward and back", []look{
			{time.Second, day + time.Second, day, 0},
			{30 * time.Second, 30 * time.Second, -day, 0},
			{time.Hour, time.Hour, 0, 0},
		}},
		{"a day back", []look{
			{time.Second, time.Second - day, -day, 0},
			{time.Hour, time.Hour - day, 0, 0},
		}},
		{"eight hours of sleep, twice", []look{
			{time.Second, 8*time.Hour + time.Second, 8 * time.Hour, 0},
			{62 * time.Second, 8*time.Hour + 62*time.Second, 0, 8 * time.Hour},
			{63 * time.Second, 16*time.Hour + 63*time.Second, 8 * time.Hour, 0},
			{124 * time.Second, 16*time.Hour + 124*time.Second, 0, 8 * time.Hour},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w clockWatch
			begin := int64(1_700_000_000_000_000)
			w.look(begin, time.Hour)
			for i, l := range c.looks {
				step, skip := w.look(begin+l.wall.Microseconds(), time.Hour+l.mono)
				if step != l.step || skip != l.skip {
					t.Errorf("look %d: step %v, skip %v; want %v, %v", i, step, skip, l.step, l.skip)
				}
			}
		})
	}
}

// Whatever becomes of the wall clock, nothing expires for it and no timer is stuck; a restart goes on the same way.
func TestClockSteps(t *testing.T) {
	const rules = `default(ttl, 60, index); where(service == "zeta clock", with({service: "told", ttl: 1e9}, index));
		expired(with({service: "gone", ttl: 1e9}, index)); where(service == "c", rollup(1, "1h", smap(count, with({service: "window", ttl: 1e9}, index))));`
	for _, by := range []time.Duration{time.Hour, 24 * time.Hour, -time.Hour, -24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			a := live(t, t.TempDir(), rules)
			a.take(one("kept", 1), one("c", 1), one("c", 2), one("c", 3))
			before, _ := a.engine.Now()
			var w clockWatch
			wall, mono := time.Now().UnixMicro(), a.engine.stamp.elapsed()
			a.lookAtClock(&w, wall, mono)
			a.lookAtClock(&w, wall+by.Microseconds(), mono)
			a.lookAtClock(&w, wall+by.Microseconds()+2*clockBelieve.Microseconds(), mono+2*clockBelieve)
			now, _ := a.engine.Now()
			if ahead := time.Duration(now-before) * time.Microsecond; ahead < max(by, 0) || ahead > max(by, 0)+time.Minute {
				t.Errorf("the engine's clock went on by %v", ahead)
			}
			if told := a.metric("told"); told != by.Seconds() {
				t.Errorf("the rules were told of %v s, want %v", told, by.Seconds())
			}
			check := func(l *life) {
				t.Helper()
				if gone, err := l.search(`service = "gone"`); err != nil || len(gone) != 0 {
					t.Errorf("%d events expired, %v", len(gone), err)
				}
				l.metric("kept")
				if over := l.metric("window") == 2; over != (by > 0) { // the first event leaves at once, the others after an hour
					t.Errorf("the hour is over: %v, want %v", over, by > 0)
				}
			}
			check(a)
			a.take(one("kept", 2)) // with what was before it, it is on disk
			b := live(t, a.died(), rules)
			check(b)
			later, _ := b.engine.Now()
			if later < now {
				t.Errorf("after the restart it is %d, before it was %d", later, now)
			}
			until(t, "time goes on", func() bool { n, _ := b.engine.Now(); return n > later })
		})
	}
}

// After the wall clock was set back, a start goes on from where the clock was; time does not stand still until the
// wall clock is there again.
func TestRestartAfterTheClockWasSetBack(t *testing.T) {
	a := live(t, t.TempDir(), countingRules)
	a.engine.mu.Lock()
	a.engine.stamp.wall += time.Hour.Microseconds()
	a.engine.mu.Unlock()
	was, _ := a.engine.Now()
	a.take(one("c", 1))
	b := live(t, a.died(), countingRules)
	first, _ := b.engine.Now()
	if first < was {
		t.Errorf("the clock went back by %v", time.Duration(was-first)*time.Microsecond)
	}
	until(t, fmt.Sprint("time goes on after ", first), func() bool { n, _ := b.engine.Now(); return n > first })
}
