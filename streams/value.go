package streams

import "zeta/event"

// Value is what travels along a stream: one event, one window of events, or (the zero Value) nothing,
// Riemann's nil passed on. The events are immutable and are lent for the duration of Push: a node that
// keeps an event keeps a copy of the struct (Keep), since a connection reuses its batch.
type Value struct {
	Event  *event.Event
	Window []*event.Event // not nil in a window, even an empty one; elements may be nil
}

// Event makes a Value of an event.
func EventValue(e *event.Event) Value { return Value{Event: e} }

// WindowValue makes a Value of a window; a nil slice becomes an empty window.
func WindowValue(w []*event.Event) Value {
	if w == nil {
		w = []*event.Event{}
	}
	return Value{Window: w}
}

// IsWindow reports whether v is a window.
func (v Value) IsWindow() bool { return v.Window != nil }

// IsNil reports whether v is neither an event nor a window.
func (v Value) IsNil() bool { return v.Event == nil && v.Window == nil }

// Keep returns a copy that may be kept after Push has returned.
func (v Value) Keep() Value {
	if v.Event != nil {
		e := *v.Event
		return Value{Event: &e}
	}
	if v.Window != nil {
		w := make([]*event.Event, len(v.Window))
		events := make([]event.Event, len(v.Window))
		for i, e := range v.Window {
			if e != nil {
				events[i] = *e
				w[i] = &events[i]
			}
		}
		return Value{Window: w}
	}
	return v
}

// Stream takes values. Push is only called by the engine's one writer: no node needs a lock, and none
// may block. A node that cannot do its work calls Env.Fail and returns.
type Stream interface {
	Push(v Value)
}

// Fan passes a value to each of its streams in order.
type Fan []Stream

// Push implements Stream.
func (f Fan) Push(v Value) {
	for _, s := range f {
		s.Push(v)
	}
}

// Discard is the stream that drops everything.
var Discard Stream = Fan(nil)

// FanOut returns a stream that passes to each of ss: Discard for none, the stream itself for one.
func FanOut(ss ...Stream) Stream {
	switch len(ss) {
	case 0:
		return Discard
	case 1:
		return ss[0]
	}
	return Fan(ss)
}
