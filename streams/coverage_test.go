package streams

import (
	"fmt"
	"strings"
	"testing"
)

// TestCoverage names what tests have not reached.
func TestCoverage(t *testing.T) {
	for _, c := range []struct{ name, tap, rules, test, want string }{
		{"both ways", "a", `where(metric > 1, a)`, `at(0, event({metric: 1}), event({metric: 2}))`, "1/1 2/2"},
		{"one way", "b", "where(metric > 1, a);\nwhere(metric < 1, b, else(c))", `at(0, event({metric: 2}))`,
			"0/2 4/5; 1:7 where never false: metric > 1; 2:7 where never true: metric < 1; 2:19 tap never ran"},
		{"nothing", "b", `where(metric > 1, by(host, a)); where(state == "x", b)`, `at(0)`, "0/2 0/5; 1:1 where never ran; 1:33 where never ran"},
		{"behind a condition", "a", `where(metric > 1, by(host, where(state == "x", a)))`, `at(0, event({metric: 1}))`, "0/2 1/4; 1:7 where never true: metric > 1; 1:19 by never ran"},
		{"cases", "a", `split(metric > 10, a, metric > 5, b, c)`, `at(0, event({metric: 11}), event({metric: 7}))`,
			"1/2 3/4; 1:23 split never false: metric > 5; 1:38 tap never ran"},
		{"a template used twice", "a", `def(hot(x, n), where(metric > n, x)); hot(a, 1); hot(b, 2)`, `at(0, event({metric: 2}))`, "1/1 2/3; 1:54 tap never ran"},
		{"a let", "ops", `let ops = paint({channel: "x"}); let unused = paint({channel: "y"}); where(metric > 1, ops)`, `at(0, event({metric: 1}))`,
			"0/1 1/2; 1:11 paint never ran, in let ops; 1:76 where never true: metric > 1"},
		{"many at the top", "a", `where(host == "a", a); where(host == "b", b); where(host == "c", c); where(host == "d", d); where(host == "e", e)`,
			`at(0, event({host: "a"}), event({host: "b"}), event({host: "c"}), event({host: "d"}))`, "4/5 9/10; 1:99 where never true: host == \"e\"; 1:112 tap never ran"},
		{"other conditions", "out", `sequence(state == "a", state == "b", "1m", out)`, `at(0, event({state: "a"}), event({state: "c"}), event({state: "b"}))`, "2/2 2/2"},
	} {
		rules, ps := LoadText("x", fmt.Sprintf("%s; test(\"t\", %s, expect(%s, []))", c.rules, c.test, c.tap), LoadOptions{Taps: true, Getenv: noEnv, Coverage: true})
		if ps.Err() != nil {
			t.Fatalf("%s: %v", c.name, ps)
		}
		rules.RunTests(RunOptions{})
		cover := rules.Coverage()
		got := fmt.Sprintf("%d/%d %d/%d", cover.BothWays, cover.Conditions, cover.Ran, cover.Streams)
		for _, g := range cover.Gaps {
			got += "; " + strings.TrimPrefix(g.Pos, "x:") + " " + g.Operator + " " + g.Text
		}
		if got != c.want {
			t.Errorf("%s:\n got  %s\n want %s", c.name, got, c.want)
		}
	}
}
