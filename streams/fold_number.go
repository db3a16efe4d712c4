package streams

import (
	"cmp"
	"math"
	"math/bits"

	"zeta/event"
)

// number is a metric under arithmetic: an int64 stays exact until a result leaves its range, then it
// goes on as a float64, as does everything a float64 takes part in.
type number struct {
	isFloat bool
	i       int64
	f       float64
}

func intNumber(i int64) number     { return number{i: i} }
func floatNumber(f float64) number { return number{isFloat: true, f: f} }

// metricOf returns the metric of e; ok is false if there is none or it is NaN, which no result may take in.
func metricOf(e *event.Event) (m number, ok bool) {
	switch {
	case e.Has&event.HasInt != 0:
		return intNumber(e.Int), true
	case e.Has&event.HasFloat != 0:
		return floatNumber(e.Float), e.Float == e.Float
	}
	return number{}, false
}

// numberOf returns d as a number; ok is false if it is no number or NaN.
func numberOf(d Datum) (m number, ok bool) {
	switch d.Kind {
	case Int:
		return intNumber(d.Int), true
	case Float:
		return floatNumber(d.Float), d.Float == d.Float
	}
	return number{}, false
}

// datum returns n as a Datum; an undetermined number (NaN) is missing.
func (n number) datum() Datum {
	switch {
	case !n.isFloat:
		return Datum{Kind: Int, Int: n.i}
	case n.f != n.f:
		return Datum{}
	}
	return Datum{Kind: Float, Float: n.f}
}

// setMetric makes n the metric of e; an undetermined number (NaN, as of ∞−∞) removes the metric.
func setMetric(e *event.Event, n number) {
	switch {
	case !n.isFloat:
		e.SetInt(n.i)
	case n.f != n.f:
		e.ClearMetric()
	default:
		e.SetFloat(n.f)
	}
}

// float returns n rounded to a float64.
func (n number) float() float64 {
	if n.isFloat {
		return n.f
	}
	return float64(n.i)
}

// isFinite reports whether n is neither NaN nor infinite.
func (n number) isFinite() bool { return !n.isFloat || !math.IsNaN(n.f) && !math.IsInf(n.f, 0) }

func (n number) isZero() bool { return !n.isFloat && n.i == 0 || n.isFloat && n.f == 0 }

func (n number) plus(o number) number {
	if !n.isFloat && !o.isFloat {
		if s := n.i + o.i; (s > n.i) == (o.i > 0) {
			return intNumber(s)
		}
	}
	return floatNumber(n.float() + o.float())
}

func (n number) minus(o number) number {
	if !n.isFloat && !o.isFloat {
		if d := n.i - o.i; (d < n.i) == (o.i > 0) {
			return intNumber(d)
		}
	}
	return floatNumber(n.float() - o.float())
}

func (n number) times(o number) number {
	if !n.isFloat && !o.isFloat {
		hi, lo := bits.Mul64(magnitude(n.i), magnitude(o.i))
		negative := (n.i < 0) != (o.i < 0)
		switch {
		case hi == 0 && lo <= math.MaxInt64 && !negative:
			return intNumber(int64(lo))
		case hi == 0 && lo <= 1<<63 && negative:
			return intNumber(-int64(lo))
		}
	}
	return floatNumber(n.float() * o.float())
}

// over divides; the result is a float64. o must not be zero.
func (n number) over(o number) number { return floatNumber(n.float() / o.float()) }

func magnitude(i int64) uint64 {
	if i < 0 {
		return -uint64(i)
	}
	return uint64(i)
}

// compare orders by exact value: -1, 0 or 1. Neither may be NaN.
func (n number) compare(o number) int {
	switch {
	case n.isFloat && o.isFloat:
		return cmp.Compare(n.f, o.f)
	case n.isFloat:
		return -compareIntFloat(o.i, n.f)
	case o.isFloat:
		return compareIntFloat(n.i, o.f)
	}
	return cmp.Compare(n.i, o.i)
}

// compareIntFloat compares without rounding i.
func compareIntFloat(i int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := math.Trunc(f)
	if c := cmp.Compare(i, int64(whole)); c != 0 {
		return c
	}
	return cmp.Compare(whole, f)
}

// canonical returns equal values in one form, for use as a map key.
func (n number) canonical() number {
	if n.isFloat && n.f >= -1<<63 && n.f < 1<<63 && n.f == math.Trunc(n.f) {
		return intNumber(int64(n.f))
	}
	return n
}

// save and loadNumber keep a number in a node's state.
func (n number) save(s *Saver) {
	s.Bool(n.isFloat)
	if n.isFloat {
		s.Float(n.f)
	} else {
		s.Int(n.i)
	}
}

func loadNumber(l *Loader) number {
	if l.Bool() {
		return floatNumber(l.Float())
	}
	return intNumber(l.Int())
}
