package streams

import (
	"fmt"
	"strings"
	"testing"

	"github.com/expr-lang/expr/ast"

	"zeta/event"
)

// oddInputs are inputs that an expression may not expect.
func oddInputs() []*Input {
	ins := []*Input{testInput(fullEvent()), testInput(&event.Event{}), testInput(nil), testInput(nil), {}}
	ins[3].Value = WindowValue([]*event.Event{fullEvent(), nil})
	ins[0].Acc = EventValue(fullEvent())
	return ins
}

// FuzzCompile compiles any text as everything an expression can be and evaluates it on everything.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		`metric > 0.9 and service startsWith "df-"`, `not state in ["ok"]`, `{state: nil, "attributes.x": host}`, `[event, {metric: 1}]`, `sortedSample({0: "x"})`,
		`regex("a+")`, `{a: {b: [nil, 1]}}`, `attributes["a"] ?? h`, `event[0][1:2].metric`, `h[0] + h[1:] + h`, `(h + h) % h`, `acc.metric ?? 1`, `lookup(h, h).tags[0]`, `1..3`,
		`h in h`, `h in 1..3`, `-h < +h`, `max(h, 1, metric)`, `string(event)`, `len(h)`, `join([h, h])`, `[[1], [h]] == [[1], tags]`, `a ? b : c`, `filter(a, b)`, `duration("1d")`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 || strings.Count(text, "(")+strings.Count(text, "[")+strings.Count(text, "{") > 50 {
			return
		}
		n, _, _ := parseStatement(text, 0)
		if n == nil {
			return
		}
		for _, kind := range []Kind{Either, Events, Windows} {
			compileAll(t, n, kind)
		}
	})
}

func compileAll(t *testing.T, n ast.Node, kind Kind) {
	fresh := func() *checker {
		c, _ := testChecker()
		c.in, c.acc = kind, kind == Events
		return c
	}
	c, ps := testChecker()
	c.in, c.acc = kind, kind == Events
	eval, _, _ := compileExpr(c, n)
	x := c.compile(n)
	if x.failed != (len(*ps) > 0) {
		for _, p := range *ps {
			if !p.warning {
				x.failed = !x.failed
				break
			}
		}
		if x.failed {
			t.Fatalf("failed and reported do not agree: %v", *ps)
		}
	}
	test, _ := compileCond(fresh(), n)
	patch, isPatch := compilePatch(fresh(), n)
	mapper, isMapper := compileMapper(fresh(), n)
	pattern, _ := compilePattern(fresh(), n)
	compileKeys(fresh(), n)
	compileFieldName(fresh(), n)
	compilePoints(fresh(), n)
	for _, in := range oddInputs() {
		d := eval(in)
		test(in)
		_ = d.Text()
		d.AppendKey(nil)
		pattern.Match(d)
		v := in.Value
		if isPatch && v.Event != nil {
			patch.in = in
			patch.Event(v.Event)
		}
		if isMapper {
			mapper.in = in
			mapper.MapAll(v) // a fold may refuse a window; it may not panic
		}
	}
}

// TestExprBounds: what is large is compiled and evaluated in good time, or refused with one problem.
func TestExprBounds(t *testing.T) {
	nest := func(n int, open, inner, shut string) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(shut, n)
	}
	for name, x := range map[string]struct {
		text string
		want string
	}{
		"a long or":            {strings.Repeat(`service == "x" or `, 3500) + "true", "true"},
		"a long sum":           {strings.Repeat("1 + ", 3500) + "metric > 3500", "true"},
		"a long string":        {strings.Repeat(`"abcd" + `, 3500) + `host == "x"`, "false"},
		"nested brackets":      {nest(500, "(", "metric > 0", ")"), "true"},
		"nested conditions":    {nest(250, "(metric > 0 ? ", "true", " : false)"), "true"},
		"nested not":           {nest(400, "not (", "true", ")"), "true"},
		"nested misplaced not": {nest(300, "not (", "state", " == \"x\")"), "problem"},
		"doubling replace":     {"len(" + nest(20, "replace(", `"aaaaaaaaaa"`, `, "a", "aaaaaaaaaaaaaaaa")`) + ") == nil", "true"},
		"a long list":          {"host in [" + strings.Repeat(`"x",`, 10000) + `"web1"]`, "true"},
		"a long pattern":       {`host matches "` + strings.Repeat("a", 1025) + `"`, "problem"},
		"a heavy pattern":      {`host matches "(.*a){20}b"`, "false"},
		"a wide pattern":       {`host matches "((((x{1,9}){1,9}){1,9}y){1,1})"`, "false"},
	} {
		n, _, found := parseStatement(x.text, 0)
		if n == nil {
			t.Fatalf("%s: %s", name, found)
		}
		c, ps := testChecker()
		test, _ := compileCond(c, n)
		got := fmt.Sprint(test(testInput(fullEvent())))
		if len(*ps) > 0 {
			got = "problem"
		}
		if got != x.want {
			t.Errorf("%s = %s, want %s %v", name, got, x.want, *ps)
		}
	}
}

// TestNamesWithinNames: lets that double each other are refused once they are too large.
func TestNamesWithinNames(t *testing.T) {
	c, ps := testChecker()
	names := map[string]ast.Node{"n0": parseTest(t, "metric")}
	for i := 1; i < 40; i++ {
		names[fmt.Sprint("n", i)] = parseTest(t, fmt.Sprintf("n%d + n%d", i-1, i-1))
	}
	c.names = func(name string) (ast.Node, *checker, bool) {
		n, ok := names[name]
		return n, c, ok
	}
	if test, _ := compileCond(c, parseTest(t, "n3 > 7")); len(*ps) > 0 || !test(testInput(fullEvent())) {
		t.Errorf("n3 > 7: %v", *ps)
	}
	c.work = nil
	if compileCond(c, parseTest(t, "n39 > 0")); len(*ps) != 1 || (*ps)[0].found != "the expression is too large" {
		t.Errorf("n39: %v", *ps)
	}
}

func TestBuiltinExamples(t *testing.T) {
	for _, b := range Builtins() {
		if b.Summary == "" || !strings.HasPrefix(b.Signature, b.Name+"(") {
			t.Errorf("%s: %+v", b.Name, b)
		}
		c, ps := testChecker()
		if x := c.compile(parseTest(t, b.Example)); x.failed || !strings.Contains(b.Example, b.Name+"(") {
			t.Errorf("%s: %s: %v", b.Name, b.Example, *ps)
		}
	}
}
