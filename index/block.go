package index

import (
	"sync"

	"zeta/event"
)

// A page holds up to 256 series of a host: what a search copies at a time, and the most that growing moves.
const (
	pageBits = 8
	pageSize = 1 << pageBits
	pageMask = pageSize - 1
)

// block holds the series of one host. A series keeps its position (event.Series.Pos) for its life.
// The engine is the only writer: it reads freely, and takes mu to write what searches read.
type block struct {
	host    string
	missing bool // events without a host
	id      uint32

	// The engine's own.
	next   uint32 // position after the series resolved last: nearly always the next one asked for
	stray  bool   // that was wrong the last time
	minDue uint32 // no deadline of the block is earlier
	count  int    // series
	vacant int    // series without an entry
	room   int    // no page before this one has a free place

	mu    sync.Mutex
	names names
	first page // most hosts have no other: one step less to what is far in memory
	more  []*page
}

// pages returns how many pages there are.
func (b *block) pages() int { return 1 + len(b.more) }

// page returns page i.
func (b *block) page(i int) *page {
	if i == 0 {
		return &b.first
	}
	return b.more[i-1]
}

// locate returns the page and the place of a series that the block holds.
func (b *block) locate(s *event.Series) (*page, int) {
	return b.page(int(s.Pos >> pageBits)), int(s.Pos & pageMask)
}

// page is a column each of series, service numbers and entries. All have one length.
type page struct {
	series  []*event.Series // nil: a free place
	service []uint32
	entries []entry
	due     []uint32 // ticks; 0 and 1: vacant, 1: used since the last sweep. The engine's own
	used    int32
	image   uint32 // the last Image that has the page
}

// at returns the series at a position, nil if there is none.
func (b *block) at(pos uint32) *event.Series {
	if n := int(pos >> pageBits); n < b.pages() {
		if p, i := b.page(n), int(pos&pageMask); i < len(p.series) {
			return p.series[i]
		}
	}
	return nil
}

// place finds a position for a new series.
func (b *block) place() uint32 {
	for ; b.room < b.pages(); b.room++ {
		p := b.page(b.room)
		if int(p.used) < len(p.series) {
			for i, s := range p.series {
				if s == nil {
					return uint32(b.room<<pageBits | i)
				}
			}
		}
		if len(p.series) < pageSize {
			return uint32(b.room<<pageBits | len(p.series))
		}
	}
	return uint32(b.room << pageBits)
}

// add puts a vacant series at its position, which place has found. mu is held.
func (b *block) add(s *event.Series, service uint32) {
	if int(s.Pos>>pageBits) == b.pages() {
		b.more = append(b.more, &page{})
	}
	p, i := b.locate(s)
	if i == len(p.series) {
		p.grow()
	}
	p.series[i], p.service[i], p.entries[i], p.due[i] = s, service, entry{}, tickVacant
	p.used++
	b.count++
	b.vacant++
}

// grow lengthens the columns by one place. Their capacity grows by an eighth, as memory matters more here
// than the moves of a page that is filled once.
func (p *page) grow() {
	n := len(p.series)
	if n == cap(p.entries) {
		more := n + min(max(n, 1), max(4, n/8))
		entries := append([]entry(nil), make([]entry, min(more, pageSize))...) // append fills the size class
		room := min(cap(entries), pageSize)
		copy(entries, p.entries)
		p.entries = entries[:n:room]
		p.series = append(make([]*event.Series, 0, room), p.series...)
		p.service = append(make([]uint32, 0, room), p.service...)
		p.due = append(make([]uint32, 0, room), p.due...)
	}
	p.entries, p.series, p.service, p.due = p.entries[:n+1], append(p.series, nil), append(p.service, 0), append(p.due, tickLast)
}

// remove frees the position of a vacant series; a page left empty gives back its memory. mu is held.
func (b *block) remove(s *event.Series) {
	p, i := b.locate(s)
	p.series[i], p.entries[i], p.due[i] = nil, entry{}, tickLast
	p.used--
	b.count--
	b.vacant--
	b.room = min(b.room, int(s.Pos>>pageBits))
	if p.used == 0 {
		*p = page{}
	}
}
