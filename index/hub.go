package index

import (
	"errors"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"zeta/event"
	"zeta/query"
)

// Hub carries published events to subscriptions. Subscriptions of one topic, query and format form a
// group: an event is matched once for each group, and encoded once however many subscribers there are.
//
// The engine calls Publish for each event and Flush after each batch; neither waits for a subscriber. A
// goroutine per group encodes what Flush has handed over and appends it, in chunks, to a list that the
// subscribers read at their own pace. A subscriber that lets more than HubOptions.Backlog pile up is cut off.
type Hub struct {
	opts   HubOptions
	topics atomic.Pointer[map[string][]*group] // replaced whole by whoever holds mu
	dirty  []*group                            // the engine's own: groups with events since the last Flush

	mu     sync.Mutex // before group.inMu, before group.mu
	groups map[groupKey]*group
	subs   int
	closed bool
	run    sync.WaitGroup

	count    atomic.Int64 // groups
	pending  atomic.Int64 // events waiting to be encoded
	bytes    atomic.Int64 // held in chunks
	encoded  atomic.Uint64
	lagged   atomic.Uint64
	overflow atomic.Uint64
	refused  atomic.Uint64
}

// HubOptions are the bounds of a Hub. Zero fields take the defaults.
type HubOptions struct {
	Backlog       int           // bytes a subscriber may lag behind; default 1 MiB
	Memory        int           // bytes held for all subscribers; beyond it each group keeps to its share; default 64 MiB
	Pending       int           // events waiting to be encoded, of all groups; default 262,144
	Groups        int           // distinct topic, query and format; default 1,000
	Subscriptions int           // default 10,000
	Patience      time.Duration // how long a group waits for laggards before it cuts them off; default 100 ms
}

func (o HubOptions) withDefaults() HubOptions {
	for _, f := range []struct {
		v   *int
		def int
	}{{&o.Backlog, 1 << 20}, {&o.Memory, 64 << 20}, {&o.Pending, 1 << 18}, {&o.Groups, 1000}, {&o.Subscriptions, 10_000}} {
		if *f.v <= 0 {
			*f.v = f.def
		}
	}
	if o.Patience <= 0 {
		o.Patience = 100 * time.Millisecond
	}
	return o
}

// Errors of subscriptions.
var (
	ErrLagged  = errors.New("the subscriber fell behind and was cut off")
	ErrClosed  = errors.New("the subscription is closed")
	ErrTooMany = errors.New("too many subscriptions")
)

// Format is how a group's events are written. Name tells formats apart.
type Format struct {
	Name   string
	Append func(dst []byte, e *event.Event) []byte // nil: chunks carry the events themselves
}

// NewHub returns a hub without subscriptions.
func NewHub(o HubOptions) *Hub {
	h := &Hub{opts: o.withDefaults(), groups: map[groupKey]*group{}}
	h.topics.Store(&map[string][]*group{})
	return h
}

// Publish shows e to the subscriptions of topic. For the engine; e is copied where it matches.
func (h *Hub) Publish(topic string, e *event.Event) {
	topics := *h.topics.Load()
	if len(topics) == 0 {
		return
	}
	for _, g := range topics[topic] {
		if g.query.Match(e) {
			h.take(g, e)
		}
	}
}

func (h *Hub) take(g *group, e *event.Event) {
	if len(g.batch) == 0 {
		h.dirty = append(h.dirty, g)
	}
	if len(g.batch) < h.opts.Pending {
		g.batch = append(g.batch, *e)
	} else {
		g.over++
	}
}

// Flush hands the events published since the last Flush to the groups' goroutines. For the engine.
func (h *Hub) Flush() {
	for i, g := range h.dirty {
		g.hand()
		h.dirty[i] = nil
	}
	h.dirty = h.dirty[:0]
}

// HubStats are the counters of a Hub.
type HubStats struct {
	Groups, Subscriptions int
	Pending               int    // events waiting to be encoded now
	Bytes                 int    // held for subscribers now
	Encoded               uint64 // events encoded, once per group
	Lagged                uint64 // subscribers cut off
	Overflow              uint64 // events dropped because too many waited; their subscribers were cut off
	Refused               uint64 // subscriptions refused by a bound
}

// Stats returns the counters.
func (h *Hub) Stats() HubStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return HubStats{
		Groups: len(h.groups), Subscriptions: h.subs, Pending: int(h.pending.Load()), Bytes: int(h.bytes.Load()),
		Encoded: h.encoded.Load(), Lagged: h.lagged.Load(), Overflow: h.overflow.Load(), Refused: h.refused.Load(),
	}
}

// Subscribe returns a subscription to the events of topic that match q: all that are published after
// Subscribe has returned, in their order. The error is ErrTooMany or ErrClosed.
func (h *Hub) Subscribe(topic string, q *query.Query, f Format) (*Subscription, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	key := groupKey{topic, q.String(), f.Name}
	g := h.groups[key]
	if h.subs >= h.opts.Subscriptions || g == nil && len(h.groups) >= h.opts.Groups {
		h.refused.Add(1)
		return nil, ErrTooMany
	}
	isNew := g == nil
	if isNew {
		g = newGroup(h, key, q, f)
		h.groups[key] = g
		h.count.Add(1)
	}
	h.subs++
	s := g.join()
	if isNew {
		h.run.Go(g.encode)
		h.setTopic(topic, append(slices.Clone((*h.topics.Load())[topic]), g))
	}
	return s, nil
}

// setTopic replaces a topic's groups.
func (h *Hub) setTopic(topic string, groups []*group) {
	topics := maps.Clone(*h.topics.Load())
	topics[topic] = groups
	if len(groups) == 0 {
		delete(topics, topic)
	}
	h.topics.Store(&topics)
}

// leave ends a subscription, and its group with the last one. mu is not held.
func (h *Hub) leave(s *Subscription, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := s.group
	left, ok := g.part(s, err)
	if !ok {
		return
	}
	h.subs--
	if left > 0 {
		return
	}
	delete(h.groups, g.key)
	h.count.Add(-1)
	h.setTopic(g.key.topic, slices.DeleteFunc(slices.Clone((*h.topics.Load())[g.key.topic]), func(o *group) bool { return o == g }))
	g.end()
}

// share is how many bytes a group may hold: no bound of its own while there is memory, an equal part when
// there is none left, so that those who lag in one group do not cost others their place.
func (h *Hub) share() int {
	if h.bytes.Load() <= int64(h.opts.Memory) {
		return math.MaxInt
	}
	return h.opts.Memory / int(max(1, h.count.Load()))
}

// Close ends all subscriptions with ErrClosed, refuses new ones and waits for the goroutines.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	var all []*Subscription
	for _, g := range h.groups {
		all = append(all, g.members()...)
	}
	h.mu.Unlock()
	for _, s := range all {
		h.leave(s, ErrClosed)
	}
	h.run.Wait()
}
