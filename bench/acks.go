package main

import (
	"context"
	"fmt"
)

// printAcks measures what the promise of an answer costs: without a data directory, and with one at each level.
func printAcks(ctx context.Context, c *config) error {
	head := false
	for _, r := range []row{
		{Rules: "index", Network: "tcp", Shape: "app", Batch: 100, Conns: 1, Depth: 16},
		{Rules: "index", Network: "tcp", Shape: "app", Batch: 1, Conns: 1, Depth: 1},
	} {
		for _, ack := range []string{"", "processed", "safe", "durable"} {
			name := ack
			if name == "" {
				name = "no data directory"
			}
			if c.only != nil && !c.only.MatchString("acks "+name+" "+r.name()) {
				continue
			}
			kept := *c
			kept.journal, kept.ack = ack != "", ack
			m, err := kept.median(ctx, r)
			if err != nil {
				return fmt.Errorf("acks %s: %w", name, err)
			}
			if !head {
				head = true
				fmt.Fprintln(c.out, "| answers promise | batch | in flight | events/s | server CPU ns/event | calibration ns | ack p50 ms | p99 | p99.9 | RSS MiB | journal B/event |")
				fmt.Fprintln(c.out, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
			}
			fmt.Fprintf(c.out, "| %s | %d | %d | %s | %s | %.0f | %.3f | %.3f | %.3f | %.0f | %.0f |\n", name, r.Batch, r.Depth,
				count(float64(m.Events)/m.Seconds), figure(m.CPU), m.Calibration, m.P50, m.P99, m.P999, m.RSS, m.Journal)
		}
	}
	if head {
		fmt.Fprintln(c.out)
	}
	return nil
}
