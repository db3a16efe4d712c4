package streams

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func property(t *testing.T, text string) []TestResult {
	t.Helper()
	rules, ps := LoadText("x", text, LoadOptions{Taps: true, Getenv: noEnv})
	if ps.Err() != nil {
		t.Fatal(ps)
	}
	return rules.RunTests(RunOptions{})
}

// TestProperties tells the properties that hold from those that do not, and those by the smallest events.
func TestProperties(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a throttle holds", `by([host, service], throttle(1, "1h", out)); property("p", over({events: 300}), atMost(out, 2, "1h", [host, service]))`, ""},
		{"one for all hosts", `by(host, throttle(1, "1h", out)); property("p", atMost(out, 1, "1h"))`, `out: 2 values within 1h0m0s, from 0 to 0; want at most 1
run 1 of seed 1 breaks it; so few events do:
test("p",
  at(0, event({}), event({host: "h2"})),
  at(3600),
  expect(out, [{time: 0}, {host: "h2", time: 0}])); // what comes out; write what should`},
		{"a state that is never told", `changedState({init: "ok"}, where(state != "ok", out)); property("p", never(out, state == "critical"))`, `out: at 0 state == "critical": {state: "critical", time: 0}
run 1 of seed 1 breaks it; so few events do:
test("p",
  at(0, event({state: "critical"})),
  at(3600),
  expect(out, [{state: "critical", time: 0}])); // what comes out; write what should`},
		{"a bound of a metric", `where(metric > 90, out); property("p", over({metrics: [0, 200]}), always(out, metric <= 150))`, "out: at 0 it is not true that metric <= 150: "},
		{"windows", `fixedEventWindow(2, out); property("p", always(out, host in ["h1", "h2", "h3"]), never(out, host == "h4"))`, ""},
		{"a missing field", `where(state != "ok", out); property("p", always(out, state != nil))`, "out: at 0 it is not true that state != nil: "},
		{"it comes in the end", `where(state == "critical", out); property("p", over({runs: 3}), eventually(out, metric > 50))`, ""},
		{"it does not come", `where(state == "gone", out); property("p", over({runs: 3}), eventually(out, true))`, "out: none of 0 values has true\n"},
		{"what leaves late", `rollup(1, "10m", out); property("p", over({step: "1m", after: "1h"}), atMost(out, 2, "10m"))`, ""},
		{"an expectation on a let", `let ops = where(metric > 99, out); ops; property("p", never(ops, metric > 200))`, ""},
	} {
		r := property(t, c.text)
		got := strings.Join(r[0].Failures, "\n")
		if len(r) != 1 || r[0].Name != "p" || (c.want == "") != (got == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s:\n got  %s\n want %s", c.name, got, c.want)
		}
	}
}

// TestShrunkEventsAreATest puts what a broken property prints into the rules: it is a test that passes.
func TestShrunkEventsAreATest(t *testing.T) {
	for _, rules := range []string{
		`by(host, throttle(1, "1h", tap("the ops"))); property("p", over({tags: ["a", "b"], attributes: {"x y": "z"}, ttl: 10}), atMost("the ops", 1, "1h"))`,
		`by(service, changedState({init: "ok"}, out)); property("p", over({missing: 0.5}), never(out, state == "warning" and metric > 30))`,
		`fixedTimeWindow("1m", smap(mean, out)); property("p", over({step: "9s"}), never(out, metric > 40 and metric < 60))`,
		`movingTimeWindow("5m", out); property("p", over({seed: 7}), atMost(out, 10, "2m"))`,
	} {
		r := property(t, rules)
		if len(r[0].Failures) != 1 {
			t.Fatalf("%s: %v", rules, r)
		}
		text := r[0].Failures[0]
		test := text[strings.Index(text, "test("):]
		again := property(t, strings.SplitN(rules, "property(", 2)[0]+test)
		if len(again) != 1 || len(again[0].Failures) > 0 {
			t.Errorf("%s:\n%s\nas a test: %v", rules, test, again)
		}
		if n := strings.Count(test, "event("); n > 11 {
			t.Errorf("%d events are left:\n%s", n, test)
		}
	}
}

// TestGenerate makes the same events of the same seed, of the kinds asked for.
func TestGenerate(t *testing.T) {
	o := overEntry().defaults.Interface().(OverOptions)
	o.Tags, o.Attributes, o.TTL, o.Step = []string{"a", "b"}, map[string]string{"k": "v"}, time.Minute, 2*time.Second
	text := func(steps []testStep) string {
		s := ""
		for _, x := range steps {
			s += fmt.Sprint(x.at, seenText(EventValue(x.events[0])))
		}
		return s
	}
	a, b, c := text(generate(o, 3)), text(generate(o, 3)), text(generate(o, 4))
	if a != b || a == c {
		t.Error("the events do not follow from the seed and the run")
	}
	seen := map[string]bool{}
	last := int64(0)
	for _, s := range generate(o, 0) {
		e := s.events[0]
		m, has := e.Metric()
		if s.at < last || s.at > last+10*o.Step.Microseconds() || s.at%1000 != 0 || has && (m < 0 || m > 100) || e.TTL != 60 || len(e.Attrs()) != 1 {
			t.Errorf("at %d: %s", s.at, seenText(EventValue(e)))
		}
		seen[e.Host+e.Service], seen[e.State] = true, true
		seen[fmt.Sprint("metric ", has)], seen[fmt.Sprint("tags ", len(e.Tags()))] = true, true
		last = s.at
	}
	if want := 3*2 + 4 + 2 + 3; len(seen) != want {
		t.Errorf("%d kinds of events, want %d: %v", len(seen), want, seen)
	}
}

// TestPropertyProblems says what is wrong with a property.
func TestPropertyProblems(t *testing.T) {
	for text, want := range map[string]string{
		`property(over({}), never(a, true))`:                            "property: a property without a name",
		`property("p")`:                                                 `property: the property "p" says nothing`,
		`property("p", over({}))`:                                       `property: the property "p" says nothing`,
		`property("p", never(b, true))`:                                 "never: nothing is called b",
		`property("p", never(a))`:                                       "never: 1 argument",
		`property("p", never(a, metrc > 1))`:                            "never: unknown name metrc",
		`property("p", never(a, metric))`:                               "never: ",
		`property("p", atMost(a, 1))`:                                   "atMost: 2 arguments",
		`property("p", atMost(a, -1, 5))`:                               "atMost: number is -1",
		`property("p", atMost(a, 1, "x"))`:                              `atMost: within is "x", which is no duration`,
		`property("p", expect(a, []))`:                                  "property: found expect(a, []), want over({…}) or a check",
		`property("p", over({event: 1}), never(a, true))`:               `over: unknown option "event"`,
		`property("p", over({metrics: [1]}), never(a, true))`:           "over: metrics wants the least and the greatest",
		`property("p", over({hosts: []}), never(a, true))`:              "over: hosts, services and states each want one",
		`property("p", over(500), never(a, true))`:                      "over: ",
		`where(true, property("p", over({}), never(a, true)))`:          "property is a statement",
		`def(property(x), x)`:                                           "property has a meaning already",
		`property("p", over({events: 1e4, runs: 1e4}), never(a, true))`: "over: more than 10000000 events",
	} {
		_, ps := LoadText("x", "tap(\"a\", index); "+text, LoadOptions{Taps: true, Getenv: noEnv})
		if ps.Err() == nil || !strings.Contains(ps.Error(), want) {
			t.Errorf("%s: want %q, got\n%v", text, want, ps)
		}
	}
}
