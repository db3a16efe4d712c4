package index

import (
	"zeta/event"
	"zeta/query"
)

// candidates are copies of what a page holds, made under the block's lock and looked at outside it.
type candidates struct {
	host    func(b *block) bool                        // nil: every host
	service func(of *event.Series, number uint32) bool // nil: every service
	spend   func(cost int) bool                        // false: stop; nil: go on
	watch   *watch                                     // leaves out what it marks

	series  []*event.Series
	entries []entry
	columns [pageSize]*event.Series
	numbers [pageSize]uint32
	wanted  [pageSize]uint8 // places of a page
}

// pages calls take with the entries of every page that has some, until it returns false. s narrows the
// choice; nil: all.
func (x *Index) pages(s *search, take func(c *candidates) bool) {
	c := &candidates{}
	var hosts []query.Key
	if s != nil {
		c, hosts = &s.cand, s.plan.Hosts
	}
	c.entries = make([]entry, 0, pageSize)
	c.series = make([]*event.Series, 0, pageSize)
	if hosts != nil {
		for _, h := range hosts {
			x.mu.RLock()
			b := x.hosts[h.Name]
			if h.Missing {
				b = x.noHost
			}
			x.mu.RUnlock()
			if b != nil && !c.block(b, take) {
				return
			}
		}
		return
	}
	var some [256]*block
	for from := 0; ; from += len(some) {
		x.mu.RLock()
		n := 0
		if from < len(x.blocks) {
			n = copy(some[:], x.blocks[from:])
		}
		x.mu.RUnlock()
		if n == 0 {
			return
		}
		for _, b := range some[:n] {
			if b != nil && !c.block(b, take) {
				return
			}
		}
	}
}

func (c *candidates) block(b *block, take func(c *candidates) bool) bool {
	if c.spend != nil && !c.spend(1) {
		return false
	}
	if c.host != nil && !c.host(b) {
		return true
	}
	for i := 0; ; i++ {
		more := false
		if c.service != nil {
			more = c.copyWanted(b, i)
		} else {
			more = c.copyAll(b, i)
		}
		if !more {
			return true
		}
		if len(c.entries) > 0 && !take(c) {
			return false
		}
	}
}

// copyAll copies the entries of page i; false when there is no such page.
func (c *candidates) copyAll(b *block, i int) bool {
	c.entries, c.series = c.entries[:0], c.series[:0]
	b.mu.Lock()
	defer b.mu.Unlock()
	if i >= len(b.pages) {
		return false
	}
	p := b.pages[i]
	for j := range p.entries {
		c.add(p, j)
	}
	return true
}

// copyWanted copies the entries of page i whose service is wanted. Services are judged outside the lock,
// as that may take long.
func (c *candidates) copyWanted(b *block, i int) bool {
	c.entries, c.series = c.entries[:0], c.series[:0]
	b.mu.Lock()
	if i >= len(b.pages) {
		b.mu.Unlock()
		return false
	}
	n := copy(c.columns[:], b.pages[i].series)
	copy(c.numbers[:], b.pages[i].service)
	b.mu.Unlock()

	wanted := c.wanted[:0]
	for j, s := range c.columns[:n] {
		if s != nil && c.service(s, c.numbers[j]) {
			wanted = append(wanted, uint8(j))
		}
	}
	if len(wanted) == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pages[i]
	for _, j := range wanted {
		if int(j) < len(p.series) {
			c.add(p, int(j))
		}
	}
	return true
}

// add copies the entry at place j of p, if there is one that is wanted. The block's lock is held.
func (c *candidates) add(p *page, j int) {
	if p.entries[j].live() && (c.watch == nil || !c.watch.marked(p.series[j])) {
		c.entries = append(c.entries, p.entries[j])
		c.series = append(c.series, p.series[j])
	}
}
