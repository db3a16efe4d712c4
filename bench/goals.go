package main

import (
	"context"
	"fmt"
	"strings"
)

// goal is one figure that zeta is to reach on the reference machine.
type goal struct {
	row           string
	what          string
	unit          string
	must, stretch float64 // 0: none, the figure stands beside the others
	scale         float64 // what the calibration was on the reference machine; 0: the figure does not depend on the machine's speed
	more          bool    // more is better
}

// measured is the value of a goal on this machine, with the calibration of the same moment.
type measured struct{ value, calibration float64 }

// goals are in the order in which they are measured: those that share a server stand together.
var goals = []struct {
	measure func(context.Context, *config) ([]measured, error)
	goals   []goal
}{
	{measureIngest, []goal{
		{row: "1", what: "app, batch 1000, 8 in flight, five predicates", unit: "ns/event", must: 100, stretch: 70, scale: referenceApp},
		{row: "2", what: "app, batch 100, 32 in flight", unit: "ns/event", must: 110, stretch: 75, scale: referenceApp},
		{row: "3", what: "collectd, batch 100, 32 in flight", unit: "ns/event", must: 180, stretch: 130, scale: referenceCollectd},
		{row: "4", what: "below Riemann 0.3.13, least of rows 1 to 3, by way of the calibration", unit: "times", must: 20, stretch: 30, more: true},
		{row: "5", what: "TLS 1.3, app, batch 1000", unit: "ns/event", must: 130, stretch: 95, scale: referenceApp},
		{row: "9", what: "allocations, known series, most of rows 1 to 3 and 5", unit: "/event", must: 0.01, stretch: 0.001},
	}},
	{measureMillion, []goal{
		{row: "6", what: "1 M series in order, app, batch 1000", unit: "ns/event", must: 130, stretch: 90, scale: referenceApp},
		{row: "12", what: "RSS with 1 M series", unit: "MB", must: 230, stretch: 130},
		{row: "11", what: "live heap of an entry, 1 M", unit: "B", must: 170, stretch: 90},
		{row: "11", what: "GC CPU of a cycle, 1 M", unit: "ms", must: 90, stretch: 5, scale: referenceApp},
		{row: "13", what: "query by service prefix and state, 1 M", unit: "ms", must: 10, stretch: 2, scale: referenceApp},
		{row: "14", what: "query by host, 1 M, round trip", unit: "ms", must: 0.5, stretch: 0.15, scale: referenceApp},
		{row: "GC", what: "longest GC pause, 1 M series under load", unit: "ms", must: 1, stretch: 0.3},
		{row: "Q", what: "ack p99 with 10 full scans a second, against without", unit: "times", must: 2, stretch: 1.2},
		{row: "Q", what: "the same with GOMAXPROCS 1", unit: "times", must: 2, stretch: 1.2},
		{row: "Q", what: "a full scan meanwhile, of which nothing fits", unit: "ms"},
		{row: "Q", what: "with GOMAXPROCS 1", unit: "ms"},
	}},
	{measureRandom, []goal{
		{row: "7", what: "1 M series in random order", unit: "ns/event", must: 800, stretch: 400, scale: referenceApp},
	}},
	{measureSingles, []goal{
		{row: "8", what: "batch 1, 16 connections, 1 in flight", unit: "µs/event", must: 8, stretch: 6.5},
	}},
	{measurePaced, []goal{
		{row: "10", what: "1 M events/s, batch 100, 4 connections: p50", unit: "ms", must: 0.2, stretch: 0.1},
		{row: "10", what: "p99", unit: "ms", must: 0.6, stretch: 0.3},
		{row: "10", what: "p99.9", unit: "ms", must: 4, stretch: 2},
		{row: "10", what: "cores of the server", unit: "", must: 0.25, stretch: 0.15, scale: referenceApp},
	}},
	{measureSweep, []goal{
		{row: "15", what: "expiry sweep, 1 M entries, none expires", unit: "ms", must: 5, stretch: 1.5, scale: referenceApp},
	}},
	{measureRules, []goal{
		{row: "16", what: "one of five predicates", unit: "ns/event", must: 8, stretch: 5, scale: referenceApp},
		{row: "16", what: "200 rules of which 10 can fire, index, decoding", unit: "ns/event", must: 300, stretch: 150, scale: referenceApp},
		{row: "17", what: "by host and service, with a change of state", unit: "ns/event", must: 15, stretch: 5, scale: referenceApp},
	}},
	{measureFanOut, []goal{
		{row: "18", what: "1000 websockets that get every event", unit: "ns/delivery", must: 125, stretch: 65, scale: referenceApp},
	}},
	{measureUDP, []goal{
		{row: "19", what: "UDP, batch 100", unit: "ns/event", must: 130, stretch: 90, scale: referenceApp},
		{row: "19", what: "UDP, batch 1", unit: "µs/event", must: 4, stretch: 3.2},
	}},
	{measureHostile, []goal{
		{row: "20", what: "each event a new series, 1.3 M with a cap of 1 M", unit: "µs/event", must: 2, stretch: 1, scale: referenceApp},
		{row: "20", what: "RSS then", unit: "MB", must: 400, stretch: 300},
	}},
	{measureJournal, []goal{
		{row: "21", what: "journal, acks safe: index only, app, batch 100, 16 in flight", unit: "ns/event", must: 140, stretch: 100, scale: referenceApp},
		{row: "22", what: "journal: five-stream mix, app, batch 100, 16 in flight", unit: "ns/event", must: 330, stretch: 200, scale: referenceApp},
		{row: "23", what: "journal: index only, batch 1, 16 in flight", unit: "µs/event", must: 1.5, stretch: 0.7, scale: referenceApp},
		{row: "24", what: "the journal's share of the server's CPU, five-stream mix", unit: "%", must: 15, stretch: 8},
		{row: "24", what: "its share with index only", unit: "%"},
	}},
	{measureSmall, []goal{
		{row: "RSS", what: "100,000 series", unit: "MB", must: 64, stretch: 48},
	}},
}

