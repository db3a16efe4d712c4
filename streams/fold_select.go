package streams

import (
	"math"
	"slices"

	"zeta/event"
)

const selects = "The result is an event of the window, unchanged. Events without a metric, or with NaN for one, are skipped; without any metric there is no result. "

// selectingFolds pick events out of the window.
var selectingFolds = []FoldSpec{
	{
		Name:    "minimum",
		Alias:   "min",
		Summary: "The event with the smallest metric.",
		Doc:     selects + "Of equal ones the last wins.",
		Source:  "riemann.folds/minimum",
		Differs: nanDiffers,
		One:     extremum(-1),
		Plain:   extremumPlain(-1),
		Examples: []Example{{
			Title: "the emptiest disk",
			Rule:  `fixedEventWindow(2, smap(min, out))`,
			Test:  `at(0, event({service: "a", metric: 3}), event({service: "b", metric: 2})), expect(out, [{service: "b", metric: 2}])`,
		}},
	},
	{
		Name:    "maximum",
		Alias:   "max",
		Summary: "The event with the largest metric.",
		Doc:     selects + "Of equal ones the last wins.",
		Source:  "riemann.folds/maximum",
		Differs: nanDiffers,
		One:     extremum(1),
		Plain:   extremumPlain(1),
		Examples: []Example{{
			Title: "the busiest host",
			Rule:  `fixedEventWindow(2, smap(max, out))`,
			Test:  `at(0, event({service: "a", metric: 3}), event({service: "b", metric: 2})), expect(out, [{service: "a", metric: 3}])`,
		}},
	},
	{
		Name:    "median",
		Summary: "The event in the middle of the metrics.",
		Doc:     selects + "Of an even number the upper one of the two in the middle: element ⌊n/2⌋ of the sorted metrics, no interpolation.",
		Source:  "riemann.folds/median",
		Differs: nanDiffers,
		One: func(_ int64, w []*event.Event) (*event.Event, error) {
			sorted := sortByMetric(w)
			if len(sorted) == 0 {
				return nil, nil
			}
			return sorted[len(sorted)/2], nil
		},
		Plain: func(values []Datum) (Datum, error) {
			sorted := sortNumbers(values)
			if len(sorted) == 0 {
				return Datum{}, nil
			}
			return sorted[len(sorted)/2].datum(), nil
		},
		Examples: []Example{{
			Title: "an outlier does not move it",
			Rule:  `fixedEventWindow(3, smap(median, out))`,
			Test:  `at(0, event({metric: 900}), event({metric: 1}), event({metric: 2})), expect(out, [{metric: 2}])`,
		}},
	},
	{
		Name:    "mode",
		Summary: "An event with the most frequent metric.",
		Doc:     "The result is the last event that has this metric, unchanged. A missing metric counts as a value; NaN is skipped. Of several most frequent metrics the one that came first wins. No events give nothing.",
		Source:  "riemann.folds/mode",
		Differs: "Which of several most frequent metrics wins is defined; NaN is skipped.",
		One: func(_ int64, w []*event.Event) (*event.Event, error) {
			best := tally(w).most()
			if len(best) == 0 {
				return nil, nil
			}
			return best[0], nil
		},
		Plain: func(values []Datum) (Datum, error) { return mostFrequent(values), nil },
		Examples: []Example{{
			Title: "the usual value",
			Rule:  `fixedEventWindow(3, smap(mode, out))`,
			Test:  `at(0, event({metric: 5}), event({metric: 7}), event({metric: 7})), expect(out, [{metric: 7}])`,
		}},
	},
	{
		Name:    "modes",
		Summary: "The events with the most frequent metrics, one per metric.",
		Doc:     "A list, as long as there are metrics that tie, in the order in which these came first; each is the last event that has the metric, unchanged. A missing metric counts as a value; NaN is skipped. No events give an empty list.",
		Source:  "riemann.folds/modes",
		Differs: "The order is defined; NaN is skipped.",
		List: func(_ int64, _ Points, w []*event.Event) ([]*event.Event, error) {
			return tally(w).most(), nil
		},
		Examples: []Example{{
			Title: "two metrics tie",
			Rule:  `fixedEventWindow(5, smapcat(modes, out))`,
			Test:  `at(0, event({metric: 1}), event({metric: 2}), event({metric: 2}), event({metric: 1}), event({metric: 3})), expect(out, [{metric: 1}, {metric: 2}])`,
		}},
	},
	{
		Name:    "sortedSample",
		Summary: "One event per point of the sorted metrics, the point appended to its service.",
		Doc:     "A list in the order of the points: for the point p the event at index min(n−1, ⌊n·p⌋) of the events sorted by metric, without interpolation. Its service gets a space and the point appended, or, when the points are a map from number to text, that text as it is. Events without a metric, or with NaN for one, are skipped; without any metric the list is empty.",
		Source:  "riemann.folds/sorted-sample",
		Differs: nanDiffers,
		Points:  true,
		List: func(_ int64, points Points, w []*event.Event) ([]*event.Event, error) {
			sampled := sample(points, sortByMetric(w))
			for i, e := range sampled {
				sampled[i] = withSuffix(e, points[i].Suffix)
			}
			return sampled, nil
		},
		Examples: []Example{{
			Title: "median and maximum",
			Rule:  `fixedEventWindow(3, smapcat(sortedSample([0.5, 1]), out))`,
			Test:  `at(0, event({service: "s", metric: 3}), event({service: "s", metric: 1}), event({service: "s", metric: 2})), expect(out, [{service: "s 0.5", metric: 2}, {service: "s 1", metric: 3}])`,
		}},
	},
	{
		Name:    "sortedSampleExtract",
		Summary: "As sortedSample, but the services are left as they are.",
		Doc:     "A list in the order of the points: for the point p the event at index min(n−1, ⌊n·p⌋) of the events sorted by metric. Events without a metric, or with NaN for one, are skipped; without any metric the list is empty.",
		Source:  "riemann.folds/sorted-sample-extract",
		Differs: nanDiffers,
		Points:  true,
		List: func(_ int64, points Points, w []*event.Event) ([]*event.Event, error) {
			return sample(points, sortByMetric(w)), nil
		},
		Examples: []Example{{
			Title: "the smallest and the largest",
			Rule:  `fixedEventWindow(3, smapcat(sortedSampleExtract([0, 1]), out))`,
			Test:  `at(0, event({service: "s", metric: 3}), event({service: "s", metric: 1}), event({service: "s", metric: 2})), expect(out, [{service: "s", metric: 1}, {service: "s", metric: 3}])`,
		}},
	},
}

