package wire

import (
	"fmt"

	"zeta/event"
)

// Decoder reads the messages of one connection. It is not safe for concurrent use.
type Decoder struct {
	// Stats may be read and reset between calls of Decode.
	Stats Stats

	limits   Limits
	hosts    cache
	services cache
	states   cache
	texts    cache // short descriptions
	sets     cache // runs

	host  *entry // of the event before; nil: none yet
	state *entry // likewise
	idle  int    // messages in a row that used a small part of Msg.Events
}

// Caches hold at most these many entries, each with a key of at most keyBytes or runBytes: a hostile
// sender can make a decoder keep about 2 MiB, an honest one some tens of KiB.
const (
	maxSlots = 2048
	keyBytes = 128
	runBytes = 512
)

// NewDecoder returns a decoder with these limits. It allocates its caches when they are first used.
func NewDecoder(limits Limits) *Decoder {
	return &Decoder{
		limits:   limits.withDefaults(),
		hosts:    cache{max: maxSlots, longest: keyBytes},
		services: cache{max: maxSlots, longest: keyBytes},
		states:   cache{max: firstSlots, longest: keyBytes},
		texts:    cache{max: firstSlots * 4, longest: keyBytes},
		sets:     cache{max: maxSlots, longest: runBytes},
	}
}

// ShareHosts gives the decoder a place where the names of known hosts are kept: find returns the string equal to
// b, if there is one. A connection that carries more hosts than the decoder remembers then copies none of them.
func (d *Decoder) ShareHosts(find func(b []byte) (string, bool)) { d.hosts.shared = find }

// Decode reads the message in payload, a frame without its length, into m, whose former contents it
// overwrites. It does not keep payload. Events without a time, host or any other field come out without;
// nothing is filled in. The error is a *DecodeError; m then holds no events.
//
// The metric is metric_sint64, else metric_d, else metric_f, by presence. time_micros beats time. An
// attribute named host, service, state or description fills that field when the event lacks it.
func (d *Decoder) Decode(m *Msg, payload []byte) error {
	former := m.Events
	*m = Msg{}
	if len(payload) > d.limits.Frame {
		m.Events = former[:0]
		return &DecodeError{Reason: overLimit(len(payload), "bytes in a message", d.limits.Frame), Limit: true}
	}
	n, err := d.scan(m, payload)
	if err != nil {
		m.Events = former[:0]
		return err
	}
	m.Events = d.room(former, n)
	if err := d.events(m.Events, payload); err != nil {
		clear(m.Events)
		m.Events = m.Events[:0]
		return err
	}
	return nil
}

// room returns n slots, in events if they fit there. Slots beyond n forget what they referred to, and an
// array far too large for what a connection sends now is given back.
func (d *Decoder) room(events []event.Event, n int) []event.Event {
	if n > cap(events) {
		return make([]event.Event, n)
	}
	if n < len(events) {
		clear(events[n:])
	}
	if cap(events) > keepEvents && n < cap(events)/8 {
		if d.idle++; d.idle > 100 {
			d.idle = 0
			return make([]event.Event, n)
		}
	} else {
		d.idle = 0
	}
	return events[:n]
}

// scan reads everything in the message but the events, which it counts.
func (d *Decoder) scan(m *Msg, b []byte) (events int, err error) {
	for i := 0; i < len(b); {
		// Fast path: an event of less than 16 KiB with a plain header.
		if b[i] == tagEvents {
			if _, to, ok := span(b, i+1); ok {
				if events++; events > d.limits.Events {
					return 0, d.tooMany(i)
				}
				i = to
				continue
			}
		}
		// Slow path: anything else.
		f, reason := readField(b, i)
		if reason == "" && f.typ == typeGroupEnd {
			reason = "the end of a group that was not begun"
		}
		if reason != "" {
			return 0, &DecodeError{Field: f.num, Offset: i, Reason: reason}
		}
		i = f.to
		switch {
		case f.num == 6 && f.typ == typeBytes:
			if events++; events > d.limits.Events {
				return 0, d.tooMany(f.at)
			}
		case f.num == 2 && f.typ == typeVarint:
			m.OK, m.HasOK = f.v != 0, true
		case f.num == 3 && f.typ == typeBytes:
			m.Error, m.HasError = d.text(b[f.from:f.to]), true
		case f.num == 4 && f.typ == typeBytes:
			d.Stats.States++
		case f.num == 5 && f.typ == typeBytes:
			m.HasQuery = true
			if err := d.query(m, b[f.from:f.to], f.from); err != nil {
				return 0, err
			}
		}
	}
	return events, nil
}

func (d *Decoder) tooMany(at int) error {
	return &DecodeError{Field: 6, Offset: at, Reason: fmt.Sprintf("more than %d events in a message", d.limits.Events), Limit: true}
}

// query reads a Query message that starts at byte at of the payload.
func (d *Decoder) query(m *Msg, b []byte, at int) error {
	for i := 0; i < len(b); {
		f, reason := readField(b, i)
		if reason == "" && f.typ == typeGroupEnd {
			reason = "the end of a group that was not begun"
		}
		if reason != "" {
			return &DecodeError{Field: 5, Offset: at + i, Reason: reason}
		}
		i = f.to
		if f.num != 1 || f.typ != typeBytes {
			continue
		}
		if size := f.to - f.from; size > d.limits.Query {
			return &DecodeError{Field: 5, Offset: at + f.at, Reason: overLimit(size, "bytes in a query", d.limits.Query), Limit: true}
		}
		m.Query = d.text(b[f.from:f.to])
	}
	return nil
}

// events decodes the events of a payload that scan has accepted.
func (d *Decoder) events(events []event.Event, b []byte) error {
	n := 0
	for i := 0; i < len(b); {
		from, to, ok := 0, 0, false
		if b[i] == tagEvents {
			from, to, ok = span(b, i+1)
		}
		if !ok {
			f, _ := readField(b, i)
			if f.num != 6 || f.typ != typeBytes {
				i = f.to
				continue
			}
			from, to = f.from, f.to
		}
		if !d.fast(&events[n], b[from:to]) {
			if err := d.slow(&events[n], b[from:to]); err != nil {
				err.Event = n + 1
				err.Offset += from
				return err
			}
		}
		i = to
		n++
	}
	return nil
}

// text returns b as a string of valid UTF-8.
func (d *Decoder) text(b []byte) string {
	s, bad := validText(string(b))
	if bad {
		d.Stats.InvalidUTF8++
	}
	return s
}
