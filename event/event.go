// Package event is the monitoring event: one observation of one service on one host.
//
// Vocabulary: an event has a host and a service (its source), a state, a metric, a description, a time,
// a ttl, tags and attributes; each may be missing. A [Series] is one (host, service) pair; a [Set] is an
// immutable bundle of tags and attributes, shared by the events that carry it.
//
//	e := &event.Event{Host: "web1", Service: "http latency", Has: event.HasHost | event.HasService}
//	e.SetFloat(0.023)
//	line := event.AppendJSON(nil, e)
//
// Guarantees:
//   - A missing string is "" with its bit in Has unset; missing and "" differ.
//   - An event that was handed to the engine or to a stream is immutable. Change a copy: c := *e.
//   - Events are plain values: copying the struct is a full copy, since strings and sets never change.
package event

import "math"

// Presence says which fields an event has.
type Presence uint16

// The bits of Presence. At most one of HasInt and HasFloat is set.
const (
	HasHost Presence = 1 << iota
	HasService
	HasState
	HasDescription
	HasTime
	HasTTL
	HasInt   // the metric is the int64 in Int
	HasFloat // the metric is the float64 in Float

	HasMetric = HasInt | HasFloat
)

// DefaultTTL is the age in seconds after which an event without a ttl counts as expired.
const DefaultTTL = 60

// Expired is the state of an event that says that its source fell silent.
const Expired = "expired"

// Event is one observation. The zero Event has no fields.
type Event struct {
	Host, Service, State, Description string

	Set    *Set    // tags and attributes; nil: none
	Series *Series // identity in the index; nil: not resolved (yet)

	Time  int64   // microseconds since the epoch, if HasTime
	TTL   float64 // seconds, if HasTTL
	Int   int64   // the metric, if HasInt: exact
	Float float64 // the metric, if HasFloat: NaN and infinities are legal

	Has Presence
	Own bool // made by zeta itself; cannot be set from outside
}

// Is reports whether the event has all the given fields.
func (e *Event) Is(p Presence) bool { return e.Has&p == p }

// Metric returns the metric as a float64, rounding an int64 beyond 2^53; ok is false when there is none.
func (e *Event) Metric() (m float64, ok bool) {
	switch {
	case e.Has&HasFloat != 0:
		return e.Float, true
	case e.Has&HasInt != 0:
		return float64(e.Int), true
	}
	return 0, false
}

// SetFloat makes m the metric.
func (e *Event) SetFloat(m float64) {
	e.Float, e.Int = m, 0
	e.Has = e.Has&^HasMetric | HasFloat
}

// SetInt makes m the metric.
func (e *Event) SetInt(m int64) {
	e.Int, e.Float = m, 0
	e.Has = e.Has&^HasMetric | HasInt
}

// ClearMetric removes the metric.
func (e *Event) ClearMetric() {
	e.Int, e.Float = 0, 0
	e.Has &^= HasMetric
}

// SetHost sets the host. Setting an identity field drops the event's Series, which no longer fits.
func (e *Event) SetHost(s string) { e.Host, e.Has, e.Series = s, e.Has|HasHost, nil }

// SetService sets the service; see SetHost.
func (e *Event) SetService(s string) { e.Service, e.Has, e.Series = s, e.Has|HasService, nil }

// SetState sets the state.
func (e *Event) SetState(s string) { e.State, e.Has = s, e.Has|HasState }

// SetDescription sets the description.
func (e *Event) SetDescription(s string) { e.Description, e.Has = s, e.Has|HasDescription }

// SetTime sets the time, in microseconds since the epoch.
func (e *Event) SetTime(us int64) { e.Time, e.Has = us, e.Has|HasTime }

// SetTTL sets the ttl, in seconds.
func (e *Event) SetTTL(s float64) { e.TTL, e.Has = s, e.Has|HasTTL }

// Clear removes the given fields.
func (e *Event) Clear(p Presence) {
	if p&HasHost != 0 {
		e.Host, e.Series = "", nil
	}
	if p&HasService != 0 {
		e.Service, e.Series = "", nil
	}
	if p&HasState != 0 {
		e.State = ""
	}
	if p&HasDescription != 0 {
		e.Description = ""
	}
	if p&HasTime != 0 {
		e.Time = 0
	}
	if p&HasTTL != 0 {
		e.TTL = 0
	}
	if p&HasMetric != 0 {
		e.Int, e.Float = 0, 0
	}
	e.Has &^= p
}

// IsExpired reports whether the event counts as expired at now (microseconds since the epoch): its
// state is "expired", or its age exceeds its ttl (60 s if it has none). An age equal to the ttl is
// alive; an event without a time expires by its state only. As riemann.streams/expired?.
func (e *Event) IsExpired(now int64) bool {
	if e.State == Expired {
		return true
	}
	if e.Has&HasTime == 0 {
		return false
	}
	ttl := float64(DefaultTTL)
	if e.Has&HasTTL != 0 {
		ttl = e.TTL
	}
	return float64(now-e.Time) > ttl*1e6
}

// Tags returns the tags in their order, duplicates kept; nil if there are none. Not to be modified.
func (e *Event) Tags() []string {
	if e.Set == nil {
		return nil
	}
	return e.Set.Tags
}

// Attrs returns the attributes sorted by key; nil if there are none. Not to be modified.
func (e *Event) Attrs() []Attr {
	if e.Set == nil {
		return nil
	}
	return e.Set.Attrs
}

// Attr returns the value of the attribute key.
func (e *Event) Attr(key string) (string, bool) {
	if e.Set == nil {
		return "", false
	}
	return e.Set.Attr(key)
}

// SecondsToMicros converts float seconds, as on the wire and in JSON, to microseconds, truncating
// toward zero after rounding away the float's own error; it saturates and maps NaN to 0.
func SecondsToMicros(s float64) int64 {
	us := math.Round(s * 1e6)
	switch {
	case math.IsNaN(us):
		return 0
	case us >= math.MaxInt64:
		return math.MaxInt64
	case us <= math.MinInt64:
		return math.MinInt64
	}
	return int64(us)
}

// MicrosToSeconds converts microseconds to float seconds.
func MicrosToSeconds(us int64) float64 { return float64(us) / 1e6 }
