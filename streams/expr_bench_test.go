package streams

import (
	"testing"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"zeta/event"
)

var condBenchmarks = []struct{ name, text string }{
	{"MetricAndPrefix", `metric > 0.9 and service startsWith "df-"`},
	{"In2", `state in ["warning", "critical"]`},
	{"In10", `state in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "ok"]`},
	{"Tag", `"web" in tags`},
	{"Attribute", `attributes.dc == "eu"`},
	{"Matches", `host matches "^web\\d+"`},
	{"MatchesAlternatives", `host matches "^(web|api)\\d+$"`},
	{"Disk", `attributes.plugin == "df" and attributes.type == "percent_bytes" and attributes.type_instance == "free" and metric < 10`},
	{"Arithmetic", `metric * 100 / ttl > 3`},
	{"Age", `now() - time > 30`},
	{"Missing", `description == nil or metric != nil`},
}

func BenchmarkCond(b *testing.B) {
	for _, bench := range condBenchmarks {
		b.Run(bench.name, func(b *testing.B) {
			c, _ := testChecker()
			test, _ := compileCond(c, parseTest(b, bench.text))
			in := testInput(fullEvent())
			b.ReportAllocs()
			for b.Loop() {
				test(in)
			}
		})
	}
}

// BenchmarkCondVM is what the same conditions cost on expr's machine, its environment filled beforehand.
func BenchmarkCondVM(b *testing.B) {
	env := oracleEnv(fullEvent())
	for _, bench := range condBenchmarks {
		program, err := expr.Compile(bench.text, expr.Env(env))
		if err != nil || bench.name == "Age" {
			continue
		}
		b.Run(bench.name, func(b *testing.B) {
			var machine vm.VM
			b.ReportAllocs()
			for b.Loop() {
				if _, err := machine.Run(program, env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestCondAllocs pins that conditions, keys and typed values allocate nothing.
func TestCondAllocs(t *testing.T) {
	texts := []string{
		`not (host == service) and state != "x"`, `tags[1] == "web"`, `len(tags) > 1 and len(description) > 3`, `"dc" in attributes`,
		`host[0:3] == "web"`, `max(metric, ttl, 3) > 5`, `(state ?? "none") == "ok"`, `trimPrefix(service, "df-") == "root"`,
		`lookup("db1", "maintenance").state == "on"`, `event.metric > 0`, `h == host`, `host in [h, service]`, `taggedAny(["a", "web"])`, `expired()`,
		`metric in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10.5]`, `metric > 1 ? state == "a" : state == "ok"`, `hasPrefix(service, "df-")`,
	}
	for _, bench := range condBenchmarks {
		texts = append(texts, bench.text)
	}
	for _, text := range texts {
		c, _ := testChecker()
		test, _ := compileCond(c, parseTest(t, text))
		for name, e := range map[string]*event.Event{"full": fullEvent(), "empty": {}} {
			in := testInput(e)
			if n := testing.AllocsPerRun(20, func() { test(in) }); n != 0 {
				t.Errorf("%s on a %s event: %v allocations", text, name, n)
			}
		}
	}
}
