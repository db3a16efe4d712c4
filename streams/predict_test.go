package streams

import (
	"math"
	"testing"
	"time"

	"zeta/event"
)

// Events that lack something are dropped and spoil nothing; equal times give nothing.
func TestPredictLinearSkipsWhatItCannotUse(t *testing.T) {
	s := newStage(t, func(env *Env, next Stream) Stream {
		return built(newPredictLinear(env, PredictLinearOptions{3, 10 * time.Second, 0}, next))
	})
	s.event(metric(1, 1))
	s.event(metric(math.NaN(), 2))
	s.event(metric(5))
	none := &event.Event{}
	none.SetTime(2e6)
	s.event(none)
	s.event(metric(7, 1))
	if got := s.take(); got != "" {
		t.Errorf("two events of one time gave %s", got)
	}
	s.event(metric(6, 2))
	wantText(t, "a line through (1, 4) and (2, 6)", s.take(), "0 =26@2")
}

// With refit the line stays while the clock has not moved on by more than that.
func TestPredictLinearRefit(t *testing.T) {
	s := newStage(t, func(env *Env, next Stream) Stream {
		return built(newPredictLinear(env, PredictLinearOptions{2, 0, 5 * time.Second}, next))
	})
	s.event(metric(0, 0))
	s.event(metric(1, 1))
	s.at(5)
	s.event(metric(0, 2))
	s.at(5.5)
	s.event(metric(0, 3))
	wantText(t, "predictions", s.take(), `
0 =1@1
5 =2@2
5.5 =0@3`)
}

// Today's times in microseconds are large; the fit must not lose the seconds.
func TestPredictLinearIsExactToday(t *testing.T) {
	const now = 1_790_000_000_000_000
	var points []point
	for i := range int64(100) {
		points = append(points, point{now + i*1e6, 3 + 0.25*float64(i)})
	}
	l := fit(points, nil, now+99e6)
	if got, want := l.read(now+99e6, 60), 3+0.25*159; math.Abs(got-want) > 1e-9 {
		t.Errorf("got %.12f, want %.12f", got, want)
	}
}
