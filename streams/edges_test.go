package streams

import (
	"math"
	"strings"
	"testing"
)

// TestEdges asks operators for what the corpus does not: events that lack a field, are expired by state or by age, carry
// NaN or an infinity, come late or without a time.
func TestEdges(t *testing.T) {
	for _, c := range []struct{ name, rule, test string }{
		{"over drops what has no number", `over(0, out)`,
			`at(0, event({host: "a"}), event({metric: 0}), event({metric: 1, state: "expired"})), expect(out, [{metric: 1, state: "expired"}])`},
		{"a missing field differs from any text", `where(service != "x", out)`,
			`at(0, event({service: ""}), event({host: "a"}), event({service: "x"})), expect(out, [{service: ""}, {host: "a", service: nil}])`},
		{"age equal to the ttl is alive", `expired(out)`,
			`at(10, event({service: "a", time: 5, ttl: 5}), event({service: "b", time: 4.9, ttl: 5}), event({service: "c", time: -51}), event({service: "d", time: -50})), expect(out, [{service: "b"}, {service: "c"}])`},
		{"match asks for nil", `match(service, nil, out)`,
			`at(0, event({host: "a"}), event({service: ""})), expect(out, [{host: "a", service: nil}])`},
		{"taggedAll of none passes all", `taggedAll([], out)`, `at(0, event({host: "a"})), expect(out, [{host: "a"}])`},
		{"taggedAny of none passes none", `taggedAny([], out)`, `at(0, event({host: "a", tags: ["x"]})), expect(out, [])`},
		{"with nil removes", `with({service: nil, ttl: nil}, out)`, `at(0, event({host: "a", service: "x", ttl: 5})), expect(out, [{host: "a", service: nil, ttl: nil}])`},
		{"default keeps 0 and empty texts", `default({service: "d", metric: 7, ttl: 9}, out)`,
			`at(0, event({service: "", metric: 0, ttl: 0}), event({host: "a"})), expect(out, [{service: "", metric: 0, ttl: 0}, {service: "d", metric: 7, ttl: 9}])`},
		{"scale passes what has no metric", `scale(2, out)`, `at(0, event({host: "a"}), event({metric: 3})), expect(out, [{host: "a", metric: nil}, {metric: 6}])`},
		{"tag moves a tag to the front", `tag(["b", "c"], out)`, `at(0, event({tags: ["a", "b", "a"]})), expect(out, [{tags: ["b", "c", "a"]}])`},
		{"movingTimeWindow excludes its old edge", `movingTimeWindow(5, smap(count, out))`,
			`at(0, event({metric: 1, time: 1})), at(5, event({metric: 2, time: 5.9}), event({metric: 3, time: 6}), event({metric: 4, time: 1}), event({metric: 5, time: 1.1})), expect(out, [{metric: 1}, {metric: 2}, {metric: 2}, {metric: 3}])`},
		{"fixedTimeWindow gives windows skipped", `fixedTimeWindow(1, smap(count, out))`,
			`at(0, event({metric: 1, time: 0.5}), event({metric: 2, time: 0.2}), event({metric: 3, time: 1.4})), at(4, event({metric: 4, time: 3.5})), expect(out, [{metric: 2}, {metric: 0}, {metric: 0}])`},
		{"fixedOffsetTimeWindow aligns", `fixedOffsetTimeWindow(10, smap(count, out))`,
			`at(7, event({metric: 1, time: 7}), event({metric: 2, time: 9.9})), at(10, event({metric: 3, time: 10})), at(20, event({metric: 4, time: 20})), expect(out, [{metric: 2}, {metric: 1}])`},
		{"foldInterval of an empty interval", `foldInterval(1, metric, sum, out)`,
			`at(0, event({metric: 1, ttl: 100}), event({host: "none", ttl: 100})), at(1), at(5), expect(out, [{metric: 1}])`},
		{"percentiles pick events", `percentiles(1, [0, 0.5, 1], out)`,
			`at(0, event({service: "x", metric: 3}), event({service: "x", metric: 1}), event({service: "x"}), event({service: "x", metric: 2})), at(1), expect(out, [{service: "x 0", metric: 1}, {service: "x 0.5", metric: 2}, {service: "x 1", metric: 3}])`},
		{"rate wears its ttl down", `rate(2, out)`,
			`at(0, event({metric: 4, ttl: 10})), at(4), expect(out, [{metric: 2, time: 2, ttl: 10}, {metric: 0, time: 4, ttl: 8}])`},
		{"rate starts clean after an expired event", `rate(1, out)`,
			`at(0, event({metric: 4, ttl: 60})), at(0.5, event({metric: 100, state: "expired"})), at(3, event({metric: 2, ttl: 60})), at(4), expect(out, [{metric: 2, time: 4, state: nil}])`},
		{"ddt out of order and at one time", `ddt(out)`,
			`at(0, event({metric: 1, time: 1}), event({metric: 5, time: 1}), event({host: "none", time: 2}), event({metric: 7, time: 2}), event({metric: 3, time: 0})), expect(out, [{metric: 2, time: 2}, {metric: 2, time: 0}])`},
		{"interpolateConstant stops for an expired event", `interpolateConstant(1, out)`,
			`at(0, event({metric: 1, time: -5, ttl: 100})), at(1.5, event({metric: 2, state: "expired", time: 1.25})), at(9), expect(out, [{metric: 1, time: 0}, {metric: 1, time: 1}, {metric: 2, state: "expired", time: 1.25}])`},
		{"fillIn runs from the start", `fillIn(1, {service: "d"}, out)`,
			`at(2), at(2.5, event({service: "e"})), at(3.5), at(4, event({service: "e", state: "expired"})), at(9), expect(out, [{service: "d", time: 1}, {service: "d", time: 2}, {service: "e"}, {service: "d", time: 3.5}, {service: "e", state: "expired"}])`},
		{"apdex ignores expired events", `apdex(1, metric < 1, metric < 5, out)`,
			`at(0, event({metric: 0.5}), event({metric: 3}), event({metric: 9}), event({host: "none"}), event({metric: 0, state: "expired"})), at(1), expect(out, [{host: "none", metric: 0.375}])`},
		{"counter is reset only by a metric", `counter(out)`,
			`at(0, event({metric: 5}), event({tags: ["reset"]}), event({metric: 2}), event({metric: 1, tags: ["reset"]}), event({metric: 1})), expect(out, [{metric: 5}, {metric: nil}, {metric: 7}, {metric: 1}, {metric: 2}])`},
		{"changed counts a state that is missing", `changed(state, out)`,
			`at(0, event({metric: 1}), event({metric: 2, state: "ok"}), event({metric: 3}), event({metric: 4})), expect(out, [{metric: 2}, {metric: 3}])`},
		{"changedState per source, a missing service too", `changedState({init: "ok"}, out)`,
			`at(0, event({host: "a", state: "ok"}), event({host: "a", service: "", state: "bad"}), event({host: "a", state: "ok"}), event({host: "a", state: "expired"})), expect(out, [{service: "", state: "bad"}, {service: nil, state: "expired"}])`},
		{"runs of values that are missing", `runs(2, state, out)`,
			`at(0, event({metric: 1}), event({metric: 2}), event({metric: 3}), event({metric: 4, state: "x"})), expect(out, [{metric: 2}, {metric: 3}])`},
		{"stable gives nothing twice", `stable(1, state, out)`,
			`at(0, event({state: "a", metric: 1})), at(1, event({state: "b", metric: 2, time: 1}), event({state: "c", metric: 3, time: 1})), at(9), expect(out, [{metric: 1}, {metric: 3}])`},
		{"throttle counts a window as one", `fixedEventWindow(2, throttle(1, 10, smap(count, out)))`,
			`at(0, event({metric: 1}), event({metric: 1}), event({metric: 1}), event({metric: 1})), at(10, event({metric: 1}), event({metric: 1})), expect(out, [{metric: 2}, {metric: 2}])`},
		{"rollup forgets its quota after a silent window", `rollup(1, 10, smap(count, out))`,
			`at(0, event({metric: 1}), event({metric: 1}), event({metric: 1})), at(35, event({metric: 1})), expect(out, [{metric: 1}, {metric: 2}, {metric: 1}])`},
		{"coalesce outlives one that expires", `coalesce(1, smap(count, out))`,
			`at(0, event({host: "a", ttl: 1}), event({host: "b", ttl: 100})), at(0.5, event({host: "a", state: "expired"})), at(2), expect(out, [{metric: 1}, {metric: 2}, {metric: 1}])`},
		{"project with an event for two places", `project([metric > 1, metric > 2], smap(count, out))`,
			`at(0, event({metric: 2}), event({metric: 3}), event({host: "none"})), expect(out, [{metric: 1}, {metric: 2}])`},
		{"by tells missing from empty", `by(service, counter(out))`,
			`at(0, event({metric: 1}), event({service: "", metric: 1}), event({metric: 1})), expect(out, [{metric: 1}, {metric: 1}, {metric: 2}])`},
		{"split without a default", `split(metric > 5, a, state == "x", b)`,
			`at(0, event({host: "none"}), event({metric: 6, state: "x"}), event({state: "x"})), expect(a, [{metric: 6}]), expect(b, [{state: "x", metric: nil}])`},
		{"splitp of a missing value", `splitp("<", metric, 5, low, 10, middle)`,
			`at(0, event({host: "none"}), event({metric: 3}), event({metric: 7}), event({metric: 10})), expect(low, [{metric: 3}]), expect(middle, [{metric: 7}])`},
		{"dual sends expired events to both", `dual(metric > 5, yes, no)`,
			`at(3, event({host: "a", metric: 6, ttl: 9}), event({host: "a", metric: 6, state: "expired"})), expect(yes, [{metric: 6}, {state: "expired", metric: 6}]), expect(no, [{host: "a", state: "expired", time: 3, metric: nil, ttl: nil}, {state: "expired", metric: 6}])`},
		{"folds skip what has no metric", `fixedEventWindow(3, smapcat([sum, mean, median, maximum, minimum, count, stdDev], out))`,
			`at(0, event({host: "first"}), event({host: "b", metric: 4}), event({host: "c", metric: 4})), expect(out, [{host: "first", metric: 8}, {host: "first", metric: 4}, {host: "c", metric: 4}, {host: "c", metric: 4}, {host: "c", metric: 4}, {host: "first", metric: 3}, {host: "first", metric: 0}])`},
		{"folds of no metric at all", `fixedEventWindow(1, smapcat([sum, product, mean, median, stdDev], out))`,
			`at(0, event({host: "a"})), expect(out, [{metric: 0}, {metric: 1}])`},
		{"folds that overflow", `fixedEventWindow(2, smapcat([sum, maximum, mean], where(metric > 1e308, tap("endless"), else(out))))`,
			`at(0, event({metric: 1e308}), event({metric: 1e308})), expect("endless", [{}, {}]), expect(out, [{metric: 1e308}])`},
		{"difference of an event without a metric", `fixedEventWindow(2, smap(difference, out))`,
			`at(0, event({metric: 5}), event({host: "b"})), expect(out, [{metric: nil}])`},
		{"quotient by zero", `fixedEventWindow(2, smapcat([quotient, quotientSloppy], out))`,
			`at(0, event({metric: 5}), event({metric: 0})), expect(out, [{metric: nil}, {metric: 0}])`},
		{"ewma keeps what has no metric", `ewmaTimeless(0.5, out)`,
			`at(0, event({metric: 4}), event({host: "a"}), event({metric: 4})), expect(out, [{metric: 2}, {metric: nil}, {metric: 3}])`},
		{"predictLinear skips what it cannot use", `predictLinear(3, 10, out)`,
			`at(0, event({metric: 1, time: 0}), event({host: "none", time: 1}), event({metric: 3, time: 2}), event({metric: 4, time: 2})), expect(out, [{metric: 13, time: 2}, {time: 2}])`},
		{"clockSkew lets an expired event pass and forgets its host", `clockSkew(out)`,
			`at(0, event({host: "a", time: 10, ttl: 1000}), event({host: "b", time: 0, ttl: 1000}), event({host: "b", time: 0, state: "expired", metric: 7})), expect(out, [{host: "a", metric: 0}, {host: "b", metric: -10}, {host: "b", metric: 7}])`},
		{"top does not yield to a tie", `top(1, metric, yes, no)`,
			`at(0, event({host: "a", metric: 5, ttl: 99}), event({host: "b", metric: 5, ttl: 99}), event({host: "c", ttl: 99})), expect(yes, [{host: "a", metric: 5}, {host: "b", state: "expired"}, {host: "c", state: "expired"}]), expect(no, [{host: "a", state: "expired"}, {host: "b", metric: 5}, {host: "c", metric: nil}])`},
		{"sreduce keeps its accumulator over a failure", `sreduce(sumStar, out)`,
			`at(0, event({metric: 1}), event({host: "none"}), event({metric: 2})), expect(out, [{metric: 3}])`},
		{"smapcat of nothing", `fixedEventWindow(1, smapcat(modes, out))`, `at(0, event({metric: 1}), event({host: "none"})), expect(out, [{metric: 1}, {host: "none", metric: nil}])`},
		{"batch at the end of a window", `batch(3, 10, smap(count, out))`,
			`at(4, event({metric: 1})), at(10, event({metric: 1})), at(20, event({metric: 1}), event({metric: 1}), event({metric: 1})), at(40), expect(out, [{metric: 1}, {metric: 1}, {metric: 3}])`},
		{"an exception names what failed and its siblings go on", `exceptionStream(errors, sdo(fixedEventWindow(2, smap(sumStar, out)), index))`,
			`at(1, event({host: "a", metric: 1}), event({host: "b"})), expect(errors, [{service: "riemann exception", state: "error", time: 1}]), expect(out, []), expect(index, [{host: "a"}, {host: "b"}])`},
	} {
		rules, ps := LoadText("x", c.rule+`; test("t", `+c.test+`)`, LoadOptions{Taps: true, Getenv: noEnv})
		if ps.Err() != nil {
			t.Errorf("%s: %v", c.name, ps)
			continue
		}
		for _, r := range rules.RunTests(RunOptions{Restart: true}) {
			for _, f := range r.Failures {
				t.Errorf("%s: %s: %s", c.name, c.rule, f)
			}
		}
	}
}

