// Command bench measures zeta: it builds the server, starts it on loopback, drives it from a separate process
// and prints what an event cost.
//
//	go run ./bench                  the table of docs/performance.md, about three minutes
//	go run ./bench -quick           a short look, half a minute
//	go run ./bench -long            every combination, five runs each
//	go run ./bench -rows            the goals, with what was measured and a verdict
//	go run ./bench -growth          what an event costs as things grow: CSV and SVG files
//	go run ./bench -peer telegraf   Telegraf's riemann_listener in the same run
//	go run ./bench -all             all of these but -long, ten minutes; what they print goes into docs/performance.md
//
// What counts is the server's CPU time per event, user and system, as the kernel accounts it: unlike the time on
// the wall it hardly depends on what else the machine does. Beside it stands the ratio to a calibration
// measured by the same generator process just before and after, the time protobuf-go needs to decode the same bytes, so that
// figures of two machines, or of a busy and an idle one, can be compared.
//
// Every load ends by itself, and every part of a run is bounded in time.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"
)

// config is what the flags say.
type config struct {
	quick, long bool
	only        *regexp.Regexp
	repeat      int
	time        time.Duration // of one measurement
	procs       int
	journal     bool      // the server keeps what comes in on disk
	ack         string    // what an answer promises then; "": safe
	out         io.Writer // for what is printed
	dir         string    // for the binary, certificates and rules
	zeta        string    // the binary
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "-child" {
		if err := child(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var c config
	flag.BoolVar(&c.quick, "quick", false, "fewer rows, one short run of each")
	flag.BoolVar(&c.long, "long", false, "every combination, five runs of each")
	rows := flag.Bool("rows", false, "measure the goals and print a verdict on each")
	growth := flag.Bool("growth", false, "measure how costs grow; write CSV and SVG files into -out")
	out := flag.String("out", "docs/performance", "`DIRECTORY` for the files of -growth")
	peer := flag.String("peer", "", "measure another `PROGRAM` beside zeta: telegraf")
	all := flag.Bool("all", false, "measure everything and put it into -page")
	page := flag.String("page", "docs/performance.md", "`FILE` that -all rewrites between its marks")
	only := flag.String("only", "", "only the rows whose name matches this `REGEXP`")
	flag.DurationVar(&c.time, "time", 0, "`DURATION` of one measurement; default 1s, quick 300ms")
	flag.IntVar(&c.repeat, "repeat", 0, "runs of each row, of which the median is shown; default 3, quick 1, long 5")
	flag.IntVar(&c.procs, "procs", 1, "GOMAXPROCS of the server; 0: all")
	flag.Parse()
	if flag.NArg() > 0 || *peer != "" && *peer != "telegraf" {
		return errors.New("what is to be measured? see go run ./bench -help; -peer knows telegraf")
	}
	c.defaults()
	if *only != "" {
		re, err := regexp.Compile(*only)
		if err != nil {
			return fmt.Errorf("-only: %w", err)
		}
		c.only = re
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "zeta-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c.dir, c.zeta = dir, filepath.Join(dir, "zeta")
	if err := build(ctx, c.zeta, "./cmd/zeta"); err != nil {
		return err
	}
	if err := writeCertificates(dir); err != nil {
		return err
	}
	c.out = os.Stdout
	goals := section{"rows", func() error { return printGoals(ctx, &c) }}
	table := section{"table", func() error { return printTable(ctx, &c) }}
	curves := section{"growth", func() error { return printGrowth(ctx, &c, *out) }}
	telegraf := section{"peer", func() error { return printPeer(ctx, &c) }}
	switch {
	case *all:
		return c.rewrite(*page, goals, table, curves, telegraf)
	case *rows:
		return c.print(goals)
	case *growth:
		return c.print(curves)
	case *peer != "":
		return c.print(telegraf)
	}
	return c.print(table)
}

func (c *config) defaults() {
	repeat, each := 3, time.Second
	switch {
	case c.quick:
		repeat, each = 1, 300*time.Millisecond
	case c.long:
		repeat = 5
	}
	if c.repeat <= 0 {
		c.repeat = repeat
	}
	if c.time <= 0 {
		c.time = each
	}
}

// child is this program started again by itself: as a load generator, as subscribers, as idle connections.
func child(kind string) error {
	in := json.NewDecoder(os.Stdin)
	var result any
	var err error
	switch kind {
	case "load":
		var l load
		if err = in.Decode(&l); err == nil {
			result, err = l.run()
		}
	case "query":
		var q queryLoad
		if err = in.Decode(&q); err == nil {
			result, err = q.run()
		}
	case "subscribe":
		var s subscribers
		if err = in.Decode(&s); err == nil {
			result, err = s.run(os.Stdin)
		}
	case "idle":
		var i idlers
		if err = in.Decode(&i); err == nil {
			result, err = i.run(os.Stdin)
		}
	default:
		err = fmt.Errorf("unknown child %q", kind)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}
