package streams

import (
	"math"
	"time"

	"zeta/event"
)

func init() {
	Register(Spec[EwmaOptions]{
		Name:    "ewma",
		Summary: "Replace the metric by its exponentially weighted moving average, by event time.",
		Doc: "With k = 0.5^(1/halflife) and d the seconds since the newest event: the average decays by k^d and the metric is added with the weight 1−k. " +
			"A late event (d < 0) is added with the weight (1−k)·k^|d| and leaves with the newest time. Events of one time count as one with their mean. " +
			"The average starts at 0, so the first results are low, and more than one event per second weighs more than it should: the option elapsed starts from the first metric and weighs by elapsed time, 1−k^d, so that no result lies outside the metrics seen. " +
			"An event without a metric, or whose metric is NaN or infinite, is passed as it is and changes nothing. An event without a time counts as of time 0.",
		Source:  "riemann.streams/ewma",
		Differs: "Events of one time count as one with their mean; in Riemann they add up and can exceed every metric. NaN and infinities do not enter the average.",
		Clock:   "event time",
		In:      Events,
		Out:     Events,
		New: func(env *Env, o EwmaOptions, next Stream) (Stream, error) {
			return &ewma{env: env, next: next, avg: average{elapsed: o.Elapsed, halflife: o.Halflife.Seconds()}}, nil
		},
		Examples: []Example{
			{
				Title: "half of the way per second",
				Rule:  `ewma(1, out)`,
				Test:  `at(0, event({metric: 8, time: 1}), event({metric: 8, time: 2}), event({metric: 0, time: 4})), expect(out, [{metric: 4}, {metric: 6}, {metric: 1.5}])`,
			},
			{
				Title: "from the first metric, by elapsed time",
				Rule:  `ewma(10, {elapsed: true}, out)`,
				Test:  `at(0, event({metric: 8, time: 0}), event({metric: 4, time: 10}), event({metric: 6, time: 30})), expect(out, [{metric: 8}, {metric: 6}, {metric: 6}])`,
			},
		},
	})
	Register(Spec[EwmaTimelessOptions]{
		Name:    "ewmaTimeless",
		Summary: "Replace the metric by its exponentially weighted moving average, event by event.",
		Doc:     "average := r·metric + (1−r)·average, starting at 0; times do not matter. An event without a metric, or whose metric is NaN or infinite, is passed as it is and changes nothing.",
		Source:  "riemann.streams/ewma-timeless",
		Differs: "NaN and infinities do not enter the average; in Riemann they never leave it.",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		New: func(env *Env, o EwmaTimelessOptions, next Stream) (Stream, error) {
			return &ewmaTimeless{env: env, r: o.R, next: next}, nil
		},
		Examples: []Example{{
			Title: "half of the way per event",
			Rule:  `ewmaTimeless(1/2, out)`,
			Test:  `at(0, event({metric: 4}), event({metric: 4}), event({metric: 0})), expect(out, [{metric: 2}, {metric: 3}, {metric: 1.5}])`,
		}},
	})
}

// EwmaOptions are the options of ewma.
type EwmaOptions struct {
	Halflife time.Duration `arg:"1" min:"1us" doc:"time after which a metric weighs half"`
	Elapsed  bool          `opt:"elapsed" doc:"start from the first metric and weigh by elapsed time; default false, as Riemann"`
}

// EwmaTimelessOptions are the options of ewmaTimeless.
type EwmaTimelessOptions struct {
	R float64 `arg:"1" min:"0" max:"1" doc:"weight of the newest metric, from 0 (never moves) to 1 (no memory)"`
}

type ewma struct {
	env  *Env
	avg  average
	next Stream
	copy event.Event
}

// Push implements Stream.
func (n *ewma) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	m, ok := metricOf(e)
	if !ok || !m.isFinite() {
		n.next.Push(v)
		return
	}
	n.avg.add(e.Time, m.float())
	n.copy = *e
	n.copy.SetFloat(n.avg.value)
	n.copy.SetTime(n.avg.at)
	n.next.Push(Value{Event: &n.copy})
}

// average is a moving average over event time.
type average struct {
	halflife float64 // seconds
	elapsed  bool

	seen   bool
	value  float64
	at     int64   // newest time, microseconds
	weight float64 // of the newest time's mean in value
	mean   float64 // of the metrics of the newest time
	n      int64   // how many those are
}

// decay returns k^d: what is left of a weight after us microseconds.
func (a *average) decay(us float64) float64 { return math.Exp2(-us / 1e6 / a.halflife) }

func (a *average) add(at int64, m float64) {
	if !a.seen {
		a.seen, a.at = true, at
		a.weight = 1
		if !a.elapsed {
			a.weight = 1 - a.decay(1e6)
		}
		a.value, a.mean, a.n = a.weight*m, m, 1
		return
	}
	d := float64(at) - float64(a.at)
	switch {
	case d > 0:
		k := a.decay(d)
		a.weight = 1 - k
		if !a.elapsed {
			a.weight = 1 - a.decay(1e6)
		}
		a.value, a.at, a.mean, a.n = a.value*k+a.weight*m, at, m, 1
	case d == 0:
		a.n++
		mean := a.mean + (m-a.mean)/float64(a.n)
		a.value += a.weight * (mean - a.mean)
		a.mean = mean
	case a.elapsed:
		a.value += (1 - a.decay(1e6)) * a.decay(-d) * (m - a.value)
	default:
		a.value += (1 - a.decay(1e6)) * a.decay(-d) * m
	}
}

// Save implements Stateful.
func (n *ewma) Save(s *Saver) {
	a := &n.avg
	s.Bool(a.seen)
	s.Float(a.value)
	s.Int(a.at)
	s.Float(a.weight)
	s.Float(a.mean)
	s.Int(a.n)
}

// Load implements Stateful.
func (n *ewma) Load(l *Loader) {
	a := &n.avg
	a.seen, a.value, a.at, a.weight, a.mean, a.n = l.Bool(), l.Float(), l.Int(), l.Float(), l.Float(), l.Int()
}

type ewmaTimeless struct {
	env   *Env
	r     float64
	value float64
	next  Stream
	copy  event.Event
}

// Push implements Stream.
func (n *ewmaTimeless) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	m, ok := metricOf(e)
	if !ok || !m.isFinite() {
		n.next.Push(v)
		return
	}
	n.value = n.r*m.float() + (1-n.r)*n.value
	n.copy = *e
	n.copy.SetFloat(n.value)
	n.next.Push(Value{Event: &n.copy})
}

// Save implements Stateful.
func (n *ewmaTimeless) Save(s *Saver) { s.Float(n.value) }

// Load implements Stateful.
func (n *ewmaTimeless) Load(l *Loader) { n.value = l.Float() }
