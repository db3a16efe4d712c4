package server

import (
	"zeta/event"
	"zeta/streams"
)

// expiry sweeps the index on the engine's clock.
type expiry struct {
	engine *Engine
	timer  *streams.Timer
	every  int64 // microseconds
	opts   streams.ExpireOptions
	swept  *event.Event // the expired event that is running through the rules
	shown  bool         // it has been published to the subscribers of the index
}

func (x *expiry) init(e *Engine) {
	x.engine = e
	x.timer = e.clock.NewTimer(x.sweep)
	x.set(streams.DefaultExpire)
}

// set changes interval and kept fields; the next sweep comes one new interval from now if that has changed.
func (x *expiry) set(o streams.ExpireOptions) {
	if every := o.Every.Microseconds(); every != x.every {
		x.every = every
		x.timer.After(every)
	}
	x.opts = o
}

// sweep removes what is past its ttl and sends an expired event of each through the rules.
func (x *expiry) sweep() {
	e := x.engine
	x.timer.After(x.every) // first, so that a panic in a rule does not end the sweeps
	e.count.sweeps++
	now := e.clock.Now()
	e.index.Expire(now, func(last *event.Event) {
		e.count.expired++
		x.run(x.opts.Expired(last, now))
	})
}

// run pushes an expired event and sees to it that the index's subscribers get it once: when the rules put it
// into the index, or afterwards when they did not. (Riemann publishes it by itself and again when the rules
// index it.)
func (x *expiry) run(ev *event.Event) {
	e := x.engine
	x.swept, x.shown = ev, false
	one := [1]event.Event{*ev}
	e.push(one[:], 0, ev.Time)
	x.swept = nil
	if !x.shown {
		e.gone.note(ev)
		e.hub.Publish(topicIndex, ev)
	}
}

// topicIndex is the topic of what enters the index.
const topicIndex = "index"

// indexer is the index as the rules see it: what they put there is published.
type indexer struct{ e *Engine }

func (x indexer) Put(ev *event.Event) {
	e := x.e
	e.index.Put(ev)
	if s := e.expiry.swept; s != nil && ev.State == event.Expired && ev.Host == s.Host && ev.Service == s.Service {
		if e.expiry.shown {
			return
		}
		e.expiry.shown = true
	}
	if ev.State == event.Expired {
		e.gone.note(ev)
	}
	e.hub.Publish(topicIndex, ev)
}

func (x indexer) Delete(host, service string, has event.Presence) {
	x.e.index.Delete(host, service, has)
}

func (x indexer) Lookup(host, service string) *event.Event { return x.e.index.Lookup(host, service) }
