// Package collectd reads what collectd's network plugin and its write_http plugin send, and gives the events that
// its write_riemann plugin would have sent.
//
// Vocabulary: a value list is one reading of a plugin, with a value for each data source of its type; types.db
// names the data sources; a notification is a message with a severity.
//
//	var p collectd.Packet
//	err := p.Parse(datagram, collectd.Security{})
//	m := collectd.NewMapper(collectd.Options{Types: types})
//	events := m.Append(nil, &p, now)
//
// Guarantees:
//   - Parse never panics, takes memory in proportion to the packet, and skips parts it does not know.
//   - A packet that is signed or encrypted gives its values only if the password fits; one that need not be signed
//     gives them once.
//   - Nothing refers to the packet afterwards.
//   - A Mapper remembers the counters it turns into rates, up to a bound; it belongs to one goroutine.
package collectd

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"zeta/event"
)

// ValueKind says what a value of collectd is.
type ValueKind uint8

// The kinds, as numbered on the wire.
const (
	Counter  ValueKind = iota // counts up, wraps around
	Gauge                     // as it is
	Derive                    // its change is of interest, which may be negative
	Absolute                  // counts from zero since the last reading
)

// String names the kind as collectd does.
func (k ValueKind) String() string {
	return [...]string{"counter", "gauge", "derive", "absolute"}[k&3]
}

// Value is the reading of one data source.
type Value struct {
	Kind  ValueKind
	Gauge float64 // of a Gauge, and of all if the list has Rates
	Count uint64  // of the others; a Derive is signed
}

// Identity says what was read.
type Identity struct{ Host, Plugin, PluginInstance, Type, TypeInstance string }

// ValueList is one reading.
type ValueList struct {
	Identity
	Time     int64        // microseconds since the epoch; 0: none
	Interval float64      // seconds until the next one; 0: none
	Values   []Value      // one for each data source
	Names    []string     // of the data sources, where the sender says them; else nil
	Rates    bool         // the sender has turned counters into rates
	Meta     []event.Attr // what else the sender says
}

// Notification is a message of collectd, or of one of its thresholds.
type Notification struct {
	Identity
	Time     int64  // microseconds since the epoch; 0: none
	Severity string // ok, warning, critical or unknown
	Message  string
}

// Packet is the contents of one datagram, in order.
type Packet struct {
	Values        []ValueList
	Notifications []Notification
	Unknown       int // parts of a kind that is not known
}

// The kinds of parts.
const (
	partHost           = 0x0000
	partTime           = 0x0001
	partPlugin         = 0x0002
	partPluginInstance = 0x0003
	partType           = 0x0004
	partTypeInstance   = 0x0005
	partValues         = 0x0006
	partInterval       = 0x0007
	partTimeHR         = 0x0008
	partIntervalHR     = 0x0009
	partMessage        = 0x0100
	partSeverity       = 0x0101
	partSignature      = 0x0200
	partEncrypted      = 0x0210
)

// maxText bounds a string of a packet, in bytes; collectd's own names have at most 128, messages 256.
const maxText = 4 << 10

// PartError says which part of a packet is wrong.
type PartError struct {
	Kind   uint16
	Offset int    // of the part, in bytes
	Reason string // what was found and what was expected
	Auth   bool   // the packet may not come in, rather than being malformed
}

func (e *PartError) Error() string {
	return fmt.Sprintf("collectd: part 0x%04x at byte %d: %s", e.Kind, e.Offset, e.Reason)
}

// reading is what the parts of a packet have said so far: it holds for the values that follow.
type reading struct {
	id       Identity
	time     int64
	interval float64
	severity string
}

// Parse reads a datagram into p, which is emptied first. What stands before an error has been read: a *PartError.
func (p *Packet) Parse(b []byte, s Security) error {
	*p = Packet{Values: p.Values[:0], Notifications: p.Notifications[:0]}
	return p.parse(b, &s, &reading{}, Plain, 0)
}

