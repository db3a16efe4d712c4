package streams

import "math"

// Clock is the engine's clock with its timers: the arrival stamp when live, the recorded stamp in a
// replay, a script in tests. Times are microseconds since the epoch. It belongs to the engine's one
// writer and is not safe for concurrent use.
type Clock struct {
	now    int64
	seq    uint64   // creation number of the next timer
	timers []*Timer // binary heap by (due, seq)
}

// NewClock returns a clock that stands at now.
func NewClock(now int64) *Clock { return &Clock{now: now} }

// Now returns the time.
func (c *Clock) Now() int64 { return c.now }

// Seconds returns the time in seconds.
func (c *Clock) Seconds() float64 { return float64(c.now) / 1e6 }

// Next returns when the next timer is due, or math.MaxInt64.
func (c *Clock) Next() int64 {
	if len(c.timers) == 0 {
		return math.MaxInt64
	}
	return c.timers[0].due
}

// Advance runs every timer due at or before t in (due, creation) order, the clock standing at each
// timer's due time meanwhile, and then sets the clock to t. A clock never goes back: with t before now
// it only runs what is due now.
func (c *Clock) Advance(t int64) {
	if t < c.now {
		t = c.now
	}
	for len(c.timers) > 0 && c.timers[0].due <= t {
		first := c.timers[0]
		c.remove(first)
		c.now = max(c.now, first.due)
		first.run()
	}
	c.now = t
}

// Skip sets the clock to t as after a time in which nobody looked, such as a down-time: a timer due
// meanwhile runs once, at t, and a ticker goes on from there instead of making up for what it missed.
func (c *Clock) Skip(t int64) {
	c.now = max(c.now, t)
	c.Advance(c.now)
}

// Timer calls a function at a time on the engine's clock. It has at most one pending call.
type Timer struct {
	clock *Clock
	run   func()
	due   int64
	seq   uint64
	pos   int // in the heap; -1: not pending
}

// NewTimer returns a timer that is not pending. Timers due at one time run in the order of their creation.
func (c *Clock) NewTimer(run func()) *Timer {
	t := new(Timer)
	c.initTimer(t, run)
	return t
}

// initTimer is NewTimer for a timer that is part of something else, which must not be copied.
func (c *Clock) initTimer(t *Timer, run func()) {
	c.seq++
	*t = Timer{clock: c, run: run, seq: c.seq, pos: -1}
}

// At makes the timer due at t, replacing a pending call. A time in the past is due at once, that is,
// before the next event.
func (t *Timer) At(due int64) {
	c := t.clock
	if t.pos >= 0 {
		c.remove(t)
	}
	t.due = due
	t.pos = len(c.timers)
	c.timers = append(c.timers, t)
	c.up(t.pos)
}

// After makes the timer due d microseconds from now.
func (t *Timer) After(d int64) { t.At(t.clock.now + d) }

// Stop cancels the pending call, if there is one.
func (t *Timer) Stop() {
	if t.pos >= 0 {
		t.clock.remove(t)
	}
}

// Pending returns when the timer is due; ok is false when it is not pending.
func (t *Timer) Pending() (due int64, ok bool) { return t.due, t.pos >= 0 }

func (c *Clock) less(i, j int) bool {
	a, b := c.timers[i], c.timers[j]
	return a.due < b.due || a.due == b.due && a.seq < b.seq
}

func (c *Clock) swap(i, j int) {
	c.timers[i], c.timers[j] = c.timers[j], c.timers[i]
	c.timers[i].pos, c.timers[j].pos = i, j
}

func (c *Clock) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !c.less(i, parent) {
			return
		}
		c.swap(i, parent)
		i = parent
	}
}

func (c *Clock) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(c.timers) {
			return
		}
		if child+1 < len(c.timers) && c.less(child+1, child) {
			child++
		}
		if !c.less(child, i) {
			return
		}
		c.swap(i, child)
		i = child
	}
}

func (c *Clock) remove(t *Timer) {
	i, last := t.pos, len(c.timers)-1
	if i != last {
		c.swap(i, last)
	}
	c.timers[last] = nil
	c.timers = c.timers[:last]
	t.pos = -1
	if i != last {
		c.down(i)
		c.up(i)
	}
}
