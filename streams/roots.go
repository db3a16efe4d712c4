package streams

import (
	"encoding/binary"
	"math/bits"

	"zeta/event"
)

// The conditions of most rules ask first for a host, a service, a tag or an attribute, and that part has one
// value per series. The top level decides it once for each series and keeps a bit for each of its streams;
// an event then visits only the streams whose bit is set. Series with equal bits share them, so that a series
// costs four bytes.

// minDecided is how many such conditions make this worth it.
const minDecided = 4

// Bounds of what is remembered. Series with a higher number take the plain path; classes beyond the limit push all
// others out, and are decided anew.
const (
	maxDecided    = 16 << 20 // series
	maxClassBytes = 16 << 20
)

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
	t.scratch = make([]uint64, t.words)
	t.maxClasses = min(maxClassBytes/(16*t.words+128), 1<<24-1)
	t.forget()
	for _, p := range p.parts {
		c := rootStream{stream: p.build(env)}
		if w, ok := c.stream.(*where); ok && w.alone && w.place.fixed != nil {
			c.fixed, c.rest, c.next = w.place.fixed, w.place.rest, w.next
			t.decides[w.place] = true
		}
		t.streams = append(t.streams, c)
	}
	env.scope.graph.roots = t
	return t
}

// roots passes values to the streams of the top level.
type roots struct {
	in      *Input
	streams []rootStream
	words   int      // of 64 bits, for one series
	known   []uint32 // by Series.ID: the class, and Series.Turn in the low byte
	classes []class  // 0: of series not decided yet
	numbers map[classKey]uint32
	scratch []uint64
	key     []byte // scratch
	fast    uint64 // events that took the fast path
	decides map[*node]bool

	maxClasses int
}

// class is the bits of all series that have them, while their events carry this set.
type class struct {
	set  *event.Set
	bits []uint64
}

type classKey struct {
	set  *event.Set
	bits string
}

// rootStream is one stream of the top level. With fixed set, stream is a where, fixed and rest are the parts
// of its condition, and next is what follows it.
type rootStream struct {
	stream      Stream
	fixed, rest testFn
	next        Stream
}

// Push implements Stream.
func (t *roots) Push(v Value) {
	if e := v.Event; e != nil && e.Series != nil && e.Series.ID < maxDecided {
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
	if id < len(t.known) {
		k := t.known[id]
		c := &t.classes[k>>8]
		// Connections have sets of their own for equal tags and attributes.
		if uint8(k) == e.Series.Turn && c.bits != nil && (c.set == e.Set || c.set.Equal(e.Set)) {
			return c.bits
		}
	} else {
		t.known = append(t.known, make([]uint32, id+1-len(t.known))...)
	}
	n := t.classify(e)
	t.known[id] = n<<8 | uint32(e.Series.Turn)
	return t.classes[n].bits
}

// classify decides which streams events like e can pass and returns the class of their series.
func (t *roots) classify(e *event.Event) uint32 {
	clear(t.scratch)
	t.in.Value = EventValue(e)
	for i := range t.streams {
		if f := t.streams[i].fixed; f == nil || f(t.in) {
			t.scratch[i/64] |= 1 << (i % 64)
		}
	}
	t.key = t.key[:0]
	for _, w := range t.scratch {
		t.key = binary.LittleEndian.AppendUint64(t.key, w)
	}
	if n, ok := t.numbers[classKey{e.Set, string(t.key)}]; ok {
		return n
	}
	if len(t.classes) > t.maxClasses {
		t.forget()
	}
	n := uint32(len(t.classes))
	t.classes = append(t.classes, class{e.Set, append([]uint64(nil), t.scratch...)})
	t.numbers[classKey{e.Set, string(t.key)}] = n
	return n
}

// forget makes all series undecided.
func (t *roots) forget() {
	clear(t.known)
	t.classes = make([]class, 1)
	t.numbers = map[classKey]uint32{}
}
