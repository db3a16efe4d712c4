package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// of gives a result's CPU time with its calibration.
func of(r *loadResult) measured { return measured{r.CPU, r.Calibration} }

// Riemann 0.3.13 on the reference machine, as parts of the calibration there: app batch 1000, app batch 100, collectd batch 100.
var riemann = [3]float64{2044 / referenceApp, 2285 / referenceApp, 4604 / referenceCollectd}

func measureIngest(ctx context.Context, c *config) ([]measured, error) {
	var all []*loadResult
	for _, r := range []row{
		{Network: "tcp", Shape: "app", Batch: 1000, Depth: 8}, {Network: "tcp", Shape: "app", Batch: 100, Depth: 32},
		{Network: "tcp", Shape: "collectd", Batch: 100, Depth: 32}, {Network: "tls", Shape: "app", Batch: 1000, Depth: 8},
	} {
		r.Rules, r.Conns = "predicates", 1
		m, err := c.median(ctx, r)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	times, allocs := math.Inf(1), 0.0
	for i, m := range all {
		if i < len(riemann) {
			times = min(times, riemann[i]/(m.CPU/m.Calibration))
		}
		allocs = max(allocs, m.Allocs)
	}
	return []measured{of(all[0]), of(all[1]), of(all[2]), {value: times}, of(all[3]), {value: allocs}}, nil
}

// million is a load over a million series; the pool, which is sent once to warm up, holds each once.
func (c *config) million(t *target, order string) load {
	l := c.loadOf(t, row{Network: "tcp", Shape: "app", Batch: 1000, Conns: 1, Depth: 8})
	l.Sample.Series, l.Sample.Rounds, l.Sample.Order = 1_000_000, 1, order
	return l
}

func measureMillion(ctx context.Context, c *config) ([]measured, error) {
	t, err := c.start(ctx, fivePredicates)
	if err != nil {
		return nil, err
	}
	defer t.stop()
	if err := t.collect(); err != nil {
		return nil, err
	}
	empty, err := scrape(t.metrics())
	if err != nil {
		return nil, err
	}
	ingest, err := c.repeatedly(func() (*loadResult, error) { return ask[loadResult](ctx, "load", c.million(t, "")) })
	if err != nil {
		return nil, err
	}
	const cycles = 4
	if err := t.collect(); err != nil {
		return nil, err
	}
	cpu := cpuOf(t.pid())
	for range cycles {
		if err := t.collect(); err != nil {
			return nil, err
		}
	}
	cycle := ms(cpuOf(t.pid())-cpu) / cycles
	full, err := scrape(t.metrics())
	if err != nil {
		return nil, err
	}
	entry := (full["go_memstats_heap_alloc_bytes"] - empty["go_memstats_heap_alloc_bytes"]) / full["zeta_index_series"]
	query := queryLoad{Addr: t.addr["tcp"], Times: 30, PID: t.pid(), Query: `service =~ "df-%" and state = "warning"`}
	byPrefix, err := ask[queryResult](ctx, "query", query)
	if err != nil {
		return nil, err
	}
	query.Query, query.Times = `host = "web-777.prod1"`, 300
	byHost, err := ask[queryResult](ctx, "query", query)
	if err != nil {
		return nil, err
	}
	scans, err := c.scans(ctx, 0)
	if err != nil {
		return nil, err
	}
	onOne, err := c.scans(ctx, 1)
	if err != nil {
		return nil, err
	}
	pauses, err := scrape(t.metrics())
	if err != nil {
		return nil, err
	}
	k := ingest.Calibration
	return []measured{of(ingest), {value: ingest.RSS * 1.048576}, {value: entry}, {cycle, k}, {byPrefix.RoundTrip, k}, {byHost.RoundTrip, k},
		{value: 1000 * pauses[`go_gc_duration_seconds{quantile="1"}`]}, {value: scans.times}, {value: onOne.times}, {value: scans.trip}, {value: onOne.trip}}, nil
}

// scanned is what ten scans of the whole index a second do.
type scanned struct {
	times float64 // the ack p99 of a steady load is what it is without them
	trip  float64 // ms that a scan took
}

// scans measures pairs of runs, one behind the other, and returns the medians. procs 0 stands for all cores.
func (c *config) scans(ctx context.Context, procs int) (*scanned, error) {
	all := *c
	all.procs = procs
	t, err := all.start(ctx, fivePredicates)
	if err != nil {
		return nil, err
	}
	defer t.stop()
	if _, err := ask[loadResult](ctx, "load", c.million(t, "")); err != nil {
		return nil, err
	}
	l := c.million(t, "")
	l.Sample.Series, l.Sample.Batch = 100_000, 100
	l.Conns, l.Depth, l.Rate, l.Time, l.Calibrate = 4, 64, 200_000, 2*c.time, 0
	q := queryLoad{Addr: t.addr["tcp"], PID: t.pid(), Query: `metric > 1000000.0`, Every: 100 * time.Millisecond, Times: int(3*c.time/(100*time.Millisecond)) + 5}
	var ratios, trips []float64
	for range c.repeat {
		alone, err := ask[loadResult](ctx, "load", l)
		if err != nil {
			return nil, err
		}
		scans := make(chan *queryResult, 1)
		failed := make(chan error, 1)
		go func() {
			r, err := ask[queryResult](ctx, "query", q)
			scans <- r
			failed <- err
		}()
		beside, err := ask[loadResult](ctx, "load", l)
		r := <-scans
		if err := errors.Join(err, <-failed); err != nil {
			return nil, err
		}
		ratios, trips = append(ratios, beside.P99/alone.P99), append(trips, r.RoundTrip)
	}
	return &scanned{middle(ratios), middle(trips)}, nil
}

func measureRandom(ctx context.Context, c *config) ([]measured, error) {
	t, err := c.start(ctx, fivePredicates)
	if err != nil {
		return nil, err
	}
	defer t.stop()
	r, err := c.repeatedly(func() (*loadResult, error) { return ask[loadResult](ctx, "load", c.million(t, "random")) })
	if err != nil {
		return nil, err
	}
	return []measured{of(r)}, nil
}

func measureSingles(ctx context.Context, c *config) ([]measured, error) {
	r, err := c.median(ctx, row{Rules: "predicates", Network: "tcp", Shape: "app", Batch: 1, Conns: 16, Depth: 1})
	if err != nil {
		return nil, err
	}
	return []measured{{value: r.CPU / 1000}}, nil
}

func measurePaced(ctx context.Context, c *config) ([]measured, error) {
	all := *c
	all.procs = 0
	r, err := all.median(ctx, row{Rules: "predicates", Network: "tcp", Shape: "app", Batch: 100, Conns: 4, Depth: 64, Rate: 1e6})
	if err != nil {
		return nil, err
	}
	cores := r.CPU * float64(r.Events) / r.Seconds / 1e9
	return []measured{{value: r.P50}, {value: r.P99}, {value: r.P999}, {cores, r.Calibration}}, nil
}

func measureFanOut(ctx context.Context, c *config) ([]measured, error) {
	k, err := calibrate("app", c.time/8)
	if err != nil {
		return nil, err
	}
	r, err := c.fanOut(ctx, 1000, []string{"true"}, 4000)
	if err != nil {
		return nil, err
	}
	return []measured{{r.perDelivery, k}}, nil
}

// fan is what it costs to serve subscribers.
type fan struct{ perEvent, perDelivery float64 } // ns of the server's CPU

// fanOut measures a steady load with subscribers that share the queries.
func (c *config) fanOut(ctx context.Context, subs int, queries []string, rate float64) (*fan, error) {
	t, err := c.start(ctx, indexOnly)
	if err != nil {
		return nil, err
	}
	defer t.stop()
	h, err := engage(ctx, "subscribe", subscribers{URL: "ws://" + t.addr["http"], Count: subs, Queries: queries})
	if err != nil {
		return nil, err
	}
	l := c.loadOf(t, row{Network: "tcp", Shape: "app", Batch: 100, Conns: 1, Depth: 4, Rate: rate})
	l.Sample.Series, l.Sample.Rounds, l.Calibrate = 1000, 1, 0
	l.Time, l.Metrics = 2*c.time, ""
	before := cpuOf(t.pid())
	events, err := eventsOf(t.metrics())
	if err != nil {
		return nil, err
	}
	if _, err := ask[loadResult](ctx, "load", l); err != nil {
		return nil, err
	}
	time.Sleep(100 * time.Millisecond)
	cpu := float64(cpuOf(t.pid()) - before)
	after, err := eventsOf(t.metrics())
	if err != nil {
		return nil, err
	}
	var got subscribed
	if err := h.dismiss(&got); err != nil {
		return nil, err
	}
	if got.Cut > 0 || got.Frames == 0 {
		return nil, fmt.Errorf("%d of %d subscribers were cut off; %d events arrived", got.Cut, subs, got.Frames)
	}
	return &fan{cpu / (after - events), cpu / float64(got.Frames)}, nil
}

func measureUDP(ctx context.Context, c *config) ([]measured, error) {
	var all []measured
	for _, batch := range []int{100, 1} {
		r, err := c.repeatedly(func() (*loadResult, error) {
			t, err := c.start(ctx, fivePredicates)
			if err != nil {
				return nil, err
			}
			defer t.stop()
			return ask[loadResult](ctx, "load", c.loadOf(t, row{Network: "udp", Shape: "app", Batch: batch, Conns: 1, Depth: 1}))
		})
		if err != nil {
			return nil, err
		}
		all = append(all, of(r))
	}
	all[1] = measured{value: all[1].value / 1000}
	return all, nil
}

func measureHostile(ctx context.Context, c *config) ([]measured, error) {
	t, err := c.start(ctx, fivePredicates)
	if err != nil {
		return nil, err
	}
	defer t.stop()
	l := c.million(t, "unique")
	l.Sample.Series, l.Time = 1_300_000, 0 // each message once
	r, err := ask[loadResult](ctx, "load", l)
	if err != nil {
		return nil, err
	}
	return []measured{{r.CPU / 1000, r.Calibration}, {value: r.RSS * 1.048576}}, nil
}

func measureJournal(ctx context.Context, c *config) ([]measured, error) {
	app := row{Network: "tcp", Shape: "app", Batch: 100, Conns: 1, Depth: 16}
	index, mix, single := app, app, app
	index.Rules, mix.Rules, single.Rules, single.Batch = "index", "streams", "index", 1
	onIndex, shareIndex, err := c.withJournal(ctx, index)
	if err != nil {
		return nil, err
	}
	onMix, shareMix, err := c.withJournal(ctx, mix)
	if err != nil {
		return nil, err
	}
	kept := *c
	kept.journal = true
	one, err := kept.median(ctx, single)
	if err != nil {
		return nil, err
	}
	micros := of(one)
	micros.value /= 1000
	return []measured{of(onIndex), of(onMix), micros, {value: shareMix}, {value: shareIndex}}, nil
}

// withJournal measures a row without and with a journal in pairs, one behind the other, and returns the median of the
// latter and of the journal's share, in percent.
func (c *config) withJournal(ctx context.Context, r row) (on *loadResult, share float64, err error) {
	kept := *c
	kept.journal, kept.repeat = true, 1
	off := *c
	off.repeat = 1
	var shares []float64
	on, err = c.repeatedly(func() (*loadResult, error) {
		without, err := off.median(ctx, r)
		if err != nil {
			return nil, err
		}
		with, err := kept.median(ctx, r)
		if err != nil {
			return nil, err
		}
		if with.Journal == 0 {
			return nil, errors.New("the server wrote no journal")
		}
		shares = append(shares, 100*(1-without.CPU/with.CPU))
		return with, nil
	})
	if err != nil {
		return nil, 0, err
	}
	return on, middle(shares), nil
}

func measureSmall(ctx context.Context, c *config) ([]measured, error) {
	t, err := c.start(ctx, fivePredicates)
	if err != nil {
		return nil, err
	}
	defer t.stop()
	l := c.million(t, "")
	l.Sample.Series = 100_000
	r, err := ask[loadResult](ctx, "load", l)
	if err != nil {
		return nil, err
	}
	return []measured{{value: r.RSS * 1.048576}}, nil
}
