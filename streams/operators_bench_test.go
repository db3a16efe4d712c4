package streams

import (
	"runtime"
	"testing"

	"zeta/event"
)

// statelessRules hold a rule for every operator that is not in floods. What it emits is published as "out".
var statelessRules = map[string]string{
	"adjust":          `adjust({metric: metric + 1}, publish("out"))`,
	"between":         `between("mon-fri 09:00-18:00", publish("out"))`,
	"bitBucket":       `bitBucket`,
	"default":         `default(ttl, 300, publish("out"))`,
	"dual":            `dual(metric > 1e6, publish("out"), bitBucket)`,
	"enrich":          `enrich(host, {"b": {owner: "ops"}}, publish("out"))`,
	"exceptionStream": `exceptionStream(publish("out"), where(metric > 1e6, publish("out")))`,
	"expired":         `expired(publish("out"))`,
	"index":           `index`,
	"io":              `io(publish("out"))`,
	"match":           `match(event, {service: regex("^disk "), state: ["warning", "critical"]}, publish("out"))`,
	"notExpired":      `notExpired(publish("out"))`,
	"over":            `over(1e6, publish("out"))`,
	"pipe":            `pipe(_, where(metric > 1e6, _), publish("out"))`,
	"publish":         `publish("out")`,
	"reinject":        `where(service == "x", with({service: "z"}, reinject)); where(service == "z", publish("out"))`,
	"sample":          `sample(0, host, publish("out"))`,
	"scale":           `scale(2, publish("out"))`,
	"sdo":             `sdo(bitBucket, bitBucket)`,
	"sflatten":        `fixedEventWindow(100, sflatten(publish("out")))`,
	"smap":            `fixedEventWindow(100, smap(mean, publish("out")))`,
	"smapStar":        `fixedEventWindow(100, smapStar(mean, publish("out")))`,
	"smapcat":         `fixedEventWindow(100, smapcat(modes, publish("out")))`,
	"split":           `split(metric > 2e6, publish("out"), metric > 1e6, publish("out"))`,
	"splitp":          `splitp(">=", metric, 2e6, publish("out"), 1e6, publish("out"))`,
	"tag":             `tag("prod", publish("out"))`,
	"tagged":          `tagged(["web", "prod"], publish("out"))`,
	"taggedAll":       `taggedAll(["web", "prod"], publish("out"))`,
	"taggedAny":       `taggedAny(["web", "prod"], publish("out"))`,
	"tap":             `tap("t", bitBucket)`,
	"under":           `under(-1, publish("out"))`,
	"untag":           `untag("debug", publish("out"))`,
	"where":           `where(metric > 1e6 and state != "ok", publish("out"))`,
	"with":            `with(state, "critical", publish("out"))`,
}

// warm is how many events an operator gets before it is measured: its small bound is reached, its buffers are full.
const warm = 500

// operatorRun is a graph with one operator, which gets a known source's events, a millisecond apart.
type operatorRun struct {
	graph *Graph
	clock *Clock
	event *event.Event
	out   int // events published
}

// newOperatorRun makes the rule of floods or statelessRules run: an operator without one fails the test.
func newOperatorRun(tb testing.TB, name string) *operatorRun {
	rule := floods[name].rule
	if rule == "" {
		rule = statelessRules[name]
	}
	if rule == "" {
		tb.Fatalf("%s stands neither in floods nor in statelessRules", name)
	}
	rules, ps := LoadText(name, rule, LoadOptions{Getenv: noEnv})
	if ps.Err() != nil {
		tb.Fatal(ps)
	}
	r := &operatorRun{clock: NewClock(1), event: metric(3)}
	r.event.SetHost("a")
	r.event.SetService("x")
	r.event.SetState("ok")
	r.event.Series = &event.Series{Host: "a", Service: "x", Has: identity, ID: 3}
	graph, err := rules.Build(&Runtime{Clock: r.clock, Publish: func(string, *event.Event) { r.out++ }})
	if err != nil {
		tb.Fatal(err)
	}
	r.graph = graph
	for range warm {
		r.advance()
		r.push()
	}
	r.out = 0
	return r
}

func (r *operatorRun) advance() {
	now := r.clock.Now() + 1000
	r.graph.Advance(now)
	r.event.SetTime(now)
}

func (r *operatorRun) push() { r.graph.Push(EventValue(r.event)) }

// BenchmarkOperators is the cost of one event of a known series in a rule of each operator, and how many it emits.
func BenchmarkOperators(b *testing.B) {
	for _, d := range Operators() {
		b.Run(d.Name, func(b *testing.B) {
			r := newOperatorRun(b, d.Name)
			b.ReportAllocs()
			for b.Loop() {
				r.advance()
				r.push()
			}
			b.ReportMetric(float64(r.out)/float64(b.N), "out/op")
		})
	}
}

// TestOperatorsAllocate pushes events one by one at every operator: those of which nothing comes cost no memory.
func TestOperatorsAllocate(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, d := range Operators() {
		r := newOperatorRun(t, d.Name)
		quiet, allocs := 0, uint64(0)
		for range 150 {
			r.advance()
			before, m := r.out, mallocs()
			r.push()
			if m = mallocs() - m; r.out == before {
				quiet, allocs = quiet+1, allocs+m
			}
		}
		if quiet > 0 && allocs > uint64(quiet/10) { // the runtime allocates now and then
			t.Errorf("%s: %d allocations for %d events of which nothing came", d.Name, allocs, quiet)
		}
	}
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