// printGoals measures the goals and prints a verdict on each.
func printGoals(ctx context.Context, c *config) error {
	fmt.Fprintln(c.out, "\"must\" and \"stretch\" hold on the reference machine (two Zen 5 cores, 2.6 GHz, idle);")
	fmt.Fprintf(c.out, "where a calibration is given they are scaled by it: protobuf-go's decoding took %.0f ns an event there (collectd %.0f). What the kernel or the\n", referenceApp, referenceCollectd)
	fmt.Fprint(c.out, "memory decides is not scaled.\n\n")
	fmt.Fprintln(c.out, "| row | what | must | stretch | measured | calibration ns | must here | verdict |")
	fmt.Fprintln(c.out, "|---|---|--:|--:|--:|--:|--:|---|")
	missed := 0
	for _, group := range goals {
		if c.only != nil && !matchesAny(c, group.goals) {
			continue
		}
		values, err := group.measure(ctx, c)
		if err != nil {
			return fmt.Errorf("row %s: %w", group.goals[0].row, err)
		}
		for i, g := range group.goals {
			verdict, must := g.judge(values[i])
			if strings.HasPrefix(verdict, "missed") {
				missed++
			}
			calibration := ""
			if g.scale > 0 {
				calibration = fmt.Sprintf("%.0f", values[i].calibration)
			}
			fmt.Fprintf(c.out, "| %s | %s, %s | %s | %s | %s | %s | %s | %s |\n", g.row, g.what, g.unit, limit(g.must), limit(g.stretch), figure(values[i].value), calibration, limit(must), verdict)
		}
	}
	fmt.Fprintf(c.out, "\n%d goals are missed\n", missed)
	return nil
}

// limit writes a goal, or nothing.
func limit(v float64) string {
	if v == 0 {
		return ""
	}
	return figure(v)
}

func matchesAny(c *config, goals []goal) bool {
	for _, g := range goals {
		if c.only.MatchString(g.row + " " + g.what) {
			return true
		}
	}
	return false
}

// judge compares a value with the goal as it is on this machine.
func (g goal) judge(m measured) (verdict string, must float64) {
	if g.must == 0 {
		return "", 0
	}
	scale := 1.0
	if g.scale > 0 {
		scale = m.calibration / g.scale
	}
	must, stretch := g.must*scale, g.stretch*scale
	distance := m.value/must - 1
	reached, best := m.value <= must, m.value <= stretch
	if g.more {
		distance = must/m.value - 1
		reached, best = m.value >= must, m.value >= stretch
	}
	switch {
	case best:
		return "stretch", must
	case reached:
		return "must", must
	}
	return fmt.Sprintf("missed by %.0f %%", 100*distance), must
}
