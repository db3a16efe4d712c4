package streams

import (
	"fmt"
	"testing"

	"zeta/event"
)

func (g *graphTest) by() *by {
	for _, n := range g.graph.scope.nodes {
		if b, ok := n.stream.(*by); ok {
			return b
		}
	}
	g.t.Fatal("no by")
	return nil
}

// TestByBounds floods by with keys: those in use stay, and it is told once.
func TestByBounds(t *testing.T) {
	g := newGraphTest(t, `by(host, {max: 128}, counter(out)); where(service == "zeta.overload", overload)`)
	g.push("known", "s", 1)
	for i := range 10_000 {
		g.graph.Advance(int64(i) * 1000)
		g.push(fmt.Sprintf("h%d", i), "s", 1)
		if i%50 == 0 {
			g.push("known", "s", 1)
		}
		if n := len(g.by().order); n > 128 || n != len(g.by().forks) {
			t.Fatalf("%d forks, %d keys", n, len(g.by().forks))
		}
	}
	g.seen("out")
	g.push("known", "s", 1)
	g.want("out", "known/s=202")
	if got := g.seen("overload"); got == "" || len(g.rt.rec.seen["overload"]) > 1 {
		t.Errorf("overload events: %q", got)
	}
	for _, s := range g.graph.Stats() {
		if s.Operator == "by" && s.Shed < 9000 {
			t.Errorf("shed %d", s.Shed)
		}
	}
}

// TestByIdle forgets silent forks, but none with a timer that is still to run.
func TestByIdle(t *testing.T) {
	g := newGraphTest(t, `by(host, {idle: 100}, counter(out), where(service == "slow", batch(10, 1000, held)))`)
	g.push("a", "fast", 1)
	g.push("b", "slow", 1)
	g.graph.Advance(50e6)
	g.push("c", "fast", 1)
	g.graph.Advance(120e6)
	if n := len(g.by().order); n != 2 {
		t.Errorf("%d forks at 120 s, want 2: a is forgotten", n)
	}
	g.graph.Advance(999e6)
	if n := len(g.by().order); n != 1 {
		t.Errorf("%d forks at 999 s, want 1: b waits for its batch", n)
	}
	g.graph.Advance(1200e6)
	if n, timers := len(g.by().order), len(g.rt.Clock.timers); n != 0 || timers != 0 {
		t.Errorf("%d forks and %d timers at 1200 s, want none", n, timers)
	}
	if g.seen("held") == "" {
		t.Error("the batch was lost")
	}
	g.seen("out")
	g.push("a", "fast", 1)
	g.want("out", "a/fast=1")
}

// TestByKeys keeps apart what differs, and together what is equal.
func TestByKeys(t *testing.T) {
	withHost := func(h string) *event.Event { e := &event.Event{}; e.SetHost(h); return e }
	for _, c := range []struct {
		rule string
		same [][2]*event.Event
		diff [][2]*event.Event
	}{
		{"by(host, counter(out))", [][2]*event.Event{{withHost("a"), withHost("a")}}, [][2]*event.Event{{withHost(""), {}}, {withHost("a"), withHost("b")}}},
		{"by([host, service], counter(out))", nil, [][2]*event.Event{{
			{Host: "a", Service: "", Has: event.HasHost | event.HasService}, {Host: "a", Has: event.HasHost}}, {
			{Host: "ab", Service: "c", Has: event.HasHost | event.HasService}, {Host: "a", Service: "bc", Has: event.HasHost | event.HasService}}}},
		{"by(metric, counter(out))", [][2]*event.Event{{{Int: 1, Has: event.HasInt}, {Float: 1, Has: event.HasFloat}}}, nil},
		{"by(len(tags), counter(out))", [][2]*event.Event{{{}, {Set: event.NewSet([]string{}, nil)}}}, [][2]*event.Event{{{}, {Set: event.NewSet([]string{"x"}, nil)}}}},
	} {
		forks := func(pair [2]*event.Event, series bool) int {
			g := newGraphTest(t, c.rule)
			for i, e := range pair {
				x := *e
				if series {
					x.Series = &event.Series{Host: x.Host, Service: x.Service, Has: x.Has, ID: uint32(i), HostID: uint32(i)}
				}
				g.graph.Push(EventValue(&x))
				g.graph.Push(EventValue(&x))
			}
			return len(g.by().order)
		}
		for _, series := range []bool{false, true} {
			for _, p := range c.same {
				if n := forks(p, series); n != 1 {
					t.Errorf("%s: %+v and %+v: %d forks, want 1", c.rule, p[0], p[1], n)
				}
			}
			for _, p := range c.diff {
				if n := forks(p, series); n != 2 {
					t.Errorf("%s: %+v and %+v: %d forks, want 2", c.rule, p[0], p[1], n)
				}
			}
		}
	}
}