// extremum picks the event whose metric compares to every other's as sign or equal, the last of equal ones.
func extremum(sign int) func(int64, []*event.Event) (*event.Event, error) {
	return func(_ int64, w []*event.Event) (*event.Event, error) {
		var best *event.Event
		var most number
		for _, e := range w {
			if e == nil {
				continue
			}
			if m, ok := metricOf(e); ok && (best == nil || m.compare(most) != -sign) {
				best, most = e, m
			}
		}
		return best, nil
	}
}

func extremumPlain(sign int) func([]Datum) (Datum, error) {
	return func(values []Datum) (Datum, error) {
		found := false
		var most number
		for _, d := range values {
			if m, ok := numberOf(d); ok && (!found || m.compare(most) != -sign) {
				found, most = true, m
			}
		}
		if !found {
			return Datum{}, nil
		}
		return most.datum(), nil
	}
}

// sortByMetric returns the events that have a metric other than NaN, sorted by it; equal ones keep their
// order. The list is new, its events are those of w.
func sortByMetric(w []*event.Event) []*event.Event {
	sorted := make([]*event.Event, 0, len(w))
	for _, e := range w {
		if e == nil {
			continue
		}
		if _, ok := metricOf(e); ok {
			sorted = append(sorted, e)
		}
	}
	slices.SortStableFunc(sorted, func(a, b *event.Event) int {
		m, _ := metricOf(a)
		n, _ := metricOf(b)
		return m.compare(n)
	})
	return sorted
}

func sortNumbers(values []Datum) []number {
	sorted := make([]number, 0, len(values))
	for _, d := range values {
		if m, ok := numberOf(d); ok {
			sorted = append(sorted, m)
		}
	}
	slices.SortStableFunc(sorted, number.compare)
	return sorted
}

// sampleIndex returns where the point p lies in n > 0 sorted things: min(n−1, ⌊n·p⌋), never negative.
func sampleIndex(n int, p float64) int {
	i := math.Floor(float64(n) * p)
	switch {
	case i >= float64(n-1):
		return n - 1
	case i > 0:
		return int(i)
	}
	return 0
}

// sample returns for each point the event of the sorted ones that lies there; nothing if there are none.
func sample(points Points, sorted []*event.Event) []*event.Event {
	if len(sorted) == 0 {
		return []*event.Event{}
	}
	sampled := make([]*event.Event, len(points))
	for i, p := range points {
		sampled[i] = sorted[sampleIndex(len(sorted), p.At)]
	}
	return sampled
}

// withSuffix returns a copy of e with suffix appended to its service.
func withSuffix(e *event.Event, suffix string) *event.Event {
	c := *e
	c.SetService(e.Service + suffix)
	return &c
}

// counts says how often each metric occurs, in the order of first occurrence.
type counts struct {
	at    map[number]int
	tally []occurrence
}

type occurrence struct {
	last *event.Event
	n    int
}

// tally counts the metrics of w by value; missing is one, NaN is skipped.
func tally(w []*event.Event) *counts {
	c := &counts{at: make(map[number]int, len(w))}
	missing := -1
	for _, e := range w {
		if e == nil {
			continue
		}
		m, ok := metricOf(e)
		switch {
		case !ok && e.Has&event.HasMetric != 0: // NaN
		case !ok && missing >= 0:
			c.again(missing, e)
		case !ok:
			missing = len(c.tally)
			c.tally = append(c.tally, occurrence{e, 1})
		default:
			key := m.canonical()
			if i, known := c.at[key]; known {
				c.again(i, e)
				continue
			}
			c.at[key] = len(c.tally)
			c.tally = append(c.tally, occurrence{e, 1})
		}
	}
	return c
}

func (c *counts) again(i int, e *event.Event) {
	c.tally[i].n++
	c.tally[i].last = e
}

// most returns the last event of each most frequent metric.
func (c *counts) most() []*event.Event {
	top := 0
	for _, o := range c.tally {
		top = max(top, o.n)
	}
	best := []*event.Event{}
	for _, o := range c.tally {
		if o.n == top {
			best = append(best, o.last)
		}
	}
	return best
}

// mostFrequent returns the value that occurs most often, the first of several.
func mostFrequent(values []Datum) Datum {
	n := make(map[string]int, len(values))
	var key []byte
	best, most := Datum{}, 0
	for _, d := range values {
		if f, isNumber := d.Number(); isNumber && math.IsNaN(f) {
			continue
		}
		key = d.AppendKey(key[:0])
		n[string(key)]++
		most = max(most, n[string(key)])
	}
	for _, d := range values {
		key = d.AppendKey(key[:0])
		if n[string(key)] == most && most > 0 {
			return d
		}
	}
	return best
}
