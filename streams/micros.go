package streams

import (
	"math"
	"time"

	"zeta/event"
)

// micros converts an option to the engine's unit.
func micros(d time.Duration) int64 { return d.Microseconds() }

// addMicros returns a + b, held within int64.
func addMicros(a, b int64) int64 {
	c := a + b
	switch {
	case b > 0 && c < a:
		return math.MaxInt64
	case b < 0 && c > a:
		return math.MinInt64
	}
	return c
}

// timeOf returns the time of e; now, its arrival, where it has none.
func timeOf(e *event.Event, now int64) int64 {
	if e.Has&event.HasTime != 0 {
		return e.Time
	}
	return now
}

// grid cuts the engine's clock into windows [anchor + k·every, anchor + (k+1)·every), in microseconds.
type grid struct{ anchor, every int64 }

// floor returns the start of the window in which t lies. The anchor may lie after t.
func (g grid) floor(t int64) int64 {
	if t >= g.anchor {
		return t - int64((uint64(t)-uint64(g.anchor))%uint64(g.every))
	}
	back := int64((uint64(g.anchor) - uint64(t)) % uint64(g.every))
	if back == 0 {
		return t
	}
	return addMicros(t, back-g.every)
}

// next returns the end of the window in which t lies: the least point of the grid after t.
func (g grid) next(t int64) int64 { return addMicros(g.floor(t), g.every) }
