package streams

import (
	"slices"

	"zeta/event"
)

// eventFields are the fields of an event, in the order of Riemann's documentation; tags and attributes last.
var eventFields = []string{"host", "service", "state", "description", "metric", "time", "ttl", "tags", "attributes"}

// FieldName names a field that can be set: host, service, state, description, time, ttl, metric, tags,
// attributes, or with Attr the one attribute.
type FieldName struct{ Name, Attr string }

// String returns the name as rules write it.
func (f FieldName) String() string {
	if f.Attr != "" {
		return f.Name + "." + f.Attr
	}
	return f.Name
}

// Get returns the field of e, which may be nil. Tags and attributes are never missing, only empty.
// The time is in seconds.
func (f FieldName) Get(e *event.Event) Datum {
	if e == nil {
		return Datum{}
	}
	switch f.Name {
	case "host":
		return presentString(e, event.HasHost, e.Host)
	case "service":
		return presentString(e, event.HasService, e.Service)
	case "state":
		return presentString(e, event.HasState, e.State)
	case "description":
		return presentString(e, event.HasDescription, e.Description)
	case "metric":
		return metricScalar(e).datum()
	case "time":
		if e.Has&event.HasTime != 0 {
			return Datum{Kind: Float, Float: event.MicrosToSeconds(e.Time)}
		}
	case "ttl":
		if e.Has&event.HasTTL != 0 {
			return Datum{Kind: Float, Float: e.TTL}
		}
	case "tags":
		return stringsDatum(e.Tags())
	case "attributes":
		if f.Attr == "" {
			return Datum{Kind: Map, Pairs: e.Attrs()}
		}
		if s, ok := e.Attr(f.Attr); ok {
			return Datum{Kind: String, Str: s}
		}
	}
	return Datum{}
}

func presentString(e *event.Event, bit event.Presence, s string) Datum {
	if e.Has&bit == 0 {
		return Datum{}
	}
	return Datum{Kind: String, Str: s}
}

func stringsDatum(ss []string) Datum {
	d := Datum{Kind: List, List: make([]Datum, len(ss))}
	for i, s := range ss {
		d.List[i] = Datum{Kind: String, Str: s}
	}
	return d
}

// Set sets the field of e, which must be a copy. A missing d removes the field, and so does one of a kind
// that the field cannot hold (a number as a state); seconds that no time can hold saturate.
func (f FieldName) Set(e *event.Event, d Datum) {
	switch f.Name {
	case "host":
		if d.Kind == String {
			e.SetHost(d.Str)
		} else {
			e.Clear(event.HasHost)
		}
	case "service":
		if d.Kind == String {
			e.SetService(d.Str)
		} else {
			e.Clear(event.HasService)
		}
	case "state":
		if d.Kind == String {
			e.SetState(d.Str)
		} else {
			e.Clear(event.HasState)
		}
	case "description":
		if d.Kind == String {
			e.SetDescription(d.Str)
		} else {
			e.Clear(event.HasDescription)
		}
	case "metric":
		switch d.Kind {
		case Int:
			e.SetInt(d.Int)
		case Float:
			e.SetFloat(d.Float)
		default:
			e.ClearMetric()
		}
	case "time":
		if s, ok := d.Number(); ok && s == s {
			e.SetTime(event.SecondsToMicros(s))
		} else {
			e.Clear(event.HasTime)
		}
	case "ttl":
		if s, ok := d.Number(); ok {
			e.SetTTL(s)
		} else {
			e.Clear(event.HasTTL)
		}
	case "tags":
		e.Set = e.Set.WithTags(datumStrings(d))
	case "attributes":
		f.setAttributes(e, d)
	}
}

func (f FieldName) setAttributes(e *event.Event, d Datum) {
	switch {
	case f.Attr == "":
		var attrs []event.Attr
		if d.Kind == Map {
			attrs = slices.Clone(d.Pairs)
		}
		e.Set = event.NewSet(e.Tags(), attrs)
	case d.Kind == String:
		e.Set = e.Set.WithAttr(f.Attr, d.Str)
	default:
		e.Set = e.Set.WithoutAttr(f.Attr)
	}
}

// datumStrings returns the strings of a list; nil if d is no list.
func datumStrings(d Datum) []string {
	if d.Kind != List {
		return nil
	}
	ss := make([]string, 0, len(d.List))
	for _, x := range d.List {
		if x.Kind == String {
			ss = append(ss, x.Str)
		}
	}
	return ss
}
