package streams

import (
	"errors"
	"math"
	"slices"
	"time"

	"zeta/event"
)

func init() {
	Register(Spec[ClockSkewOptions]{
		Name:    "clockSkew",
		Summary: "Make the metric the seconds by which the event's clock is ahead of the median of all hosts' clocks.",
		Doc: "A host's clock is the time of its last event, advanced by what has passed on the engine's clock since; the median of n clocks is number ⌊n/2⌋ of the sorted ones, the upper of two. " +
			"An expired event, by state or age, is passed as it is and its host forgotten; a host is forgotten as well when its last event has outlived its ttl. " +
			"An event without a time gets 0 while no host has a clock, and is a failure otherwise.",
		Source:  "riemann.streams/clock-skew",
		Differs: "Expired events are passed without an additional field.",
		Clock:   "event time against the engine clock: that is what it measures",
		Bounds:  "max hosts, 10 000 unless set; the host heard from longest ago gives way. A host unheard of for idle, a day unless set, is forgotten.",
		In:      Events,
		Out:     Events,
		Defaults: ClockSkewOptions{
			Max: 10_000, Idle: 24 * time.Hour,
		},
		New: newClockSkew,
		Examples: []Example{{
			Title: "three hosts",
			Rule:  `clockSkew(out)`,
			Test:  `at(0, event({host: "a", time: 1}), event({host: "b", time: 3}), event({host: "c", time: 9})), expect(out, [{host: "a", metric: 0}, {host: "b", metric: 0}, {host: "c", metric: 6}])`,
		}},
	})
}

// ClockSkewOptions are the options of clockSkew.
type ClockSkewOptions struct {
	Max  int           `opt:"max" min:"1" max:"1000000" doc:"most hosts remembered"`
	Idle time.Duration `opt:"idle" min:"1s" doc:"how long a silent host is remembered"`
}

var errMissingTime = errors.New("an event has no time")

func newClockSkew(env *Env, o ClockSkewOptions, next Stream) (Stream, error) {
	n := &clockSkew{env: env, next: next, soonest: math.MaxInt64}
	n.hosts = newKeyed(env, o.Max, o.Idle.Microseconds(), n.forget)
	return n, nil
}

// clockSkew keeps each host's clock as its offset from the engine's: offsets do not change while time passes.
type clockSkew struct {
	env     *Env
	next    Stream
	copy    event.Event
	key     []byte
	hosts   *keyed[hostClock]
	offsets []int64 // of all hosts, sorted
	soonest int64   // no host outlives its ttl before this
}

type hostClock struct {
	offset int64 // event time − engine clock, microseconds
	dies   int64 // engine clock after which the event has outlived its ttl
}

// Push implements Stream.
func (n *clockSkew) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	now := n.env.Now()
	n.key = appendHostKey(n.key[:0], e)
	switch {
	case e.IsExpired(now):
		n.hosts.remove(n.key)
		n.next.Push(v)
		return
	case e.Has&event.HasTime == 0:
		if len(n.offsets) > 0 {
			n.env.Fail(v, errMissingTime)
			return
		}
		n.emit(e, 0)
		return
	}
	if now > n.soonest {
		n.bury(now)
	}
	clock, fresh := n.hosts.use(n.key)
	if !fresh {
		n.forget(clock)
	}
	*clock = hostClock{offset: e.Time - now, dies: outlives(e)}
	i, _ := slices.BinarySearch(n.offsets, clock.offset)
	n.offsets = slices.Insert(n.offsets, i, clock.offset)
	n.soonest = min(n.soonest, clock.dies)
	n.emit(e, secondsBetween(n.offsets[len(n.offsets)/2], clock.offset))
}

func (n *clockSkew) emit(e *event.Event, skew float64) {
	n.copy = *e
	n.copy.SetFloat(skew)
	n.next.Push(Value{Event: &n.copy})
}

// forget takes a host's offset out of the sorted ones.
func (n *clockSkew) forget(c *hostClock) {
	if i, ok := slices.BinarySearch(n.offsets, c.offset); ok {
		n.offsets = slices.Delete(n.offsets, i, i+1)
	}
}

// bury forgets the hosts whose last event has outlived its ttl.
func (n *clockSkew) bury(now int64) {
	n.soonest = math.MaxInt64
	n.hosts.each(func(c *hostClock) bool {
		if c.dies < now {
			return false
		}
		n.soonest = min(n.soonest, c.dies)
		return true
	})
}

// outlives returns the last engine time at which e counts as alive for its age.
func outlives(e *event.Event) int64 {
	ttl := float64(event.DefaultTTL)
	if e.Has&event.HasTTL != 0 {
		ttl = e.TTL
	}
	until := float64(e.Time) + ttl*1e6
	if !(until < math.MaxInt64) {
		return math.MaxInt64
	}
	return e.Time + int64(math.Floor(ttl*1e6))
}

// Save implements Stateful.
func (n *clockSkew) Save(s *Saver) {
	n.hosts.save(s, func(s *Saver, c *hostClock) {
		s.Int(c.offset)
		s.Int(c.dies)
	})
}

// Load implements Stateful.
func (n *clockSkew) Load(l *Loader) {
	n.hosts.load(l, func(l *Loader, c *hostClock) {
		*c = hostClock{l.Int(), l.Int()}
		n.offsets = append(n.offsets, c.offset)
		n.soonest = min(n.soonest, c.dies)
	})
	slices.Sort(n.offsets)
}
