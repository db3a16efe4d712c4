package streams

import (
	"math"
	"math/rand/v2"
	"testing"
)

// In Riemann four events of one second add up to four times their weight.
func TestEwmaSimultaneousEventsCountAsOne(t *testing.T) {
	a := average{halflife: 1}
	a.add(1e6, 8)
	for _, m := range []float64{0, 4, 4} {
		a.add(1e6, m)
	}
	if want := 0.5 * 4; a.value != want {
		t.Errorf("the average of 8, 0, 4 and 4 at once is %g, want %g", a.value, want)
	}
	a.add(2e6, 8)
	if want := 0.5*2 + 0.5*8; a.value != want {
		t.Errorf("a second later %g, want %g", a.value, want)
	}
}

// By elapsed time no result lies outside the metrics seen, whatever the order and the gaps.
func TestEwmaElapsedStaysInside(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 200 {
		a := average{halflife: 3, elapsed: true}
		least, most := math.Inf(1), math.Inf(-1)
		for range 100 {
			m := r.NormFloat64() * 100
			least, most = min(least, m), max(most, m)
			a.add(r.Int64N(20)*500_000, m)
			if slack := 1e-9 * (most - least); a.value < least-slack || a.value > most+slack {
				t.Fatalf("%g is outside %g … %g", a.value, least, most)
			}
		}
	}
}

// NaN and infinities pass and leave no trace.
func TestEwmaIgnoresWhatIsNotFinite(t *testing.T) {
	for _, name := range []string{"ewma", "ewmaTimeless", "counter"} {
		run := func(poison bool) string {
			s := newStage(t, stagedOperators()[name])
			s.event(metric(4, 0))
			if poison {
				for _, m := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
					s.event(metric(m, 1))
				}
			}
			s.got = nil
			s.event(metric(2, 1))
			return s.take()
		}
		if clean, poisoned := run(false), run(true); clean != poisoned {
			t.Errorf("%s: after NaN and infinities %s, want %s", name, poisoned, clean)
		}
	}
}
