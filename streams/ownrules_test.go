package streams

import (
	"strings"
	"testing"
)

// What the operators without a counterpart in Riemann do at their edges, written as rules.
func TestOwnOperators(t *testing.T) {
	for _, x := range []Example{
		{
			Title: "flapping: no more than low changes left means settled, at that very moment",
			Rule:  `flapping("10s", 2, 0, out, else(steady))`,
			Test: `at(0, event({host: "a", state: "ok"})), at(1, event({host: "a", state: "down"})), at(2, event({host: "a", state: "ok"})), at(11.9, event({host: "a", state: "ok"})), at(12, event({host: "a", state: "ok"})),
expect(out, [{state: "flapping", metric: 2, time: 2}, {state: "settled", metric: 0, time: 12}]), expect(steady, [{time: 0}, {time: 1}, {time: 11.9}, {time: 12}])`,
		},
		{
			Title: "flapping: changes while it flaps prolong it; others are not affected",
			Rule:  `flapping("10s", 2, 1, out, else(steady))`,
			Test: `at(0, event({host: "a", state: "1"}), event({host: "b", state: "1"})), at(1, event({host: "a", state: "2"})), at(2, event({host: "a", state: "3"}), event({host: "b", state: "2"})), at(9, event({host: "a", state: "4"})), at(30),
expect(out, [{host: "a", state: "flapping", time: 2}, {host: "a", state: "settled", description: "settled in 4: 1 state change within 10s", time: 12}]),
expect(steady, [{host: "a", state: "1"}, {host: "b", state: "1"}, {host: "a", state: "2"}, {host: "b", state: "2"}, {host: "a", state: "4"}])`,
		},
		{
			Title: "flapping: a missing state is a state; a change exactly as old as the window is out of it",
			Rule:  `flapping("10s", 2, 0, out)`,
			Test: `at(0, event({host: "a", state: "x"})), at(5, event({host: "a"})), at(15, event({host: "a", state: "x"})), at(24, event({host: "a"})), at(24.5),
expect(out, [{state: "flapping", time: 24}])`,
		},
		{
			Title: "sequence: exactly within counts, later does not; the newest a and the first b; each is used once",
			Rule:  `sequence(state == "a", state == "b", 10, out)`,
			Test: `at(0, event({host: "h", state: "a", metric: 1})), at(3, event({host: "h", state: "a", metric: 2})), at(13, event({host: "h", state: "b", metric: 3})), at(13, event({host: "h", state: "b", metric: 4})),
at(20, event({host: "h", state: "a", metric: 5})), at(30.5, event({host: "h", state: "b", metric: 6})), at(31, event({host: "other", state: "a"}), event({host: "h", state: "b"})),
expect(out, [[{metric: 2}, {metric: 3}]])`,
		},
		{
			Title: "sequence: an event that is both ends a pair and opens the next",
			Rule:  `sequence(metric > 0, metric > 1, 10, {by: service}, out)`,
			Test: `at(0, event({service: "s", metric: 2})), at(1, event({service: "s", metric: 3})), at(2, event({service: "s", metric: 4})),
expect(out, [[{metric: 2}, {metric: 3}], [{metric: 3}, {metric: 4}]])`,
		},
		{
			Title: "absentAfter: exactly within is too late; further first events do not prolong; keys by expressions",
			Rule:  `absentAfter(state == "start", state == "end", 10, {by: [host, service]}, out)`,
			Test: `at(0, event({host: "h", service: "x", state: "start", metric: 1})), at(5, event({host: "h", service: "x", state: "start", metric: 2})), at(6, event({host: "h", service: "y", state: "end"})), at(10, event({host: "h", service: "x", state: "end"})), at(11, event({host: "h", service: "x", state: "start", metric: 3})), at(20.9, event({host: "h", service: "x", state: "end"})), at(100),
expect(out, [{service: "x", metric: 1, time: 10}])`,
		},
		{
			Title: "absentAfter: each absence is told once, then it may begin again",
			Rule:  `absentAfter(state == "start", state == "end", 10, out)`,
			Test:  `at(0, event({host: "h", state: "start", metric: 1})), at(50, event({host: "h", state: "start", metric: 2})), at(100), expect(out, [{metric: 1, time: 10}, {metric: 2, time: 60}])`,
		},
		{
			Title: "deadman: silent once, back once; expired events are no life, unexpected hosts no matter",
			Rule:  `deadman(["a", "b"], 10, out)`,
			Test: `at(5, event({host: "a", state: "ok"}), event({host: "b", state: "expired"}), event({host: "c", state: "ok"})), at(14.9), at(15, event({host: "a", state: "late"})), at(40),
expect(out, [{host: "b", state: "expired", time: 10, description: "no event of b for 10s"}, {host: "a", state: "expired", time: 15}, {host: "a", state: "late"}, {host: "a", state: "expired", time: 25}])`,
		},
		{
			Title: "deadman: by service",
			Rule:  `deadman("backup", "1d", {by: service}, out)`,
			Test:  `at(86399), at(86400), expect(out, [{service: "backup", host: nil, state: "expired"}])`,
		},
		{
			Title: "deadman: by an attribute",
			Rule:  `deadman("eu", 60, {by: attributes.dc}, out)`,
			Test:  `at(59, event({attributes: {dc: "eu"}})), at(119), expect(out, [{state: "expired", attributes: {dc: "eu"}, time: 119}])`,
		},
		{
			Title: "dedup: numbers by value, missing equals missing, dropped ones do not prolong",
			Rule:  `dedup(metric, 10, out)`,
			Test: `at(0, event({metric: 1}), event({metric: 1.0}), event({service: "none"}), event({service: "none too"})), at(9, event({metric: 1})), at(10, event({metric: 1})),
expect(out, [{metric: 1, time: 0}, {service: "none"}, {metric: 1, time: 10}])`,
		},
		{
			Title: "slidingThrottle: a window counts as one",
			Rule:  `fixedEventWindow(2, slidingThrottle(1, 10, out))`,
			Test:  `at(0, event({metric: 1}), event({metric: 2})), at(9, event({metric: 3}), event({metric: 4})), at(10, event({metric: 5}), event({metric: 6})), expect(out, [[{metric: 1}, {metric: 2}], [{metric: 5}, {metric: 6}]])`,
		},
		{
			Title: "histogram: intervals stand alone, an empty one gives nothing, an expired event drops the open one",
			Rule:  `histogram(10, [1], out)`,
			Test: `at(0, event({service: "s", metric: 1}), event({service: "s"}), event({service: "s", metric: 2})), at(10), at(30, event({service: "s", metric: 1})), at(31, event({service: "s", state: "expired"})), at(100),
expect(out, [{service: "s le 1", metric: 1, time: 10}, {service: "s le +Inf", metric: 2}])`,
		},
		{
			Title: "quantiles: named points, last event as template",
			Rule:  `quantiles(10, {0: ".min", 1: ".max"}, out)`,
			Test:  `at(0, event({service: "s", metric: 7})), at(9, event({service: "t", metric: 5, state: "ok"})), at(10), expect(out, [{service: "t.min", metric: 5, state: "ok", time: 10}, {service: "t.max", metric: 7}])`,
		},
	} {
		t.Run(x.Title, func(t *testing.T) { runExample(t, "rules", x) })
	}
}

