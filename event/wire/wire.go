// Package wire reads and writes Riemann's protocol: protobuf messages, each behind a four-byte length.
//
// Vocabulary: a message ([Msg]) carries events, a query, or an answer; a frame is a message with its
// length in front; a run is the stretch of bytes of an event that holds its tags and attributes.
//
//	frames := wire.NewFrameReader(conn, wire.DefaultLimits.Frame)
//	dec := wire.NewDecoder(wire.DefaultLimits)
//	for frames.Fill() == nil {
//		for payload, ok, err := frames.Next(); ok && err == nil; payload, ok, err = frames.Next() {
//			err = dec.Decode(&msg, payload)
//		}
//	}
//
// Guarantees:
//   - A [Decoder] belongs to one connection and is not safe for concurrent use; the append functions are.
//   - Decoding events of known hosts, services, tags and attributes allocates nothing: strings are shared
//     through small caches, tags and attributes as one immutable set. What an event refers to may be kept
//     for ever; the events themselves are overwritten by the next Decode into the same Msg.
//   - Nothing is allocated because a length or a count says so: frames grow as their bytes arrive, events
//     are counted before they are stored, and every part has a limit ([Limits]).
//   - Strings are valid UTF-8: a bad byte becomes U+FFFD and is counted.
//   - The order of fields, repeated scalars (the last wins), unknown fields and split runs are read as
//     protobuf prescribes. The obsolete states of a message are ignored, as in Riemann.
package wire

import "zeta/event"

// Msg is one message. The zero Msg is the empty message, which is legal.
type Msg struct {
	OK    bool
	HasOK bool

	Error    string
	HasError bool

	Query    string // the text of the query; "" when the query has none
	HasQuery bool

	// Events are valid until the next Decode into this Msg. Their strings and sets may be kept; to keep
	// an event, copy the struct.
	Events []event.Event
}

// Reset empties m and lets go of everything its events refer to; it keeps up to 1024 slots for events.
func (m *Msg) Reset() {
	events := m.Events
	*m = Msg{}
	if cap(events) <= keepEvents {
		clear(events)
		m.Events = events[:0]
	}
}

// keepEvents is the number of event slots worth keeping in an idle Msg: about 120 KiB.
const keepEvents = 1024

// Limits bound what one message may hold. A zero field means the field of DefaultLimits. Sizes are bytes.
type Limits struct {
	Frame       int // a whole message
	Events      int // events in a message
	Tags        int // tags of an event
	Attributes  int // attributes of an event, repeated keys counted
	Name        int // host, service or state
	Description int // longer ones are cut and counted
	Text        int // a tag or the key of an attribute; longer values of attributes are cut and counted
	Query       int // the text of a query
}

// DefaultLimits are what a listener allows unless it is told otherwise.
var DefaultLimits = Limits{
	Frame:       16 << 20,
	Events:      10_000,
	Tags:        64,
	Attributes:  64,
	Name:        1 << 10,
	Description: 64 << 10,
	Text:        4 << 10,
	Query:       8 << 10,
}

// withDefaults fills the zero fields.
func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		v   *int
		def int
	}{
		{&l.Frame, DefaultLimits.Frame},
		{&l.Events, DefaultLimits.Events},
		{&l.Tags, DefaultLimits.Tags},
		{&l.Attributes, DefaultLimits.Attributes},
		{&l.Name, DefaultLimits.Name},
		{&l.Description, DefaultLimits.Description},
		{&l.Text, DefaultLimits.Text},
		{&l.Query, DefaultLimits.Query},
	} {
		if *f.v <= 0 {
			*f.v = f.def
		}
	}
	return l
}

// Stats count what a Decoder mended or left out since it was made.
type Stats struct {
	InvalidUTF8       uint64 // strings with bytes replaced by U+FFFD
	Truncated         uint64 // descriptions and values of attributes cut to their limit
	AttributesMoved   uint64 // attributes host, service, state, description that filled the missing field
	AttributesDropped uint64 // attributes named like a field that the event has, or tags, time, ttl, metric
	EmptyServices     uint64 // events whose service is present and empty (Debian's collectd sends such)
	TimesClamped      uint64 // times in seconds that do not fit in microseconds
	States            uint64 // obsolete states, ignored
}

// Tags of one byte: field number << 3 | wire type.
const (
	tagOK     = 0x10
	tagError  = 0x1a
	tagQuery  = 0x2a
	tagEvents = 0x32

	tagText = 0x0a // Query.string, Attribute.key

	tagValue = 0x12 // Attribute.value

	tagTime        = 0x08
	tagState       = 0x12
	tagService     = 0x1a
	tagHost        = 0x22
	tagDescription = 0x2a
	tagTags        = 0x3a
	tagTTL         = 0x45
	tagAttributes  = 0x4a
	tagMicros      = 0x50
	tagInt         = 0x68
	tagDouble      = 0x71
	tagFloat       = 0x7d
)
