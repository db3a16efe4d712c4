package streams

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestPlan foretells what a reload does, and holds it against what the reload then does.
func TestPlan(t *testing.T) {
	for _, c := range []struct{ name, old, next, keeps, loses, fresh string }{
		{"nothing changed", `counter(a); by(host, counter(b))`, `counter(a); by(host, counter(b))`, "counter() BY BY/counter()", "", ""},
		{"a threshold below by", `by(host, where(metric > 1, counter(a)))`, `by(host, where(metric > 2, counter(a)))`, "BY BY/counter()", "", ""},
		{"an argument", `counter(1, a)`, `counter(2, a)`, "", "counter(1)", "counter(2)"},
		{"an argument below by", `by(host, counter(1, a))`, `by(host, counter(2, a))`, "BY", "BY/counter(1)", "BY/counter(2)"},
		{"one of two", `counter(a); counter(b)`, `counter(b)`, "counter()", "counter()#2", ""},
		{"a let that nothing uses any more", `let c = counter(a); c; c`, `let c = counter(a); let d = c; index`, "", "let c/counter()", ""},
		{"a let used through another", `let c = counter(a); let d = where(true, c); d`, `let c = counter(a); by(host, c)`, "let c/counter()", "", "BY"},
		{"a use of a template", `def(n(x), counter(x)); n(a); n(b)`, `def(n(x), counter(x)); n(b)`, "n(b)/counter()", "n(a)/counter()", ""},
		{"a name", `id("mine", counter(a))`, `by(host, counter(b)); where(true, id("mine", counter(a)))`, "id mine/counter()", "", "BY BY/counter()"},
		{"sinks have none", `paint({channel: "x"})`, `paint({channel: "y"})`, "", "", ""},
	} {
		by := func(paths []string) string {
			return strings.ReplaceAll(strings.Join(paths, " "), "by([host], max=100000, idle=1h0m0s)", "BY")
		}
		g := newGraphTest(t, c.old)
		g.push("h", "s", 1)
		next, ps := LoadText("zeta.expr", c.next, LoadOptions{Taps: true, Getenv: noEnv})
		if ps.Err() != nil {
			t.Fatal(ps)
		}
		plan := g.graph.rules.Plan(next)
		if k, l, f := by(plan.Kept), by(plan.Lost), by(plan.New); k != c.keeps || l != c.loses || f != c.fresh {
			t.Errorf("%s: keeps %q, loses %q, new %q; want %q, %q, %q", c.name, k, l, f, c.keeps, c.loses, c.fresh)
		}
		m := g.reload(c.next)
		for what, pair := range map[string][2][]string{"keeps": {m.Kept, plan.Kept}, "loses": {m.Lost, plan.Lost}, "new": {m.New, plan.New}} {
			for _, path := range pair[0] {
				if !slices.Contains(pair[1], path) && !strings.Contains(path, "paint") {
					t.Errorf("%s: the reload %s %q, the plan says %q", c.name, what, path, pair[1])
				}
			}
		}
	}
}

// TestOpened tells of every file that a load looks at, also when it fails.
func TestOpened(t *testing.T) {
	files := fstest.MapFS{
		"etc/zeta.expr":      {Data: []byte(`include("rules.d/*.expr"); include("none.expr"); enrich(host, "hosts.csv", out)`)},
		"etc/rules.d/a.expr": {Data: []byte(`where(nonsense >`)},
	}
	var opened []string
	rules, _ := Load([]string{"etc/zeta.expr"}, LoadOptions{FS: files, Taps: true, Opened: func(name string) { opened = append(opened, name) }})
	want := "etc/zeta.expr etc/rules.d/*.expr etc/rules.d/a.expr etc/none.expr etc/hosts.csv"
	if got := strings.Join(opened, " "); rules != nil || got != want {
		t.Errorf("opened %q, want %q", got, want)
	}
}

// TestLetBelowBy keeps the state of a let that only forks use, though no fork is there when the rules are built.
func TestLetBelowBy(t *testing.T) {
	const rule = `let c = counter(out); by(host, c)`
	g := newGraphTest(t, rule)
	g.push("h", "s", 1)
	g.reload(rule)
	g.push("i", "s", 1)
	g.want("out", "h/s=1 i/s=2")
}