// Edges of operators whose corpus cases do not reach them.
func TestOperatorEdges(t *testing.T) {
	for _, x := range []Example{
		{
			Title: "with: values see the event as it was, not as it becomes",
			Rule:  `with({service: host, host: service}, out)`,
			Test:  `at(0, event({host: "h", service: "s"})), expect(out, [{host: "s", service: "h"}])`,
		},
		{
			Title: "with: a missing value removes the field",
			Rule:  `with(state, description, out)`,
			Test:  `at(0, event({state: "ok"})), expect(out, [{state: nil}])`,
		},
		{
			Title: "default: empty and zero stay; attributes and tags are filled one by one",
			Rule:  `default({state: "x", metric: 7, tags: ["t"], attributes: {dc: "eu", env: "prod"}}, out)`,
			Test: `at(0, event({state: "", metric: 0, tags: ["u"], attributes: {dc: "us"}}), event({service: "s"})),
expect(out, [{state: "", metric: 0, tags: ["u"], attributes: {dc: "us", env: "prod"}}, {service: "s", state: "x", metric: 7, tags: ["t"], attributes: {dc: "eu", env: "prod"}}])`,
		},
		{
			Title: "default: one attribute",
			Rule:  `default(attributes.dc, host, out)`,
			Test:  `at(0, event({host: "h"}), event({host: "h", attributes: {dc: ""}})), expect(out, [{attributes: {dc: "h"}}, {attributes: {dc: ""}}])`,
		},
		{
			Title: "adjust: arithmetic on the metric; missing stays missing",
			Rule:  `adjust(metric, metric * 8, out)`,
			Test:  `at(0, event({metric: 2}), event({service: "none"})), expect(out, [{metric: 16}, {service: "none", metric: nil}])`,
		},
		{
			Title: "scale: an integer stays exact",
			Rule:  `scale(3, out)`,
			Test:  `at(0, event({metric: 3002399751580331})), expect(out, [{metric: 9007199254740993}])`,
		},
		{
			Title: "tag, untag: duplicates, no tags, and the same set again",
			Rule:  `sdo(tag(["a", "b", "a"], more), untag("x", untagged))`,
			Test: `at(0, event({tags: ["b", "x", "b"]}), event({tags: ["b", "x", "b"]}), event({service: "none"})),
expect(more, [{tags: ["a", "b", "x"]}, {tags: ["a", "b", "x"]}, {tags: ["a", "b"]}]), expect(untagged, [{tags: ["b", "b"]}, {tags: ["b", "b"]}, {tags: []}])`,
		},
		{
			Title: "tagged: the empty list passes everything, for taggedAny nothing",
			Rule:  `sdo(taggedAll([], all), taggedAny([], any))`,
			Test:  `at(0, event({metric: 1})), expect(all, [{metric: 1}]), expect(any, [])`,
		},
		{
			Title: "over: an int64 and a float64 compare exactly",
			Rule:  `over(9007199254740992.0, out)`,
			Test:  `at(0, event({metric: 9007199254740992}), event({metric: 9007199254740993})), expect(out, [{metric: 9007199254740993}])`,
		},
		{
			Title: "sreduce: an expression with acc, a failing fold leaves acc",
			Rule:  `sdo(sreduce({metric: acc.metric + metric}, {metric: 10}, out), sreduce(sumStar, strict))`,
			Test: `at(0, event({metric: 1}), event({service: "none"}), event({metric: 2})),
expect(out, [{metric: 11}, {metric: nil}, {metric: nil}]), expect(strict, [{metric: 3}])`,
		},
		{
			Title: "smapcat: of windows and of lists of windows",
			Rule:  `fixedEventWindow(2, sdo(smapcat(event, flat), smapcat([event, event], whole)))`,
			Test: `at(0, event({metric: 1}), event({metric: 2})),
expect(flat, [{metric: 1}, {metric: 2}]), expect(whole, [[{metric: 1}, {metric: 2}], [{metric: 1}, {metric: 2}]])`,
		},
		{
			Title: "counter: one that is shared by let counts for all",
			Rule:  `let c = counter(out); where(metric > 1, c, else(c))`,
			Test:  `at(0, event({metric: 1}), event({metric: 2})), expect(out, [{metric: 1}, {metric: 3}])`,
		},
		{
			Title: "dual: below by, the expired form names its own series",
			Rule:  `by(host, dual(metric > 5, high, low))`,
			Test:  `at(3, event({host: "a", service: "s", metric: 9})), expect(high, [{host: "a", metric: 9}]), expect(low, [{host: "a", service: "s", state: "expired", time: 3, metric: nil}])`,
		},
		{
			Title: "match: a pattern in a pattern, a regex never matches what is missing or no text",
			Rule:  `sdo(match(event, {attributes: {dc: ["eu", "us"]}}, out), match(metric, regex("1"), never), match(state, regex(""), some))`,
			Test:  `at(0, event({metric: 1, attributes: {dc: "us"}}), event({metric: 1, state: "x"})), expect(out, [{attributes: {dc: "us"}}]), expect(never, []), expect(some, [{state: "x"}])`,
		},
	} {
		t.Run(x.Title, func(t *testing.T) { runExample(t, "rules", x) })
	}
}

