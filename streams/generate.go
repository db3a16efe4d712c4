package streams

import (
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"zeta/event"
)

// OverOptions say what events a property is tried with: over({…}).
type OverOptions struct {
	Events     int               `opt:"events" min:"1" max:"10000" doc:"events of one run"`
	Runs       int               `opt:"runs" min:"1" max:"10000" doc:"runs, each with other events"`
	Seed       int               `opt:"seed" min:"0" doc:"what chance starts from: the same seed gives the same events"`
	Hosts      []string          `opt:"hosts" doc:"hosts of the events"`
	Services   []string          `opt:"services" doc:"services of the events"`
	States     []string          `opt:"states" doc:"states; a source mostly keeps the one it has"`
	Metrics    []float64         `opt:"metrics" doc:"least and greatest metric; the bounds themselves come often"`
	Tags       []string          `opt:"tags" doc:"tags, of which each event has some"`
	Attributes map[string]string `opt:"attributes" doc:"attributes that every event has"`
	TTL        time.Duration     `opt:"ttl" doc:"ttl of every event; 0: none"`
	Step       time.Duration     `opt:"step" doc:"longest usual time from one event to the next; some come at once, some after ten times as long"`
	Missing    float64           `opt:"missing" min:"0" max:"1" doc:"share of events that lack the state, and of those that lack the metric"`
	After      time.Duration     `opt:"after" doc:"how long the clock goes on after the last event, for what leaves late"`
}

// overEntry decodes over({…}).
var overEntry = sync.OnceValue(func() *registration {
	return newRegistration(listenerName, OverOptions{
		Events: 200, Runs: 20, Seed: 1, Hosts: []string{"h1", "h2", "h3"}, Services: []string{"s1", "s2"},
		States: []string{"ok", "warning", "critical"}, Metrics: []float64{0, 100}, Step: time.Minute, Missing: 0.05, After: time.Hour,
	}, func(o OverOptions) error {
		switch {
		case len(o.Hosts) == 0 || len(o.Services) == 0 || len(o.States) == 0:
			return errors.New("hosts, services and states each want one at least")
		case len(o.Metrics) != 2 || o.Metrics[0] > o.Metrics[1]:
			return errors.New("metrics wants the least and the greatest, e.g. [0, 100]")
		case o.Events*o.Runs > 10_000_000:
			return errors.New("more than 10000000 events in all runs")
		}
		return nil
	}, Doc{
		Name: "over", Summary: "Make events at random.", Leaf: true,
		Examples: []Example{{Rule: `over({events: 500, hosts: ["web1", "web2"]})`}},
	})
})

// generate makes the events of one run, one a step.
func generate(o OverOptions, run int) []testStep {
	rng := rand.New(rand.NewPCG(uint64(o.Seed), uint64(run)))
	pick := func(from []string) string { return from[rng.IntN(len(from))] }
	unit := int64(1_000) // times people can read: milliseconds, or seconds where that is fine enough
	if o.Step >= 10*time.Second {
		unit = 1_000_000
	}
	states := map[[2]string]string{}
	steps := make([]testStep, o.Events)
	now := int64(0)
	for i := range steps {
		switch n := rng.IntN(20); {
		case n < 4: // at once
		case n == 4:
			now += rng.Int64N(10*o.Step.Microseconds()/unit+1) * unit
		default:
			now += rng.Int64N(o.Step.Microseconds()/unit+1) * unit
		}
		e := &event.Event{}
		source := [2]string{pick(o.Hosts), pick(o.Services)}
		e.SetHost(source[0])
		e.SetService(source[1])
		state, known := states[source]
		if !known || rng.IntN(4) == 0 {
			state = pick(o.States)
			states[source] = state
		}
		if rng.Float64() >= o.Missing {
			e.SetState(state)
		}
		if rng.Float64() >= o.Missing {
			setNumber(e, o.metric(rng))
		}
		if o.TTL > 0 {
			e.SetTTL(o.TTL.Seconds())
		}
		e.Set = o.set(rng)
		steps[i] = testStep{at: now, events: []*event.Event{e}}
	}
	return steps
}

func (o OverOptions) metric(rng *rand.Rand) float64 {
	low, high := o.Metrics[0], o.Metrics[1]
	switch rng.IntN(10) {
	case 0:
		return low
	case 1:
		return high
	}
	m := low + rng.Float64()*(high-low)
	if round := math.Round(m*100) / 100; round >= low && round <= high {
		return round
	}
	return m
}

// setNumber sets a whole number as an integer, as clients do.
func setNumber(e *event.Event, m float64) {
	if m == math.Trunc(m) && math.Abs(m) < 1<<53 {
		e.SetInt(int64(m))
	} else {
		e.SetFloat(m)
	}
}

func (o OverOptions) set(rng *rand.Rand) *event.Set {
	var tags []string
	for _, t := range o.Tags {
		if rng.IntN(2) == 0 {
			tags = append(tags, t)
		}
	}
	var attrs []event.Attr
	for _, k := range slices.Sorted(maps.Keys(o.Attributes)) {
		attrs = append(attrs, event.Attr{Key: k, Value: o.Attributes[k]})
	}
	if tags == nil && len(o.Attributes) == 0 {
		return nil
	}
	return event.NewSet(tags, attrs)
}
