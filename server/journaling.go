package server

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/journal"
	"zeta/streams"
)

// Ack says what must have happened to a message's events before it is answered.
type Ack string

// Ack levels.
const (
	AckProcessed Ack = "processed" // the rules have run on them, as in Riemann
	AckSafe      Ack = "safe"      // and the death of the process loses neither them nor the alerts they caused
	AckDurable   Ack = "durable"   // nor does the loss of power
)

// position is what an answer waits for: a record of the journal and a ticket of the outbox. The zero position
// is nothing to wait for.
type position struct{ record, ticket uint64 }

func (p *position) join(o position) {
	p.record, p.ticket = max(p.record, o.record), max(p.ticket, o.ticket)
}

// outlets is what Sinks do when they keep alerts on disk.
type outlets interface {
	// Taken returns the ticket that the alerts since the last call have to wait for, and an error if one of
	// them was not taken. It is called under the engine's lock.
	Taken() (ticket uint64, err error)
	// Wait waits until the alerts up to the ticket are safe.
	Wait(ctx context.Context, ticket uint64) error
	// Settled returns the ticket up to which Wait would not wait.
	Settled() uint64
}

// Forms of a batch in the journal: the message as it came, or the events as the engine got them.
const (
	batchMessage = 1
	batchEvents  = 2
)

// batchHead is the form and the number of the batch's first event.
const batchHead = 9

// record appends a batch to the journal: a copy in memory, no more. The batch is recorded as it came, before
// the engine fills it in.
func (e *Engine) record(batch []event.Event, payload []byte, now int64) (uint64, error) {
	e.head[0] = batchMessage
	if payload == nil {
		e.head[0] = batchEvents
		payload = encodeEvents(batch)
	}
	binary.LittleEndian.PutUint64(e.head[1:], e.seq+1)
	return e.journal.Append(journal.KindBatch, now, e.head[:], payload)
}

func encodeEvents(batch []event.Event) []byte {
	var s streams.Saver
	s.Uint(uint64(len(batch)))
	for i := range batch {
		s.Event(&batch[i])
	}
	return s.Bytes()
}

// replayLimits let through whatever a listener's own limits once let through.
var replayLimits = wire.Limits{
	Frame: journal.MaxBody, Events: 10_000_000, Tags: 1 << 20, Attributes: 1 << 20,
	Name: journal.MaxBody, Description: wire.DefaultLimits.Description, Text: wire.DefaultLimits.Text, Query: journal.MaxBody,
}

// decodeBatch reads a batch of the journal. The events are valid until the next call with the same decoder and
// message.
func decodeBatch(body []byte, d *wire.Decoder, m *wire.Msg) (first uint64, batch []event.Event, err error) {
	if len(body) < batchHead {
		return 0, nil, fmt.Errorf("a batch of %d bytes, want at least %d", len(body), batchHead)
	}
	first = binary.LittleEndian.Uint64(body[1:])
	switch body[0] {
	case batchMessage:
		err = d.Decode(m, body[batchHead:])
		return first, m.Events, err
	case batchEvents:
		l := streams.NewLoader(body[batchHead:])
		for range l.Len() {
			if ev := l.Event(); ev != nil {
				batch = append(batch, *ev)
			}
		}
		return first, batch, l.Err()
	}
	return 0, nil, fmt.Errorf("a batch of form %d, which this version does not know", body[0])
}

// ackPatience is how long an answer waits for the disk. Then the peer is cut off without one, since neither
// yes nor no would be true.
const ackPatience = 30 * time.Second

// safe reports whether await would not have to wait for the position.
func (e *Engine) safe(p position, level Ack) bool {
	if e.journal == nil || level == AckProcessed || p == (position{}) {
		return true
	}
	written := e.journal.Written
	if level == AckDurable {
		written = e.journal.Synced
	}
	return written() >= p.record && (p.ticket == 0 || e.outlets.Settled() >= p.ticket)
}

// await waits until a position is as safe as the level asks for, and while the journal is behind: so every peer that
// waits for answers is slowed down to what the disk takes.
func (e *Engine) await(ctx context.Context, p position, level Ack) error {
	if e.journal == nil || p == (position{}) {
		return nil
	}
	if level == AckProcessed {
		e.awaitRoom(ctx)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, ackPatience)
	defer cancel()
	if p.record != 0 {
		wait := e.journal.WaitWritten
		if level == AckDurable {
			wait = e.journal.WaitSynced
		}
		if err := wait(ctx, p.record); err != nil {
			return fmt.Errorf("the journal: %w", err)
		}
	}
	if p.ticket != 0 {
		if err := e.outlets.Wait(ctx, p.ticket); err != nil {
			return fmt.Errorf("the outbox: %w", err)
		}
	}
	if e.journal.Behind() {
		return e.journal.WaitRoom(ctx)
	}
	return nil
}

// awaitRoom holds back a peer whose answers promise nothing of the disk: while that is slow, for ackPatience at most. One
// that fails must not end the evaluation; what is lost then is counted.
func (e *Engine) awaitRoom(ctx context.Context) {
	if !e.journal.Behind() || e.journal.Stats().Degraded != "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, ackPatience)
	defer cancel()
	e.journal.WaitRoom(ctx)
}

// IngestSafe is Ingest that returns when the batch and the alerts it caused would survive the death of the
// process. Without a data directory it is Ingest.
func (e *Engine) IngestSafe(ctx context.Context, batch []event.Event) error {
	p, err := e.take(batch, nil)
	if err != nil {
		return err
	}
	return e.await(ctx, p, AckSafe)
}
