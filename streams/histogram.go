package streams

import (
	"errors"
	"strconv"
	"time"

	"zeta/event"
)

func init() {
	Register(Spec[HistogramOptions]{
		Name:    "histogram",
		Summary: "Every interval, give how many metrics were at most each of some bounds.",
		Doc: `Intervals follow one another from the first event on:

    first event   +every    +2·every
    [-------------[---------[--------   an event exactly on an edge is in the interval that begins there

For each bound, in ascending order, a copy of the interval's last event with a metric leaves with the engine's time and, as metric, the number of metrics less than or equal to the bound: the counts include those of smaller bounds. Its service gets " le " and the bound appended; a last one, " le +Inf", counts them all. Events without a metric, or with NaN for one, are ignored; an interval without any gives nothing. An expired event drops the open interval and is not passed on.`,
		Clock:  "engine clock",
		Bounds: "One counter per bound; at most 1000 bounds.",
		In:     Events,
		Out:    Events,
		Check: func(o HistogramOptions) error {
			if len(o.Bounds) == 0 || len(o.Bounds) > 1000 {
				return errors.New("wants 1 to 1000 bounds")
			}
			for i, b := range o.Bounds {
				if b != b || i > 0 && b <= o.Bounds[i-1] {
					return errors.New("wants bounds in ascending order")
				}
			}
			return nil
		},
		New: newHistogram,
		Examples: []Example{{
			Title: "latencies in seconds",
			Rule:  `histogram(1, [0.1, 0.5], out)`,
			Test: `at(0, event({service: "s", metric: 0.05}), event({service: "s", metric: 0.1}), event({service: "s", metric: 0.3}), event({service: "s", metric: 2})), at(1),
expect(out, [{service: "s le 0.1", metric: 2, time: 1}, {service: "s le 0.5", metric: 3}, {service: "s le +Inf", metric: 4}])`,
		}},
	})
}

// HistogramOptions are the options of histogram.
type HistogramOptions struct {
	Every  time.Duration `arg:"1" min:"1ms" doc:"the interval"`
	Bounds []float64     `arg:"2" doc:"the bounds, ascending"`
}

type histogram struct {
	env      *Env
	bounds   []float64
	suffixes []string
	next     Stream
	ticks    periodic
	counts   []int64 // per bound, and one beyond; not cumulative
	n        int64
	last     event.Event
	copy     event.Event
}

func newHistogram(env *Env, o HistogramOptions, next Stream) (Stream, error) {
	n := &histogram{env: env, bounds: o.Bounds, next: next, counts: make([]int64, len(o.Bounds)+1)}
	for _, b := range o.Bounds {
		n.suffixes = append(n.suffixes, " le "+strconv.FormatFloat(b, 'g', -1, 64))
	}
	n.suffixes = append(n.suffixes, " le +Inf")
	n.ticks.init(env, o.Every, n.emit, n.forget)
	n.ticks.quiet = true
	return n, nil
}

// Push implements Stream.
func (n *histogram) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	if alive, _ := n.ticks.see(e); !alive {
		return
	}
	m, ok := metricOf(e)
	if !ok {
		return
	}
	i := 0
	for i < len(n.bounds) && m.compare(floatNumber(n.bounds[i])) > 0 {
		i++
	}
	n.counts[i]++
	n.n++
	n.last = *e
}

func (n *histogram) emit() {
	if n.n > 0 {
		sum := int64(0)
		for i, count := range n.counts {
			sum += count
			n.copy = n.last
			n.copy.SetService(n.last.Service + n.suffixes[i])
			n.copy.SetInt(sum)
			n.copy.SetTime(n.env.Now())
			n.next.Push(Value{Event: &n.copy})
		}
	}
	n.forget()
}

func (n *histogram) forget() {
	clear(n.counts)
	n.n, n.last = 0, event.Event{}
}

// Save implements Stateful.
func (n *histogram) Save(s *Saver) {
	n.ticks.save(s)
	for _, count := range n.counts {
		s.Int(count)
	}
	s.Event(&n.last)
}

// Load implements Stateful.
func (n *histogram) Load(l *Loader) {
	n.ticks.load(l)
	n.n = 0
	for i := range n.counts {
		n.counts[i] = l.Int()
		n.n += n.counts[i]
	}
	n.last = loadEvent(l)
}
