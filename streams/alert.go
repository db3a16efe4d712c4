package streams

import (
	"fmt"

	"zeta/event"
)

// Delivery is what a sink's deliveries are worth.
type Delivery uint8

// Deliveries.
const (
	AlertDelivery Delivery = iota // held by the outbox until delivered or dead-lettered; never shed
	BulkDelivery                  // kept in a segment log of bounded size, of which the oldest is dropped; never holds an answer
)

// Alert is what a rule hands to a sink: one event or one window.
type Alert struct {
	Sink   *Sink  // which sink instance
	ID     uint64 // hash(rule path, key, cause): the same cause gives the same id in a replay
	Rule   string // identity of the sink's place in the rules
	Pos    string // file:line:col of the call
	Key    string // host and service of the (first) event, order is kept per key
	At     int64  // engine's clock, microseconds
	Events []event.Event
	Window bool // the value was a window
}

// Sink is one configured sink of the rules: slack({…}) with these options. Equal calls share one.
type Sink struct {
	Name     string // slack, webhook, …
	ID       string // name plus a hash of its options but the secrets: stable across reloads
	Options  any    // the decoded options, of the type the sink registered
	Delivery Delivery

	open func(o any) (any, error)
}

// Open makes what delivers, as the sink registered it.
func (s *Sink) Open() (any, error) { return s.open(s.Options) }

// sinkNode hands values to a sink.
type sinkNode struct {
	env  *Env
	sink *Sink
	path string

	cause uint64 // of the last alert
	key   string
	nth   uint64 // alerts of that cause and key before the next
}

// Push implements Stream.
func (n *sinkNode) Push(v Value) {
	n.env.node.events++
	if v.IsNil() {
		return
	}
	if rec := n.env.scope.graph.rec; rec != nil {
		rec.record(n.sink.Name, v)
		return
	}
	a := &Alert{Sink: n.sink, Rule: n.path, Pos: n.env.node.pos, At: n.env.Now(), Window: v.IsWindow()}
	if v.Event != nil {
		a.Events = []event.Event{*v.Event}
	}
	for _, e := range v.Window {
		if e != nil {
			a.Events = append(a.Events, *e)
		}
	}
	if len(a.Events) > 0 {
		a.Key = a.Events[0].Host + "\x00" + a.Events[0].Service
	}
	cause := n.env.rt.Cause()
	if cause != n.cause || a.Key != n.key {
		n.cause, n.key, n.nth = cause, a.Key, 0
	}
	a.ID = hash64(n.path, n.env.scope.fullKey(), a.Key, fmt.Sprint(cause, n.nth))
	n.nth++
	n.env.rt.Deliver(a)
}

func (n *sinkNode) counts() {}

// fullKey is the key of the fork and of those around it.
func (s *scope) fullKey() string {
	if s.parent == nil {
		return s.key
	}
	return s.parent.fullKey() + "\x00" + s.key
}
