package streams

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"zeta/event"
)

func fixedStage(t *testing.T, o TimeWindowOptions, aligned bool) *stage {
	return newStage(t, func(env *Env, next Stream) Stream { return newFixedTimeWindow(env, o, next, aligned) })
}

func TestFixedTimeWindowFarFuture(t *testing.T) {
	o := timeWindowDefaults
	o.Length = time.Second
	s := fixedStage(t, o, false)
	s.event(metric(1, 10))
	s.event(metric(2, 1e9)) // a wrong stamp joins
	s.event(metric(3, 10.5))
	s.event(metric(4, 11))
	wantText(t, "wrong stamp", s.take(), `0 [=1@10, =2@1e+09, =3@10.5]`)

	// A host whose clock is a day ahead still gets windows, cut by arrival.
	s = fixedStage(t, o, false)
	for i := range 3 {
		s.at(float64(i) / 2)
		s.event(metric(float64(i), 86400+float64(i)/2))
	}
	wantText(t, "wrong clock", s.take(), `1 [=0@86400, =1@86400.5]`)

	o.Ahead = 0
	for _, at := range []float64{1e9, 9e12, math.Inf(1)} {
		s = fixedStage(t, o, false)
		s.event(metric(1, -5))
		s.event(metric(2, at))
		if got := len(s.got); got != 1+o.MaxEmpty {
			t.Errorf("a jump to %v gave %d windows, want one and %d empty ones", at, got, o.MaxEmpty)
		}
	}
}

func TestFixedTimeWindowUntimed(t *testing.T) {
	o := timeWindowDefaults
	o.Length = 2 * time.Second
	s := fixedStage(t, o, false)
	s.event(metric(1)) // waits for the first time
	s.event(metric(2, 100))
	s.event(metric(3))
	s.event(metric(4, 102))
	s.event(metric(5, 99)) // late
	s.event(metric(6, 104))
	wantText(t, "untimed", s.take(), "0 [=1, =2@100, =3]\n0 [=4@102]")
}

func TestFixedOffsetTimeWindowBeforeTheEpoch(t *testing.T) {
	o := timeWindowDefaults
	o.Length = 10 * time.Second
	s := fixedStage(t, o, true)
	s.event(metric(1, -15))
	s.event(metric(2, -10.001))
	s.event(metric(3, -10))
	s.event(metric(4, 0))
	wantText(t, "negative times", s.take(), "0 [=1@-15, =2@-10.001]\n0 [=3@-10]")
}

// With grace the clock closes a window once; what was skipped leaves with the next event as ever.
func TestFixedTimeWindowGrace(t *testing.T) {
	o := timeWindowDefaults
	o.Length, o.Grace = 10*time.Second, 2*time.Second
	s := fixedStage(t, o, false)
	s.event(metric(1, 0))
	s.at(11)
	s.event(metric(2, 9)) // in grace
	s.at(12)
	wantText(t, "closed", s.take(), "12 [=1@0, =2@9]")
	s.event(metric(3, 9.5)) // too late
	s.at(100)
	wantText(t, "nothing more", s.take(), "")
	s.event(metric(4, 35))
	wantText(t, "the empty ones", s.take(), "100 []\n100 []")
	s.event(metric(5, 40))
	wantText(t, "the next", s.take(), "100 [=4@35]")
}

func TestTimeWindowsAreBounded(t *testing.T) {
	o := timeWindowDefaults
	o.Length, o.Max = time.Hour, 3
	s := fixedStage(t, o, false)
	for i := range 5 {
		s.event(metric(float64(i), float64(i)))
	}
	s.event(metric(9, 3600))
	wantText(t, "the newest are dropped", s.take(), "0 [=0@0, =1@1, =2@2]")
	if s.env.node.shed != 2 {
		t.Errorf("%d were counted, want 2", s.env.node.shed)
	}

	m := newStage(t, func(env *Env, next Stream) Stream {
		return &movingTimeWindow{env: env, opts: MovingTimeWindowOptions{time.Hour, 0, 2}, next: next, newest: math.MinInt64}
	})
	for i := range 4 {
		m.event(metric(float64(i), float64(i)))
	}
	wantText(t, "the oldest are dropped", m.take(), "0 [=0@0]\n0 [=0@0, =1@1]\n0 [=1@1, =2@2]\n0 [=2@2, =3@3]")
	if m.env.node.shed != 2 {
		t.Errorf("%d were counted, want 2", m.env.node.shed)
	}
}

// The moving window is what its definition says: all accepted events with a time in (newest − n, newest].
func TestMovingTimeWindowAgainstDefinition(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 7))
		s := newStage(t, func(env *Env, next Stream) Stream {
			return &movingTimeWindow{env: env, opts: MovingTimeWindowOptions{5 * time.Second, time.Hour, 1000}, next: next, newest: math.MinInt64}
		})
		type seen struct {
			at float64
			e  *event.Event
		}
		var all []seen
		newest := math.Inf(-1)
		for i := range 200 {
			now := float64(i) / 4
			s.at(now)
			e := metric(float64(i), math.Round(now)+float64(r.IntN(13)-8))
			at := event.MicrosToSeconds(e.Time)
			if r.IntN(10) == 0 {
				e.Clear(event.HasTime)
				at = now
			}
			newest = max(newest, at)
			s.event(e)
			if at <= newest-5 {
				wantText(t, "late", s.take(), "")
				continue
			}
			all = append(all, seen{at, e})
			want := []*event.Event{}
			for _, x := range all {
				if x.at > newest-5 {
					want = append(want, x.e)
				}
			}
			wantText(t, fmt.Sprintf("seed %d, event %d", seed, i), s.take(), fmt.Sprint(now, " ", given(WindowValue(want))))
		}
	}
}
