package index

import (
	"math"

	"zeta/event"
)

// entry is an event as the index keeps it: without host and service, which the series has. 80 bytes.
type entry struct {
	state, description string
	set                *event.Set
	time               int64
	ttl                float64
	num                uint64 // the metric: an int64's or a float64's bits
	arrival            int64  // engine's clock when it was put, µs
	meta               uint64 // Has in the low 16 bits, then flags, then the creation number
}

const (
	metaOwn         = 1 << 16
	metaLive        = 1 << 17
	metaFromArrival = 1 << 18 // the ttl counts from arrival instead of time
	metaFlags       = 1<<24 - 1
	metaCreated     = 24 // shift of the creation number
)

// live reports whether there is an event: false for a vacant series.
func (n *entry) live() bool { return n.meta&metaLive != 0 }

func (n *entry) created() uint64 { return n.meta >> metaCreated }

// store replaces the event, keeping the creation number.
func (n *entry) store(e *event.Event, arrival int64, fromArrival bool) {
	n.state, n.description, n.set = e.State, e.Description, e.Set
	n.time, n.ttl, n.arrival = e.Time, e.TTL, arrival
	n.num = uint64(e.Int)
	if e.Has&event.HasFloat != 0 {
		n.num = math.Float64bits(e.Float)
	}
	meta := n.meta&^metaFlags | uint64(e.Has) | metaLive
	if e.Own {
		meta |= metaOwn
	}
	if fromArrival {
		meta |= metaFromArrival
	}
	n.meta = meta
}

// load fills e whole.
func (n *entry) load(e *event.Event, s *event.Series) {
	*e = event.Event{
		Host: s.Host, Service: s.Service, State: n.state, Description: n.description,
		Set: n.set, Series: s, Time: n.time, TTL: n.ttl,
		Has: event.Presence(n.meta), Own: n.meta&metaOwn != 0,
	}
	n.loadMetric(e)
}

func (n *entry) loadMetric(e *event.Event) {
	switch {
	case e.Has&event.HasInt != 0:
		e.Int = int64(n.num)
	case e.Has&event.HasFloat != 0:
		e.Float = math.Float64frombits(n.num)
	}
}

// view fills only the given fields of e, for a predicate that reads no others; e may be used again and
// again. The series, far in memory, is touched only if need be.
func (n *entry) view(e *event.Event, s *event.Series, fields event.Presence, set bool) {
	e.Has = event.Presence(n.meta)
	if fields&event.HasHost != 0 {
		e.Host = s.Host
	}
	if fields&event.HasService != 0 {
		e.Service = s.Service
	}
	if fields&event.HasState != 0 {
		e.State = n.state
	}
	if fields&event.HasDescription != 0 {
		e.Description = n.description
	}
	if fields&event.HasTime != 0 {
		e.Time = n.time
	}
	if fields&event.HasTTL != 0 {
		e.TTL = n.ttl
	}
	if fields&event.HasMetric != 0 {
		n.loadMetric(e)
	}
	if set {
		e.Set = n.set
	}
}

// base is when the entry's ttl counts from, µs.
func (n *entry) base() int64 {
	if n.meta&metaFromArrival != 0 {
		return n.arrival
	}
	return n.time
}

// deadline is the last µs at which an entry of this base and ttl is alive.
func (x *Index) deadline(base int64, ttl float64, has event.Presence) int64 {
	d := ttl * 1e6
	if has&event.HasTTL == 0 || !(ttl > 0) { // NaN too
		d = float64(x.opts.TTL.Microseconds())
	}
	if d >= 1<<62 {
		return math.MaxInt64
	}
	if sum := base + int64(d); sum >= base {
		return sum
	}
	return math.MaxInt64
}

// A tick is a coarse deadline, small enough to be scanned: 2^14 µs since the epoch. The lowest values mean a
// vacant series, see page.due.
const (
	tickShift  = 14
	tickVacant = 1 // values up to here
	tickFirst  = 2
	tickLast   = math.MaxUint32 // also: never
)

func (x *Index) tick(t int64) uint32 {
	if t < x.epoch {
		return tickFirst
	}
	d := uint64(t-x.epoch) >> tickShift // wraps to a large value rather than a negative one
	return uint32(min(d+tickFirst, tickLast))
}
