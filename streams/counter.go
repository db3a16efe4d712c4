package streams

import (
	"errors"

	"zeta/event"
)

func init() {
	const growth = "An int64 total stays exact until it overflows; then it goes on as a float64."
	Register(Spec[CounterOptions]{
		Name:    "counter",
		Summary: "Replace the metric by the running total of the metrics.",
		Doc:     "Every event is passed. One tagged \"reset\" that has a metric sets the total to that metric. An event without a metric is passed as it is and adds nothing; so is one whose metric is NaN or infinite. " + growth,
		Source:  "riemann.streams/counter",
		Differs: "NaN and infinities are not added; in Riemann they stay in the total for ever.",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		Check: func(o CounterOptions) error {
			if m, ok := numberOf(o.Start); o.Start.Kind != Missing && (!ok || !m.isFinite()) {
				return errors.New("wants a number to start from")
			}
			return nil
		},
		New: func(env *Env, o CounterOptions, next Stream) (Stream, error) {
			start, _ := numberOf(o.Start)
			return &counter{env: env, total: start, resets: true, next: next}, nil
		},
		Examples: []Example{{
			Title: "from 100, with a reset",
			Rule:  `counter(100, out)`,
			Test:  `at(0, event({metric: 1}), event({metric: 2}), event({metric: 7, tags: ["reset"]}), event({metric: 1})), expect(out, [{metric: 101}, {metric: 103}, {metric: 7}, {metric: 8}])`,
		}},
	})
	Register(Spec[struct{}]{
		Name:    "sumOverTime",
		Summary: "Replace the metric by the running sum of the metrics; counter is the better choice.",
		Doc:     "As counter from 0, but no tag resets it. " + growth,
		Source:  "riemann.streams/sum-over-time",
		Differs: "NaN and infinities are not added; in Riemann they stay in the sum for ever.",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		New: func(env *Env, _ struct{}, next Stream) (Stream, error) {
			return &counter{env: env, next: next}, nil
		},
		Examples: []Example{{
			Title: "a running sum",
			Rule:  `sumOverTime(out)`,
			Test:  `at(0, event({metric: 1}), event({service: "none"}), event({metric: 2})), expect(out, [{metric: 1}, {metric: nil}, {metric: 3}])`,
		}},
	})
}

// CounterOptions are the options of counter.
type CounterOptions struct {
	Start Datum `arg:"1,optional" doc:"the number the total starts from; 0 if left out"`
}

// resetTag marks events whose metric becomes the counter's total.
const resetTag = "reset"

type counter struct {
	env    *Env
	total  number
	resets bool
	next   Stream
	copy   event.Event
}

// Push implements Stream.
func (n *counter) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	m, ok := metricOf(e)
	if !ok || !m.isFinite() {
		n.next.Push(v)
		return
	}
	if n.resets && e.Set.HasTag(resetTag) {
		n.total = m
	} else {
		n.total = n.total.plus(m)
	}
	n.copy = *e
	setMetric(&n.copy, n.total)
	n.next.Push(Value{Event: &n.copy})
}

// Save implements Stateful.
func (n *counter) Save(s *Saver) { n.total.save(s) }

// Load implements Stateful.
func (n *counter) Load(l *Loader) { n.total = loadNumber(l) }
