package streams

import (
	"time"

	"zeta/event"
)

func init() {
	Register(Spec[RateOptions]{
		Name:    "rate",
		Summary: "Every interval, give the sum of the metrics divided by the interval's seconds.",
		Doc: `Intervals follow one another from the first event on, and the rate leaves at their ends:

    first event   +every    +2·every
    [-------------[---------[--------   an event exactly on an edge is in the interval that begins there

The rate is a copy of the latest event with a metric, with time now and the rate for its metric. Events without a metric add nothing and are no template, but keep the rate alive; before the first metric nothing leaves. A silent interval gives 0 until the latest event's time + ttl, that moment included; of an event without a ttl, for a minute and one interval. The ttl leaves as it came and falls by the interval with each silent one. An expired event stops it, is not passed on, and the open interval is dropped; the next live event starts on a new grid.`,
		Source:   "riemann.streams/rate",
		Differs:  "A stopped rate starts clean (Riemann adds what was left over to the first rate after the restart). An interval with an event always gives its rate, also when the ttl is shorter than the interval. Zeros end without a ttl too, and at the latest after 10000 in a row. Without any metric nothing leaves. NaN and infinite metrics are skipped.",
		Clock:    "engine clock",
		In:       Events,
		Out:      Events,
		Defaults: RateOptions{Every: time.Second},
		New: func(env *Env, o RateOptions, next Stream) (Stream, error) {
			r := &rate{env: env, every: o.Every.Seconds(), next: next}
			r.ticks.init(env, o.Every, r.emit, r.forget)
			return r, nil
		},
		Examples: []Example{{
			Title: "requests a second, every five seconds",
			Rule:  `rate(5, out)`,
			Test:  `at(0, event({service: "req", metric: 10})), at(2, event({service: "req", metric: 15})), at(5), expect(out, [{service: "req", metric: 5, time: 5}])`,
		}},
	})
}

// RateOptions are the options of rate.
type RateOptions struct {
	Every time.Duration `arg:"1" min:"1ms" doc:"the interval"`
}

// rate stands below many by, so what an event touches stands first.
type rate struct {
	ticks    periodic
	sum      number
	known    bool // template is an event
	age      int  // ticks since template came
	template event.Event
	env      *Env
	every    float64 // seconds
	next     Stream
}

// Push implements Stream.
func (r *rate) Push(v Value) {
	e := eventIn(r.env, v)
	if e == nil {
		return
	}
	if alive, _ := r.ticks.see(e); !alive {
		return
	}
	if m, ok := metricOf(e); ok && m.isFinite() {
		r.sum = r.sum.plus(m)
		r.template, r.known, r.age = *e, true, 0
	}
}

func (r *rate) emit() {
	if !r.known {
		return
	}
	e := r.template
	e.SetTime(r.env.Now())
	e.SetFloat(r.sum.float() / r.every)
	if e.Has&event.HasTTL != 0 {
		e.TTL = max(0, e.TTL-float64(r.age)*r.every)
	}
	r.sum = number{}
	r.age++
	r.next.Push(EventValue(&e))
}

func (r *rate) forget() { r.sum, r.template, r.known, r.age = number{}, event.Event{}, false, 0 }

// Save implements Stateful.
func (r *rate) Save(s *Saver) {
	r.ticks.save(s)
	r.sum.save(s)
	s.Bool(r.known)
	s.Event(&r.template)
	s.Int(int64(r.age))
}

// Load implements Stateful.
func (r *rate) Load(l *Loader) {
	r.ticks.load(l)
	r.sum = loadNumber(l)
	r.known = l.Bool()
	r.template = loadEvent(l)
	r.age = int(l.Int())
}
