package streams

import (
	"math"
	"testing"

	"zeta/event"
)

// The sample of a key never changes: not between versions, not between machines.
func TestSampleHashStays(t *testing.T) {
	for key, want := range map[string]uint64{"": 0xefd01f60ba992926, "a": 0x82a2a958a9bece5b, "web1\x00cpu": 0x80d3e0f3a32d54ab} {
		if got := hashKey([]byte(key)); got != want {
			t.Errorf("hash of %q is %#x, want %#x", key, got, want)
		}
	}
}

// The share of keys that pass is the share asked for, and each sample contains the smaller ones.
func TestSampleShares(t *testing.T) {
	shares := []float64{0, 0.001, 0.1, 0.5, 0.9, 1}
	passed := make([]int, len(shares))
	var key int64
	by := Keys{exprOf(func(*event.Event) Datum { return Datum{Kind: Int, Int: key} })}
	ops := make([]*sampler, len(shares))
	for i, share := range shares {
		count := streamFunc(func(Value) { passed[i]++ })
		ops[i] = &sampler{env: testEnv(NewClock(0)), by: by, limit: shareLimit(share), all: share >= 1, next: count}
	}
	const keys = 20_000
	for key = range int64(keys) {
		in := false
		for i, op := range ops {
			before := passed[i]
			op.Push(EventValue(metric(1)))
			if in && passed[i] == before {
				t.Fatalf("key %d is in the sample of %g and not in that of %g", key, shares[i-1], shares[i])
			}
			in = passed[i] > before
		}
	}
	for i, share := range shares {
		deviation := math.Sqrt(keys * share * (1 - share))
		if math.Abs(float64(passed[i])-keys*share) > 5*deviation {
			t.Errorf("a share of %g passed %d of %d keys", share, passed[i], keys)
		}
	}
}
