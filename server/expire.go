package server

import (
	"fmt"
	"time"

	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterSetting(streams.SettingSpec[ExpireOptions]{
		Name:    "expire",
		Summary: "Say how often the index is swept and what an expired event carries.",
		Doc: "A sweep removes every event that is older than its ttl (60 s without one) and sends through the rules an event with its host and service, " +
			"state expired, the present time, and the fields in keep. It never has the metric of the last event, which would fire thresholds again.",
		Defaults: defaultExpire,
		Check:    checkExpire,
		Examples: []streams.Example{{Title: "quicker, with the last description", Rule: `expire({every: "5s", keep: ["tags", "attributes", "description"]});`}},
	})
}

var defaultExpire = ExpireOptions{Every: 10 * time.Second, Keep: []string{"tags", "attributes"}}

// ExpireOptions is the setting expire({…}).
type ExpireOptions struct {
	Every time.Duration `opt:"every" min:"10ms" max:"1h" doc:"time between two sweeps"`
	Keep  []string      `opt:"keep" doc:"fields of the last event that the expired event carries: tags, attributes, description, ttl"`
}

func checkExpire(o ExpireOptions) error {
	for _, f := range o.Keep {
		switch f {
		case "tags", "attributes", "description", "ttl":
		default:
			return fmt.Errorf("keep: %q cannot be kept; want any of tags, attributes, description, ttl", f)
		}
	}
	return nil
}

// expiry sweeps the index on the engine's clock.
type expiry struct {
	engine *Engine
	timer  *streams.Timer
	every  int64 // microseconds
	keep   keep
	swept  *event.Event // the expired event that is running through the rules
	shown  bool         // it has been published to the subscribers of the index
}

// keep says what an expired event carries of the last one.
type keep struct{ tags, attributes, description, ttl bool }

func (x *expiry) init(e *Engine) {
	x.engine = e
	x.timer = e.clock.NewTimer(x.sweep)
	x.set(defaultExpire)
}

// set changes interval and kept fields; the next sweep comes one new interval from now if that has changed.
func (x *expiry) set(o ExpireOptions) {
	if every := o.Every.Microseconds(); every != x.every {
		x.every = every
		x.timer.After(every)
	}
	x.keep = keep{}
	for _, f := range o.Keep {
		switch f {
		case "tags":
			x.keep.tags = true
		case "attributes":
			x.keep.attributes = true
		case "description":
			x.keep.description = true
		case "ttl":
			x.keep.ttl = true
		}
	}
}

// sweep removes what is past its ttl and sends an expired event of each through the rules.
func (x *expiry) sweep() {
	e := x.engine
	x.timer.After(x.every) // first, so that a panic in a rule does not end the sweeps
	e.count.sweeps++
	now := e.clock.Now()
	e.index.Expire(now, func(last *event.Event) {
		e.count.expired++
		x.run(x.expired(last, now))
	})
}

// expired makes the event that says that the source of last fell silent.
func (x *expiry) expired(last *event.Event, now int64) *event.Event {
	ev := &event.Event{Host: last.Host, Service: last.Service, Has: last.Has & (event.HasHost | event.HasService), Own: last.Own}
	ev.SetState(event.Expired)
	ev.SetTime(now)
	if x.keep.description && last.Has&event.HasDescription != 0 {
		ev.SetDescription(last.Description)
	}
	if x.keep.ttl && last.Has&event.HasTTL != 0 {
		ev.SetTTL(last.TTL)
	}
	if last.Set != nil {
		switch {
		case x.keep.tags && x.keep.attributes:
			ev.Set = last.Set
		case x.keep.tags:
			ev.Set = event.NewSet(last.Set.Tags, nil)
		case x.keep.attributes:
			ev.Set = event.NewSet(nil, last.Set.Attrs)
		}
	}
	return ev
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
