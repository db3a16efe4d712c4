package sinks

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"

	"zeta/journal"
	"zeta/streams"
)

// Options of a Manager.
type Options struct {
	// Outbox keeps the alerts on disk; nil: they wait in memory and end with the process.
	Outbox *journal.Outbox
	// Bulk is the directory of the backlogs of sinks in bulk; "": they wait in memory.
	Bulk   string
	Queued int          // alerts that may wait for one sink in memory; 0: DefaultQueued
	Logger *slog.Logger // nil: slog.Default
}

// Manager runs the sinks of the rules. Safe for concurrent use.
type Manager struct {
	outbox *journal.Outbox
	bulk   string
	queued int
	log    *slog.Logger

	// What the alerts delivered since the last Taken need; under the caller's lock, as Deliver is.
	ticket uint64
	failed error

	mu     sync.RWMutex
	queues map[string]*queue // by streams.Sink.ID
}

// NewManager returns a Manager without sinks.
func NewManager(o Options) *Manager {
	if o.Queued == 0 {
		o.Queued = DefaultQueued
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Manager{outbox: o.Outbox, bulk: o.Bulk, queued: o.Queued, log: o.Logger, queues: map[string]*queue{}}
}

// Use makes all the given sinks ready. A sink that was there before keeps its queue, also when its secrets have
// changed; one that is no longer named delivers what it holds and is then forgotten. An error names the first
// sink that could not be opened; then nothing has changed. Of several with one ID the last counts.
func (m *Manager) Use(wanted []*streams.Sink) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	named := map[string]*streams.Sink{}
	for _, s := range wanted {
		named[s.ID] = s
	}
	targets := map[string]Opened{}
	for _, s := range wanted {
		if q := m.queues[s.ID]; named[s.ID] != s || q != nil && !q.retired && reflect.DeepEqual(q.sink.Options, s.Options) {
			continue
		}
		o, err := s.Open()
		if err != nil {
			return fmt.Errorf("open sink %s: %w", s.Name, err)
		}
		target, ok := o.(Opened)
		if !ok {
			return fmt.Errorf("open sink %s: its Open returned a %T, want a sinks.Opened", s.Name, o)
		}
		targets[s.ID] = target
	}
	for id, target := range targets {
		if q := m.queues[id]; q != nil {
			m.queues[id] = q.follow(named[id], m.remembering(named[id], target))
		} else {
			m.queues[id] = newQueue(named[id], m.remembering(named[id], target), m.backlogOf(named[id]), m.log)
		}
	}
	for id, q := range m.queues {
		if named[id] == nil && !q.retired {
			m.retire(id, q)
		}
	}
	return nil
}

// retire lets a queue deliver what it holds and forgets it then. m.mu is held.
func (m *Manager) retire(id string, q *queue) {
	q.retired = true
	q.finish()
	go func() {
		<-q.ended
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.queues[id] == q {
			delete(m.queues, id)
			ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
			defer cancel()
			q.backlog.close(ctx, true)
		}
	}()
}

// remembering gives a sink that remembers a memory that lasts as long as its alerts do.
func (m *Manager) remembering(s *streams.Sink, o Opened) Opened {
	if r, ok := o.Sender.(interface{ remember(Memo) }); ok && m.outbox != nil && s.Delivery == streams.AlertDelivery {
		r.remember(m.outbox.Memo(s.ID, openAlerts))
	}
	return o
}

// backlogOf returns the backlog of a sink that was not open.
func (m *Manager) backlogOf(s *streams.Sink) backlog {
	switch {
	case s.Delivery == streams.AlertDelivery && m.outbox != nil:
		return newOutboxBacklog(m.outbox, s, func(ticket uint64) { m.ticket = ticket })
	case s.Delivery == streams.BulkDelivery && m.bulk != "":
		b, err := openBulkBacklog(filepath.Join(m.bulk, s.ID), m.log)
		if err == nil {
			return b
		}
		m.log.Error("the backlog of a sink cannot be opened; what is for it waits in memory", "sink", s.Name, "err", err)
	}
	return newMemoryBacklog(m.queued)
}

// openAlerts is how many alerts a sink remembers that have not been resolved.
const openAlerts = 10_000

// Deliver hands an alert to its sink. It never blocks. Calls of Deliver and Taken must not overlap: the engine
// makes them under its lock.
func (m *Manager) Deliver(a *streams.Alert) {
	m.mu.RLock()
	q := m.queues[a.Sink.ID]
	m.mu.RUnlock()
	var err error
	switch {
	case q != nil:
		err = q.take(a)
	case m.outbox != nil && a.Sink.Delivery == streams.AlertDelivery:
		m.ticket, err = put(m.outbox, a) // it waits until its sink is opened
	default:
		m.log.Error("an alert for a sink that is not open was dropped", "sink", a.Sink.Name, "rule", a.Pos)
	}
	if err != nil && m.failed == nil {
		m.failed = fmt.Errorf("sink %s: %w", a.Sink.Name, err)
	}
}

// Taken returns the ticket that the alerts delivered since the last call have to wait for (0: none), and an
// error if one of them was not taken.
func (m *Manager) Taken() (ticket uint64, err error) {
	ticket, err = m.ticket, m.failed
	m.ticket, m.failed = 0, nil
	return ticket, err
}

// Wait waits until the alerts up to the ticket are safe.
func (m *Manager) Wait(ctx context.Context, ticket uint64) error {
	if m.outbox == nil || ticket == 0 {
		return nil
	}
	return m.outbox.Wait(ctx, ticket)
}

// Settled returns the ticket up to which Wait would not wait.
func (m *Manager) Settled() uint64 {
	if m.outbox == nil {
		return math.MaxUint64
	}
	return m.outbox.Settled()
}

// Status returns what each sink tells about itself, sorted by ID; of those that no rule names any more, which hold
// alerts.
func (m *Manager) Status() []Status {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var all []Status
	for _, q := range m.queues {
		all = append(all, q.snapshot())
	}
	all = append(all, m.statusOfGone()...)
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// DeadLetters returns the dead letters of the sink with this ID, oldest first.
func (m *Manager) DeadLetters(id string) []DeadLetter {
	b := m.backlog(id)
	if b == nil {
		return nil
	}
	return b.letters()
}

// Resend puts a dead letter of a sink at the end of its queue again.
func (m *Manager) Resend(id string, pos uint64) error { return m.letter(id, pos, backlog.resend) }

// Drop removes a dead letter of a sink for good.
func (m *Manager) Drop(id string, pos uint64) error { return m.letter(id, pos, backlog.drop) }

func (m *Manager) letter(id string, pos uint64, do func(backlog, uint64) error) error {
	b := m.backlog(id)
	if b == nil {
		return fmt.Errorf("there is no sink %q", id)
	}
	return do(b, pos)
}

// Close lets the sinks deliver what they hold until ctx is done. It returns an error that counts what was left.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	queues := m.queues
	m.queues = map[string]*queue{}
	m.mu.Unlock()
	var wg sync.WaitGroup
	var mu sync.Mutex
	left := 0
	for _, q := range queues {
		wg.Go(func() {
			n := q.close(ctx)
			mu.Lock()
			left += n
			mu.Unlock()
		})
	}
	wg.Wait()
	if left > 0 {
		return fmt.Errorf("close sinks: %d alerts were not delivered in time", left)
	}
	return nil
}
