package client

import "zeta/event"

// queue is a ring of at most limit events that grows as it is needed.
type queue struct {
	ring  []event.Event
	limit int
	head  uint64 // position of the first event: how many left the queue before it
	tail  uint64 // position after the last event: how many were ever queued
}

func (q *queue) len() int { return int(q.tail - q.head) }

// push appends e; it returns true when the oldest event had to make room.
func (q *queue) push(e event.Event) (full bool) {
	if q.len() == q.limit {
		q.drop()
		full = true
	} else if q.len() == len(q.ring) {
		q.grow()
	}
	q.ring[q.tail%uint64(len(q.ring))] = e
	q.tail++
	return full
}

// drop forgets the first event.
func (q *queue) drop() {
	q.ring[q.head%uint64(len(q.ring))] = event.Event{}
	q.head++
}

// grow doubles the ring up to the limit.
func (q *queue) grow() {
	ring := make([]event.Event, min(max(64, 2*len(q.ring)), q.limit))
	for i := q.head; i < q.tail; i++ {
		ring[i%uint64(len(ring))] = q.ring[i%uint64(len(q.ring))]
	}
	q.ring = ring
}

// take moves the first events to batch: at most n of them, and about maxBatchBytes.
func (q *queue) take(batch []event.Event, n int) []event.Event {
	for bytes := 0; len(batch) < n && q.len() > 0; {
		e := &q.ring[q.head%uint64(len(q.ring))]
		bytes += size(e)
		if len(batch) > 0 && bytes > maxBatchBytes {
			break
		}
		batch = append(batch, *e)
		q.drop()
	}
	return batch
}

// size is about how many bytes e takes in a message.
func size(e *event.Event) int {
	n := 64 + len(e.Host) + len(e.Service) + len(e.State) + len(e.Description)
	for _, tag := range e.Tags() {
		n += 4 + len(tag)
	}
	for _, a := range e.Attrs() {
		n += 12 + len(a.Key) + len(a.Value)
	}
	return n
}
