package sinks

import "zeta/streams"

// Held returns about how many bytes the alerts take that wait in memory. Of each sink's it looks at a few.
func (m *Manager) Held() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n := int64(0)
	for _, q := range m.queues {
		if b, ok := q.backlog.(*memoryBacklog); ok {
			n += b.held()
		}
	}
	return n
}

const (
	lookedAt   = 16  // alerts that are looked at for all that wait
	alertBytes = 192 // of an alert, and of each of its events, without their texts
)

func (b *memoryBacklog) held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := len(b.waiting)
	if all == 0 {
		return 0
	}
	some, sum := min(all, lookedAt), 0
	for i := range some {
		sum += sizeOf(b.waiting[i*all/some])
	}
	return int64(sum) * int64(all) / int64(some)
}

func sizeOf(a *streams.Alert) int {
	n := alertBytes
	for i := range a.Events {
		e := &a.Events[i]
		n += alertBytes + len(e.Host) + len(e.Service) + len(e.State) + len(e.Description)
	}
	return n
}
