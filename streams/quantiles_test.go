package streams

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The quantiles are those of the sorted metrics within the accuracy asked for, whatever the distribution.
func TestQuantilesAreAccurate(t *testing.T) {
	points := Points{{0, " 0"}, {0.01, " 0.01"}, {0.5, " 0.5"}, {0.9, " 0.9"}, {0.99, " 0.99"}, {1, " 1"}}
	r := rand.New(rand.NewPCG(11, 11))
	for name, draw := range map[string]func() float64{
		"uniform":     r.Float64,
		"exponential": r.ExpFloat64,
		"lognormal":   func() float64 { return math.Exp(3 * r.NormFloat64()) },
		"both signs":  func() float64 { return 1000 * r.NormFloat64() },
		"constant":    func() float64 { return 0.1 },
		"zero":        func() float64 { return 0 },
	} {
		var got []float64
		s := newStage(t, func(env *Env, _ Stream) Stream {
			return built(newQuantiles(env, QuantilesOptions{time.Second, points, 0.01}, streamFunc(func(v Value) {
				m, _ := v.Event.Metric()
				got = append(got, m)
			})))
		})
		var all []float64
		for range 10_000 {
			all = append(all, draw())
			s.event(metric(all[len(all)-1]))
		}
		s.at(1)
		slices.Sort(all)
		for i, p := range points {
			// Around a rank that is no whole number either neighbour is right; near zero they differ by much.
			rank := int(p.At * float64(len(all)-1))
			low, high := all[max(0, rank-1)], all[min(len(all)-1, rank+1)]
			if got[i] < low-0.0101*math.Abs(low) || got[i] > high+0.0101*math.Abs(high) {
				t.Errorf("%s at %g: %g, want %g to %g within 1 %%", name, p.At, got[i], low, high)
			}
		}
		if got[0] != all[0] || got[5] != all[len(all)-1] {
			t.Errorf("%s: least %g and most %g, want %g and %g exactly", name, got[0], got[5], all[0], all[len(all)-1])
		}
	}
}

// A flood of metrics of all sizes does not make the sketch grow.
func TestQuantilesAreBounded(t *testing.T) {
	s := newStage(t, stagedOperators()["quantiles"])
	r := rand.New(rand.NewPCG(12, 12))
	size := 0
	for i := range 200_000 {
		s.event(metric(math.Ldexp(r.NormFloat64(), r.IntN(2000)-1000)))
		if i%20_000 == 19_999 {
			saver := &Saver{}
			s.op.(Stateful).Save(saver)
			size = max(size, len(saver.Bytes()))
		}
	}
	if size > 40_000 {
		t.Errorf("the state takes %d bytes, want at most 40000", size)
	}
}
