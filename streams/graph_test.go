package streams

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"zeta/event"
)

// graphTest is a graph of a text, with what it sends to the outside.
type graphTest struct {
	t      *testing.T
	rules  *Rules
	rt     *Runtime
	graph  *Graph
	alerts []*Alert
	logs   []string
	cause  uint64
}

func mustLoad(t *testing.T, text string) *Rules {
	t.Helper()
	rules, ps := LoadText("zeta.expr", text, LoadOptions{Taps: true, Getenv: noEnv})
	if ps.Err() != nil {
		t.Fatal(ps)
	}
	return rules
}

func newGraphTest(t *testing.T, text string) *graphTest {
	t.Helper()
	g := &graphTest{t: t, rules: mustLoad(t, text)}
	g.rt = &Runtime{
		Clock: NewClock(0), rec: newRecorder(),
		Deliver: func(a *Alert) { g.alerts = append(g.alerts, a) },
		Log:     func(s string) { g.logs = append(g.logs, s) },
		Cause:   func() uint64 { return g.cause },
	}
	g.build()
	return g
}

func (g *graphTest) build() {
	g.t.Helper()
	var err error
	if g.graph, err = g.rules.Build(g.rt); err != nil {
		g.t.Fatal(err)
	}
}

// reload replaces the rules and moves the state, on the same clock.
func (g *graphTest) reload(text string) Moved {
	g.t.Helper()
	var s Saver
	g.graph.Save(&s)
	old := g.graph
	g.rules = mustLoad(g.t, text)
	g.build()
	m, err := g.graph.Move(NewLoader(s.Bytes()))
	if err != nil {
		g.t.Fatal(err)
	}
	old.Close()
	return m
}

// push sends an event written as in tests: host, service and metric.
func (g *graphTest) push(host, service string, metric float64) {
	e := &event.Event{}
	e.SetHost(host)
	e.SetService(service)
	e.SetFloat(metric)
	e.SetTime(g.rt.Clock.Now())
	g.cause++
	g.graph.Push(EventValue(e))
}

// seen prints what a tap saw since the last call: host/service=metric.
func (g *graphTest) seen(name string) string {
	var out []string
	for _, v := range g.rt.rec.seen[name] {
		e := v.Event
		if e == nil {
			out = append(out, seenText(v))
			continue
		}
		m, _ := e.Metric()
		out = append(out, fmt.Sprintf("%s/%s=%v", e.Host, e.Service, m))
	}
	delete(g.rt.rec.seen, name)
	return strings.Join(out, " ")
}

func (g *graphTest) want(name, want string) {
	g.t.Helper()
	if got := g.seen(name); got != want {
		g.t.Errorf("%s saw %q, want %q", name, got, want)
	}
}

// TestReloadKeepsState edits a threshold above and below stateful operators, inside by too.
func TestReloadKeepsState(t *testing.T) {
	const rule = `let c = counter(all); c;
		by(host, where(metric > %d, counter(where(metric >= %d, out))));
		tell(a); def(tell(x), sdo(counter(x)));
		id("mine", sdo(counter(b)))`
	g := newGraphTest(t, fmt.Sprintf(rule, 0, 0))
	for i := 0; i < 3; i++ {
		g.push("h1", "s", 1)
		g.push("h2", "s", 1)
	}
	g.seen("out")
	g.seen("all")
	g.seen("a")
	g.seen("b")
	m := g.reload(`where(metric > 0.5, sdo(id("mine", counter(b)), tell(a)));` + strings.Replace(fmt.Sprintf(rule, 0, 1), `tell(a);`, "", 1)[:0] +
		`def(tell(x), sdo(counter(x))); by(host, where(metric > 0.5, counter(out))); let c = counter(all); where(true, c)`)
	if len(m.Lost) > 0 || len(m.New) > 0 {
		t.Errorf("lost %q, new %q", m.Lost, m.New)
	}
	g.push("h1", "s", 1)
	g.want("out", "h1/s=4")
	g.want("all", "h1/s=7")
	g.want("a", "h1/s=7")
	g.want("b", "h1/s=7")
	g.push("h2", "s", 1)
	g.want("out", "h2/s=4")
}

// TestReloadReports names what keeps, loses and starts.
func TestReloadReports(t *testing.T) {
	g := newGraphTest(t, `by(host, counter(out)); counter(3, a); counter(b); counter(c)`)
	g.push("h", "s", 1)
	m := g.reload(`by(service, counter(out)); counter(4, a); counter(b); counter(c)`)
	for _, c := range []struct {
		what string
		got  []string
		want []string
	}{
		{"kept", m.Kept, []string{"counter()", "counter()#2"}},
		{"lost", m.Lost, []string{"by([host], max=100000, idle=1h0m0s)", "counter(3)"}},
		{"new", m.New, []string{"by([service], max=100000, idle=1h0m0s)", "counter(4)"}},
	} {
		slices.Sort(c.got)
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s %q, want %q", c.what, c.got, c.want)
		}
	}
}

