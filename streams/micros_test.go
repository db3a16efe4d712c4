package streams

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestGrid(t *testing.T) {
	for _, c := range []struct{ anchor, every, t, floor, next int64 }{
		{0, 2, 0, 0, 2},
		{0, 2, 1, 0, 2},
		{0, 2, 2, 2, 4},
		{1, 2, 2, 1, 3},
		{1, 2, 3, 3, 5},
		{4, 2, 2, 2, 4}, // the anchor lies ahead
		{4, 2, 1, 0, 2},
		{2, 1, 0, 0, 1},
		{0, 60, -1, -60, 0},
		{0, 60, -60, -60, 0},
		{0, 7, math.MaxInt64, math.MaxInt64 - 7, math.MaxInt64},
		{0, 10, math.MaxInt64, math.MaxInt64 - 7, math.MaxInt64},
		{math.MaxInt64, 10, math.MinInt64, math.MinInt64, math.MinInt64 + 10},
	} {
		g := grid{c.anchor, c.every}
		if c.t == math.MaxInt64 && c.every == 7 {
			c.floor = c.t - c.t%7
		}
		if f, n := g.floor(c.t), g.next(c.t); f != c.floor || n != c.next {
			t.Errorf("%+v at %d: floor %d, next %d; want %d, %d", g, c.t, f, n, c.floor, c.next)
		}
	}
}

// The floor is the greatest point of the grid at or before t, wherever both lie.
func TestGridAgainstBigNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		g := grid{anchor: int64(r.Uint64()) >> r.IntN(63), every: 1 + int64(r.Uint64()>>1)>>r.IntN(62)}
		at := int64(r.Uint64()) >> r.IntN(63)
		every := big.NewInt(g.every)
		past := new(big.Int).Sub(big.NewInt(at), big.NewInt(g.anchor))
		want := new(big.Int).Sub(big.NewInt(at), past.Mod(past, every)) // Mod is never negative
		if !want.IsInt64() {
			want.SetInt64(math.MinInt64)
		}
		if got := g.floor(at); got != want.Int64() {
			t.Fatalf("%+v at %d: floor %d, want %v", g, at, got, want)
		}
	}
}

func TestAddMicros(t *testing.T) {
	for _, c := range []struct{ a, b, want int64 }{
		{1, 2, 3}, {1, -2, -1},
		{math.MaxInt64, 1, math.MaxInt64}, {math.MaxInt64, math.MaxInt64, math.MaxInt64},
		{math.MinInt64, -1, math.MinInt64}, {math.MinInt64, math.MaxInt64, -1},
	} {
		if got := addMicros(c.a, c.b); got != c.want {
			t.Errorf("%d + %d = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
