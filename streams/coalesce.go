package streams

import (
	"cmp"
	"slices"
	"time"

	"zeta/event"
)

func init() {
	Register(Spec[CoalesceOptions]{
		Name:    "coalesce",
		Summary: "Remember the latest event of every host and service, and give them all as a window again and again.",
		Doc: `The first window leaves at once and holds the first event; from then on one leaves at every tick:

    first event   +every    +2·every
    |-------------|---------|--------   ticks stand on the grid of the first event

Events are in the order in which their sources first appeared. One that is expired at a tick, by its state or because its own time + ttl has passed, is in that window and then forgotten. When nothing is left the ticks end; the next event starts on a new grid. An event without a time has that of its arrival.`,
		Source:   "riemann.streams/coalesce",
		Differs:  "Each source expires by its own ttl and the ticks go on while any is left (in Riemann one expired event, or the latest event's ttl, silences all, so that nobody hears of it). No empty windows. The order is defined. What is remembered is bounded. Silence ends at the latest after 10000 ticks.",
		Clock:    "engine clock; event time for expiry",
		Bounds:   "max sources (default 100000), and 64 MiB; the one silent longest is forgotten and counted.",
		In:       Events,
		Out:      Windows,
		Defaults: CoalesceOptions{Every: time.Second, Max: 100_000},
		New:      newCoalesce,
		Examples: []Example{{
			Title: "the sum over all hosts",
			Rule:  `coalesce(10, smap(sum, out))`,
			Test:  `at(0, event({host: "a", metric: 1})), at(1, event({host: "b", metric: 2})), at(10), expect(out, [{metric: 1}, {metric: 3}])`,
		}, {
			Title: "one falls silent, the other goes on",
			Rule:  `coalesce(1, smap(count, out))`,
			Test:  `at(0, event({host: "a", ttl: 1})), at(0.5, event({host: "b"})), at(4), expect(out, [{metric: 1}, {metric: 2}, {metric: 2}, {metric: 1}, {metric: 1}])`,
		}},
	})
}

// CoalesceOptions are the options of coalesce.
type CoalesceOptions struct {
	Every time.Duration `arg:"1,optional" min:"1ms" doc:"time between windows; default 1s"`
	Delay time.Duration `opt:"delay" min:"0s" doc:"wait of the first window after the first event; default 0: it leaves at once"`
	Max   int           `opt:"max" min:"1" doc:"sources remembered; default 100000"`
}

type coalesce struct {
	env     *Env
	opts    CoalesceOptions
	next    Stream
	timer   *Timer // pending while there are sources
	silent  int    // ticks in a row without an event between
	sources *perSeries[latest]
	bytes   int    // that the events hold on to
	count   uint64 // sources that ever appeared
	window  []*latest
	out     []*event.Event // the window, lent
}

// latest is the latest event of a source.
type latest struct {
	event   event.Event
	arrived int64
	place   uint64 // in the order of appearance
}

func newCoalesce(env *Env, o CoalesceOptions, next Stream) (Stream, error) {
	c := &coalesce{env: env, opts: o, next: next}
	c.sources = newPerSeries(env, o.Max, 0, func(x *latest) { c.bytes -= sizeOf(&x.event) })
	c.timer = env.Timer(c.tick)
	return c, nil
}

// Push implements Stream.
func (c *coalesce) Push(v Value) {
	e := eventIn(c.env, v)
	if e == nil {
		return
	}
	now := c.env.Now()
	due, running := c.timer.Pending()
	if running && due <= now {
		c.timer.Stop() // e came from another timer, on the edge: it belongs to the next window
		c.tick()
		_, running = c.timer.Pending()
	}
	source, fresh := c.sources.useSeries(e)
	if fresh {
		c.count++
		source.place = c.count
		c.bytes += sizeOf(&event.Event{})
	}
	c.bytes += sizeOf(e) - sizeOf(&source.event)
	source.event, source.arrived = *e, now
	for c.bytes > maxHeldBytes && c.sources.len() > 1 {
		c.env.Overload("bytes", 1)
		c.sources.removeOldest()
	}
	c.silent = 0
	switch {
	case running:
	case c.opts.Delay > 0:
		c.timer.At(addMicros(now, micros(c.opts.Delay)))
	default:
		c.tick()
	}
}

// tick gives the window and forgets what has expired.
func (c *coalesce) tick() {
	now := c.env.Now()
	if c.silent++; c.silent > maxSilent {
		c.sources.each(func(*latest) bool { return false })
		return
	}
	c.window = c.window[:0]
	c.sources.each(func(x *latest) bool {
		c.window = append(c.window, x)
		return !x.expired(now)
	})
	slices.SortFunc(c.window, func(a, b *latest) int { return cmp.Compare(a.place, b.place) })
	c.out = c.out[:0]
	for _, x := range c.window {
		c.out = append(c.out, &x.event)
	}
	if due := addMicros(now, micros(c.opts.Every)); c.sources.len() > 0 && due > now {
		c.timer.At(due)
	}
	c.next.Push(WindowValue(c.out))
	clear(c.window)
	clear(c.out)
}

func (x *latest) expired(now int64) bool {
	if x.event.Has&event.HasTime != 0 || x.event.State == event.Expired {
		return x.event.IsExpired(now)
	}
	e := x.event
	e.SetTime(x.arrived)
	return e.IsExpired(now)
}

// Save implements Stateful.
func (c *coalesce) Save(s *Saver) {
	c.sources.save(s, func(s *Saver, x *latest) {
		s.Event(&x.event)
		s.Int(x.arrived)
		s.Uint(x.place)
	})
	s.Uint(c.count)
	s.Int(int64(c.silent))
	s.Timer(c.timer)
}

// Load implements Stateful.
func (c *coalesce) Load(l *Loader) {
	c.sources.load(l, func(l *Loader, x *latest) {
		x.event = loadEvent(l)
		c.bytes += sizeOf(&x.event)
		x.arrived = l.Int()
		x.place = l.Uint()
	})
	c.count = l.Uint()
	c.silent = int(l.Int())
	l.Timer(c.timer)
}
