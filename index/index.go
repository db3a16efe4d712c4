package index

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"zeta/event"
)

// Options are the bounds and times of an Index. Zero fields take the defaults.
type Options struct {
	MaxSeries  int           // series known at a time; default 1,000,000
	MaxPerHost int           // series of one host; default 100,000, at most 16,000,000
	TTL        time.Duration // ttl of events that have none, or none above 0; default 60 s
	Skew       time.Duration // an event's time further than this from its arrival counts for nothing in expiry; default 5 min
}

const maxPerHost = 1<<24 - 2 // positions fit the 24 bits of a names slot

func (o Options) withDefaults() Options {
	if o.MaxSeries <= 0 {
		o.MaxSeries = 1_000_000
	}
	if o.MaxPerHost <= 0 {
		o.MaxPerHost = 100_000
	}
	o.MaxPerHost = min(o.MaxPerHost, maxPerHost)
	if o.TTL <= 0 {
		o.TTL = event.DefaultTTL * time.Second
	}
	if o.Skew <= 0 {
		o.Skew = 5 * time.Minute
	}
	return o
}

// Index is the newest event of every (host, service). Make one with New.
type Index struct {
	opts Options
	seed maphash.Seed
	skew int64 // µs

	// The engine's own.
	now      int64 // engine's clock, µs
	epoch    int64 // where ticks count from, µs
	hasEpoch bool
	created  uint64
	texts    int64  // bytes of the entries' descriptions
	last     *block // the block of the event before
	services services
	ids      numbers
	turns    []uint8 // by Series.ID: Series.Turn of the one that has it, or had it last
	hostIDs  numbers
	dying    []dying // scratch of Expire
	watches  []*watch
	image    *Image // nil: none is open
	images   uint32

	// mu guards the two below against searches: the engine takes it to add or remove a host only.
	mu     sync.RWMutex
	hosts  map[string]*block
	noHost *block   // of events without a host
	blocks []*block // by HostID; nil: unused

	entries    atomic.Int64
	series     atomic.Int64
	hostCount  atomic.Int64
	unresolved atomic.Uint64
	refused    atomic.Uint64
	badTTL     atomic.Uint64
	skewed     atomic.Uint64
	expired    atomic.Uint64
	forgotten  atomic.Uint64
	tooLarge   atomic.Uint64
	tooSlow    atomic.Uint64
}

// New returns an empty index.
func New(o Options) *Index {
	o = o.withDefaults()
	return &Index{
		opts: o, seed: maphash.MakeSeed(), skew: o.Skew.Microseconds(),
		hosts: map[string]*block{}, services: newServices(),
	}
}

// Advance sets the engine's clock: the arrival stamp, in microseconds, of what is put from now on.
func (x *Index) Advance(now int64) {
	x.now = now
	x.setEpoch(now)
}

// setEpoch makes the first time the index hears of the one that ticks count from.
func (x *Index) setEpoch(t int64) {
	if !x.hasEpoch {
		x.epoch, x.hasEpoch = t, true
	}
}

// Len returns the number of entries.
func (x *Index) Len() int { return int(x.entries.Load()) }

// Stats are the counters of an Index.
type Stats struct {
	Entries int // events indexed now
	Series  int // identities known now, vacant ones included
	Hosts   int

	Unresolved uint64 // events that got no series because of a cap
	Refused    uint64 // events not indexed because of a cap
	BadTTL     uint64 // events with a ttl that is not above 0: the default was taken
	Skewed     uint64 // events whose time was too far from their arrival to count for expiry
	Expired    uint64 // entries removed because their ttl had passed
	Forgotten  uint64 // identities given back
	TooLarge   uint64 // searches ended by the limit of results
	TooSlow    uint64 // searches ended by the limit of time
}

// Stats returns the counters.
func (x *Index) Stats() Stats {
	return Stats{
		Entries: x.Len(), Series: int(x.series.Load()), Hosts: int(x.hostCount.Load()),
		Unresolved: x.unresolved.Load(), Refused: x.refused.Load(), BadTTL: x.badTTL.Load(), Skewed: x.skewed.Load(),
		Expired: x.expired.Load(), Forgotten: x.forgotten.Load(), TooLarge: x.tooLarge.Load(), TooSlow: x.tooSlow.Load(),
	}
}

// numbers hands out dense numbers from 0, those given back first.
type numbers struct {
	next uint32
	free []uint32
}

func (n *numbers) take() uint32 {
	if last := len(n.free) - 1; last >= 0 {
		v := n.free[last]
		n.free = n.free[:last]
		return v
	}
	n.next++
	return n.next - 1
}

func (n *numbers) give(v uint32) { n.free = append(n.free, v) }

// services shares the strings of services and numbers them, so that a search decides once per service.
// Number 0 is the missing service. The engine's own.
type services struct {
	byName map[string]*service
	ids    numbers
}

type service struct {
	name string
	id   uint32
	refs int // series that use it
}

func newServices() services { return services{byName: map[string]*service{}, ids: numbers{next: 1}} }
