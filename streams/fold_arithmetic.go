package streams

import (
	"errors"
	"fmt"

	"zeta/event"
)

// errZeroDivisor is the failure of quotientStar.
var errZeroDivisor = errors.New("division by zero")

const skipsMissing = "Missing events and events without a metric, or with NaN for one, are skipped. An int64 result stays exact until it overflows; then it goes on as a float64. "

const spoiledByMissing = "One event without a metric spoils the result: it then has no metric and a description that says which event it was. A single event is the result as it is; no events, or a missing first one, give nothing. "

const strict = "Strict: the fold fails where a friendly one would skip. A single event without a metric is the result as it is. "

const nanDiffers = "NaN counts as a missing metric; in Riemann it makes the result NaN."

// arithmeticFolds reduce all metrics to one with + - * /.
var arithmeticFolds = []FoldSpec{
	{
		Name:    "sum",
		Summary: "The sum of the metrics.",
		Doc:     skipsMissing + "The result is the first event with that metric, even if it had none itself; without any metric the sum is 0, without any event there is no result.",
		Source:  "riemann.folds/sum",
		Differs: nanDiffers,
		One:     friendly(intNumber(0), number.plus),
		Plain:   friendlyPlain(intNumber(0), number.plus),
		Examples: []Example{{
			Title: "the total of two events",
			Rule:  `fixedEventWindow(2, smap(sum, out))`,
			Test:  `at(0, event({service: "a", metric: 1}), event({service: "b", metric: 2})), expect(out, [{service: "a", metric: 3}])`,
		}},
	},
	{
		Name:    "product",
		Summary: "The product of the metrics.",
		Doc:     skipsMissing + "The result is the first event with that metric; without any metric the product is 1, without any event there is no result.",
		Source:  "riemann.folds/product",
		Differs: nanDiffers,
		One:     friendly(intNumber(1), number.times),
		Plain:   friendlyPlain(intNumber(1), number.times),
		Examples: []Example{{
			Title: "two factors",
			Rule:  `fixedEventWindow(2, smap(product, out))`,
			Test:  `at(0, event({metric: 3}), event({metric: 4})), expect(out, [{metric: 12}])`,
		}},
	},
	{
		Name:    "difference",
		Summary: "The first metric minus all the others.",
		Doc:     spoiledByMissing + "The result is the first event with that metric.",
		Source:  "riemann.folds/difference",
		Differs: nanDiffers,
		One:     demanding("difference", number.minus, false),
		Plain:   demandingPlain(number.minus, false),
		Examples: []Example{{
			Title: "used of total",
			Rule:  `fixedEventWindow(2, smap(difference, out))`,
			Test:  `at(0, event({service: "total", metric: 10}), event({service: "free", metric: 4})), expect(out, [{service: "total", metric: 6}])`,
		}},
	},
	{
		Name:    "quotient",
		Summary: "The first metric divided by each of the others.",
		Doc:     spoiledByMissing + "So does a division by zero. The result is the first event with that metric, a float64.",
		Source:  "riemann.folds/quotient",
		Differs: "The result is a float64, not an exact ratio. " + nanDiffers,
		One:     demanding("quotient", number.over, true),
		Plain:   demandingPlain(number.over, true),
		Examples: []Example{{
			Title: "a share",
			Rule:  `fixedEventWindow(2, smap(quotient, out))`,
			Test:  `at(0, event({service: "errors", metric: 1}), event({service: "requests", metric: 4})), expect(out, [{service: "errors", metric: 0.25}])`,
		}},
	},
	{
		Name:    "quotientSloppy",
		Summary: "As quotient, but a zero anywhere gives 0.",
		Doc:     "For ratios of rates, where 0/0 is no news. " + spoiledByMissing + "The result is the first event with that metric.",
		Source:  "riemann.folds/quotient-sloppy",
		Differs: "A missing metric gives a result without a metric, as in quotient; Riemann throws unless a zero stands before it.",
		One:     sloppyQuotient,
		Plain:   sloppyQuotientPlain,
		Examples: []Example{{
			Title: "no requests, no errors",
			Rule:  `fixedEventWindow(2, smap(quotientSloppy, out))`,
			Test:  `at(0, event({service: "errors", metric: 0}), event({service: "requests", metric: 0})), expect(out, [{service: "errors", metric: 0}])`,
		}},
	},
	{
		Name:    "sumStar",
		Summary: "The sum of the metrics; fails when one is missing.",
		Doc:     strict + "An empty window gives an event that has only the metric 0.",
		Source:  "riemann.folds/sum*",
		Differs: "NaN fails like a missing metric; so does a window that holds a single missing event.",
		One:     strictFold(number.plus, false, &event.Event{Has: event.HasInt, Int: 0}),
		Plain:   strictPlain(number.plus, false),
		Examples: []Example{{
			Title: "all there",
			Rule:  `fixedEventWindow(2, smap(sumStar, out))`,
			Test:  `at(0, event({metric: 1}), event({metric: 2}), event({metric: 4}), event({service: "none"})), expect(out, [{metric: 3}])`,
		}},
	},
	{
		Name:    "productStar",
		Summary: "The product of the metrics; fails when one is missing.",
		Doc:     strict + "An empty window gives an event that has only the metric 1.",
		Source:  "riemann.folds/product*",
		Differs: "NaN fails like a missing metric; so does a window that holds a single missing event.",
		One:     strictFold(number.times, false, &event.Event{Has: event.HasInt, Int: 1}),
		Plain:   strictPlain(number.times, false),
		Examples: []Example{{
			Title: "all there",
			Rule:  `fixedEventWindow(2, smap(productStar, out))`,
			Test:  `at(0, event({metric: 2}), event({metric: 3}), event({metric: 4}), event({service: "none"})), expect(out, [{metric: 6}])`,
		}},
	},
	{
		Name:    "differenceStar",
		Summary: "The first metric minus all the others; fails when one is missing.",
		Doc:     strict + "An empty window fails.",
		Source:  "riemann.folds/difference*",
		Differs: "NaN fails like a missing metric; so does a window that holds a single missing event.",
		One:     strictFold(number.minus, false, nil),
		Plain:   strictPlain(number.minus, false),
		Examples: []Example{{
			Title: "all there",
			Rule:  `fixedEventWindow(2, smap(differenceStar, out))`,
			Test:  `at(0, event({metric: 7}), event({metric: 3}), event({metric: 4}), event({service: "none"})), expect(out, [{metric: 4}])`,
		}},
	},
	{
		Name:    "quotientStar",
		Summary: "The first metric divided by each of the others; fails when one is missing or a divisor is zero.",
		Doc:     strict + "An empty window fails, and so does a division by zero. The result is a float64.",
		Source:  "riemann.folds/quotient*",
		Differs: "The result is a float64, not an exact ratio. NaN fails like a missing metric; so does a window that holds a single missing event.",
		One:     strictFold(number.over, true, nil),
		Plain:   strictPlain(number.over, true),
		Examples: []Example{{
			Title: "a division by zero fails",
			Rule:  `fixedEventWindow(2, smap(quotientStar, out))`,
			Test:  `at(0, event({metric: 6}), event({metric: 3}), event({metric: 1}), event({metric: 0})), expect(out, [{metric: 2}])`,
		}},
	},
}

