package streams

import (
	"math/bits"

	"zeta/event"
)

// The conditions of most rules ask first for a host, a service, a tag or an attribute, and that part has one
// value per series. The top level decides it once for each series and keeps a bit for each of its streams;
// an event then visits only the streams whose bit is set.

// minDecided is how many such conditions make this worth it.
const minDecided = 4

// maxMaskBytes bounds the bits of all series; series beyond it take the plain path.
const maxMaskBytes = 64 << 20

// rootsPart is the top level with conditions that can be decided per series.
type rootsPart struct{ parts fan }

// newRoots returns p, or p with its conditions decided per series if there are enough of them.
func newRoots(p part) part {
	parts, _ := p.(fan)
	decided := 0
	for _, p := range parts {
		if n, ok := p.(*node); ok && n.fixed != nil {
			decided++
		}
	}
	if decided < minDecided {
		return p
	}
	return &rootsPart{parts}
}

// build implements part.
func (p *rootsPart) build(env *Env) Stream {
	t := &roots{in: env.scope.in, words: (len(p.parts) + 63) / 64, decides: map[*node]bool{}}
	for _, p := range p.parts {
		c := rootStream{stream: p.build(env)}
		if w, ok := c.stream.(*where); ok && w.alone && w.place.fixed != nil {
			c.fixed, c.rest, c.next = w.place.fixed, w.place.rest, w.next
			t.decides[w.place] = true
		}
		t.streams = append(t.streams, c)
	}
	t.limit = maxMaskBytes / (8 * t.words)
	env.scope.graph.roots = t
	return t
}

// roots passes values to the streams of the top level.
type roots struct {
	in      *Input
	streams []rootStream
	words   int // of 64 bits, for one series
	limit   int // series
	known   []decided
	masks   []uint64
	fast    uint64 // events that took the fast path
	decides map[*node]bool
}

// rootStream is one stream of the top level. With fixed set, stream is a where, fixed and rest are the parts
// of its condition, and next is what follows it.
type rootStream struct {
	stream      Stream
	fixed, rest testFn
	next        Stream
}

// decided says for which series and set the bits hold. Holding the series keeps its address from being used
// for another one.
type decided struct {
	series *event.Series
	set    *event.Set
}

// Push implements Stream.
func (t *roots) Push(v Value) {
	if e := v.Event; e != nil && e.Series != nil && int(e.Series.ID) < t.limit {
		t.pushFast(v, t.mask(e))
		return
	}
	// Slow path: every stream tests its whole condition.
	for i := range t.streams {
		t.streams[i].stream.Push(v)
	}
}

// pushFast visits the streams whose bit is set.
func (t *roots) pushFast(v Value, mask []uint64) {
	t.fast++
	for w, word := range mask {
		for ; word != 0; word &= word - 1 {
			s := &t.streams[w*64+bits.TrailingZeros64(word)]
			if s.fixed == nil {
				s.stream.Push(v)
				continue
			}
			if s.rest != nil {
				t.in.Value = v
				if !s.rest(t.in) {
					continue
				}
			}
			s.next.Push(v)
		}
	}
}

// mask returns the bits for the series of e.
func (t *roots) mask(e *event.Event) []uint64 {
	id := int(e.Series.ID)
	if id >= len(t.known) {
		t.known = append(t.known, make([]decided, id+1-len(t.known))...)
		t.masks = append(t.masks, make([]uint64, len(t.known)*t.words-len(t.masks))...)
	}
	mask := t.masks[id*t.words : (id+1)*t.words]
	if k := &t.known[id]; k.series != e.Series || k.set != e.Set {
		*k = decided{e.Series, e.Set}
		t.decide(e, mask)
	}
	return mask
}

// decide sets the bits of the streams that events like e can pass.
func (t *roots) decide(e *event.Event, mask []uint64) {
	clear(mask)
	t.in.Value = EventValue(e)
	for i := range t.streams {
		if f := t.streams[i].fixed; f == nil || f(t.in) {
			mask[i/64] |= 1 << (i % 64)
		}
	}
}
