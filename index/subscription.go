package index

import (
	"context"
	"slices"

	"zeta/event"
	"zeta/query"
)

// Chunk is some consecutive events of a subscription. It is shared by the group's subscribers and must not
// be changed.
type Chunk struct {
	Data   []byte        // as the format wrote them, one after the other
	Events []event.Event // instead of Data, when the format has no Append
	Count  int           // events
}

// Subscription is a place in the events of a group. Its methods may be called by one goroutine at a time,
// Close by any.
type Subscription struct {
	group *group
	next  uint64  // number of the next event to take. group.mu guards it and err
	err   error   // why it ended
	out   []Chunk // what Next returned last
}

// join makes a subscription to what is handed over from now on.
func (g *group) join() *Subscription {
	g.inMu.Lock()
	defer g.inMu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &Subscription{group: g, next: g.handed}
	if len(g.pending) > 0 {
		g.breaks = append(g.breaks, g.handed)
	}
	g.subs = append(g.subs, s)
	return s
}

// Next returns what there is to read, waiting for the first of it. The slice is valid until the next call,
// the chunks themselves as long as they are needed. The error is ErrLagged, ErrClosed or the context's.
func (s *Subscription) Next(ctx context.Context) ([]Chunk, error) {
	g := s.group
	clear(s.out)
	s.out = s.out[:0]
	for {
		g.mu.Lock()
		if s.err != nil {
			g.mu.Unlock()
			return nil, s.err
		}
		if g.give(s); len(s.out) > 0 {
			g.mu.Unlock()
			return s.out, nil
		}
		g.waiting = true
		more := g.more
		g.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// give moves the chunks that s has not taken to s.out. mu is held.
func (g *group) give(s *Subscription) {
	for i := range g.chunks {
		if c := &g.chunks[i]; c.from >= s.next {
			s.out = append(s.out, c.Chunk)
			s.next = c.to
			c.left--
		}
	}
	g.trim()
}

// Close ends the subscription; Next returns ErrClosed from then on.
func (s *Subscription) Close() { s.group.hub.leave(s, ErrClosed) }

// part takes s out of the group. It returns how many stay; ok is false if s had left before.
func (g *group) part(s *Subscription, err error) (left int, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.subs, s)
	if i < 0 {
		return len(g.subs), false
	}
	g.subs = slices.Delete(g.subs, i, i+1)
	if s.err == nil {
		g.release(s)
		s.err = err
		g.trim()
		g.tell()
	}
	return len(g.subs), true
}

func (g *group) members() []*Subscription {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.subs)
}

// end stops the group after its last subscription.
func (g *group) end() {
	g.inMu.Lock()
	g.dead = true
	g.hub.pending.Add(-int64(len(g.pending)))
	g.pending = nil
	g.inMu.Unlock()
	g.mu.Lock()
	g.ended = true
	g.mu.Unlock()
	close(g.done)
}

// Snapshot is the entries that matched a query at the moment of a subscription, as far as they have not
// changed since.
type Snapshot struct {
	index *Index
	query *query.Query
	watch *watch
}

// maxWatches bounds the snapshots under way at a time; each makes every Put a little dearer.
const maxWatches = 256

// SubscribeWithSnapshot subscribes to topic and opens a snapshot of x's entries that match q; read and
// close it outside the engine's lock, then read the subscription. The two together miss nothing and hold
// nothing twice: an entry is in the snapshot if it was there when the subscription began and has not
// been put again before the snapshot got to it; if it was put again, that event is in the subscription.
//
// It belongs to the engine: it is called between two batches, after Flush.
func (h *Hub) SubscribeWithSnapshot(x *Index, topic string, q *query.Query, f Format) (*Subscription, *Snapshot, error) {
	if x.pruneWatches(); len(x.watches) >= maxWatches {
		h.refused.Add(1)
		return nil, nil, ErrTooMany
	}
	s, err := h.Subscribe(topic, q, f)
	if err != nil {
		return nil, nil, err
	}
	return s, &Snapshot{index: x, query: q, watch: x.openWatch()}, nil
}

// Scan calls fn with the snapshot's events as Index.Scan does.
func (s *Snapshot) Scan(l Limits, fn func(batch []event.Event) error) error {
	return s.index.scan(s.query, l, s.watch, fn)
}

// Close gives up the snapshot.
func (s *Snapshot) Close() { s.watch.closed.Store(true) }
