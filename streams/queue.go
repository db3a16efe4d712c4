package streams

import "zeta/event"

// pool keeps copies of events and uses their memory again. The zero pool is ready.
type pool struct{ free []*event.Event }

// maxPooled bounds what a pool holds on to after a burst.
const maxPooled = 256

// keep returns a copy of e, nil for nil.
func (p *pool) keep(e *event.Event) *event.Event {
	if e == nil {
		return nil
	}
	n := len(p.free)
	if n == 0 {
		c := *e
		return &c
	}
	c := p.free[n-1]
	p.free = p.free[:n-1]
	*c = *e
	return c
}

// release takes back what keep returned.
func (p *pool) release(e *event.Event) {
	if e == nil || len(p.free) >= maxPooled {
		return
	}
	*e = event.Event{} // lets go of strings and sets
	p.free = append(p.free, e)
}

// queue holds copies of events in the order of their arrival: the one store behind every window. Elements may
// be nil, since a window may hold a nil. What events returns is lent: valid until the queue changes.
// The zero queue is empty.
type queue struct {
	pool
	list []*event.Event
	head int // list[head:] are the events
}

func (q *queue) len() int { return len(q.list) - q.head }

// events returns the events, oldest first; never nil.
func (q *queue) events() []*event.Event {
	if q.len() == 0 {
		return noEvents
	}
	return q.list[q.head:len(q.list):len(q.list)]
}

var noEvents = []*event.Event{}

// add appends a copy of e, which may be nil.
func (q *queue) add(e *event.Event) {
	if q.head > 0 && len(q.list) == cap(q.list) && q.head >= len(q.list)/2 {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, q.keep(e))
}

// dropOldest removes the oldest event; the queue must not be empty.
func (q *queue) dropOldest() {
	q.release(q.list[q.head])
	q.list[q.head] = nil
	q.head++
	if q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
	}
}

// retain removes the events for whose index keep is false; keep is asked once for each, in order.
func (q *queue) retain(keep func(i int) bool) {
	all, n := q.list[q.head:], 0
	for i, e := range all {
		if keep(i) {
			all[n] = e
			n++
		} else {
			q.release(e)
		}
	}
	clear(all[n:])
	q.list = q.list[:q.head+n]
}

// clear removes everything. After a burst the memory goes too.
func (q *queue) clear() {
	for _, e := range q.list[q.head:] {
		q.release(e)
	}
	clear(q.list)
	q.list, q.head = q.list[:0], 0
	if cap(q.list) > 4*maxPooled {
		q.list = nil
	}
}

func (q *queue) save(s *Saver) {
	s.Uint(uint64(q.len()))
	for _, e := range q.list[q.head:] {
		s.Event(e)
	}
}

func (q *queue) load(l *Loader) {
	n := l.Len()
	q.list, q.head = make([]*event.Event, 0, n), 0
	for range n {
		q.list = append(q.list, l.Event())
	}
}