// parse reads parts; trust is how the parts have been protected so far, base the offset of b in the datagram.
func (p *Packet) parse(b []byte, s *Security, r *reading, trust Level, base int) error {
	for at := 0; at < len(b); {
		rest := b[at:]
		if len(rest) < 4 {
			return &PartError{Offset: base + at, Reason: fmt.Sprintf("%d bytes left, want at least 4", len(rest))}
		}
		kind, length := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		fail := func(format string, args ...any) error {
			return &PartError{Kind: kind, Offset: base + at, Reason: fmt.Sprintf(format, args...)}
		}
		if length < 4 || length > len(rest) {
			return fail("length %d, want 4 to %d", length, len(rest))
		}
		body := rest[4:length]
		switch kind {
		case partSignature:
			if trust != Plain {
				return fail("a signature inside a protected part")
			}
			verified, reason := s.verify(body, rest[length:])
			if reason != "" {
				return &PartError{kind, base + at, reason, true}
			}
			if verified {
				trust = Signed
			}
			at += length
			continue
		case partEncrypted:
			if trust != Plain {
				return fail("an encrypted part inside a protected part")
			}
			plain, reason := s.decrypt(body)
			if reason != "" {
				return &PartError{kind, base + at, reason, true}
			}
			if err := p.parse(plain, s, &reading{}, Encrypted, base+at); err != nil {
				return err
			}
			at += length
			continue
		}
		if trust < s.Need {
			return &PartError{kind, base + at, "the packet is not " + s.Need.String() + ", as the listener wants it", true}
		}
		if reason := p.part(kind, body, r); reason != "" {
			return fail("%s", reason)
		}
		at += length
	}
	return nil
}

// part takes one part; the reason says what is wrong with it.
func (p *Packet) part(kind uint16, body []byte, r *reading) (reason string) {
	switch kind {
	case partHost, partPlugin, partPluginInstance, partType, partTypeInstance, partMessage:
		n := len(body)
		if n == 0 || body[n-1] != 0 {
			return "a text without the zero byte at its end"
		}
		if n > maxText {
			return fmt.Sprintf("a text of %d bytes, limit %d", n, maxText)
		}
		text := strings.ToValidUTF8(string(body[:n-1]), "\uFFFD")
		switch kind {
		case partHost:
			r.id.Host = text
		case partPlugin:
			r.id.Plugin = text
		case partPluginInstance:
			r.id.PluginInstance = text
		case partType:
			r.id.Type = text
		case partTypeInstance:
			r.id.TypeInstance = text
		case partMessage:
			severity := r.severity
			if severity == "" {
				severity = "unknown"
			}
			p.Notifications = append(p.Notifications, Notification{r.id, r.time, severity, text})
		}
	case partTime, partTimeHR, partInterval, partIntervalHR, partSeverity:
		if len(body) != 8 {
			return fmt.Sprintf("a number of %d bytes, want 8", len(body))
		}
		n := binary.BigEndian.Uint64(body)
		switch kind {
		case partTime:
			r.time = int64(min(n, 1<<42)) * 1_000_000
		case partTimeHR:
			r.time = int64(n>>30)*1_000_000 + int64((n&(1<<30-1))*1_000_000+1<<29)>>30
		case partInterval:
			r.interval = float64(n)
		case partIntervalHR:
			r.interval = float64(n) / (1 << 30)
		case partSeverity:
			r.severity = map[uint64]string{1: "critical", 2: "warning", 4: "ok"}[n]
		}
	case partValues:
		values, reason := parseValues(body)
		if reason != "" {
			return reason
		}
		p.Values = append(p.Values, ValueList{Identity: r.id, Time: r.time, Interval: r.interval, Values: values})
	default:
		p.Unknown++
	}
	return ""
}

// parseValues reads a count, the kinds of that many values, and the values.
func parseValues(body []byte) ([]Value, string) {
	if len(body) < 2 {
		return nil, "no count of values"
	}
	n := int(binary.BigEndian.Uint16(body))
	if len(body) != 2+9*n {
		return nil, fmt.Sprintf("%d values in %d bytes, want %d bytes", n, len(body), 2+9*n)
	}
	values := make([]Value, n)
	for i := range values {
		kind, b := ValueKind(body[2+i]), body[2+n+8*i:]
		if kind > Absolute {
			return nil, fmt.Sprintf("a value of kind %d, want 0 to 3", kind)
		}
		values[i].Kind = kind
		if kind == Gauge {
			values[i].Gauge = math.Float64frombits(binary.LittleEndian.Uint64(b))
		} else {
			values[i].Count = binary.BigEndian.Uint64(b)
		}
	}
	return values, ""
}
