package streams

import (
	"errors"

	"zeta/event"
)

func init() {
	Register(Spec[ScaleOptions]{
		Name:    "scale",
		Summary: "Multiply the metric by a number.",
		Doc:     "An event without a metric, or with NaN for one, passes as it is. An int64 times an integer stays exact until it overflows, then it becomes a float64.",
		Source:  "riemann.streams/scale",
		Differs: "Results are int64 or float64, never exact ratios. A product that is undetermined (0·∞) leaves without a metric.",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		Check: func(o ScaleOptions) error {
			if _, ok := numberOf(o.Factor); !ok {
				return errors.New("wants a number to multiply by")
			}
			return nil
		},
		New: func(env *Env, o ScaleOptions, next Stream) (Stream, error) {
			k, _ := numberOf(o.Factor)
			return &scale{env: env, factor: k, next: next}, nil
		},
		Examples: []Example{{
			Title: "bytes to KiB",
			Rule:  `scale(1/1024, out)`,
			Test:  `at(0, event({metric: 2048}), event({service: "none"})), expect(out, [{metric: 2}, {service: "none", metric: nil}])`,
		}},
	})
}

// ScaleOptions are the options of scale.
type ScaleOptions struct {
	Factor Datum `arg:"1" doc:"the number the metric is multiplied by"`
}

type scale struct {
	env    *Env
	factor number
	next   Stream
	copy   event.Event
}

// Push implements Stream.
func (n *scale) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	m, ok := metricOf(e)
	if !ok {
		n.next.Push(v)
		return
	}
	n.copy = *e
	setMetric(&n.copy, m.times(n.factor))
	n.next.Push(Value{Event: &n.copy})
}
