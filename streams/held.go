package streams

import "unsafe"

// Sizes by which Held reckons, in bytes.
const (
	scopeBytes = 480 // of a fork, with its place in the tables of by
	nodeBytes  = 160 // of an operator with a little state
	keyBytes   = 112 // of a key, its place in the table and the links of its entry
)

// weighed is implemented by operators whose state grows with what they see: weight returns about how many bytes it
// takes.
type weighed interface{ weight() int64 }

// Held returns about how many bytes the state of the rules takes. Of the forks of one place it looks at a few, so
// that it is quick whatever their number. Call it as the engine's writer.
func (g *Graph) Held() int64 {
	n := g.scope.weight()
	for i := range g.queue {
		n += int64(sizeOf(&g.queue[i].event))
	}
	return n
}

func (s *scope) weight() int64 {
	n := int64(len(s.nodes)) * nodeBytes
	for i := range s.nodes {
		if w, ok := s.nodes[i].stream.(weighed); ok {
			n += w.weight()
		}
	}
	return n
}

// lookedAt is how many forks are looked at for all of one place.
const lookedAt = 16

// weight implements weighed.
func (b *by) weight() int64 {
	all := len(b.order)
	if all == 0 {
		return 0
	}
	some, sum := min(all, lookedAt), int64(0)
	for i := range some {
		f := b.order[i*all/some]
		sum += scopeBytes + int64(len(f.scope.key)) + f.scope.weight()
	}
	return sum*int64(all)/int64(some) + 32*int64(cap(b.near))
}

// weight returns the bytes of a table whose states hold on to nothing else.
func (t *keyed[T]) weight() int64 {
	var state T
	return int64(len(t.at)) * (keyBytes + int64(unsafe.Sizeof(state)))
}

func (q *queue) weight() int64 { return int64(q.bytes) }

func (n *absentAfter) weight() int64       { return n.waits.weight() }
func (b *batch) weight() int64             { return b.held.weight() }
func (c *changedState) weight() int64      { return c.sources.weight() }
func (n *clockSkew) weight() int64         { return n.hosts.weight() + 8*int64(cap(n.offsets)) }
func (c *coalesce) weight() int64          { return c.sources.weight() + int64(c.bytes) }
func (n *dedup) weight() int64             { return n.passed.weight() }
func (w *fixedEventWindow) weight() int64  { return w.kept.weight() }
func (w *fixedTimeWindow) weight() int64   { return w.kept.weight() }
func (n *flapping) weight() int64          { return n.sources.weight() }
func (f *foldInterval) weight() int64      { return int64(f.bytes) }
func (w *movingEventWindow) weight() int64 { return w.kept.weight() }
func (w *movingTimeWindow) weight() int64  { return w.kept.weight() }
func (p *percentiles) weight() int64       { return int64(p.bin.bytes) }
func (r *rollup) weight() int64            { return r.held.weight() }
func (n *sequence) weight() int64          { return n.open.weight() }
func (s *stable) weight() int64            { return int64(s.bytes) }
