package index

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"zeta/event"
	"zeta/query"
)

type groupKey struct{ topic, query, format string }

// group is the subscriptions of one topic, query and format. Its events are numbered from 0 as they are
// handed over; chunks and subscribers' places are told by those numbers.
type group struct {
	hub    *Hub
	key    groupKey
	query  *query.Query
	format Format

	// The engine's own.
	batch []event.Event
	over  int // events that batch had no room for

	inMu    sync.Mutex
	pending []event.Event // handed over, not yet encoded: the numbers from handed-len(pending)
	handed  uint64        // events handed over so far
	breaks  []uint64      // numbers in pending at which a chunk must begin: somebody joined there
	dead    bool
	wake    chan struct{}
	done    chan struct{}

	mu      sync.Mutex
	subs    []*Subscription
	chunks  []held
	bytes   int
	ended   bool
	waiting bool          // a subscriber waits for more
	more    chan struct{} // closed when there is more
	drained chan struct{} // told when chunks have been taken by all

	patience time.Duration // left of HubOptions.Patience
}

// held is a chunk with its place.
type held struct {
	Chunk
	from, to uint64
	size     int
	left     int // subscribers that have not taken it
}

const (
	chunkBytes    = 64 << 10 // a chunk ends when it is longer
	chunkOverhead = 128      // what a chunk costs beside its data
	eventBytes    = 256      // what an event that is not encoded counts
	keepEvents    = 4096     // a longer buffer is not kept
)

func newGroup(h *Hub, key groupKey, q *query.Query, f Format) *group {
	return &group{
		hub: h, key: key, query: q, format: f,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		more: make(chan struct{}), drained: make(chan struct{}, 1),
	}
}

// hand gives the engine's batch to the group's goroutine. When too many events wait already, all that
// wait are dropped, and with them the subscribers who miss them.
func (g *group) hand() {
	n, h := len(g.batch), g.hub
	g.inMu.Lock()
	switch {
	case g.dead:
	case g.over > 0 || int(h.pending.Load())+n > h.opts.Pending:
		h.overflow.Add(uint64(n + g.over + len(g.pending)))
		h.pending.Add(-int64(len(g.pending)))
		g.pending, g.breaks = g.pending[:0], g.breaks[:0]
		g.handed += uint64(n + g.over)
	default:
		if len(g.pending) == 0 {
			g.pending, g.batch = g.batch, g.pending
		} else {
			g.pending = append(g.pending, g.batch...)
		}
		g.handed += uint64(n)
		h.pending.Add(int64(n))
	}
	g.inMu.Unlock()
	g.over = 0
	if g.batch = g.batch[:0]; cap(g.batch) > keepEvents {
		g.batch = nil
	}
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// encode is the group's goroutine.
func (g *group) encode() {
	var spare []event.Event
	var buf []byte
	reached := uint64(0) // events seen here so far
	for {
		select {
		case <-g.wake:
		case <-g.done:
			return
		}
		g.inMu.Lock()
		events, breaks, from := g.pending, g.breaks, g.handed-uint64(len(g.pending))
		g.pending, g.breaks = spare[:0], nil
		g.inMu.Unlock()
		g.hub.pending.Add(-int64(len(events)))

		if from > reached { // what was between was dropped
			g.mu.Lock()
			g.cut(from)
			g.trim()
			g.mu.Unlock()
		}
		reached = from + uint64(len(events))
		buf = g.write(events, from, breaks, buf)
		clear(events)
		if spare = events; cap(spare) > keepEvents {
			spare = nil
		}
	}
}

// write makes chunks of events. It returns the buffer for the next time.
func (g *group) write(events []event.Event, from uint64, breaks []uint64, buf []byte) []byte {
	start, buf := 0, buf[:0]
	emit := func(end int) {
		if end == start {
			return
		}
		c := held{Chunk: Chunk{Count: end - start}, from: from + uint64(start), to: from + uint64(end)}
		if g.format.Append == nil {
			c.Events = slices.Clone(events[start:end])
			c.size = chunkOverhead + eventBytes*c.Count
		} else {
			c.Data = bytes.Clone(buf)
			c.size = chunkOverhead + len(c.Data)
		}
		g.add(c)
		g.hub.encoded.Add(uint64(c.Count))
		start, buf = end, buf[:0]
	}
	for i := range events {
		if len(breaks) > 0 && breaks[0] == from+uint64(i) {
			breaks = breaks[1:]
			emit(i)
		}
		if g.format.Append != nil {
			buf = g.format.Append(buf, &events[i])
		}
		if len(buf) >= chunkBytes || i-start >= chunkBytes/eventBytes && g.format.Append == nil {
			emit(i + 1)
		}
	}
	emit(len(events))
	if cap(buf) > 4*chunkBytes {
		return nil
	}
	return buf
}

// add appends a chunk for the subscribers that wait for it. While some have half a backlog to read, it
// waits a little, so that a burst does not cut off those who do read.
func (g *group) add(c held) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wait(c.size)
	if g.ended {
		return
	}
	for _, s := range g.subs {
		if s.err == nil && s.next <= c.from {
			c.left++
		}
	}
	if c.left == 0 {
		return
	}
	g.chunks = append(g.chunks, c)
	g.bytes += c.size
	h := g.hub
	h.bytes.Add(int64(c.size))
	for len(g.chunks) > 1 && (g.bytes > h.opts.Backlog || g.bytes > h.share()) {
		g.cut(g.chunks[0].to)
		g.trim()
	}
	g.tell()
}

// wait returns, with mu held, when a chunk of this size fits half the backlog. All its waiting between
// two moments when there was nothing to wait for takes Patience at most: then who lags is cut off.
func (g *group) wait(size int) {
	fits := func() bool { return len(g.chunks) == 0 || g.bytes+size <= g.hub.opts.Backlog/2 }
	if fits() {
		g.patience = g.hub.opts.Patience
		return
	}
	begin := time.Now()
	timer := time.NewTimer(g.patience)
	defer timer.Stop()
	for g.patience > 0 && !g.ended && !fits() {
		g.mu.Unlock()
		select {
		case <-g.drained:
		case <-g.done:
		case <-timer.C:
		}
		g.mu.Lock()
		g.patience = max(0, g.patience-time.Since(begin))
		begin = time.Now()
	}
}

// cut ends the subscriptions that have not got all events before this number. mu is held.
func (g *group) cut(before uint64) {
	for _, s := range g.subs {
		if s.err == nil && s.next < before {
			g.release(s)
			s.err = ErrLagged
			g.hub.lagged.Add(1)
		}
	}
	g.tell()
}

// tell wakes the subscribers that wait. mu is held.
func (g *group) tell() {
	if g.waiting {
		g.waiting = false
		close(g.more)
		g.more = make(chan struct{})
	}
}

// release says that s will not take what it has not taken yet. mu is held.
func (g *group) release(s *Subscription) {
	for i := range g.chunks {
		if g.chunks[i].from >= s.next {
			g.chunks[i].left--
		}
	}
}

// trim drops the chunks that all have taken. mu is held.
func (g *group) trim() {
	n := 0
	for n < len(g.chunks) && g.chunks[n].left == 0 {
		g.bytes -= g.chunks[n].size
		g.hub.bytes.Add(-int64(g.chunks[n].size))
		n++
	}
	g.chunks = slices.Delete(g.chunks, 0, n)
	if n > 0 {
		select {
		case g.drained <- struct{}{}:
		default:
		}
	}
}
