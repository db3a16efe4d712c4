package streams

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"zeta/event"
)

// FeedResult says what rules made of recorded events.
type FeedResult struct {
	Batches, Events int
	From, To        int64 // stamps of the first and of the last batch, microseconds since the epoch
	Seen            []SeenCount
	Tests           []TestResult // the properties
}

// SeenCount says how many values a named stream, a tap or a sink saw.
type SeenCount struct {
	Name   string
	Values int
}

// RunFeed runs rules, as under test, on what feed pushes: batches with their arrival stamps, in order. Properties
// are held to what comes out instead of to events made at random. Nothing goes silent: what an index would find to
// be expired is not part of it.
func (r *Rules) RunFeed(feed func(push func(stamp int64, batch []event.Event)) error, opts RunOptions) (FeedResult, error) {
	var result FeedResult
	run, err := newTestRun(r, RunOptions{})
	if err != nil {
		return result, err
	}
	rec := run.rec
	rec.at, rec.now = map[string][]int64{}, func() int64 { return run.rt.Clock.Now() }
	rec.counts, rec.only = map[string]int{}, map[string]bool{}
	for name := range r.taps {
		rec.counts[name] = 0
	}
	var properties []*Property
	for _, p := range r.Properties {
		if opts.wants(p.Name) {
			properties = append(properties, p)
			for _, c := range p.checks {
				rec.only[c.tap] = true
			}
		}
	}
	defer func() { run.graph.Close() }()
	var failed error // of building the rules again
	err = feed(func(stamp int64, batch []event.Event) {
		if result.Batches == 0 {
			result.From = stamp
			run.graph.Close()
			run.rt.Clock = NewClock(stamp) // what the rules begin with begins then
			var g *Graph
			if g, failed = r.Build(run.rt); failed == nil {
				run.graph = g
			}
		}
		if failed != nil {
			return
		}
		result.Batches, result.Events, result.To = result.Batches+1, result.Events+len(batch), stamp
		run.graph.Advance(stamp)
		for i := range batch {
			if batch[i].Has&event.HasTime == 0 {
				batch[i].SetTime(stamp)
			}
			run.push(EventValue(&batch[i]))
		}
	})
	if err = errors.Join(err, failed); err != nil {
		return result, err
	}
	for _, name := range slices.Sorted(maps.Keys(rec.counts)) {
		result.Seen = append(result.Seen, SeenCount{name, rec.counts[name]})
	}
	for _, p := range properties {
		t := TestResult{Name: p.Name, Pos: p.Pos}
		for i := range p.checks {
			if text := p.checks[i].broken(run); text != "" {
				t.Failures = append(t.Failures, text)
			}
		}
		if rec.count > maxRecorded {
			t.Failures = append(t.Failures, fmt.Sprintf("the streams that properties name saw more than %d values, of which the rest is not looked at", maxRecorded))
		}
		result.Tests = append(result.Tests, t)
	}
	return result, nil
}
