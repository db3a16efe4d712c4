package wire

import (
	"fmt"
	"math"

	"zeta/event"
)

// oddities are what a run holds beside a set: attributes named like fields, and what had to be mended.
type oddities struct {
	has                               event.Presence // of the four below
	host, service, state, description string
	dropped                           uint64 // attributes named tags, time, ttl, metric
	invalid                           uint64 // strings that were not valid UTF-8
	cut                               uint64 // values over their limit
}

// runError is a fault in a run; n counts its tags and attributes from 0 if there is no ttl between them.
type runError struct {
	n      int
	reason string
	limit  bool
}

// run returns the entry of a run: the tags and attributes of one event in their order, nothing else
// between them but the ttl, which encoders that write fields in ascending order put there. Two runs of
// the same bytes share one set.
func (d *Decoder) run(b []byte) (*entry, *runError) {
	if e := d.sets.find(b); e != nil {
		return e, nil
	}
	e := new(entry)
	if len(b) <= d.sets.longest {
		e.raw = string(b)
	}
	if err := d.parseRun(e, b); err != nil {
		return nil, err
	}
	if e.raw != "" {
		return d.sets.add(e), nil
	}
	return e, nil
}

// parseRun fills e.set and e.odd from the run b. The strings of the set are parts of e.raw, which makes
// the usual run three allocations however many tags and attributes it has; in a run too long to be kept
// e.raw is empty and each string is a copy, so that a short one does not keep a long one alive.
func (d *Decoder) parseRun(e *entry, b []byte) *runError {
	text := func(from, to int) string {
		if e.raw != "" {
			return e.raw[from:to]
		}
		return string(b[from:to])
	}
	ntags, nattrs := 0, 0
	for i, n := 0, 0; i < len(b); n++ {
		f, reason := readField(b, i)
		if reason != "" {
			return &runError{n: n, reason: reason}
		}
		i = f.to
		switch f.num {
		case 7:
			ntags++
		case 8:
			e.ttl, e.hasTTL = math.Float32frombits(uint32(f.v)), true
		case 9:
			nattrs++
		}
		if ntags > d.limits.Tags {
			return &runError{n, fmt.Sprintf("more than %d tags", d.limits.Tags), true}
		}
		if nattrs > d.limits.Attributes {
			return &runError{n, fmt.Sprintf("more than %d attributes", d.limits.Attributes), true}
		}
	}
	var odd oddities
	var tags []string
	var attrs []event.Attr
	if ntags > 0 {
		tags = make([]string, 0, ntags)
	}
	if nattrs > 0 {
		attrs = make([]event.Attr, 0, nattrs)
	}
	for i, n := 0, 0; i < len(b); n++ {
		f, _ := readField(b, i)
		i = f.to
		if f.num == 8 {
			continue
		}
		if f.num == 7 {
			if size := f.to - f.from; size > d.limits.Text {
				return &runError{n, overLimit(size, "bytes", d.limits.Text), true}
			}
			tags = append(tags, odd.text(text(f.from, f.to)))
			continue
		}
		key, value, err := d.attribute(b[f.from:f.to])
		if err != nil {
			err.n = n
			return err
		}
		to := value.to
		if value.to-value.from > d.limits.Text {
			to = value.from + len(cutText(b[f.from+value.from:f.from+value.to], d.limits.Text))
			odd.cut++
		}
		a := event.Attr{
			Key:   odd.text(text(f.from+key.from, f.from+key.to)),
			Value: odd.text(text(f.from+value.from, f.from+to)),
		}
		if !odd.take(a) {
			attrs = append(attrs, a)
		}
	}
	e.set = event.NewSet(tags, attrs)
	if odd != (oddities{}) {
		e.odd = &odd
	}
	return nil
}

// attribute finds the key and the value in an Attribute message; a value that is missing is empty.
func (d *Decoder) attribute(b []byte) (key, value field, err *runError) {
	for i := 0; i < len(b); {
		f, reason := readField(b, i)
		if reason == "" && f.typ == typeGroupEnd {
			reason = "the end of a group that was not begun"
		}
		if reason != "" {
			return key, value, &runError{reason: fmt.Sprintf("byte %d of the attribute: %s", i, reason)}
		}
		i = f.to
		if f.typ != typeBytes {
			continue
		}
		switch f.num {
		case 1:
			key = f
		case 2:
			value = f
		}
	}
	if key.num == 0 {
		return key, value, &runError{reason: "no key, which an attribute must have"}
	}
	if size := key.to - key.from; size > d.limits.Text {
		return key, value, &runError{reason: "key: " + overLimit(size, "bytes", d.limits.Text), limit: true}
	}
	return key, value, nil
}

// text returns s as valid UTF-8.
func (o *oddities) text(s string) string {
	s, bad := validText(s)
	if bad {
		o.invalid++
	}
	return s
}

// take keeps an attribute that is named like a field out of the set; the last of several wins.
func (o *oddities) take(a event.Attr) bool {
	switch a.Key {
	case "host":
		o.host, o.has = a.Value, o.has|event.HasHost
	case "service":
		o.service, o.has = a.Value, o.has|event.HasService
	case "state":
		o.state, o.has = a.Value, o.has|event.HasState
	case "description":
		o.description, o.has = a.Value, o.has|event.HasDescription
	case "tags", "time", "ttl", "metric":
		o.dropped++
	default:
		return false
	}
	return true
}

// apply lets the attributes named like fields fill the fields that e lacks, and counts.
func (o *oddities) apply(e *event.Event, s *Stats) {
	s.InvalidUTF8 += o.invalid
	s.Truncated += o.cut
	s.AttributesDropped += o.dropped
	fill := func(p event.Presence, field *string, value string) {
		switch {
		case o.has&p == 0:
		case e.Has&p == 0:
			*field = value
			e.Has |= p
			s.AttributesMoved++
		default:
			s.AttributesDropped++
		}
	}
	fill(event.HasHost, &e.Host, o.host)
	fill(event.HasService, &e.Service, o.service)
	fill(event.HasState, &e.State, o.state)
	fill(event.HasDescription, &e.Description, o.description)
}
