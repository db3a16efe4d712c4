package sinks

import (
	"context"
	"fmt"
	"sync"
	"time"

	"zeta/journal"
	"zeta/streams"
)

// outboxBacklog is a backlog on disk: what was put is there after a restart, and is sent again only when zeta
// died between the target's answer and the note of it.
type outboxBacklog struct {
	outbox *journal.Outbox
	sink   *streams.Sink
	q      *journal.Queue
	ticket func(uint64) // told what an added alert's cause has to wait for

	mu     sync.Mutex
	peeked map[*streams.Alert]journal.Entry // handed to the worker
}

// Bounds of one look at the outbox.
const (
	peekEntries = 1_000
	peekBytes   = 4 << 20
)

func newOutboxBacklog(o *journal.Outbox, sink *streams.Sink, ticket func(uint64)) *outboxBacklog {
	return &outboxBacklog{outbox: o, sink: sink, q: o.Queue(sink.ID), ticket: ticket, peeked: map[*streams.Alert]journal.Entry{}}
}

// put puts an alert into the queue of its sink, which need not be open.
func put(o *journal.Outbox, a *streams.Alert) (ticket uint64, err error) {
	return o.Put(journal.Entry{Sink: a.Sink.ID, ID: journal.NumberID(a.ID), Key: a.Key, Stamp: a.At, Body: streams.EncodeAlert(a)})
}

func (b *outboxBacklog) add(a *streams.Alert) (dropped int, err error) {
	ticket, err := put(b.outbox, a)
	if err == nil {
		b.ticket(ticket)
	}
	return 0, err
}

func (b *outboxBacklog) peek(events int) (batch []*streams.Alert, full bool) {
	entries, err := b.q.Peek(min(events, peekEntries), peekBytes)
	if err != nil {
		return nil, false // the outbox says so itself
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.peeked)
	var alerts []*streams.Alert
	for _, e := range entries {
		a, err := streams.DecodeAlert(e.Body)
		if err != nil {
			b.q.Dead(fmt.Sprintf("cannot be read: %v", err), e)
			continue
		}
		a.Sink = b.sink
		b.peeked[a] = e
		alerts = append(alerts, a)
	}
	return fitting(alerts, events)
}

// noteTimeout is how long the next request waits for the note that the last one was taken: so a kill doubles one
// request of a sink, and a disk that does not take the note holds nothing up.
const noteTimeout = 100 * time.Millisecond

func (b *outboxBacklog) done(batch []*streams.Alert) {
	ticket := b.q.Done(b.entries(batch)...)
	if b.outbox.Stats().Degraded != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), noteTimeout)
	defer cancel()
	b.outbox.Wait(ctx, ticket) // after an error the alert may be sent again, with its id
}

func (b *outboxBacklog) dead(a *streams.Alert, reason string) {
	b.q.Dead(reason, b.entries([]*streams.Alert{a})...)
}

func (b *outboxBacklog) entries(batch []*streams.Alert) []journal.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	entries := make([]journal.Entry, len(batch))
	for i, a := range batch {
		entries[i] = b.peeked[a]
	}
	return entries
}

func (b *outboxBacklog) wake() <-chan struct{} { return b.q.Wake() }

func (b *outboxBacklog) length() int {
	n, _, _ := b.q.Len()
	return n
}

func (b *outboxBacklog) letters() []DeadLetter {
	entries, _, err := b.q.DeadLetters(0, DeadLettersKept)
	if err != nil {
		return nil
	}
	letters := make([]DeadLetter, 0, len(entries))
	for _, e := range entries {
		a, err := streams.DecodeAlert(e.Body)
		if err != nil {
			a = &streams.Alert{Key: e.Key}
		}
		a.Sink = b.sink
		letters = append(letters, DeadLetter{Pos: e.Pos, Alert: a, Err: e.Err, At: time.UnixMicro(e.Stamp)})
	}
	return letters
}

func (b *outboxBacklog) resend(pos uint64) error {
	_, err := b.q.Resend(pos)
	return err
}

func (b *outboxBacklog) drop(pos uint64) error {
	_, err := b.q.Drop(pos)
	return err
}

func (b *outboxBacklog) settle(context.Context) {}

func (b *outboxBacklog) lost() uint64 { return 0 }

// close leaves everything to the outbox, where the next life finds it.
func (b *outboxBacklog) close(context.Context, bool) (left int) { return 0 }
