package streams

import (
	"math"

	"zeta/event"
)

// scalar is a number or none: an int64 stays exact until it meets a float64 or overflows. It fits in
// registers, which a Datum does not.
type scalar struct {
	kind DatumKind // Missing, Int or Float
	i    int64
	f    float64
}

func intScalar(i int64) scalar     { return scalar{kind: Int, i: i} }
func floatScalar(f float64) scalar { return scalar{kind: Float, f: f} }

// scalar returns d if it is a number, else none.
func (d *Datum) scalar() scalar {
	switch d.Kind {
	case Int:
		return scalar{kind: Int, i: d.Int}
	case Float:
		return scalar{kind: Float, f: d.Float}
	}
	return scalar{}
}

func (n scalar) datum() Datum { return Datum{Kind: n.kind, Int: n.i, Float: n.f} }

// float returns n as a float64, rounding an int64 beyond 2^53.
func (n scalar) float() float64 {
	if n.kind == Int {
		return float64(n.i)
	}
	return n.f
}

// whole returns n as an int64; ok is false if it is missing or no whole number.
func (n scalar) whole() (i int64, ok bool) {
	if n.kind == Float {
		return exactInt(n.f)
	}
	return n.i, n.kind == Int
}

func metricScalar(e *event.Event) scalar {
	switch {
	case e == nil:
	case e.Has&event.HasFloat != 0:
		return scalar{kind: Float, f: e.Float}
	case e.Has&event.HasInt != 0:
		return scalar{kind: Int, i: e.Int}
	}
	return scalar{}
}

// exactInt returns f as an int64 if that is the same number.
func exactInt(f float64) (int64, bool) {
	if f >= -1<<63 && f < 1<<63 && f == math.Trunc(f) {
		return int64(f), true
	}
	return 0, false
}

// compareScalars compares by value, exactly; ok is false if one is missing or NaN.
func compareScalars(a, b scalar) (c int, ok bool) {
	switch {
	case a.kind == Missing || b.kind == Missing:
		return 0, false
	case a.kind == Int && b.kind == Int:
		switch {
		case a.i < b.i:
			return -1, true
		case a.i > b.i:
			return 1, true
		}
		return 0, true
	case a.kind == Int:
		return compareMixed(a.i, b.f)
	case b.kind == Int:
		c, ok = compareMixed(b.i, a.f)
		return -c, ok
	}
	switch {
	case a.f < b.f:
		return -1, true
	case a.f > b.f:
		return 1, true
	}
	return 0, a.f == b.f
}

// compareMixed compares without rounding: converting i to a float64 would make 2^53+1 equal 2^53.
func compareMixed(i int64, f float64) (c int, ok bool) {
	switch {
	case f != f:
		return 0, false
	case f >= 1<<63:
		return -1, true
	case f < -1<<63:
		return 1, true
	}
	whole := int64(f)
	switch {
	case i < whole:
		return -1, true
	case i > whole:
		return 1, true
	}
	switch rest := f - float64(whole); {
	case rest > 0:
		return -1, true
	case rest < 0:
		return 1, true
	}
	return 0, true
}

func addScalars(a, b scalar) scalar {
	if a.kind == Int && b.kind == Int {
		if s := a.i + b.i; (s > a.i) == (b.i > 0) {
			return intScalar(s)
		}
	}
	return floatScalar(a.float() + b.float())
}

func subtractScalars(a, b scalar) scalar {
	if a.kind == Int && b.kind == Int {
		if s := a.i - b.i; (s < a.i) == (b.i > 0) {
			return intScalar(s)
		}
	}
	return floatScalar(a.float() - b.float())
}

func multiplyScalars(a, b scalar) scalar {
	if a.kind == Int && b.kind == Int {
		if a.i == 0 || b.i == 0 {
			return intScalar(0)
		}
		p := a.i * b.i
		if p/b.i == a.i && !(a.i == -1 && b.i == math.MinInt64) && !(b.i == -1 && a.i == math.MinInt64) {
			return intScalar(p)
		}
	}
	return floatScalar(a.float() * b.float())
}

// divideScalars gives a float, and nothing for a division by zero.
func divideScalars(a, b scalar) scalar {
	d := b.float()
	if d == 0 {
		return scalar{}
	}
	return floatScalar(a.float() / d)
}

// moduloScalars gives the remainder with the sign of a, and nothing for a division by zero.
func moduloScalars(a, b scalar) scalar {
	if a.kind == Int && b.kind == Int {
		switch b.i {
		case 0:
			return scalar{}
		case -1:
			return intScalar(0)
		}
		return intScalar(a.i % b.i)
	}
	d := b.float()
	if d == 0 {
		return scalar{}
	}
	return floatScalar(math.Mod(a.float(), d))
}

func powerScalars(a, b scalar) scalar { return floatScalar(math.Pow(a.float(), b.float())) }

func negateScalar(a scalar) scalar {
	if a.kind == Int && a.i != math.MinInt64 {
		return intScalar(-a.i)
	}
	return floatScalar(-a.float())
}
