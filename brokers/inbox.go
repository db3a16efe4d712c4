package brokers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"zeta/event"
	"zeta/event/wire"
	"zeta/server"
)

// The formats of payloads.
const (
	formatJSON    = "json"
	formatRiemann = "riemann"
)

// payloadLimits bound what one message may hold.
type payloadLimits struct {
	size   int // bytes
	events int
}

// batchEvents is the number of events from which on an inbox is emptied, though more messages are there.
const batchEvents = 1000

// inbox turns payloads into batches. It belongs to one goroutine.
type inbox struct {
	door    *server.Doorway
	format  string
	limits  payloadLimits
	decoder *wire.Decoder
	stats   wire.Stats
	msg     wire.Msg
	batch   []event.Event
}

func newInbox(door *server.Doorway, format string, limits payloadLimits) *inbox {
	l := wire.DefaultLimits
	l.Frame, l.Events = limits.size, limits.events
	return &inbox{door: door, format: format, limits: limits, decoder: wire.NewDecoder(l)}
}

// add reads a payload; its events wait for flush. service is that of events that have none, "" for none. What
// is refused has been counted; the error says what it was, for the sender, and the other events of the message
// have been taken. A query is not answered here.
func (b *inbox) add(payload []byte, service, from string) error {
	reason, err := b.read(payload, service)
	if err != nil {
		b.door.Refuse(reason, from, err)
	}
	return err
}

func (b *inbox) read(payload []byte, service string) (reason string, err error) {
	if len(payload) > b.limits.size {
		return "oversize", fmt.Errorf("a message of %d bytes, limit %d; raise maxSize, or send less in one", len(payload), b.limits.size)
	}
	before := len(b.batch)
	if b.format == formatJSON {
		b.batch, reason, err = appendJSON(b.batch, payload, b.limits.events)
	} else {
		reason, err = b.decode(payload)
	}
	if service == "" {
		return reason, err
	}
	for i := before; i < len(b.batch); i++ {
		if e := &b.batch[i]; e.Has&event.HasService == 0 {
			e.SetService(service)
		}
	}
	return reason, err
}

// decode reads a protobuf message.
func (b *inbox) decode(payload []byte) (reason string, err error) {
	err = b.decoder.Decode(&b.msg, payload)
	if now := b.decoder.Stats; now != b.stats {
		b.door.Fixed(b.stats, now)
		b.stats = now
	}
	var bad *wire.DecodeError
	switch {
	case errors.As(err, &bad) && bad.Limit:
		return "limit", err
	case err != nil:
		return "decode", err
	}
	b.batch = append(b.batch, b.msg.Events...) // the strings may be kept
	return "", nil
}

// flush runs what waits through the rules, as one batch.
func (b *inbox) flush() error {
	if len(b.batch) == 0 {
		return nil
	}
	err := b.door.Ingest(b.batch)
	clear(b.batch)
	b.batch = b.batch[:0]
	if err != nil {
		b.door.Refuse("internal", "", err)
	}
	return err
}

// answer runs a payload, and what waits before it, through the rules and returns the answer in the payload's
// format: a Riemann message, events where it asked for some; or {} or {"error": …}.
func (b *inbox) answer(payload []byte, service, from string) []byte {
	err := b.add(payload, service, from)
	if ferr := b.flush(); err == nil {
		err = ferr
	}
	if b.format == formatJSON {
		if err == nil {
			return []byte("{}")
		}
		text, _ := json.Marshal(map[string]string{"error": err.Error()})
		return text
	}
	var out []byte
	switch {
	case err == nil && b.msg.HasQuery:
		if out, err = b.door.AppendAnswer(nil, b.msg.Query); err != nil {
			b.door.Refuse("query", from, err)
		}
	case err == nil:
		out = wire.AppendMsg(nil, &wire.Msg{OK: true, HasOK: true})
	}
	if err != nil {
		out = wire.AppendMsg(nil, &wire.Msg{HasOK: true, Error: err.Error(), HasError: true})
	}
	return out
}

// appendJSON appends the events of a payload: an object, objects behind one another, or an array of objects.
// An object that is no event is left out; the error is the first one's, and says how many there were.
func appendJSON(dst []event.Event, payload []byte, most int) (events []event.Event, reason string, err error) {
	n, bad := 0, 0
	broken := eachItem(payload, func(item []byte) error {
		if n++; n > most {
			return errTooMany
		}
		e, perr := event.ParseJSON(item)
		if perr == nil {
			dst = append(dst, e)
		} else if bad++; err == nil {
			err = fmt.Errorf("item %d: %w", n, perr)
		}
		return nil
	})
	switch {
	case broken == errTooMany:
		return dst, "limit", fmt.Errorf("more than %d events in a message; raise maxEvents, or send fewer in one", most)
	case broken != nil:
		return dst, "json", fmt.Errorf("after %d items: %w", n, broken)
	case n == 0:
		return dst, "json", errors.New("an empty message, want a JSON object")
	case bad > 1:
		err = fmt.Errorf("%w; and %d more of the %d items", err, bad-1, n)
	}
	if err != nil {
		reason = "json"
	}
	return dst, reason, err
}

var errTooMany = errors.New("too many items")

// eachItem gives the JSON values of a payload to f, those of an array one by one, until one cannot be read.
func eachItem(payload []byte, f func(item []byte) error) error {
	d := json.NewDecoder(bytes.NewReader(payload))
	array := bytes.HasPrefix(bytes.TrimLeft(payload, " \t\r\n"), []byte("["))
	if array {
		if _, err := d.Token(); err != nil {
			return err
		}
	}
	for !array || d.More() {
		var item json.RawMessage
		if err := d.Decode(&item); err == io.EOF && !array {
			return nil
		} else if err != nil {
			return err
		}
		if err := f(item); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err == io.EOF {
		return io.ErrUnexpectedEOF
	} else if err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the array")
	}
	return nil
}
