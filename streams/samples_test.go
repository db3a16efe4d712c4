package streams

import (
	"math/rand/v2"
	"slices"
	"testing"

	"zeta/event"
)

// TestSelectRank compares with sorting, on metrics in all kinds of order.
func TestSelectRank(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, metric := range map[string]func(i, n int) number{
		"random":  func(i, n int) number { return floatNumber(r.Float64()) },
		"rising":  func(i, n int) number { return intNumber(int64(i)) },
		"falling": func(i, n int) number { return intNumber(int64(-i)) },
		"equal":   func(i, n int) number { return intNumber(1) },
		"organ":   func(i, n int) number { return intNumber(int64(min(i, n-i))) },
		"two":     func(i, n int) number { return floatNumber(float64(i % 2)) },
	} {
		for _, n := range []int{1, 2, 3, 17, 18, 100, 1000} {
			var all []rank
			for i := range n {
				all = append(all, rank{metric(i, n), i})
			}
			sorted := slices.Clone(all)
			slices.SortFunc(sorted, rank.compare)
			for _, i := range []int{0, n / 3, n / 2, n * 99 / 100, n - 1} {
				if got := selectRank(all, i); got != sorted[i] {
					t.Errorf("%s, %d metrics: selected %v at %d, want %v", name, n, got, i, sorted[i])
				}
			}
		}
	}
}

// TestSamplesKeepMemory: the second interval of a steady stream allocates nothing, and a quiet one gives back.
func TestSamplesKeepMemory(t *testing.T) {
	var s samples
	e := event.Event{}
	e.SetFloat(1)
	interval := func(n int) {
		for range n {
			s.add(&e)
		}
		s.clear()
	}
	interval(5000)
	if n := testing.AllocsPerRun(5, func() { interval(5000) }); n != 0 {
		t.Errorf("%v allocations in an interval like the one before", n)
	}
	interval(10)
	if len(s.chunks) != 1 {
		t.Errorf("%d chunks are kept after a quiet interval", len(s.chunks))
	}
}
