package index

import (
	"hash/maphash"

	"zeta/event"
)

// names finds the position of a service in a block. It is an extendible hash: a directory of segments of
// up to 512 slots, which split one at a time, so that no growth ever moves many. A block of few
// series has none and is searched in order.
//
// A slot is 0 or a tag, the hash's low byte, above the position + 1: few wrong strings are ever compared.
type names struct {
	only segment    // while one is enough, it stands in the block: steps to far memory count
	dir  []*segment // indexed by the hash's top bits; neighbours may share a segment. nil: only
	bits uint8
}

type segment struct {
	bits  uint8 // of the hash that all of its series share
	used  int
	slots []uint32
}

const (
	namesFrom    = 9   // series of a block from which it has a table
	segmentSlots = 512 // a fuller segment splits
	segmentBits  = 20  // beyond which it grows instead: a million segments hold any block
)

func (x *Index) hash(service string, has event.Presence) uint64 {
	h := maphash.String(x.seed, service)
	if has&event.HasService == 0 {
		h = ^h
	}
	return h
}

// segment returns the segment of a hash.
func (t *names) segment(h uint64) *segment {
	if t.dir == nil {
		return &t.only
	}
	return t.dir[h>>(64-t.bits)]
}

func slotOf(h uint64, pos uint32) uint32 { return uint32(h&0xff)<<24 | (pos + 1) }
func posOf(slot uint32) uint32           { return slot&0xffffff - 1 }

// find returns the series of a service, nil if the block has none.
func (b *block) find(x *Index, service string, has event.Presence) *event.Series {
	if b.names.only.slots == nil {
		for n := range b.pages() {
			for _, s := range b.page(n).series {
				if s != nil && s.Service == service && s.Has&event.HasService == has&event.HasService {
					return s
				}
			}
		}
		return nil
	}
	h := x.hash(service, has)
	seg := b.names.segment(h)
	mask := uint64(len(seg.slots) - 1)
	for i := h >> 8 & mask; seg.slots[i] != 0; i = (i + 1) & mask {
		if seg.slots[i]>>24 != uint32(h&0xff) {
			continue
		}
		s := b.at(posOf(seg.slots[i]))
		if s.Service == service && s.Has&event.HasService == has&event.HasService {
			return s
		}
	}
	return nil
}

// insertName adds a series that the block already holds.
func (b *block) insertName(x *Index, s *event.Series) {
	if b.names.only.slots == nil {
		if b.count < namesFrom {
			return
		}
		b.names.only.slots = make([]uint32, 16)
		for n := range b.pages() {
			for _, have := range b.page(n).series {
				if have != nil && have != s {
					b.insertName(x, have)
				}
			}
		}
	}
	h := x.hash(s.Service, s.Has)
	seg := b.names.segment(h)
	for (seg.used+1)*8 > len(seg.slots)*7 {
		if len(seg.slots) < segmentSlots || seg.bits >= segmentBits {
			b.rehash(x, seg, make([]uint32, 2*len(seg.slots)))
		} else {
			b.split(x, h, seg)
			seg = b.names.segment(h)
		}
	}
	seg.insert(h, s.Pos)
}

func (g *segment) insert(h uint64, pos uint32) {
	mask := uint64(len(g.slots) - 1)
	i := h >> 8 & mask
	for g.slots[i] != 0 {
		i = (i + 1) & mask
	}
	g.slots[i] = slotOf(h, pos)
	g.used++
}

// rehash gives g new slots and puts what was in it where the directory says.
func (b *block) rehash(x *Index, g *segment, slots []uint32) {
	old := g.slots
	g.slots, g.used = slots, 0
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		s := b.at(posOf(slot))
		h := x.hash(s.Service, s.Has)
		b.names.segment(h).insert(h, s.Pos)
	}
}

// split divides the segment of h in two, doubling the directory if need be.
func (b *block) split(x *Index, h uint64, seg *segment) {
	t := &b.names
	if t.dir == nil { // what is left in only just says that there is a table
		seg = &segment{used: seg.used, slots: seg.slots}
		t.dir = []*segment{seg}
	}
	if seg.bits == t.bits {
		dir := make([]*segment, 2*len(t.dir))
		for i, g := range t.dir {
			dir[2*i], dir[2*i+1] = g, g
		}
		t.dir, t.bits = dir, t.bits+1
	}
	seg.bits++
	high := &segment{bits: seg.bits, slots: make([]uint32, segmentSlots)}
	span := 1 << (t.bits - seg.bits) // directory places of each half
	first := int(h>>(64-t.bits)) &^ (2*span - 1)
	for i := first + span; i < first+2*span; i++ {
		t.dir[i] = high
	}
	b.rehash(x, seg, make([]uint32, segmentSlots))
}

// removeName removes a series, moving back those that were pushed on by it.
func (b *block) removeName(x *Index, s *event.Series) {
	if b.names.only.slots == nil {
		return
	}
	h := x.hash(s.Service, s.Has)
	seg := b.names.segment(h)
	mask := uint64(len(seg.slots) - 1)
	i := h >> 8 & mask
	for seg.slots[i] != slotOf(h, s.Pos) {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; seg.slots[j] != 0; j = (j + 1) & mask {
		other := b.at(posOf(seg.slots[j]))
		home := x.hash(other.Service, other.Has) >> 8 & mask
		if (j-home)&mask >= (j-i)&mask { // its home is not between the gap and itself
			seg.slots[i] = seg.slots[j]
			i = j
		}
	}
	seg.slots[i] = 0
	seg.used--
}
