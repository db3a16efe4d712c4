package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// row is one line of the table.
type row struct {
	Rules   string // name in ruleSets
	Network string
	Shape   string
	Batch   int
	Conns   int
	Depth   int
	Rate    float64
}

func (r row) name() string {
	n := fmt.Sprintf("%s %s %s b%d c%d d%d", r.Rules, r.Shape, r.Network, r.Batch, r.Conns, r.Depth)
	if r.Rate > 0 {
		n += fmt.Sprintf(" at %.0f/s", r.Rate)
	}
	return n
}

// flights are how many messages are in flight, by the size of a batch, when they are pipelined.
var flights = map[int]int{1: 64, 10: 32, 100: 32, 1000: 8}

// tableRows are the rows of the table: all combinations, or those that tell most.
func tableRows(c *config) []row {
	var rows []row
	add := func(rules, network, shape string, batch, conns int, pipelined bool) {
		depth := 1
		if pipelined {
			depth = flights[batch]
		}
		rows = append(rows, row{Rules: rules, Network: network, Shape: shape, Batch: batch, Conns: conns, Depth: depth})
	}
	batches := []int{1, 10, 100, 1000}
	if c.long {
		for _, rules := range []string{"index", "predicates", "streams"} {
			for _, network := range []string{"tcp", "tls"} {
				for _, shape := range []string{"app", "collectd"} {
					for _, conns := range []int{1, 8} {
						for _, pipelined := range []bool{true, false} {
							for _, batch := range batches {
								add(rules, network, shape, batch, conns, pipelined)
							}
						}
					}
				}
			}
		}
		return rows
	}
	if c.quick {
		batches = []int{1, 1000}
	}
	for _, rules := range []string{"index", "predicates", "streams"} {
		for _, batch := range batches {
			add(rules, "tcp", "app", batch, 1, true)
		}
	}
	for _, batch := range batches {
		add("predicates", "tcp", "collectd", batch, 1, true)
		add("predicates", "tls", "app", batch, 1, true)
		add("predicates", "tcp", "app", batch, 8, true)
		add("predicates", "tcp", "app", batch, 8, false)
	}
	if !c.quick {
		add("streams", "tcp", "collectd", 100, 1, true)
		for _, batch := range batches {
			add("predicates", "tcp", "app", batch, 1, false)
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(strings.Compare(a.Rules, b.Rules), strings.Compare(a.Shape, b.Shape), strings.Compare(b.Network, a.Network), a.Conns-b.Conns, a.Depth/9-b.Depth/9)
	})
	return rows
}

const (
	tableHead = "| rules | events | over | batch | connections | in flight | events/s | server CPU ns/event | calibration ns | ratio | ack p50 ms | p99 | p99.9 | RSS MiB | allocs/event |"
	tableLine = "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)

// printTable measures the rows and prints each as soon as it is known.
func printTable(ctx context.Context, c *config) error {
	var rows []row
	for _, r := range tableRows(c) {
		if c.only == nil || c.only.MatchString(r.name()) {
			rows = append(rows, r)
		}
	}
	fmt.Fprintf(c.out, "server: GOMAXPROCS %d; each row is the median of %d runs of %v\n", c.procs, c.repeat, c.time)
	fmt.Fprint(c.out, "calibration: protobuf-go decodes the same bytes, in the generator's process, before and after each run\n\n")
	if len(rows) > 0 {
		fmt.Fprintln(c.out, tableHead)
		fmt.Fprintln(c.out, tableLine)
	}
	began, limit := time.Now(), c.tableLimit()
	left := c.estimate(rows)
	for i, r := range rows {
		if c.long {
			fmt.Fprintf(os.Stderr, "bench: row %d of %d, about %v to go: %s\n", i+1, len(rows), left.Round(time.Second), r.name())
		}
		if time.Since(began) > limit {
			fmt.Fprintf(os.Stderr, "bench: stopped after %v; -only picks rows\n", limit)
			break
		}
		m, err := c.median(ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name(), err)
		}
		fmt.Fprintf(c.out, "| %s | %s | %s | %d | %d | %d | %s | %s | %.0f | %.3f | %.3f | %.3f | %.3f | %.0f | %.3f |\n",
			r.Rules, r.Shape, r.Network, r.Batch, r.Conns, r.Depth, count(float64(m.Events)/m.Seconds), figure(m.CPU), m.Calibration,
			m.CPU/m.Calibration, m.P50, m.P99, m.P999, m.RSS, m.Allocs)
		left = c.estimate(rows[i+1:])
	}
	fmt.Fprintln(c.out)
	return printAcks(ctx, c)
}

// tableLimit is when no further row is begun.
func (c *config) tableLimit() time.Duration {
	if c.long {
		return 3 * time.Hour
	}
	return 10 * time.Minute
}

// estimate is about how long rows take: each run warms up, calibrates twice, and starts and ends a server.
func (c *config) estimate(rows []row) (sum time.Duration) {
	for _, r := range rows {
		sum += time.Duration(c.repeat) * (c.duration(r) + c.time/2 + 500*time.Millisecond)
	}
	return sum
}

// duration is how long a run of a row measures.
func (c *config) duration(r row) time.Duration {
	if r.Rules == "streams" && !c.quick {
		return max(c.time, 6*time.Second) // its intervals are five seconds long
	}
	return c.time
}

// median runs a row several times, each time on a fresh server, and returns the run with the median ratio.
func (c *config) median(ctx context.Context, r row) (*loadResult, error) {
	return c.repeatedly(func() (*loadResult, error) {
		t, err := c.start(ctx, ruleSets[r.Rules])
		if err != nil {
			return nil, err
		}
		defer t.stop()
		return ask[loadResult](ctx, "load", c.loadOf(t, r))
	})
}

// repeatedly returns the run with the median ratio to its calibration.
func (c *config) repeatedly(run func() (*loadResult, error)) (*loadResult, error) {
	var all []*loadResult
	for range c.repeat {
		m, err := run()
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *loadResult) int { return cmp.Compare(a.CPU/a.Calibration, b.CPU/b.Calibration) })
	return all[(len(all)-1)/2], nil
}

func (c *config) loadOf(t *target, r row) load {
	return load{
		Network: r.Network, Addr: t.addr[r.Network], CA: c.dir + "/ca.pem",
		Sample: sample{Shape: r.Shape, Series: 10_000, Batch: r.Batch, Rounds: 3},
		Conns:  r.Conns, Depth: r.Depth, Rate: r.Rate, Time: c.duration(r), PID: t.pid(), Metrics: t.metrics(), Calibrate: c.time / 8,
	}
}

// count writes large numbers shortly.
func count(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.2f M", n/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.0f k", n/1e3)
	}
	return fmt.Sprintf("%.0f", n)
}

// figure writes a number with three digits that count.
func figure(n float64) string {
	switch {
	case n >= 100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.2f", n)
}
