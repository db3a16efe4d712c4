package streams

import (
	"strings"
	"testing"
)

// TestRunTests prints what is missing and what was not expected.
func TestRunTests(t *testing.T) {
	rules, ps := LoadText("zeta.expr", `
		let ops = paint({channel: "#ops"});
		let big = where(metric > 5, ops);
		where(service == "x", big, fixedEventWindow(2, tap("pairs")));
		default(ttl, 60, index);
		test("passes",
			at(0, event({service: "x", metric: 6, tags: ["a", "b"], attributes: {dc: "eu"}}), event({service: "y", metric: 7})),
			at(1, {service: "x", metric: 1, time: 0.5}),
			expect(ops, [{service: "x", time: 0, host: nil, tags: ["a", "b"], attributes: {dc: "eu"}}]),
			expect(paint, [{metric: 6.0}]), expect(big, [{}, {metric: 1, time: 0.5}]),
			expect("pairs", [[{metric: 6}, {metric: 1}]]), expect(index, [{ttl: 60}, {ttl: 60}, {ttl: 60}]));
		test("fails",
			at(0, event({service: "x", metric: 6}), event({service: "x", metric: 7}), event({service: "x", metric: 8})),
			expect(ops, [{metric: 6, host: "web1"}, {metric: 7}, {metric: 9}]),
			expect("pairs", []));
		test("only time", at("1d"), expect(ops, []))`, LoadOptions{})
	if ps.Err() != nil {
		t.Fatal(ps)
	}
	for _, restart := range []bool{false, true} {
		got := ""
		for _, r := range rules.RunTests(RunOptions{Restart: restart}) {
			got += r.Pos + " " + r.Name + "\n" + strings.Join(r.Failures, "\n") + "\n"
		}
		want := `zeta.expr:6:3 passes

zeta.expr:12:3 fails
ops: want 3 values, got 3
  -   1  {host: "web1", metric: 6}   missing
  +   1  {service: "x", metric: 6, time: 0}   unexpected
  =   2  {service: "x", metric: 7, time: 0}
  -   3  {metric: 9}   missing
  +   3  {service: "x", metric: 8, time: 0}   unexpected
pairs: want 0 values, got 1
  +   1  [{service: "x", metric: 6, time: 0}, {service: "x", metric: 7, time: 0}]   unexpected
zeta.expr:16:3 only time

`
		if got != want {
			t.Errorf("restart %v: got\n%s\nwant\n%s", restart, got, want)
		}
	}
}

// TestDiffLong compares lists that are too long to align.
func TestDiffLong(t *testing.T) {
	want := make([]any, 2*maxAligned)
	got := diff("out", want, nil, 0)
	if n := strings.Count(got, "\n"); n != 201 || !strings.HasSuffix(got, "… and 800 lines more") {
		t.Errorf("%d lines: …%s", n, got[len(got)-60:])
	}
}

// TestRunCorpusRefuses reports what is no corpus, and cases that cannot run.
func TestRunCorpusRefuses(t *testing.T) {
	for _, text := range []string{``, `[]`, `{"cases": 5}`, `{"operator": "x", "cases": [5]}`} {
		if _, err := RunCorpus(strings.NewReader(text), RunOptions{}); err == nil {
			t.Errorf("%q is read", text)
		}
	}
	results, err := RunCorpus(strings.NewReader(`{"operator": "x", "cases": [
		{"name": "step", "rule": "out", "script": [{"evnt": {}}]},
		{"name": "field", "rule": "out", "script": [{"event": {"hots": "a"}}]},
		{"name": "rule", "rule": "outt(", "script": []},
		{"name": "silent tap", "rule": "sdo(a, b)", "script": [{"event": {}}], "expect": {"a": [{}]}},
		{"name": "unknown tap", "rule": "sdo(a)", "script": [{"event": {}}], "expect": {"a": [{}], "c": [{}]}},
		{"name": "good", "rule": "sdo(a)", "script": [{"event": {"metric": 9007199254740993}}, {"batch": [null]}], "expect": {"a": [{"metric": 9007199254740993}, [null]]}}]}`), RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`step 1: found {evnt: {}}, want event, batch or at`,
		`step 1: an event has no field hots; did you mean "host"?`,
		`( is not closed`,
		"b: want 0 values, got 1",
		"c: want 1 value, got 0",
		"",
	} {
		r := results[i]
		got := strings.Join(r.Failures, "\n")
		if r.Problems.Err() != nil {
			got = r.Problems[0].Found
		}
		if !strings.HasPrefix(got, want) || r.Passed() != (want == "") {
			t.Errorf("%s: got %q, want %q", r.Name, got, want)
		}
	}
}
