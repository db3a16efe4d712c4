package streams

import "zeta/event"

// Delivery is what a sink's deliveries are worth.
type Delivery uint8

// Deliveries.
const (
	AlertDelivery Delivery = iota // held by the outbox until delivered or dead-lettered; never shed
	BulkDelivery                  // queued, dropped by stated policy when the queue is full
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
	ID       string // name plus a hash of its options: stable across reloads
	Options  any    // the decoded options, of the type the sink registered
	Delivery Delivery
}
