// Package lines reads the text protocols of other monitoring systems: a line or a message in, events out.
//
// Vocabulary: a line is one message of a protocol, without the newline or the length that framed it; host is
// the name to give events whose protocol, or sender, names none ("" for none).
//
//	g := lines.Graphite{Tags: true}
//	events, err := g.Parse(nil, []byte("cpu;host=web1 0.5 1700000000"), "")
//
// Guarantees:
//   - Parsers have no state, but for [Statsd], which adds up what it is given and says so.
//   - Events do not refer to the line, whose buffer may be used again.
//   - The memory a parser takes is a small multiple of the line's length; it never panics.
//   - An error is an *[Error], with the reason in a word for counters; the events appended before it are sound.
package lines

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"zeta/event"
)

// Error says why a line is refused.
type Error struct {
	Reason string // a word for counters, e.g. "metric"
	Text   string // what was found and what was expected
	Column int    // of what is wrong, in bytes from 1; 0: the protocol's parser does not say it
}

func (e *Error) Error() string { return e.Text }

func refuse(reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Text: fmt.Sprintf(format, args...)}
}

// bounds of what a line may hold.
const (
	maxAttrs = 64 // tags or fields of one line
	maxQuote = 80 // bytes of input shown in an error
)

// quote shows a piece of input in an error.
func quote(b []byte) string {
	if len(b) > maxQuote {
		return strconv.Quote(string(b[:maxQuote])) + "…"
	}
	return strconv.Quote(string(b))
}

// text turns bytes into a string of valid UTF-8: what is not becomes U+FFFD.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// number reads a decimal number as the usual senders write it: no hexadecimal, no underscores.
func number(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) > 64 {
		return 0, false
	}
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9', c == '+', c == '-', c == '.', c == 'e', c == 'E':
		default:
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	return f, err == nil
}

// unixTime returns the microseconds of a time in seconds, fractions allowed; ok is false for what cannot be a
// time of this era.
func unixTime(seconds float64) (us int64, ok bool) {
	if math.IsNaN(seconds) || seconds < 0 || seconds > 1e11 {
		return 0, false
	}
	return event.SecondsToMicros(seconds), true
}

// source fills the host of an event that has none.
func source(e *event.Event, host string) {
	if e.Has&event.HasHost == 0 && host != "" {
		e.SetHost(host)
	}
}

// attribute gives an event an attribute: one named host, state or description fills that field when it is
// missing, as do attributes of Riemann's protocol; one named service, time, metric, ttl or tags keeps its name
// with "tag" at the end, as such a name would hide the field in queries.
func attribute(e *event.Event, attrs []event.Attr, key, value string) []event.Attr {
	switch key {
	case "host":
		if e.Has&event.HasHost == 0 {
			e.SetHost(value)
			return attrs
		}
		key = "hosttag"
	case "state":
		if e.Has&event.HasState == 0 {
			e.SetState(value)
			return attrs
		}
		key = "statetag"
	case "description":
		if e.Has&event.HasDescription == 0 {
			e.SetDescription(value)
			return attrs
		}
		key = "descriptiontag"
	case "service", "time", "metric", "ttl", "tags":
		key += "tag"
	}
	return append(attrs, event.Attr{Key: key, Value: value})
}