// TestLoadRefusesGarbage feeds cut and changed state.
func TestLoadRefusesGarbage(t *testing.T) {
	const rule = `by(host, counter(out)); fixedTimeWindow(10, a); throttle(1, 5, b)`
	g := newGraphTest(t, rule)
	g.push("h", "s", 1)
	g.push("i", "s", 1)
	var s Saver
	g.graph.Save(&s)
	for cut := range len(s.Bytes()) {
		g.build()
		if err := g.graph.Load(NewLoader(s.Bytes()[:cut])); err == nil {
			t.Fatalf("%d of %d bytes load", cut, len(s.Bytes()))
		}
		g.graph.Close()
	}
	for i := range s.Bytes() {
		bad := slices.Clone(s.Bytes())
		bad[i] ^= 0xff
		g.build()
		g.graph.Load(NewLoader(bad)) // an error or not, but no panic
		g.graph.Close()
	}
	if n := g.rt.Clock.Next(); len(g.rt.Clock.timers) > 4 {
		t.Errorf("%d timers are left, the next at %d", len(g.rt.Clock.timers), n)
	}
}

// TestAlertIDs says the same id for the same cause, and another one for each place, key, cause and repetition.
func TestAlertIDs(t *testing.T) {
	const rule = `let wall = paint({channel: "#a"}); wall; where(metric > 0, paint({channel: "#a"})); paint({channel: "#b"}); sdo(wall);
		by(service, paint({channel: "#b"}))`
	run := func() []*Alert {
		g := newGraphTest(t, rule)
		g.rt.rec = nil
		g.build()
		g.push("h", "s", 1)
		g.push("h", "t", 1)
		return g.alerts
	}
	first, again := run(), run()
	seen := map[uint64]bool{}
	for i, a := range first {
		if seen[a.ID] {
			t.Errorf("alert %d of %s has an id that is taken", i, a.Rule)
		}
		seen[a.ID] = true
		if again[i].ID != a.ID || again[i].Rule != a.Rule {
			t.Errorf("alert %d: id %x of %s, again %x of %s", i, a.ID, a.Rule, again[i].ID, again[i].Rule)
		}
	}
	if len(first) != 10 {
		t.Errorf("%d alerts, want 10", len(first))
	}
	rules := mustLoad(t, rule)
	if len(rules.Sinks) != 2 {
		t.Errorf("%d sinks, want 2: equal options share one", len(rules.Sinks))
	}
	if o, err := rules.Sinks[0].Open(); o != "#a" || err != nil {
		t.Errorf("Open gives %v, %v", o, err)
	}
}

// TestSinkIDs keeps secrets out of ids and tells sinks apart that differ in one only.
func TestSinkIDs(t *testing.T) {
	ids := func(text string) (ids []string) {
		for _, s := range mustLoad(t, text).Sinks {
			ids = append(ids, s.ID)
		}
		return ids
	}
	a := ids(`paint({token: "one"}); paint({token: "two"}); paint({token: "one"})`)
	if len(a) != 2 || a[1] != a[0]+"-2" {
		t.Errorf("ids %q, want two, the second numbered", a)
	}
	if b := ids(`paint({token: "three"})`); b[0] != a[0] {
		t.Errorf("another token gives another id: %q, %q", b, a)
	}
}

// TestLetOfTap records once what reaches a tap that has the name of its let.
func TestLetOfTap(t *testing.T) {
	g := newGraphTest(t, `let ops = tap("ops"); let all = tap("each"); sdo(ops, all)`)
	g.push("h", "s", 1)
	for _, name := range []string{"ops", "all", "each"} {
		if n := len(g.rt.rec.seen[name]); n != 1 {
			t.Errorf("%s has seen %d events, want 1", name, n)
		}
	}
}

// TestReinject drains the queue, bounds hops, and tells the failure.
func TestReinject(t *testing.T) {
	g := newGraphTest(t, `exceptionStream(failed, sdo(seen, reinject))`)
	g.push("h", "s", 1)
	if n := len(g.rt.rec.seen["seen"]); n != MaxHops+1 {
		t.Errorf("seen %d times, want %d", n, MaxHops+1)
	}
	if n := len(g.rt.rec.seen["failed"]); n != 1 {
		t.Errorf("%d failures, want 1", n)
	}
	if g.graph.Refused() != 1 {
		t.Errorf("refused %d, want 1", g.graph.Refused())
	}
}

