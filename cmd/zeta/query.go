package main

import (
	"bufio"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"zeta/event"
	"zeta/event/wire"
)

var queryCommand = &command{
	name:    "query",
	args:    "QUERY",
	summary: "print the events of the index that match",
	doc: `Asks a server for the newest event of every (host, service) that matches the query, in Riemann's query language, and
prints one JSON object a line, sorted by host and service, or a table with --table. true matches everything. Remember
that =, < and > need blanks around them.`,
	example: `zeta query true --table
zeta query 'state != "ok" and not state = nil'
zeta query 'service =~ "disk %" and metric > 0.9'
zeta query 'tagged "collectd" and host = "web1"' | jq .metric`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		var server serverFlags
		table := fs.Bool("table", false, "print a table for people")
		server.declare(fs)
		return func(c *cli, args []string) error {
			if len(args) != 1 {
				return usagef("it takes one query, in quotes, not %d arguments", len(args))
			}
			return runQuery(c, &server, args[0], *table)
		}
	},
}

func runQuery(c *cli, server *serverFlags, text string, table bool) error {
	conn, err := server.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	answer, err := ask(conn, &wire.Msg{Query: text, HasQuery: true})
	if err != nil {
		return err
	}
	slices.SortFunc(answer.Events, func(a, b event.Event) int {
		if d := strings.Compare(a.Host, b.Host); d != 0 {
			return d
		}
		return strings.Compare(a.Service, b.Service)
	})
	if table {
		return printTable(c, answer.Events)
	}
	w := bufio.NewWriter(c.out)
	var line []byte
	for i := range answer.Events {
		line = append(event.AppendJSON(line[:0], &answer.Events[i]), '\n')
		w.Write(line)
	}
	return w.Flush()
}

func printTable(c *cli, events []event.Event) error {
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tSERVICE\tSTATE\tMETRIC\tAGE\tDESCRIPTION")
	for i := range events {
		e := &events[i]
		age := ""
		if e.Is(event.HasTime) {
			age = time.Since(time.UnixMicro(e.Time)).Round(time.Second).String()
		}
		text, _, _ := strings.Cut(e.Description, "\n")
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", plain(e.Host), plain(e.Service), plain(e.State), number(e), age, plain(text))
	}
	return w.Flush()
}

func number(e *event.Event) string {
	switch {
	case e.Is(event.HasInt):
		return strconv.FormatInt(e.Int, 10)
	case e.Is(event.HasFloat):
		return strconv.FormatFloat(e.Float, 'g', 6, 64)
	}
	return ""
}

// plain keeps control characters of an event from the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '·'
		}
		return r
	}, s)
}