// friendly reduces the metrics there are, starting from zero.
func friendly(zero number, step func(acc, m number) number) func(int64, []*event.Event) (*event.Event, error) {
	return func(_ int64, w []*event.Event) (*event.Event, error) {
		template := firstEvent(w)
		if template == nil {
			return nil, nil
		}
		acc := zero
		for _, e := range w {
			if e == nil {
				continue
			}
			if m, ok := metricOf(e); ok {
				acc = step(acc, m)
			}
		}
		return withMetric(template, acc), nil
	}
}

func friendlyPlain(zero number, step func(acc, m number) number) func([]Datum) (Datum, error) {
	return func(values []Datum) (Datum, error) {
		if len(values) == 0 {
			return Datum{}, nil
		}
		acc := zero
		for _, d := range values {
			if m, ok := numberOf(d); ok {
				acc = step(acc, m)
			}
		}
		return acc.datum(), nil
	}
}

// demanding reduces all metrics from the first on; what hinders it is told in the description of the result.
func demanding(name string, step func(acc, m number) number, divides bool) func(int64, []*event.Event) (*event.Event, error) {
	return func(_ int64, w []*event.Event) (*event.Event, error) {
		if len(w) == 0 || w[0] == nil {
			return nil, nil
		}
		if len(w) == 1 {
			return w[0], nil
		}
		acc, ok := metricOf(w[0])
		if !ok {
			return spoiled(w[0], fmt.Sprintf("%s: event 1 of %d has no metric", name, len(w))), nil
		}
		zeroAt := 0
		for i, e := range w[1:] {
			m, ok := number{}, false
			if e != nil {
				m, ok = metricOf(e)
			}
			if !ok {
				return spoiled(w[0], fmt.Sprintf("%s: event %d of %d has no metric", name, i+2, len(w))), nil
			}
			if divides && m.isZero() {
				if zeroAt == 0 {
					zeroAt = i + 2
				}
				continue
			}
			acc = step(acc, m)
		}
		if zeroAt > 0 {
			return spoiled(w[0], fmt.Sprintf("%s: the metric of event %d of %d is 0: division by zero", name, zeroAt, len(w))), nil
		}
		return withMetric(w[0], acc), nil
	}
}