// TestReinjectDoubling is a ring in which each event becomes two.
func TestReinjectDoubling(t *testing.T) {
	g := newGraphTest(t, `with({service: service}, where(service != nil, reinject, reinject))`)
	g.push("h", "s", 1)
	stats := g.graph.Stats()
	if n := stats[0].Events; n != maxQueued+1 {
		t.Errorf("%d events, want %d: the first and a full queue", n, maxQueued+1)
	}
}

// TestReinjectTime has a timer's output run at the time of the timer.
func TestReinjectTime(t *testing.T) {
	g := newGraphTest(t, `where(service == "s", batch(10, 5, smap(count, with({service: "n"}, reinject)))); where(service == "n", with({metric: now()}, seen))`)
	g.push("h", "s", 1)
	g.graph.Advance(20e6)
	g.want("seen", "h/n=5")
}

// TestFailures counts, reaches the nearest handler from timers too, and otherwise is logged with a throttle.
func TestFailures(t *testing.T) {
	g := newGraphTest(t, `exceptionStream(outer, exceptionStream(sdo(inner, fixedEventWindow(2, smap(sumStar, bitBucket))), batch(5, 10, smap(sumStar, out))));
		fixedEventWindow(2, smap(sumStar, other))`)
	push := func(n int) {
		for range n {
			g.graph.Push(EventValue(&event.Event{Host: "h", Has: event.HasHost}))
		}
	}
	push(2)
	g.graph.Advance(10e6)
	if n := len(g.rt.rec.seen["inner"]); n != 1 {
		t.Fatalf("the inner handler got %d events, want 1", n)
	}
	got := g.rt.rec.seen["inner"][0].Event
	if got.State != "error" || got.Time != 10e6 || !got.Own || !got.Set.HasTag("exception") || got.Service != "riemann exception" {
		t.Errorf("the exception event is %+v", got)
	}
	if len(g.logs) != 1 || !strings.Contains(g.logs[0], "zeta.expr:2:23: smap: ") || !strings.HasSuffix(g.logs[0], "(1 failure)") {
		t.Errorf("logged %q", g.logs)
	}
	push(4)
	g.graph.Advance(100e6)
	if n := len(g.rt.rec.seen["outer"]); n != 1 {
		t.Errorf("the outer handler got %d events, want 1, from the failure in the inner one", n)
	}
	push(2)
	if len(g.logs) != 2 || !strings.HasSuffix(g.logs[1], "(3 failures)") {
		t.Errorf("logged %q", g.logs)
	}
	for _, s := range g.graph.Stats() {
		if s.Pos == "zeta.expr:2:23" && s.Failures != 4 {
			t.Errorf("%d failures counted, want 4", s.Failures)
		}
	}
}

// TestGate keeps windows from operators of events where the kinds are not known beforehand.
func TestGate(t *testing.T) {
	rules, ps := LoadText("zeta.expr", `exceptionStream(failed, rate(1, out), over(1, a))`, LoadOptions{Taps: true, Root: Unknown})
	if ps.Err() != nil {
		t.Fatal(ps)
	}
	rt := &Runtime{rec: newRecorder()}
	g, err := rules.Build(rt)
	if err != nil {
		t.Fatal(err)
	}
	g.Push(WindowValue(nil))
	g.Push(Value{})
	if n := len(rt.rec.seen["failed"]); n != 2 {
		t.Errorf("%d failures, want 2", n)
	}
}

// TestLetIsOneInstance uses a let in several places and inside by.
func TestLetIsOneInstance(t *testing.T) {
	g := newGraphTest(t, `let c = counter(out); by(host, c); where(metric > 1, c)`)
	g.push("a", "s", 1)
	g.push("b", "s", 1)
	g.push("a", "s", 2)
	g.want("out", "a/s=1 b/s=2 a/s=4 a/s=6")
}

// TestPipeInsideBy shares a stage among forks, and has one of its own in each fork.
func TestPipeInsideBy(t *testing.T) {
	g := newGraphTest(t, `pipe(_, by(host, _), counter(shared)); by(host, pipe(_, sdo(_, _), counter(own)))`)
	g.push("a", "s", 1)
	g.push("b", "s", 1)
	g.want("shared", "a/s=1 b/s=2")
	g.want("own", "a/s=1 a/s=2 b/s=1 b/s=2")
}

// TestBuildAgain builds the same rules twice: the graphs share nothing.
func TestBuildAgain(t *testing.T) {
	g := newGraphTest(t, `by(host, counter(out)); let c = counter(all); c`)
	g.push("a", "s", 1)
	g.build()
	g.push("a", "s", 1)
	g.want("out", "a/s=1 a/s=1")
	g.want("all", "a/s=1 a/s=1")
}
