package streams

import (
	"time"

	"zeta/event"
)

func init() {
	Register(Spec[DdtOptions]{
		Name:    "ddt",
		Summary: "Give the rate of change of the metric per second of event time.",
		Doc: `Without an interval each event with a metric after the first leaves with metric (m − m') / (t − t'), where m' and t' are those of the one before. Two with the same time give nothing, the later is the new base; one that is out of order gives the slope backwards and is the new base.

With an interval the slope leaves at the ends of intervals that follow one another from the first event on:

    first event   +every    +2·every
    [-------------[---------[--------   an event exactly on an edge is in the interval that begins there

It is the slope between the first event or the last one of an earlier interval, and the last one of this interval; it leaves as that event with time now. A silent interval gives 0 until the latest event's time + ttl, that moment included; of an event without a ttl, for a minute and one interval. An expired event stops it and is not passed on.

Events without a metric are skipped. One without a time has the engine's.`,
		Source:   "riemann.streams/ddt",
		Differs:  "A ddt with an interval that stopped starts clean (Riemann keeps its base across the gap); silence ends without a ttl too. An event without a time does not fail. NaN and infinite metrics are skipped.",
		Clock:    "event time; the engine's clock for the interval",
		In:       Events,
		Out:      Events,
		Defaults: DdtOptions{},
		New: func(env *Env, o DdtOptions, next Stream) (Stream, error) {
			if o.Every == 0 {
				return &ddtEvents{env: env, next: next}, nil
			}
			d := &ddtInterval{env: env, next: next}
			d.ticks.init(env, o.Every, d.emit, d.forget)
			return d, nil
		},
		Examples: []Example{{
			Title: "a counter's speed",
			Rule:  `ddt(out)`,
			Test:  `at(0, event({metric: 100})), at(2, event({metric: 140})), at(3, event({metric: 140})), expect(out, [{metric: 20, time: 2}, {metric: 0, time: 3}])`,
		}, {
			Title: "once every ten seconds",
			Rule:  `ddt(10, out)`,
			Test:  `at(0, event({metric: 100})), at(3, event({metric: 130})), at(5, event({metric: 150})), at(10), expect(out, [{metric: 10, time: 10}])`,
		}},
	})
}

// DdtOptions are the options of ddt.
type DdtOptions struct {
	Every time.Duration `arg:"1,optional" min:"1ms" doc:"the interval; default: none, a slope for each event"`
}

// observation is a metric and when it was seen.
type observation struct {
	known  bool
	metric number
	time   int64
}

// observe returns the observation in e; known is false if there is no finite metric.
func observe(e *event.Event, now int64) observation {
	m, ok := metricOf(e)
	return observation{ok && m.isFinite(), m, timeOf(e, now)}
}

// slope returns the change per second from o to p; ok is false if both have one time. The difference of
// integers is exact before it is divided.
func (o observation) slope(p observation) (perSecond float64, ok bool) {
	if o.time == p.time {
		return 0, false
	}
	return p.metric.minus(o.metric).float() / (float64(p.time-o.time) / 1e6), true
}

func (o *observation) save(s *Saver) {
	s.Bool(o.known)
	o.metric.save(s)
	s.Int(o.time)
}

func (o *observation) load(l *Loader) {
	o.known = l.Bool()
	o.metric = loadNumber(l)
	o.time = l.Int()
}

type ddtEvents struct {
	env  *Env
	next Stream
	base observation
	out  event.Event // lent
}

// Push implements Stream.
func (d *ddtEvents) Push(v Value) {
	e := eventIn(d.env, v)
	if e == nil {
		return
	}
	seen := observe(e, d.env.Now())
	if !seen.known {
		return
	}
	base := d.base
	d.base = seen
	if !base.known {
		return
	}
	if perSecond, ok := base.slope(seen); ok {
		d.out = *e
		d.out.SetFloat(perSecond)
		d.next.Push(EventValue(&d.out))
	}
}

// Save implements Stateful.
func (d *ddtEvents) Save(s *Saver) { d.base.save(s) }

// Load implements Stateful.
func (d *ddtEvents) Load(l *Loader) { d.base.load(l) }

type ddtInterval struct {
	env   *Env
	next  Stream
	ticks periodic
	base  observation // of the first event or of an earlier interval
	last  observation // of this interval
	event event.Event // with the latest metric
}

// Push implements Stream.
func (d *ddtInterval) Push(v Value) {
	e := eventIn(d.env, v)
	if e == nil {
		return
	}
	if alive, _ := d.ticks.see(e); !alive {
		return
	}
	seen := observe(e, d.env.Now())
	if !seen.known {
		return
	}
	d.event = *e
	if d.base.known {
		d.last = seen
	} else {
		d.base = seen
	}
}

func (d *ddtInterval) emit() {
	if !d.base.known {
		return
	}
	perSecond := 0.0
	if d.last.known {
		perSecond, _ = d.base.slope(d.last)
		d.base, d.last = d.last, observation{}
	}
	e := d.event
	e.SetTime(d.env.Now())
	e.SetFloat(perSecond)
	d.next.Push(EventValue(&e))
}

func (d *ddtInterval) forget() {
	d.base, d.last, d.event = observation{}, observation{}, event.Event{}
}

// Save implements Stateful.
func (d *ddtInterval) Save(s *Saver) {
	d.ticks.save(s)
	d.base.save(s)
	d.last.save(s)
	s.Event(&d.event)
}

// Load implements Stateful.
func (d *ddtInterval) Load(l *Loader) {
	d.ticks.load(l)
	d.base.load(l)
	d.last.load(l)
	d.event = loadEvent(l)
}