func spoiled(template *event.Event, why string) *event.Event {
	c := *template
	c.ClearMetric()
	c.SetDescription(why)
	return &c
}

func demandingPlain(step func(acc, m number) number, divides bool) func([]Datum) (Datum, error) {
	strict := strictPlain(step, divides)
	return func(values []Datum) (Datum, error) {
		d, err := strict(values)
		if err != nil {
			return Datum{}, nil
		}
		return d, nil
	}
}

func sloppyQuotient(now int64, w []*event.Event) (*event.Event, error) {
	if len(w) == 0 || w[0] == nil {
		return nil, nil
	}
	for _, e := range w {
		if e == nil {
			continue
		}
		if m, ok := metricOf(e); ok && m.isZero() {
			return withMetric(w[0], intNumber(0)), nil
		}
	}
	return quotient(now, w)
}

var quotient = demanding("quotientSloppy", number.over, true)

func sloppyQuotientPlain(values []Datum) (Datum, error) {
	for _, d := range values {
		if m, ok := numberOf(d); ok && m.isZero() {
			return intNumber(0).datum(), nil
		}
	}
	return demandingPlain(number.over, true)(values)
}

// strictFold reduces all metrics and fails on what is not there; empty is the result for an empty window,
// nil where that fails too.
func strictFold(step func(acc, m number) number, divides bool, empty *event.Event) func(int64, []*event.Event) (*event.Event, error) {
	return func(_ int64, w []*event.Event) (*event.Event, error) {
		if len(w) == 0 {
			if empty == nil {
				return nil, errors.New("an empty window has no first event")
			}
			return empty, nil
		}
		if len(w) == 1 && w[0] != nil {
			return w[0], nil
		}
		var acc number
		for i, e := range w {
			if e == nil {
				return nil, fmt.Errorf("event %d of %d is missing", i+1, len(w))
			}
			m, ok := metricOf(e)
			switch {
			case !ok:
				return nil, fmt.Errorf("%w: event %d of %d", ErrMissingMetric, i+1, len(w))
			case i == 0:
				acc = m
			case divides && m.isZero():
				return nil, fmt.Errorf("%w: event %d of %d", errZeroDivisor, i+1, len(w))
			default:
				acc = step(acc, m)
			}
		}
		return withMetric(w[0], acc), nil
	}
}

func strictPlain(step func(acc, m number) number, divides bool) func([]Datum) (Datum, error) {
	return func(values []Datum) (Datum, error) {
		var acc number
		for i, d := range values {
			m, ok := numberOf(d)
			switch {
			case !ok:
				return Datum{}, fmt.Errorf("value %d of %d is not a number", i+1, len(values))
			case i == 0:
				acc = m
			case divides && m.isZero():
				return Datum{}, fmt.Errorf("%w: value %d of %d", errZeroDivisor, i+1, len(values))
			default:
				acc = step(acc, m)
			}
		}
		if len(values) == 0 {
			return Datum{}, nil
		}
		return acc.datum(), nil
	}
}
