package index

import (
	"sync"

	"zeta/event"
	"zeta/internal/giveway"
	"zeta/query"
)

// candidates are copies of what a page holds, made under the block's lock and looked at outside it.
type candidates struct {
	series  []*event.Series
	entries []entry
	numbers [pageSize]uint32 // services of a page
	wanted  [pageSize]uint8  // places of a page
	matches []event.Event    // those that fit, for take

	turn  giveway.Turn
	spent int // cost since the turn was looked at
}

var candidatesPool = sync.Pool{New: func() any {
	return &candidates{
		entries: make([]entry, 0, pageSize), series: make([]*event.Series, 0, pageSize),
		matches: make([]event.Event, 0, pageSize),
	}
}}

// putCandidates gives back c, which must not keep events alive meanwhile.
func putCandidates(c *candidates) {
	clear(c.entries[:cap(c.entries)])
	clear(c.series[:cap(c.series)])
	clear(c.matches[:cap(c.matches)])
	c.turn.Close()
	c.turn, c.spent = giveway.Turn{}, 0
	candidatesPool.Put(c)
}

// pageCost is what the way to a page costs, seldom in the processor's caches, beside its entries.
const pageCost = 32

// rest lets the engine's connections go first, now and then. No lock is held.
func (c *candidates) rest(cost int) {
	if c.spent += pageCost + cost; c.spent >= clockEvery {
		c.spent = 0
		c.turn.Next()
	}
}

// walk calls take with the entries of every page that has some, until it returns false. s narrows the
// choice and says when to stop; nil: all.
func (x *Index) walk(s *search, take func(c *candidates) bool) {
	c := candidatesPool.Get().(*candidates)
	defer putCandidates(c)
	var hosts []query.Key
	if s != nil {
		hosts = s.plan.Hosts
	}
	if hosts != nil {
		for _, h := range hosts {
			x.mu.RLock()
			b := x.hosts[h.Name]
			if h.Missing {
				b = x.noHost
			}
			x.mu.RUnlock()
			if b != nil && !c.walk(b, s, take) {
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
			if b != nil && !c.walk(b, s, take) {
				return
			}
		}
	}
}

func (c *candidates) walk(b *block, s *search, take func(c *candidates) bool) bool {
	if s != nil {
		if !s.spend(1) {
			return false
		}
		if s.plan.Host != nil && !s.wantsHost(b) {
			return true
		}
	}
	each := 4
	if s != nil {
		each = s.q.Cost()
	}
	for i := 0; ; i++ {
		more := false
		if s != nil && s.plan.Service != nil {
			more = c.copyWanted(b, i, s)
		} else {
			more = c.copyAll(b, i, s)
		}
		if !more {
			return true
		}
		if len(c.entries) > 0 && !take(c) {
			return false
		}
		c.rest(each * len(c.entries))
	}
}

// copyAll copies the entries of page i; false when there is no such page.
func (c *candidates) copyAll(b *block, i int, s *search) bool {
	c.entries, c.series = c.entries[:0], c.series[:0]
	b.mu.Lock()
	defer b.mu.Unlock()
	if i >= b.pages() {
		return false
	}
	p := b.page(i)
	for j := range p.entries {
		c.add(p, j, s)
	}
	return true
}

// copyWanted copies the entries of page i whose service is wanted; false when there is no such page. A
// service not seen before is judged outside the lock, as that may take long.
func (c *candidates) copyWanted(b *block, i int, s *search) bool {
	c.entries, c.series = c.entries[:0], c.series[:0]
	b.mu.Lock()
	if i >= b.pages() {
		b.mu.Unlock()
		return false
	}
	n := copy(c.numbers[:], b.page(i).service)
	b.mu.Unlock()

	wanted := c.wanted[:0]
	for j, number := range c.numbers[:n] {
		verdict := undecided
		if int(number) < len(s.decided) {
			verdict = s.decided[number]
		}
		if verdict == undecided {
			verdict = c.decide(b, i, j, s)
		}
		if verdict == isWanted {
			wanted = append(wanted, uint8(j))
		}
	}
	if len(wanted) == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(i)
	for _, j := range wanted {
		if int(j) < len(p.series) {
			c.add(p, int(j), s)
		}
	}
	return true
}

// decide asks s about the service at place j of page i.
func (c *candidates) decide(b *block, i, j int, s *search) verdict {
	b.mu.Lock()
	p := b.page(i)
	var of *event.Series
	number := uint32(0)
	if j < len(p.series) {
		of, number = p.series[j], p.service[j]
	}
	b.mu.Unlock()
	if of == nil {
		return notWanted
	}
	return s.decide(of, number)
}

// add copies the entry at place j of p, if there is one that is wanted. The block's lock is held.
func (c *candidates) add(p *page, j int, s *search) {
	if p.entries[j].live() && (s == nil || s.watch == nil || !s.watch.marked(p.series[j])) {
		c.entries = append(c.entries, p.entries[j])
		c.series = append(c.series, p.series[j])
	}
}
