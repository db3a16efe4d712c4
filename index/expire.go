package index

import (
	"cmp"
	"slices"

	"zeta/event"
)

// dying is an entry found to be past its ttl.
type dying struct {
	created uint64
	s       *event.Series
}

// Expire removes every entry whose age at now (µs) exceeds its ttl and calls fn with each, in the order in
// which the entries were created; last is lent to fn. The entry is gone when fn is called, and fn may use the
// index: an entry that it puts anew is spared. Age is counted from the event's time, or from its arrival when
// the two were further apart than Options.Skew. Expire returns how many entries expired. It also forgets
// series that have been vacant and unused since the last call but one.
func (x *Index) Expire(now int64, fn func(last *event.Event)) int {
	tick, n := x.tick(now), 0
	x.dying = x.dying[:0]
	for _, b := range x.blocks {
		if b != nil && (b.minDue <= tick || b.vacant > 0) {
			x.sweep(b, now, tick)
		}
	}
	slices.SortFunc(x.dying, func(a, b dying) int { return cmp.Compare(a.created, b.created) })
	last := new(event.Event)
	for _, d := range x.dying {
		if !x.owns(d.s) || !x.isExpired(d.s, now, tick) {
			continue
		}
		b := x.blocks[d.s.HostID]
		p, i := b.locate(d.s)
		p.entries[i].load(last, d.s)
		x.vacate(b, d.s)
		x.expired.Add(1)
		n++
		fn(last)
	}
	clear(x.dying)
	if cap(x.dying) > 1<<16 {
		x.dying = nil
	}
	return n
}

// sweep adds the expired entries of b to x.dying, and forgets its idle series.
func (x *Index) sweep(b *block, now int64, tick uint32) {
	soonest := uint32(tickLast)
	for n := range b.pages() {
		p := b.page(n)
		series := p.series // a page that loses its last series drops its columns
		for i, due := range p.due {
			s := (*event.Series)(nil)
			if due <= tick {
				s = series[i]
			}
			switch {
			case s == nil: // not yet due, or a free place
				soonest = min(soonest, due)
			case due >= tickFirst:
				if x.isExpired(s, now, tick) {
					x.dying = append(x.dying, dying{p.entries[i].created(), s})
				}
				soonest = min(soonest, due)
			case due == tickVacant:
				p.due[i] = 0
			default:
				x.forget(b, s)
			}
		}
	}
	b.minDue = soonest
}

// isExpired decides exactly what the tick says coarsely.
func (x *Index) isExpired(s *event.Series, now int64, tick uint32) bool {
	p, i := x.blocks[s.HostID].locate(s)
	if p.due[i] > tick || p.due[i] <= tickVacant {
		return false
	}
	n := &p.entries[i]
	return now > x.deadline(n.base(), n.ttl, event.Presence(n.meta))
}

// Shift moves all deadlines by delta µs: after a restart, by the time zeta was down.
func (x *Index) Shift(delta int64) {
	for _, b := range x.blocks {
		if b == nil {
			continue
		}
		b.mu.Lock()
		b.minDue = tickLast
		for n := range b.pages() {
			p := b.page(n)
			if x.image != nil {
				x.preserve(p)
			}
			for i := range p.entries {
				n := &p.entries[i]
				if !n.live() {
					continue
				}
				n.arrival = n.base() + delta
				n.meta |= metaFromArrival
				p.due[i] = x.tick(x.deadline(n.arrival, n.ttl, event.Presence(n.meta)))
				b.minDue = min(b.minDue, p.due[i])
			}
		}
		b.mu.Unlock()
	}
}
