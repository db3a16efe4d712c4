package sinks

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterSink(streams.SinkSpec[GraphiteOptions]{
		Name:    "graphite",
		Summary: "Send metrics to Graphite in its line protocol, over TCP or TLS.",
		Doc: `The path is prefix, the parts of the host in reverse order, and the service, with dots between them; blanks become dots,
and what Graphite cannot have in a path becomes _. An event without a finite metric makes no line. With tags the host, the
tags (as tag=true) and the attributes are Graphite's tags, and the path is the service alone.

The protocol has no answers: a connection that breaks loses what was under way.`,
		Differs:  "Riemann rewrites a service that ends in 0.95 to end in 95 so that the path is not cut there; here it becomes 0_95.",
		Deliver:  func(o GraphiteOptions) streams.Delivery { return o.delivery() },
		Defaults: GraphiteOptions{Target: Target{Timeout: 10 * time.Second}, Batch: 500, Wait: time.Second, Kept: Kept{"bulk"}},
		Check:    func(o GraphiteOptions) error { return o.Target.check(`graphite({to: "graphite.example.com:2003"})`) },
		Open:     openGraphite,
		Examples: []streams.Example{{
			Title: "metrics are kept in Graphite",
			Rule:  `let store = graphite({to: "graphite.example.com:2003", prefix: "servers"}); where(metric != nil, store)`,
			Test:  `at(0, event({host: "web1", service: "cpu", metric: 0.5}), event({service: "log"})), expect(store, [{host: "web1"}])`,
		}},
	})
}

// GraphiteOptions are the options of graphite.
type GraphiteOptions struct {
	Target
	Prefix string        `opt:"prefix" doc:"what each path begins with"`
	Tags   bool          `opt:"tags"   doc:"write tags, which Graphite has since 1.1"`
	Batch  int           `opt:"batch"  min:"1" max:"1000" doc:"events in one write at most"`
	Wait   time.Duration `opt:"wait"   max:"1m" doc:"how long an event waits for company; 0 sends at once"`
	Kept
}

func openGraphite(o GraphiteOptions) (any, error) {
	l, err := newLine(o.Target)
	if err != nil {
		return nil, err
	}
	return Opened{Sender: &graphite{line: l, o: o}, Batching: Batching{Events: o.Batch, Wait: o.Wait}}, nil
}

type graphite struct {
	*line
	o   GraphiteOptions
	out []byte
}

// Send implements Sender.
func (g *graphite) Send(ctx context.Context, alerts []*streams.Alert) error {
	g.out = g.out[:0]
	for _, a := range alerts {
		for i := range a.Events {
			g.out = g.append(g.out, &a.Events[i])
		}
	}
	if len(g.out) == 0 {
		return nil
	}
	if g.conn != nil && g.hungUp() {
		g.close()
	}
	if err := g.open(ctx); err != nil {
		return fmt.Errorf("graphite: %w", err)
	}
	if _, err := g.conn.Write(g.out); err != nil {
		g.close()
		return fmt.Errorf("graphite: %w", err)
	}
	return nil
}

// hungUp looks whether the target has closed the connection: a write would succeed all the same.
func (g *graphite) hungUp() bool {
	g.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	var b [1]byte
	_, err := g.conn.Read(b[:])
	timeout, ok := err.(interface{ Timeout() bool })
	return err != nil && (!ok || !timeout.Timeout())
}

// append appends the line of an event.
func (g *graphite) append(dst []byte, e *event.Event) []byte {
	m, ok := e.Metric()
	if !ok || math.IsNaN(m) || math.IsInf(m, 0) || e.Host == "" && e.Service == "" {
		return dst
	}
	if g.o.Prefix != "" {
		dst = append(append(dst, graphitePath(g.o.Prefix, false)...), '.')
	}
	if g.o.Tags {
		dst = append(dst, graphitePath(e.Service, false)...)
		dst = appendGraphiteTag(dst, "host", e.Host)
		for _, t := range e.Tags() {
			dst = appendGraphiteTag(dst, t, "true")
		}
		for _, a := range e.Attrs() {
			dst = appendGraphiteTag(dst, a.Key, a.Value)
		}
	} else {
		host, service := graphitePath(e.Host, true), graphitePath(e.Service, false)
		dst = append(dst, host...)
		if host != "" && service != "" {
			dst = append(dst, '.')
		}
		dst = append(dst, service...)
	}
	dst = append(dst, ' ')
	if e.Is(event.HasInt) {
		dst = strconv.AppendInt(dst, e.Int, 10)
	} else {
		dst = strconv.AppendFloat(dst, m, 'g', -1, 64)
	}
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, e.Time/1e6, 10)
	return append(dst, '\n')
}

// graphitePath makes a name one that stands in a path: reversed by its dots if so wanted.
func graphitePath(name string, reverse bool) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '\t':
			return '.'
		case r <= ' ' || r == 0x7f || strings.ContainsRune(`;~{}[]()*?,"'\`, r):
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	if i := strings.LastIndexByte(name, '.'); i > 0 && !reverse && isDigits(name[i+1:]) && isDigits(name[i-1:i]) {
		name = name[:i] + "_" + name[i+1:] // the quantile of "latency 0.95" is one part
	}
	parts := slices.DeleteFunc(strings.Split(name, "."), func(s string) bool { return s == "" })
	if reverse {
		slices.Reverse(parts)
	}
	return strings.Join(parts, ".")
}

func isDigits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// appendGraphiteTag appends ;key=value, unless Graphite could not take it.
func appendGraphiteTag(dst []byte, key, value string) []byte {
	clean := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r <= ' ' || r == 0x7f || strings.ContainsRune(";!^=~", r) {
				return '_'
			}
			return r
		}, strings.ToValidUTF8(s, "_"))
	}
	if key, value = clean(key), clean(value); key == "" || value == "" {
		return dst
	}
	dst = append(append(dst, ';'), key...)
	return append(append(dst, '='), value...)
}
