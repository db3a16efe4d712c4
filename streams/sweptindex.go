package streams

import "zeta/event"

// ExpiringIndex is an index in which events go past their ttl, as index.Index.
type ExpiringIndex interface {
	Indexer
	Advance(now int64)
	Expire(now int64, fn func(last *event.Event)) int
	Len() int
}

// sweptIndex is the index of a test. It is swept as often as the rules' expire says, from time 0 on, on the test's clock:
// what is past its ttl leaves, and an expired event goes through the rules. An empty index has no sweeps.
type sweptIndex struct {
	ExpiringIndex
	run   *testRun
	opts  ExpireOptions
	timer *Timer
}

// newIndex returns the index of the run's rules: index, swept, or one that keeps everything if there is none.
func (t *testRun) newIndex(index ExpiringIndex) Indexer {
	if index == nil {
		return mapIndex{}
	}
	t.index = &sweptIndex{ExpiringIndex: index, run: t, opts: t.rules.Settings["expire"].(ExpireOptions)}
	return t.index
}

// on has the sweeps follow clock, which goes on from the one before.
func (x *sweptIndex) on(clock *Clock) {
	before := x.timer
	x.timer = clock.NewTimer(x.sweep)
	if before != nil {
		if due, pending := before.Pending(); pending {
			x.timer.At(due)
		}
	}
}

// Put implements Indexer.
func (x *sweptIndex) Put(e *event.Event) {
	x.Advance(x.run.rt.Clock.Now())
	x.ExpiringIndex.Put(e)
	if _, pending := x.timer.Pending(); !pending {
		x.arm()
	}
}

// arm makes the next sweep due that comes at a multiple of every.
func (x *sweptIndex) arm() {
	now, every := x.run.rt.Clock.Now(), x.opts.Every.Microseconds()
	x.timer.At(now - now%every + every)
}

func (x *sweptIndex) sweep() {
	now := x.run.rt.Clock.Now()
	x.Expire(now, func(last *event.Event) { x.run.push(EventValue(x.opts.Expired(last, now))) })
	if x.Len() > 0 {
		x.arm()
	}
}
