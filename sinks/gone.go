package sinks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zeta/journal"
	"zeta/streams"
)

// gone returns what the outbox holds for a sink that no rule names any more; nil if that is nothing.
func (m *Manager) gone(id string) *outboxBacklog {
	if m.outbox == nil {
		return nil
	}
	q := m.outbox.Queue(id)
	waiting, _, _ := q.Len()
	if _, dead, err := q.DeadLetters(0, 0); waiting == 0 && dead == 0 || err != nil {
		return nil
	}
	return newOutboxBacklog(m.outbox, &streams.Sink{ID: id, Name: id, Delivery: streams.AlertDelivery}, func(uint64) {})
}

// statusOfGone tells about the sinks that are not open but for which alerts wait or are dead. m.mu is held.
func (m *Manager) statusOfGone() (all []Status) {
	if m.outbox == nil {
		return nil
	}
	for _, id := range m.outbox.Queues() {
		if b := m.gone(id); m.queues[id] == nil && b != nil {
			_, dead, _ := b.q.DeadLetters(0, 0)
			all = append(all, Status{ID: id, Name: id, State: streams.SinkGone, Queued: b.length(), DeadLetters: uint64(dead), LastError: "no rule names this sink any more"})
		}
	}
	return all
}

// backlog returns that of a sink, open or gone; nil if there is none.
func (m *Manager) backlog(id string) backlog {
	m.mu.RLock()
	q := m.queues[id]
	m.mu.RUnlock()
	if q != nil {
		return q.backlog
	}
	if b := m.gone(id); b != nil {
		return b
	}
	return nil
}

// resendTimeout is how long a dead letter's way to another sink may take.
const resendTimeout = 10 * time.Second

// ResendTo moves a dead letter to the queue of another sink, which is open: it leaves the dead letters when it is safe
// there. One that the other sink has got before is not sent to it again.
func (m *Manager) ResendTo(id string, pos uint64, to string) error {
	m.mu.RLock()
	_, kept := m.backlogOfOpen(to)
	m.mu.RUnlock()
	from, ok := m.backlog(id).(*outboxBacklog)
	if !ok || !kept {
		return fmt.Errorf("from %s to %s: both sinks must keep their alerts on disk, and the second be in use", id, to)
	}
	e, err := from.q.DeadLetter(pos)
	if err != nil {
		return err
	}
	ticket, err := m.outbox.Put(journal.Entry{Sink: to, ID: e.ID, Key: e.Key, Stamp: e.Stamp, Body: e.Body})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), resendTimeout)
	defer cancel()
	if err := m.outbox.Wait(ctx, ticket); err != nil {
		return err
	}
	if _, err := from.q.Drop(pos); err != nil && !errors.Is(err, journal.ErrNoEntry) {
		return err
	}
	return nil
}

// backlogOfOpen returns the backlog on disk of an open sink. m.mu is held.
func (m *Manager) backlogOfOpen(id string) (*outboxBacklog, bool) {
	q := m.queues[id]
	if q == nil || q.retired {
		return nil, false
	}
	b, ok := q.backlog.(*outboxBacklog)
	return b, ok
}