// TestBySeriesReused gives one series number to two sources, as the index does after it has forgotten one.
func TestBySeriesReused(t *testing.T) {
	for _, rule := range []string{`by(host, counter(out))`, `by(service, counter(out))`, `by([host, service], counter(out))`} {
		g := newGraphTest(t, rule)
		for _, name := range []string{"a", "b", "a"} {
			e := &event.Event{Host: name, Service: name, Has: event.HasHost | event.HasService | event.HasInt, Int: 1}
			e.Series = &event.Series{Host: name, Service: name, Has: e.Has, ID: 7, HostID: 7}
			g.graph.Push(EventValue(e))
		}
		g.want("out", "a/a=1 b/b=1 a/a=2")
	}
}

// TestByNested evicts an outer fork together with the inner ones and their timers.
func TestByNested(t *testing.T) {
	g := newGraphTest(t, `by(host, {max: 1}, by(service, fillIn(5, {metric: 0}, out)))`)
	g.push("a", "x", 1)
	g.push("a", "y", 1)
	g.push("b", "x", 1)
	g.seen("out")
	g.graph.Advance(5e6)
	g.want("out", "/=0")
	g.graph.Close()
	if n := len(g.rt.Clock.timers); n != 0 {
		t.Errorf("%d timers are left", n)
	}
}

// TestByVars binds names in nested builders.
func TestByVars(t *testing.T) {
	g := newGraphTest(t, `byBuilder(h, host, byBuilder(s, [host, service], with({description: h + "-" + s[1]}, where(h == "a" and description == "a-x", out))))`)
	g.push("a", "x", 1)
	g.push("b", "x", 2)
	g.push("a", "y", 3)
	g.want("out", "a/x=1")
	g.reload(`byBuilder(h, host, byBuilder(s, [host, service], with({description: h + "-" + s[1]}, where(h == "a", out))))`)
	g.push("a", "y", 3)
	g.want("out", "a/y=3")
}

// TestAllocs pins the path of events of known series at no allocation.
func TestAllocs(t *testing.T) {
	for _, rule := range []string{
		`where(metric > 0.9 and service startsWith "df", sdo(bitBucket, where(state == "x", bitBucket)))`,
		`by(host, where(metric > 5, bitBucket))`,
		`by([host, service], sdo(where(host == "web1", bitBucket)))`,
		`by(service, by(host, bitBucket))`,
		`by(attributes.dc, bitBucket)`,
		`split(metric > 10, bitBucket, metric > 5, bitBucket, bitBucket)`,
		`splitp(">", metric, 10, bitBucket, 5, bitBucket)`,
		`pipe(_, where(metric > 0, _), sdo(_, _), bitBucket)`,
	} {
		g, err := mustLoad(t, rule).Build(&Runtime{})
		if err != nil {
			t.Fatal(err)
		}
		e := &event.Event{Host: "web1", Service: "df-root", State: "ok", Has: event.HasHost | event.HasService | event.HasState}
		e.SetFloat(7)
		e.Set = event.NewSet(nil, []event.Attr{{Key: "dc", Value: "eu"}})
		e.Series = &event.Series{Host: e.Host, Service: e.Service, Has: event.HasHost | event.HasService}
		if n := testing.AllocsPerRun(100, func() { g.Push(EventValue(e)) }); n != 0 {
			t.Errorf("%s: %v allocations an event, want none", rule, n)
		}
	}
}

// BenchmarkWhere5 is five rules on one event.
func BenchmarkWhere5(b *testing.B) {
	rules, ps := LoadText("zeta.expr", `
		where(service startsWith "df-" and metric < 10, bitBucket);
		where(service == "load/shortterm" and metric > 4, bitBucket);
		where(state == "critical", bitBucket);
		where(attributes.plugin == "memory" and metric > 90, bitBucket);
		where(metric > 0.9 and host != "web1", bitBucket)`, LoadOptions{})
	if ps.Err() != nil {
		b.Fatal(ps)
	}
	g, err := rules.Build(&Runtime{})
	if err != nil {
		b.Fatal(err)
	}
	e := &event.Event{Host: "web1", Service: "cpu-0/user", State: "ok", Has: event.HasHost | event.HasService | event.HasState}
	e.SetFloat(7)
	e.Set = event.NewSet(nil, []event.Attr{{Key: "plugin", Value: "cpu"}})
	e.Series = &event.Series{Host: e.Host, Service: e.Service, Has: event.HasHost | event.HasService}
	b.ReportAllocs()
	for b.Loop() {
		g.Push(EventValue(e))
	}
}

// BenchmarkBy finds the fork of one of 10,000 series.
func BenchmarkBy(b *testing.B) {
	rules, _ := LoadText("zeta.expr", `by([host, service], bitBucket)`, LoadOptions{})
	g, err := rules.Build(&Runtime{})
	if err != nil {
		b.Fatal(err)
	}
	events := make([]event.Event, 10_000)
	for i := range events {
		e := &events[i]
		e.SetHost(fmt.Sprintf("host%d", i/100))
		e.SetService(fmt.Sprintf("service %d", i%100))
		e.Series = &event.Series{Host: e.Host, Service: e.Service, Has: e.Has, ID: uint32(i)}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		g.Push(EventValue(&events[i%len(events)]))
	}
}
