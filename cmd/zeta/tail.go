package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
)

var tailCommand = &command{
	name:    "tail",
	args:    "[QUERY]",
	summary: "print events as they come",
	doc: `Prints the events that the index takes and the query matches (all without one), one JSON object a line, until
interrupted or until --count events have been printed. With --snapshot what the index already holds comes first. With
--topic events that rules publish on that topic are printed instead.`,
	example: `zeta tail
zeta tail 'state = "critical"' --snapshot
zeta tail --topic deploys --count 1`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		var t tail
		t.declare(fs)
		fs.StringVar(&t.topic, "topic", "", "`TOPIC` that rules publish to (default the index)")
		fs.BoolVar(&t.snapshot, "snapshot", false, "begin with what the index holds")
		fs.IntVar(&t.count, "count", 0, "end after `N` events")
		return func(c *cli, args []string) error {
			switch {
			case len(args) > 1:
				return usagef("it takes one query, in quotes, not %d arguments", len(args))
			case t.snapshot && t.topic != "":
				return usagef("a topic has no snapshot; leave out --snapshot or --topic")
			}
			t.query = "true"
			if len(args) == 1 {
				t.query = args[0]
			}
			return t.run(c)
		}
	},
}

type tail struct {
	api
	topic, query string
	snapshot     bool
	count        int
}

func (t *tail) run(c *cli) error {
	path := "/pubsub/index"
	switch {
	case t.topic != "":
		path = "/pubsub/" + url.PathEscape(t.topic)
	case t.snapshot:
		path = "/index"
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	path += "?subscribe=true&query=" + url.QueryEscape(t.query)
	resp, err := t.request(ctx, http.MethodGet, path, nil, http.Header{"Accept": {"text/event-stream"}}, true)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return fmt.Errorf("the server answered %s: %s", resp.Status, bytes.TrimSpace(text))
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 16<<20)
	printed := 0
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue // a blank line or a comment that keeps the connection alive
		}
		if _, err := fmt.Fprintf(c.out, "%s\n", data); err != nil {
			return err
		}
		if printed++; printed == t.count {
			return nil
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the stream broke off: %w", err)
	}
	return errors.New("the server ended the stream")
}
