package index

import (
	"sync"
	"sync/atomic"

	"zeta/event"
)

// Image is the entries as they are at one moment, to be read while the engine goes on: whatever it writes to a page
// that has not been read yet, it copies the page first. There is one image at a time. It takes at most as much
// memory as the entries, and usually a page or two.
type Image struct {
	x      *Index
	number uint32
	closed atomic.Bool

	mu    sync.Mutex
	saved []pageCopy // by the engine, not yet read
}

// pageCopy is the entries of a page.
type pageCopy struct {
	series  []*event.Series
	entries []entry
}

// Image begins an image. For the engine; an image that is open ends without the rest of its entries.
func (x *Index) Image() *Image {
	if x.image != nil {
		x.image.Close()
	}
	x.images++
	x.image = &Image{x: x, number: x.images}
	return x.image
}

// preserve copies a page that is about to change, if the image lacks it. The block's lock is held.
func (x *Index) preserve(p *page) {
	m := x.image
	if m.closed.Load() {
		x.image = nil
		return
	}
	if p.image == m.number {
		return
	}
	p.image = m.number
	live := 0
	for i := range p.entries {
		if p.entries[i].live() {
			live++
		}
	}
	if live == 0 {
		return
	}
	c := pageCopy{make([]*event.Series, 0, live), make([]entry, 0, live)}
	for i := range p.entries {
		if p.entries[i].live() {
			c.series, c.entries = append(c.series, p.series[i]), append(c.entries, p.entries[i])
		}
	}
	m.mu.Lock()
	m.saved = append(m.saved, c)
	m.mu.Unlock()
}

// Records calls fn with every entry of the image, in no order, until fn returns false, and closes it. r is lent to
// fn. To be called once, by any goroutine.
func (m *Image) Records(fn func(r *Record) bool) {
	defer m.Close()
	x := m.x
	c := candidatesPool.Get().(*candidates)
	defer putCandidates(c)
	var some [256]*block
	for from := 0; ; from += len(some) {
		x.mu.RLock()
		n := 0
		if from < len(x.blocks) {
			n = copy(some[:], x.blocks[from:])
		}
		x.mu.RUnlock()
		if n == 0 {
			break
		}
		for _, b := range some[:n] {
			for i := 0; b != nil && c.copyImage(b, i, m.number); i++ {
				if !records(c.series, c.entries, fn) || !m.drain(fn) {
					return
				}
				c.rest(4 * len(c.entries))
			}
		}
	}
	m.drain(fn)
}

// drain calls fn with what the engine has saved.
func (m *Image) drain(fn func(r *Record) bool) bool {
	m.mu.Lock()
	saved := m.saved
	m.saved = nil
	m.mu.Unlock()
	for _, c := range saved {
		if !records(c.series, c.entries, fn) {
			return false
		}
	}
	return true
}

// copyImage copies the entries of page i, unless the image has it; false when there is no such page.
func (c *candidates) copyImage(b *block, i int, number uint32) bool {
	c.entries, c.series = c.entries[:0], c.series[:0]
	b.mu.Lock()
	defer b.mu.Unlock()
	if i >= b.pages() {
		return false
	}
	p := b.page(i)
	if p.image == number {
		return true
	}
	p.image = number
	for j := range p.entries {
		c.add(p, j, nil)
	}
	return true
}

// Close ends the image, read or not: the engine copies no more. Safe to call again, by anyone.
func (m *Image) Close() {
	m.closed.Store(true)
	m.mu.Lock()
	m.saved = nil
	m.mu.Unlock()
}

// records calls fn with entries, until it returns false.
func records(series []*event.Series, entries []entry, fn func(r *Record) bool) bool {
	var r Record
	for i := range series {
		n := &entries[i]
		n.load(&r.Event, series[i])
		r.Arrival, r.FromArrival, r.Created = n.arrival, n.meta&metaFromArrival != 0, n.created()
		if !fn(&r) {
			return false
		}
	}
	return true
}
