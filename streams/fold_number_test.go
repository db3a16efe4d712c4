package streams

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// Every operation on int64s is exact or, past the range of int64, the nearest float64 of float64 operands.
func TestNumberExactUntilOverflow(t *testing.T) {
	edge := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MinInt64 + 1, 1 << 32, -1 << 32}))
	rapid.Check(t, func(t *rapid.T) {
		a, b := edge.Draw(t, "a"), edge.Draw(t, "b")
		x, y := big.NewInt(a), big.NewInt(b)
		for _, op := range []struct {
			name  string
			got   number
			exact *big.Int
			float float64
		}{
			{"plus", intNumber(a).plus(intNumber(b)), new(big.Int).Add(x, y), float64(a) + float64(b)},
			{"minus", intNumber(a).minus(intNumber(b)), new(big.Int).Sub(x, y), float64(a) - float64(b)},
			{"times", intNumber(a).times(intNumber(b)), new(big.Int).Mul(x, y), float64(a) * float64(b)},
		} {
			want := floatNumber(op.float)
			if op.exact.IsInt64() {
				want = intNumber(op.exact.Int64())
			}
			if op.got != want {
				t.Fatalf("%d %s %d = %+v, want %+v", a, op.name, b, op.got, want)
			}
		}
	})
}

// An int64 and a float64 compare by exact value, which rounding the int64 would not.
func TestNumberCompare(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		a, b number
		want int
	}{
		{intNumber(1), floatNumber(1), 0},
		{intNumber(1), floatNumber(1.5), -1},
		{intNumber(-1), floatNumber(-1.5), 1},
		{intNumber(1<<53 + 1), floatNumber(1 << 53), 1},
		{intNumber(math.MaxInt64), floatNumber(1 << 63), -1},
		{intNumber(math.MinInt64), floatNumber(-1 << 63), 0},
		{intNumber(math.MaxInt64), floatNumber(inf), -1},
		{intNumber(math.MinInt64), floatNumber(-inf), 1},
		{floatNumber(inf), floatNumber(inf), 0},
		{floatNumber(math.Copysign(0, -1)), intNumber(0), 0},
		{intNumber(2), intNumber(3), -1},
	} {
		if got := c.a.compare(c.b); got != c.want {
			t.Errorf("%+v compare %+v = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := c.b.compare(c.a); got != -c.want {
			t.Errorf("%+v compare %+v = %d, want %d", c.b, c.a, got, -c.want)
		}
		if same := c.a.canonical() == c.b.canonical(); same != (c.want == 0) {
			t.Errorf("canonical of %+v and %+v equal: %t", c.a, c.b, same)
		}
	}
}
