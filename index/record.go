package index

import "zeta/event"

// Record is an entry as a checkpoint keeps it.
type Record struct {
	Event       event.Event // its Series means nothing after a restart
	Arrival     int64       // µs; what its ttl counts from, if FromArrival
	FromArrival bool
	Created     uint64 // orders entries by their creation
}

// Records calls fn with every entry, until fn returns false. r is lent to fn. The records are of one
// moment only while the engine stands still; see Image.
func (x *Index) Records(fn func(r *Record) bool) {
	x.walk(nil, func(c *candidates) bool { return records(c.series, c.entries, fn) })
}

// Restore puts a recorded entry back; false if a cap refused it.
func (x *Index) Restore(r *Record) bool {
	e := r.Event
	e.Series = nil
	s := x.Resolve(&e)
	if s == nil {
		x.refused.Add(1)
		return false
	}
	base := e.Time
	if r.FromArrival {
		base = r.Arrival
	}
	x.setEpoch(base)
	newest := max(x.created, r.Created)
	x.created = r.Created - 1 // put counts on
	x.put(s, &e, r.Arrival, r.FromArrival, x.tick(x.deadline(base, e.TTL, e.Has)))
	x.created = newest
	return true
}
