package brokers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"zeta/event"
	"zeta/event/wire"
	"zeta/lines"
	"zeta/server"
)

// The formats of payloads.
const (
	formatJSON    = "json"
	formatRiemann = "riemann"
)

// batchEvents is the number of events from which on an inbox is emptied, though more messages are there; with a lower
// maxRate, that.
const batchEvents = 1000

// inbox turns payloads into batches. It belongs to one goroutine.
type inbox struct {
	door    *server.Doorway
	format  string
	limits  MessageLimits
	decoder *wire.Decoder
	stats   wire.Stats
	msg     wire.Msg
	batch   []event.Event
	taken   int // events, and messages without any, since the last rest

	// take runs a batch through the rules; keep also makes it safe, again and again until ctx is done.
	take func(batch []event.Event) error
	keep func(ctx context.Context, batch []event.Event) error
}

func newInbox(door *server.Doorway, format string, limits MessageLimits) *inbox {
	l := wire.DefaultLimits
	l.Frame, l.Events = limits.MaxSize, limits.MaxEvents
	return &inbox{door: door, format: format, limits: limits, decoder: wire.NewDecoder(l), take: door.Ingest, keep: door.Keep}
}

// add reads a payload; its events wait for flush. service is that of events that have none, "" for none. What
// is refused has been counted; the error says what it was, for the sender, and the other events of the message
// have been taken. A query is not answered here.
func (b *inbox) add(payload []byte, service, from string) error {
	before := len(b.batch)
	reason, err := b.read(payload, service)
	b.taken += max(1, len(b.batch)-before)
	if err != nil {
		b.door.Refuse(reason, from, err)
	}
	return err
}

func (b *inbox) read(payload []byte, service string) (reason string, err error) {
	if len(payload) > b.limits.MaxSize {
		return "oversize", fmt.Errorf("a message of %d bytes, limit %d; raise maxSize, or send less in one", len(payload), b.limits.MaxSize)
	}
	before := len(b.batch)
	if b.format == formatJSON {
		b.batch, err = lines.AppendJSON(b.batch, payload, b.limits.MaxEvents)
		if refused := (*lines.Error)(nil); errors.As(err, &refused) {
			reason = refused.Reason
		}
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

// flush runs what waits through the rules, as one batch, for a broker that keeps nothing.
func (b *inbox) flush() error {
	if len(b.batch) == 0 {
		return nil
	}
	err := b.take(b.batch)
	b.empty()
	if err != nil {
		b.door.Refuse("internal", "", err)
	}
	return err
}

// settle runs what waits through the rules and makes it safe. After an error, which comes at the end of zeta only,
// the broker has to keep the messages.
func (b *inbox) settle(ctx context.Context) error {
	if len(b.batch) == 0 {
		return nil
	}
	defer b.empty()
	return b.keep(ctx, b.batch)
}

// full reports whether what waits should wait no longer.
func (b *inbox) full() bool { return len(b.batch) >= b.limits.atOnce(batchEvents) }

// rest waits until more may be taken, unless something waits here for more.
func (b *inbox) rest(ctx context.Context, pace *server.Pace) {
	if len(b.batch) > 0 {
		return
	}
	pace.Hold(ctx, b.taken)
	b.taken = 0
}

func (b *inbox) empty() {
	clear(b.batch)
	b.batch = b.batch[:0]
}

// answer runs a payload, and what waits before it, through the rules, makes it safe and returns the answer in the
// payload's format: a Riemann message, events where it asked for some; or {} or {"error": …}.
func (b *inbox) answer(ctx context.Context, payload []byte, service, from string) []byte {
	err := b.add(payload, service, from)
	if ferr := b.settle(ctx); err == nil {
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
