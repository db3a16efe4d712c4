package main

import (
	"bufio"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"zeta/event"
	"zeta/event/wire"
)

var sendCommand = &command{
	name:    "send",
	summary: "send an event",
	doc: `Sends one event made of the flags, or with --json every line of standard input as an event, and waits for the
server's answer. Without --host the event gets this machine's name; a flag that is not given leaves its field missing.
Exit status 1 means that the server refused or did not answer.`,
	example: `zeta send --service "http latency" --metric 0.023 --state ok --ttl 60
zeta send --service backup --state ok --ttl 90000 --tag nightly --attr db=orders
echo '{"service": "queue", "metric": 17}' | zeta send --json`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		server := serverFlags{withDatagram: true}
		var s sendFlags
		fs.StringVar(&s.host, "host", "", "`NAME` the event comes from (default this machine's name)")
		fs.StringVar(&s.service, "service", "", "`NAME` of what is observed")
		fs.StringVar(&s.state, "state", "", "`STATE`, such as ok, warning, critical")
		fs.StringVar(&s.metric, "metric", "", "`NUMBER`; one without point and exponent is sent as an integer")
		fs.StringVar(&s.description, "description", "", "`TEXT` for people")
		fs.StringVar(&s.time, "time", "", "`TIME` in ISO 8601 or seconds since 1970 (default the server's time)")
		fs.StringVar(&s.ttl, "ttl", "", "`SECONDS` after which silence counts as expired")
		fs.Var(&s.tags, "tag", "`TAG`; may be repeated")
		fs.Var(&s.attrs, "attr", "attribute as `KEY=VALUE`; may be repeated")
		fs.BoolVar(&s.json, "json", false, "read events as JSON, one a line, from standard input")
		server.declare(fs)
		return func(c *cli, _ []string) error { return send(c, &s, &server, given(fs)) }
	},
}

type sendFlags struct {
	host, service, state, metric, description, time, ttl string
	tags, attrs                                          list
	json                                                 bool
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// given returns which flags were set on the command line.
func given(fs *flag.FlagSet) map[string]bool {
	set := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
	return set
}

// sendBatch is how many lines go into one message.
const sendBatch = 500

func send(c *cli, s *sendFlags, server *serverFlags, set map[string]bool) error {
	if !s.json {
		e, err := s.event(set)
		if err != nil {
			return err
		}
		return deliver(server, [][]event.Event{{e}})
	}
	for _, f := range []string{"service", "state", "metric", "description", "time", "ttl", "tag", "attr", "host"} {
		if set[f] {
			return usagef("--json reads whole events; leave out --%s", f)
		}
	}
	var batches [][]event.Event
	lines := bufio.NewScanner(c.in)
	lines.Buffer(nil, event.MaxJSONBytes+1)
	n := 0
	for lines.Scan() {
		n++
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		e, err := event.ParseJSON(lines.Bytes())
		if err != nil {
			return usagef("standard input, line %d: %w", n, err)
		}
		if last := len(batches) - 1; last >= 0 && len(batches[last]) < sendBatch {
			batches[last] = append(batches[last], e)
		} else {
			batches = append(batches, []event.Event{e})
		}
	}
	if err := lines.Err(); err != nil {
		return usagef("standard input, line %d: %w", n+1, err)
	}
	return deliver(server, batches)
}

func deliver(server *serverFlags, batches [][]event.Event) error {
	conn, err := server.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, events := range batches {
		conn.SetDeadline(time.Now().Add(server.timeout))
		m := &wire.Msg{Events: events}
		if server.udp {
			if _, err := conn.Write(wire.AppendMsg(nil, m)); err != nil {
				return fmt.Errorf("send: %w", err)
			}
			continue
		}
		if _, err := ask(conn, m); err != nil {
			return fmt.Errorf("the server did not take it: %w", err)
		}
	}
	return nil
}

// event makes the event that the flags describe.
func (s *sendFlags) event(set map[string]bool) (event.Event, error) {
	var e event.Event
	if set["host"] {
		e.SetHost(s.host)
	} else if name, err := os.Hostname(); err == nil {
		e.SetHost(name)
	}
	if set["service"] {
		e.SetService(s.service)
	}
	if set["state"] {
		e.SetState(s.state)
	}
	if set["description"] {
		e.SetDescription(s.description)
	}
	if set["metric"] {
		if i, err := strconv.ParseInt(s.metric, 10, 64); err == nil {
			e.SetInt(i)
		} else if f, err := strconv.ParseFloat(s.metric, 64); err == nil {
			e.SetFloat(f)
		} else {
			return e, usagef("--metric %q: want a number", s.metric)
		}
	}
	if set["ttl"] {
		ttl, err := strconv.ParseFloat(s.ttl, 64)
		if err != nil || math.IsNaN(ttl) || ttl < 0 {
			return e, usagef("--ttl %q: want a number of seconds", s.ttl)
		}
		e.SetTTL(ttl)
	}
	if set["time"] {
		if at, err := strconv.ParseFloat(s.time, 64); err == nil && !math.IsNaN(at) && !math.IsInf(at, 0) {
			e.SetTime(event.SecondsToMicros(at))
		} else if at, err := time.Parse(time.RFC3339, s.time); err == nil {
			e.SetTime(at.UnixMicro())
		} else {
			return e, usagef("--time %q: want ISO 8601 such as 2026-11-24T15:04:05Z, or seconds since 1970", s.time)
		}
	}
	var attrs []event.Attr
	for _, a := range s.attrs {
		key, value, ok := strings.Cut(a, "=")
		if !ok || key == "" {
			return e, usagef("--attr %q: want KEY=VALUE", a)
		}
		attrs = append(attrs, event.Attr{Key: key, Value: value})
	}
	e.Set = event.NewSet(s.tags, attrs)
	return e, nil
}
