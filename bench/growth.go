package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// curve is how a cost grows: one plot and one CSV file.
type curve struct {
	name    string // of the files
	title   string
	x, y    string // what the axes show
	lines   []string
	measure func(ctx context.Context, c *config) ([]point, error)
}

// point is the cost at one size, a value for each line.
type point struct {
	x      float64
	values []float64
}

var curves = []curve{
	{"index", "An event as the index grows", "series in the index", "CPU, times the calibration", []string{"index only", "five predicates"}, growIndex},
	{"rules", "An event as the rules grow, 3 of which can fire", "rules", "CPU, times the calibration", []string{"decoding, rules, index"}, growRules},
	{"by", "An event as the keys of by grow", "keys", "CPU, times the calibration", []string{"index only", "with by, a change of state below"}, growBy},
	{"subscribers", "A delivery as subscribers grow, 20 distinct queries", "subscribers", "server CPU, ns", []string{"per delivery"}, growSubscribers},
	{"connections", "An event as idle connections grow, 100 busy beside them", "idle connections", "server CPU, ns per event", []string{"batch 100, one in flight"}, growConnections},
}

// printGrowth measures the curves and writes their files.
func printGrowth(ctx context.Context, c *config, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, g := range curves {
		if c.only != nil && !c.only.MatchString(g.name) {
			continue
		}
		points, err := g.measure(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		var csv strings.Builder
		fmt.Fprintf(&csv, "%s,%s\n", g.x, strings.Join(g.lines, ","))
		fmt.Fprintf(c.out, "%s:\n\n![%s](%s/%s.svg)\n\n| %s | %s |\n|--:|%s\n", g.title, g.title, filepath.Base(dir), g.name, g.x, strings.Join(g.lines, " | "), strings.Repeat("--:|", len(g.lines)))
		for _, p := range points {
			fmt.Fprintf(&csv, "%.0f", p.x)
			fmt.Fprintf(c.out, "| %.0f |", p.x)
			for _, v := range p.values {
				fmt.Fprintf(&csv, ",%.4g", v)
				fmt.Fprintf(c.out, " %s |", part(v))
			}
			csv.WriteByte('\n')
			fmt.Fprintln(c.out)
		}
		fmt.Fprintln(c.out)
		for ext, text := range map[string]string{".csv": csv.String(), ".svg": g.plot(points)} {
			if err := os.WriteFile(filepath.Join(dir, g.name+ext), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// part writes a cost: three digits that count, also of parts of one.
func part(v float64) string {
	if v < 1 {
		return fmt.Sprintf("%.3f", v)
	}
	return figure(v)
}

// ratios measures rules inside this process and returns their costs as parts of the calibration.
func (c *config) ratios(s sample, rules ...string) ([]float64, error) {
	costs, k, err := c.compare(s, 20_000_000, rules...)
	for i := range costs {
		costs[i] /= k
	}
	return costs, err
}

func growIndex(_ context.Context, c *config) (points []point, err error) {
	sizes := []int{10_000, 100_000, 1_000_000, 10_000_000}
	if c.quick {
		sizes = sizes[:3]
	}
	for _, n := range sizes {
		s := sample{Shape: "app", Series: n, Batch: 1000}
		var values []float64
		for _, rules := range []string{indexOnly, fivePredicates} { // one after the other: the largest would not fit twice
			v, err := c.ratios(s, rules)
			if err != nil {
				return nil, err
			}
			values = append(values, v[0])
		}
		points = append(points, point{float64(n), values})
	}
	return points, nil
}

func growRules(_ context.Context, c *config) (points []point, err error) {
	s := sample{Shape: "app", Series: 10_000, Batch: 1000, Rounds: 3}
	for _, n := range []int{10, 100, 1000} {
		v, err := c.ratios(s, manyRules(n, 3))
		if err != nil {
			return nil, err
		}
		points = append(points, point{float64(n), v})
	}
	return points, nil
}

func growBy(_ context.Context, c *config) (points []point, err error) {
	rules := strings.Replace(stateChanges, "by([host, service],", "by([host, service], {max: 2000000},", 1)
	for _, n := range []int{1000, 10_000, 100_000, 1_000_000} {
		v, err := c.ratios(sample{Shape: "app", Series: n, Batch: 1000}, indexOnly, rules)
		if err != nil {
			return nil, err
		}
		points = append(points, point{float64(n), v})
	}
	return points, nil
}

func growSubscribers(ctx context.Context, c *config) (points []point, err error) {
	var queries []string
	for i := range 20 {
		queries = append(queries, fmt.Sprintf(`host = "web-%03d.prod1"`, i)) // the sample's 20 hosts: each event has one query
	}
	for _, n := range []int{10, 100, 1000} {
		r, err := c.fanOut(ctx, n, queries, 20_000)
		if err != nil {
			return nil, err
		}
		points = append(points, point{float64(n), []float64{r.perDelivery}})
	}
	return points, nil
}

func growConnections(ctx context.Context, c *config) (points []point, err error) {
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		r, err := c.repeatedly(func() (*loadResult, error) {
			t, err := c.start(ctx, fivePredicates)
			if err != nil {
				return nil, err
			}
			defer t.stop()
			h, err := engage(ctx, "idle", idlers{Addr: t.addr["tcp"], Count: n})
			if err != nil {
				return nil, err
			}
			r, err := ask[loadResult](ctx, "load", c.loadOf(t, row{Network: "tcp", Shape: "app", Batch: 100, Conns: 100, Depth: 1}))
			if derr := h.dismiss(nil); err == nil {
				err = derr
			}
			return r, err
		})
		if err != nil {
			return nil, err
		}
		points = append(points, point{float64(n), []float64{r.CPU}})
	}
	return points, nil
}