// TestEdgesOfNaN pushes metrics that are no number and infinities.
func TestEdgesOfNaN(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		rule    string
		metrics []float64
		want    string
	}{
		{`over(0, out)`, []float64{nan, inf, -inf}, `=+Inf`},
		{`under(0, out)`, []float64{nan, inf, -inf}, `=-Inf`},
		{`where(not (metric > 0), out)`, []float64{nan, 1}, `=NaN`},
		{`where(metric == metric, out)`, []float64{nan, inf}, `=+Inf`},
		{`changed(metric, out)`, []float64{nan, nan, inf, inf, 1}, `=NaN; =+Inf; =1`},
		{`by(metric, runs(2, host, out))`, []float64{nan, 1, nan}, `=NaN`},
		{`dedup(metric, 10, out)`, []float64{nan, nan, inf, inf}, `=NaN; =+Inf`},
		{`counter(out)`, []float64{1, nan, 2}, `=1; =NaN; =3`},
		{`ewma(1, out)`, []float64{4, nan, 4}, `=2; =NaN; =2`},
		{`ewmaTimeless(0.5, out)`, []float64{4, nan, 4}, `=2; =NaN; =3`},
		{`scale(0, out)`, []float64{inf, nan}, `; =NaN`},
		{`ddt(out)`, []float64{1, nan, 3}, ``},
		{`fixedEventWindow(3, smapcat([sum, mean, minimum, maximum, median], out))`, []float64{nan, 2, inf}, `=+Inf; =+Inf; =2; =+Inf; =+Inf`},
		{`fixedEventWindow(2, smapcat([sum, stdDev], out))`, []float64{inf, -inf}, `; `},
		{`percentiles(1, [0, 1], out)`, []float64{nan, 2, -inf}, `0=-Inf; 1=2`},
		{`rate(1, out)`, []float64{nan, 2}, `=2`},
		{`top(1, metric, out)`, []float64{nan, 1}, `expired; =1`},
		{`histogram(1, [1], out)`, []float64{nan, 0.5, inf}, `le 1=1; le +Inf=2`},
		{`movingTimeWindow(5, smap(maximum, out))`, []float64{nan, 1, inf}, `=1; =+Inf`},
		{`predictLinear(3, 1, out)`, []float64{nan, 1, 2}, ``},
	} {
		rules, ps := LoadText("x", c.rule, LoadOptions{Taps: true, Getenv: noEnv})
		if ps.Err() != nil {
			t.Errorf("%v", ps)
			continue
		}
		run, err := newTestRun(rules, RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.metrics {
			e := metric(m)
			e.SetTime(0)
			e.SetTTL(0.5)
			run.push(EventValue(e))
		}
		run.graph.Advance(1e6)
		var got []string
		for _, v := range run.rec.seen["out"] {
			text, _, _ := strings.Cut(givenEvent(v.Event), "@")
			got = append(got, text)
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s of %v gives %q, want %q", c.rule, c.metrics, text, c.want)
		}
	}
}
