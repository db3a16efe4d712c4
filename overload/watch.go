package overload

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Place is a part of the program that grows with what comes in, and the bytes it holds.
type Place struct {
	Name  string
	Bytes int64
}

// Watch watches the memory of the process. Make one with New.
type Watch struct {
	held    func() []Place
	changed func(from, to Level, s Status)
	measure func() heap
	collect func()

	level atomic.Int32
	limit atomic.Int64 // bytes that Go may manage; 0: none
	armed chan struct{}

	looked heap      // Run's own: what was measured last
	gcAt   time.Time // when a collection was last seen to have ended

	mu     sync.Mutex
	status Status
	turn   uint64        // of those who take turns
	next   chan struct{} // closed when the turn passes on
}

// Status is what Run saw when it looked last.
type Status struct {
	Limit   int64 // bytes that Go may manage; 0: none
	Used    int64 // bytes: the greater of the next two
	Held    int64 // what the parts say they hold
	Heap    int64 // what Go has in use
	Percent float64
	Level   Level
	Places  []Place
}

const (
	// lookEvery is the time between two looks, and how long a turn lasts.
	lookEvery = 100 * time.Millisecond
	// staleAfter is the time without a collection after which one is asked for while memory is scarce: garbage that
	// nobody has found yet would keep the level up.
	staleAfter = 5 * time.Second
)

// New returns a watch without a limit. held tells what the parts of the program hold, and changed is told of every
// change of the level while there is a limit; each may be nil.
func New(held func() []Place, changed func(from, to Level, s Status)) *Watch {
	if held == nil {
		held = func() []Place { return nil }
	}
	if changed == nil {
		changed = func(Level, Level, Status) {}
	}
	return &Watch{
		held: held, changed: changed, measure: newMeter().read, collect: runtime.GC,
		armed: make(chan struct{}, 1), next: make(chan struct{}),
	}
}

// least is what at least is left of a limit beside what Go may manage, in bytes: the kernel counts the pages of the
// program itself and the buffers of its sockets, and the collector needs room for what is allocated while it runs.
const least = 64 << 20

// Managed is the part of a limit that Go may manage, nine tenths, and of small limits less: the rest is for what it
// does not see, and for what its collector has not seen yet.
func Managed(limit int64) int64 { return max(limit/2, min(limit/10*9, limit-least)) }

// SetLimit sets how many bytes the process may take; 0: no limit.
func (w *Watch) SetLimit(bytes int64) {
	w.limit.Store(Managed(bytes))
	select {
	case w.armed <- struct{}{}:
	default:
	}
}

// Limit returns how many bytes Go may manage; 0: there is no limit.
func (w *Watch) Limit() int64 { return w.limit.Load() }

// Level returns how scarce memory is.
func (w *Watch) Level() Level { return Level(w.level.Load()) }

// Status returns what was seen last.
func (w *Watch) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

// Run watches until ctx is done: ten times a second while there is a limit. Afterwards the level is Calm.
func (w *Watch) Run(ctx context.Context) {
	defer w.settle(Status{})
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	w.gcAt = time.Now()
	for {
		if w.limit.Load() == 0 {
			if w.Status().Limit != 0 {
				w.settle(Status{})
			}
			select {
			case <-ctx.Done():
				return
			case <-w.armed:
			}
		}
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			w.look(now)
		}
	}
}

// look measures, and sets the level.
func (w *Watch) look(now time.Time) {
	s := Status{Limit: w.limit.Load(), Places: w.held()}
	if s.Limit == 0 {
		return
	}
	for _, p := range s.Places {
		s.Held += p.Bytes
	}
	h := w.measure()
	if h.cycles != w.looked.cycles {
		w.gcAt = now
	}
	w.looked = h
	s.Heap = h.bytes
	s.Used = max(s.Held, s.Heap)
	s.Percent = 100 * float64(s.Used) / float64(s.Limit)
	if h.taken > s.Limit { // the collector does not keep up
		s.Percent = max(s.Percent, begins[Shedding], 90*float64(h.taken)/float64(s.Limit))
	}
	s.Level = w.Level().next(s.Percent)
	w.settle(s)
	if s.Level > Calm && now.Sub(w.gcAt) >= staleAfter {
		w.gcAt = now
		w.collect()
	}
}

// settle makes s what is known, passes the turn on and tells of a change.
func (w *Watch) settle(s Status) {
	before := Level(w.level.Swap(int32(s.Level)))
	w.mu.Lock()
	w.status = s
	if before >= Pacing {
		w.turn++
		close(w.next)
		w.next = make(chan struct{})
	}
	w.mu.Unlock()
	if before != s.Level && s.Limit != 0 {
		w.changed(before, s.Level, s)
	}
}

// Hold fixes the level of a watch without a limit, which nobody takes turns by: for tests of what is done at it.
func (w *Watch) Hold(l Level) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.level.Store(int32(l))
	w.status = Status{Level: l, Percent: begins[l]}
}
