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

// maxHeldBytes is how much one instance of an operator holds, whatever its bound in events.
const maxHeldBytes = 64 << 20

// sizeOf returns about how many bytes a copy of e holds on to, its shared parts counted in full.
func sizeOf(e *event.Event) int {
	if e == nil {
		return 8
	}
	n := 192 + len(e.Host) + len(e.Service) + len(e.State) + len(e.Description)
	if e.Set != nil {
		for _, t := range e.Set.Tags {
			n += 16 + len(t)
		}
		for i := range e.Set.Attrs {
			n += 32 + len(e.Set.Attrs[i].Key) + len(e.Set.Attrs[i].Value)
		}
	}
	return n
}

// queue holds copies of events in the order of their arrival: the one store behind every window. Elements may
// be nil, since a window may hold a nil. What events returns is lent: valid until the queue changes.
// The zero queue is empty.
type queue struct {
	pool
	list  []*event.Event
	head  int // list[head:] are the events
	bytes int // that they hold on to
}

// full reports whether there is no room for another event: limit events are held, or too many bytes.
func (q *queue) full(limit int) bool { return q.len() >= limit || q.bytes >= maxHeldBytes }

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
	q.bytes += sizeOf(e)
}

// dropOldest removes the oldest event; the queue must not be empty.
func (q *queue) dropOldest() {
	q.bytes -= sizeOf(q.list[q.head])
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
			q.bytes -= sizeOf(e)
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
	q.list, q.head, q.bytes = q.list[:0], 0, 0
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
		e := l.Event()
		q.list = append(q.list, e)
		q.bytes += sizeOf(e)
	}
}
