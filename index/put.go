package index

import "zeta/event"

// Put makes e the newest event of its host and service, or removes the entry if e's state is "expired". The
// arrival stamp is the clock that Advance has set. The index keeps a copy of e. At a cap a new series is
// refused and counted; known ones go on.
func (x *Index) Put(e *event.Event) {
	if e.State == event.Expired {
		x.Delete(e.Host, e.Service, e.Has)
		return
	}
	s := e.Series
	if s == nil || !x.owns(s) || !identifies(s, e) {
		if s = x.Resolve(e); s == nil {
			x.refused.Add(1)
			return
		}
	}
	base, fromArrival := x.base(e)
	x.setEpoch(base)
	x.put(s, e, x.now, fromArrival, x.tick(x.deadline(base, e.TTL, e.Has)))
}

// base returns when e's ttl counts from: its time, or its arrival when the two are too far apart.
func (x *Index) base(e *event.Event) (base int64, fromArrival bool) {
	if e.Has&event.HasTTL != 0 && !(e.TTL > 0) {
		x.badTTL.Add(1)
	}
	if e.Has&event.HasTime == 0 {
		return x.now, true
	}
	if e.Time < x.now-x.skew || e.Time > x.now+x.skew {
		x.skewed.Add(1)
		return x.now, true
	}
	return e.Time, false
}

func (x *Index) put(s *event.Series, e *event.Event, arrival int64, fromArrival bool, due uint32) {
	b := x.blocks[s.HostID]
	p, i := b.locate(s)
	n := &p.entries[i]
	fresh := p.due[i] <= tickVacant
	if fresh {
		x.created++
		b.vacant--
		x.entries.Add(1)
	}
	p.due[i] = due
	b.minDue = min(b.minDue, due)
	b.mu.Lock()
	if x.image != nil {
		x.preserve(p)
	}
	if fresh {
		n.meta = x.created << metaCreated
	}
	x.texts += int64(len(e.Description) - len(n.description))
	n.store(e, arrival, fromArrival)
	if len(x.watches) > 0 {
		x.mark(s)
	}
	b.mu.Unlock()
}

// Delete removes the entry of a host and service; has says which of the two there are.
func (x *Index) Delete(host, service string, has event.Presence) {
	b := x.block(host, has)
	if b == nil {
		return
	}
	if s := b.find(x, service, has); s != nil {
		x.vacate(b, s)
	}
}

// vacate removes the entry of s, if there is one; the series stays known for a while.
func (x *Index) vacate(b *block, s *event.Series) {
	p, i := b.locate(s)
	if p.due[i] <= tickVacant {
		return
	}
	p.due[i] = tickVacant
	b.vacant++
	x.entries.Add(-1)
	x.texts -= int64(len(p.entries[i].description))
	b.mu.Lock()
	if x.image != nil {
		x.preserve(p)
	}
	p.entries[i] = entry{}
	b.mu.Unlock()
}

// Lookup returns a copy of the event of host and service, nil if there is none.
func (x *Index) Lookup(host, service string) *event.Event {
	if e, ok := x.Get(host, service, identity); ok {
		return &e
	}
	return nil
}

// Get returns the event of a host and service; has says which of the two there are.
func (x *Index) Get(host, service string, has event.Presence) (event.Event, bool) {
	x.mu.RLock()
	b := x.block(host, has)
	x.mu.RUnlock()
	var e event.Event
	if b == nil {
		return e, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.find(x, service, has)
	if s == nil {
		return e, false
	}
	p, i := b.locate(s)
	n := &p.entries[i]
	if !n.live() {
		return e, false
	}
	n.load(&e, s)
	return e, true
}
