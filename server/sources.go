package server

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"zeta/event"
	"zeta/streams"

	"github.com/prometheus/client_golang/prometheus"
)

// sources looks at what the rules' probe.KIND and source.KIND statements name, each at its own pace.
type sources struct {
	log      *slog.Logger
	ingest   func([]event.Event) error
	panicked func(where string, p any)
	slots    chan struct{} // one for each look that runs

	looks, told, late *prometheus.CounterVec

	mu      sync.Mutex
	ctx     context.Context // of the looks; nil before start
	current []*looker
	running sync.WaitGroup
}

// looker is one source that is looked at.
type looker struct {
	streams.SourceDeclaration
	source streams.Source
	stop   context.CancelFunc // nil before it runs
}

const (
	maxLooks      = 64              // looks that run at once; others wait
	maxLookEvents = 10_000          // events of one look; more are cut off
	firstLooks    = 5 * time.Second // the first looks are spread over so much, or an interval if that is shorter
	lookJitter    = 0.05            // of an interval: how much earlier or later a look may be
)

func newSources(log *slog.Logger, registry prometheus.Registerer, ingest func([]event.Event) error, panicked func(string, any)) *sources {
	counter := func(name, help string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"source"})
		registry.MustRegister(c)
		return c
	}
	return &sources{
		log: log, ingest: ingest, panicked: panicked, slots: make(chan struct{}, maxLooks),
		looks: counter("zeta_server_looks_total", "Looks at probes and sources that ended."),
		told:  counter("zeta_server_look_events_total", "Events that looks gave."),
		late:  counter("zeta_server_looks_skipped_total", "Looks left out because the one before, or too many others, took too long."),
	}
}

// prepare opens the sources of new rules. One that is declared as before goes on as it is, with what it
// remembers. Nothing changes until use.
func (x *sources) prepare(declared []streams.SourceDeclaration) ([]*looker, error) {
	x.mu.Lock()
	old := append([]*looker(nil), x.current...)
	x.mu.Unlock()
	next := make([]*looker, 0, len(declared))
declarations:
	for _, d := range declared {
		for i, o := range old {
			if o.Kind == d.Kind && reflect.DeepEqual(o.Options, d.Options) {
				next = append(next, o)
				old = append(old[:i], old[i+1:]...)
				continue declarations
			}
		}
		s, err := d.Open(x.log)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.Pos, err)
		}
		next = append(next, &looker{SourceDeclaration: d, source: s})
	}
	return next, nil
}

// use looks at these sources from now on, and no longer at others.
func (x *sources) use(next []*looker) {
	x.mu.Lock()
	defer x.mu.Unlock()
	kept := make(map[*looker]bool, len(next))
	for _, l := range next {
		kept[l] = true
	}
	for _, l := range x.current {
		if !kept[l] && l.stop != nil {
			l.stop()
		}
	}
	x.current = next
	if x.ctx != nil {
		x.begin()
	}
}

// start begins to look; it ends when ctx is done.
func (x *sources) start(ctx context.Context) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ctx = ctx
	x.begin()
}

// begin starts the sources that do not run yet. x.mu is held.
func (x *sources) begin() {
	for _, l := range x.current {
		if l.stop == nil {
			var ctx context.Context
			ctx, l.stop = context.WithCancel(x.ctx)
			x.running.Go(func() { x.run(ctx, l) })
		}
	}
}

// wait returns when the last look has ended.
func (x *sources) wait() { x.running.Wait() }

// run looks at one source until ctx is done. Looks are on a grid that begins at a moment of chance, so that a
// thousand probes do not start together, and each is a little early or late.
func (x *sources) run(ctx context.Context, l *looker) {
	every, timeout := l.source.Schedule()
	due := time.Now().Add(rand.N(min(every, firstLooks)))
	for {
		pause := time.NewTimer(time.Until(due) + time.Duration((rand.Float64()*2-1)*lookJitter*float64(every)))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
		select {
		case x.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		x.look(ctx, l, timeout)
		<-x.slots
		due = due.Add(every)
		if behind := time.Since(due); behind > 0 {
			skipped := behind/every + 1
			x.late.WithLabelValues(l.Kind).Add(float64(skipped))
			due = due.Add(skipped * every)
		}
	}
}

// look looks once and sends the events through the rules.
func (x *sources) look(ctx context.Context, l *looker, timeout time.Duration) {
	defer func() {
		if p := recover(); p != nil {
			x.panicked("look at "+l.Kind, p)
		}
	}()
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	events := l.source.Look(within)
	x.looks.WithLabelValues(l.Kind).Inc()
	if ctx.Err() != nil {
		return // it ended because zeta does, or because the rules no longer name it: its failure means nothing
	}
	events = events[:min(len(events), maxLookEvents)]
	x.told.WithLabelValues(l.Kind).Add(float64(len(events)))
	for len(events) > 0 {
		n := min(len(events), eventsPerRun)
		if err := x.ingest(events[:n]); err != nil {
			x.log.Error("events of "+l.Kind, "rule", l.Pos, "err", err)
		}
		events = events[n:]
	}
}
