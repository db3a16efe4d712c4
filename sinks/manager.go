package sinks

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"zeta/streams"
)

// Options of a Manager.
type Options struct {
	Queued int          // alerts that may wait for one sink; 0: DefaultQueued
	Logger *slog.Logger // nil: slog.Default
}

// Manager runs the sinks of the rules. Safe for concurrent use.
type Manager struct {
	queued int
	log    *slog.Logger

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
	return &Manager{queued: o.Queued, log: o.Logger, queues: map[string]*queue{}}
}

// Use makes all the given sinks ready. A sink that was there before keeps its queue; one that is no longer
// named delivers what it holds and takes nothing new. An error names the first sink that could not be
// opened; then nothing has changed.
func (m *Manager) Use(wanted []*streams.Sink) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	opened := map[string]*queue{}
	for _, s := range wanted {
		if m.queues[s.ID] != nil || opened[s.ID] != nil {
			continue
		}
		o, err := s.Open()
		if err != nil {
			for _, q := range opened {
				q.close(context.Background())
			}
			return fmt.Errorf("open sink %s: %w", s.Name, err)
		}
		target, ok := o.(Opened)
		if !ok {
			return fmt.Errorf("open sink %s: its Open returned a %T, want a sinks.Opened", s.Name, o)
		}
		opened[s.ID] = newQueue(s, target, m.queued, m.log)
	}
	for id, q := range opened {
		m.queues[id] = q
	}
	return nil
}

// Deliver hands an alert to its sink. It never blocks.
func (m *Manager) Deliver(a *streams.Alert) {
	m.mu.RLock()
	q := m.queues[a.Sink.ID]
	m.mu.RUnlock()
	if q == nil {
		m.log.Error("an alert for a sink that is not open was dropped", "sink", a.Sink.Name, "rule", a.Pos)
		return
	}
	q.add(a)
}

// Status returns what each sink tells about itself, and DeadLetters what was refused for good.
func (m *Manager) Status() []Status {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var all []Status
	for _, q := range m.queues {
		s, _ := q.snapshot()
		all = append(all, s)
	}
	return all
}

// DeadLetters returns the dead letters of the sink with this ID, oldest first.
func (m *Manager) DeadLetters(id string) []DeadLetter {
	m.mu.RLock()
	q := m.queues[id]
	m.mu.RUnlock()
	if q == nil {
		return nil
	}
	_, dead := q.snapshot()
	return dead
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
