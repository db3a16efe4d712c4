package streams

import (
	"math"

	"zeta/event"
)

// countingFolds are statistics over how many there are.
var countingFolds = []FoldSpec{
	{
		Name:    "count",
		Summary: "The number of events.",
		Doc:     "Every event counts, whatever it holds; only missing ones do not. The result is the first event with the number as metric; without any event it is an event that has only the metric 0 and the engine's time, rounded to whole seconds.",
		Source:  "riemann.folds/count",
		One: func(now int64, w []*event.Event) (*event.Event, error) {
			n := int64(0)
			for _, e := range w {
				if e != nil {
					n++
				}
			}
			if template := firstEvent(w); template != nil {
				return withMetric(template, intNumber(n)), nil
			}
			none := &event.Event{}
			none.SetInt(0)
			none.SetTime((now + 500_000) / 1_000_000 * 1_000_000)
			return none, nil
		},
		Plain: func(values []Datum) (Datum, error) { return intNumber(int64(len(values))).datum(), nil },
		Examples: []Example{{
			Title: "how many in a minute",
			Rule:  `fixedTimeWindow(60, smap(count, out))`,
			Test:  `at(0, event({service: "a", time: 0}), event({service: "b", time: 59}), event({service: "c", time: 60})), expect(out, [{service: "a", metric: 2}])`,
		}},
	},
	{
		Name:    "mean",
		Summary: "The arithmetic mean of the metrics.",
		Doc:     skipsMissing + "The mean itself is a float64. The result is the first event with that metric, even if it had none itself; without any metric there is no result.",
		Source:  "riemann.folds/mean",
		Differs: "The result is a float64, not an exact ratio. " + nanDiffers,
		One: func(_ int64, w []*event.Event) (*event.Event, error) {
			n, sum := 0, intNumber(0)
			for _, e := range w {
				if e == nil {
					continue
				}
				if m, ok := metricOf(e); ok {
					n, sum = n+1, sum.plus(m)
				}
			}
			if n == 0 {
				return nil, nil
			}
			return withMetric(firstEvent(w), meanOf(sum, n)), nil
		},
		Plain: func(values []Datum) (Datum, error) {
			n, sum := 0, intNumber(0)
			for _, d := range values {
				if m, ok := numberOf(d); ok {
					n, sum = n+1, sum.plus(m)
				}
			}
			if n == 0 {
				return Datum{}, nil
			}
			return meanOf(sum, n).datum(), nil
		},
		Examples: []Example{{
			Title: "the mean of two",
			Rule:  `fixedEventWindow(2, smap(mean, out))`,
			Test:  `at(0, event({metric: 1}), event({metric: 4})), expect(out, [{metric: 2.5}])`,
		}},
	},
	{
		Name:    "stdDev",
		Summary: "The standard deviation of the metrics, as a population.",
		Doc:     "Events without a metric, or with NaN for one, are skipped. The result is the first event with the deviation as metric, a float64; without any metric there is no result.",
		Source:  "riemann.folds/std-dev",
		Differs: "Events without any metric give nothing; Riemann throws. " + nanDiffers,
		One: func(_ int64, w []*event.Event) (*event.Event, error) {
			var d deviation
			for _, e := range w {
				if e == nil {
					continue
				}
				if m, ok := metricOf(e); ok {
					d.add(m.float())
				}
			}
			if d.n == 0 {
				return nil, nil
			}
			return withMetric(firstEvent(w), floatNumber(d.value())), nil
		},
		Plain: func(values []Datum) (Datum, error) {
			var d deviation
			for _, v := range values {
				if m, ok := numberOf(v); ok {
					d.add(m.float())
				}
			}
			if d.n == 0 {
				return Datum{}, nil
			}
			return floatNumber(d.value()).datum(), nil
		},
		Examples: []Example{{
			Title: "two apart from their mean by one",
			Rule:  `fixedEventWindow(2, smap(stdDev, out))`,
			Test:  `at(0, event({metric: 1}), event({metric: 3})), expect(out, [{metric: 1}])`,
		}},
	},
}

// meanOf divides sum by n. A sum of finite metrics beyond the float64 range stays infinite.
func meanOf(sum number, n int) number { return sum.over(intNumber(int64(n))) }

// deviation accumulates a variance in one pass without cancellation.
type deviation struct {
	n       int
	mean, m float64 // m: sum of squared distances from the mean
}

func (d *deviation) add(x float64) {
	d.n++
	delta := x - d.mean
	d.mean += delta / float64(d.n)
	d.m += delta * (x - d.mean)
}

func (d *deviation) value() float64 { return math.Sqrt(d.m / float64(d.n)) }