// What the option tags cannot say is refused at the call.
func TestOptionChecks(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{`with(out)`, "wants a map of fields, or a field and its value"},
		{`with(state, out)`, "wants a value for the field state"},
		{`over("x", out)`, "wants a number to compare with"},
		{`scale(true, out)`, "wants a number to multiply by"},
		{`counter("x", out)`, "wants a number to start from"},
		{`flapping(10, 2, 2, out)`, "wants a low below high"},
		{`deadman([], 10, out)`, "wants at least one key to expect"},
		{`deadman("a", 10, {by: state}, out)`, "by wants host, service or an attribute"},
		{`histogram(1, [2, 1], out)`, "wants bounds in ascending order"},
		{`histogram(1, [], out)`, "wants 1 to 1000 bounds"},
		{`between("noon", out)`, `"noon" is no day`},
		{`between("mon", {zone: "Mars"}, out)`, `unknown zone "Mars"`},
		{`ewma(0, out)`, "ewma"},
		{`ewmaTimeless(2, out)`, "ewmaTimeless"},
		{`predictLinear(1, 60, out)`, "predictLinear"},
		{`top(0, metric, out)`, "top"},
		{`quantiles(1, [0.5], {accuracy: 0}, out)`, "accuracy"},
		{`sflatten(out)`, "sflatten: takes windows"},
		{`fixedEventWindow(2, counter(out))`, "counter: takes events"},
	} {
		_, problems := LoadText("x.expr", c.rule, LoadOptions{Taps: true, Getenv: noEnv})
		if err := problems.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.rule, err, c.want)
		}
	}
}
