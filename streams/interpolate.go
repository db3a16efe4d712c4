package streams

import (
	"time"

	"zeta/event"
)

func init() {
	Register(Spec[InterpolateConstantOptions]{
		Name:    "interpolateConstant",
		Summary: "Give the latest event every interval, however often events come.",
		Doc: `The first event leaves at once, and then the latest one at every tick:

    first event   +every    +2·every
    |-------------|---------|--------   ticks stand on the grid of the first event

Each leaves with time now, its other fields as they are. Silence repeats it until the latest event's time + ttl, that moment included; of an event without a ttl, for a minute and one interval. An expired event leaves at once, unchanged, and stops it; the next live event starts on a new grid.`,
		Source:   "riemann.streams/interpolate-constant",
		Differs:  "Repetition ends without a ttl too, and at the latest after 10000 in a row.",
		Clock:    "engine clock",
		In:       Events,
		Out:      Events,
		Defaults: InterpolateConstantOptions{Every: time.Second},
		New: func(env *Env, o InterpolateConstantOptions, next Stream) (Stream, error) {
			n := &interpolateConstant{env: env, next: next}
			n.ticks.init(env, o.Every, n.emit, func() { n.last = event.Event{} })
			return n, nil
		},
		Examples: []Example{{
			Title: "one a second",
			Rule:  `interpolateConstant(1, out)`,
			Test:  `at(0, event({metric: 1})), at(0.4, event({metric: 2})), at(2), expect(out, [{metric: 1, time: 0}, {metric: 2, time: 1}, {metric: 2, time: 2}])`,
		}},
	})
}

// InterpolateConstantOptions are the options of interpolateConstant.
type InterpolateConstantOptions struct {
	Every time.Duration `arg:"1" min:"1ms" doc:"the interval"`
}

type interpolateConstant struct {
	env   *Env
	next  Stream
	ticks periodic
	last  event.Event
}

// Push implements Stream.
func (n *interpolateConstant) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	alive, first := n.ticks.see(e)
	if !alive {
		n.next.Push(v)
		return
	}
	n.last = *e
	if first {
		n.ticks.fresh = false // it has been given
		n.emit()
	}
}

func (n *interpolateConstant) emit() {
	e := n.last
	e.SetTime(n.env.Now())
	n.next.Push(EventValue(&e))
}

// Save implements Stateful.
func (n *interpolateConstant) Save(s *Saver) {
	n.ticks.save(s)
	s.Event(&n.last)
}

// Load implements Stateful.
func (n *interpolateConstant) Load(l *Loader) {
	n.ticks.load(l)
	n.last = loadEvent(l)
}
