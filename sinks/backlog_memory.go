package sinks

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"zeta/streams"
)

// memoryBacklog is a backlog that ends with the process. When it is full the oldest alert that is not being
// sent makes room.
type memoryBacklog struct {
	limit int
	ready chan struct{}

	mu      sync.Mutex
	waiting []*streams.Alert
	sending int // length of the prefix that was last peeked at
	buried  []DeadLetter
	pos     uint64 // of the last dead letter
}

func newMemoryBacklog(limit int) *memoryBacklog {
	return &memoryBacklog{limit: limit, ready: make(chan struct{}, 1)}
}

func (b *memoryBacklog) add(a *streams.Alert) (dropped int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) >= b.limit {
		if b.sending >= len(b.waiting) {
			return 1, nil // all that waits is being sent: the new one goes
		}
		b.waiting = slices.Delete(b.waiting, b.sending, b.sending+1)
		dropped = 1
	}
	b.waiting = append(b.waiting, a)
	b.signal()
	return dropped, nil
}

func (b *memoryBacklog) signal() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

func (b *memoryBacklog) peek(events int) (batch []*streams.Alert, full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch, full = fitting(b.waiting, events)
	b.sending = len(batch)
	return slices.Clone(batch), full
}

// fitting returns the prefix of alerts that fits a request of so many events, but one if there is one; full
// says that another one would not fit.
func fitting(alerts []*streams.Alert, events int) (batch []*streams.Alert, full bool) {
	n := 0
	for i, a := range alerts {
		if i > 0 && n+len(a.Events) > events {
			return alerts[:i], true
		}
		n += len(a.Events)
	}
	return alerts, n >= events && len(alerts) > 0
}

func (b *memoryBacklog) done(batch []*streams.Alert) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = slices.Delete(b.waiting, 0, len(batch))
	b.sending = max(0, b.sending-len(batch))
}

func (b *memoryBacklog) dead(a *streams.Alert, reason string) {
	b.done([]*streams.Alert{a})
	b.bury(a, reason)
}

// bury keeps a dead letter in the place of the oldest, if there are many.
func (b *memoryBacklog) bury(a *streams.Alert, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.buried) >= DeadLettersKept {
		b.buried = slices.Delete(b.buried, 0, 1)
	}
	b.pos++
	b.buried = append(b.buried, DeadLetter{Pos: b.pos, Alert: a, Err: reason, At: time.UnixMicro(a.At)})
}

func (b *memoryBacklog) wake() <-chan struct{} { return b.ready }

func (b *memoryBacklog) length() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}

func (b *memoryBacklog) letters() []DeadLetter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.buried)
}

// exhume takes a dead letter out.
func (b *memoryBacklog) exhume(pos uint64) (*streams.Alert, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.buried, func(d DeadLetter) bool { return d.Pos == pos })
	if i < 0 {
		return nil, fmt.Errorf("there is no dead letter %d", pos)
	}
	a := b.buried[i].Alert
	b.buried = slices.Delete(b.buried, i, i+1)
	return a, nil
}

func (b *memoryBacklog) resend(pos uint64) error {
	a, err := b.exhume(pos)
	if err == nil {
		_, err = b.add(a)
	}
	return err
}

func (b *memoryBacklog) drop(pos uint64) error {
	_, err := b.exhume(pos)
	return err
}

func (b *memoryBacklog) settle(context.Context) {}

func (b *memoryBacklog) lost() uint64 { return 0 }

func (b *memoryBacklog) close(context.Context, bool) (left int) { return b.length() }
