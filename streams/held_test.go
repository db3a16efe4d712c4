package streams

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"zeta/event"
)

// TestGraphHeld fills every operator that can grow and compares what the graph says it holds with what Go's heap says.
func TestGraphHeld(t *testing.T) {
	const n = 4000
	for _, d := range Operators() {
		f, ok := floods[d.Name]
		if !ok {
			continue
		}
		t.Run(d.Name, func(t *testing.T) {
			rule := strings.NewReplacer("max: 64", "max: 10000", "(100,", "(10000,", `"1m"`, `"10h"`).Replace(f.rule)
			rules, ps := LoadText("x.expr", rule, LoadOptions{Getenv: noEnv})
			if ps.Err() != nil {
				t.Fatal(ps)
			}
			graph, err := rules.Build(&Runtime{Clock: NewClock(0)})
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 2))
			empty, before := graph.Held(), heapBytes()
			for i := range n {
				graph.Advance(int64(i) * 1000)
				e := &event.Event{}
				e.SetHost(fmt.Sprintf("%016x", r.Uint64()))
				e.SetService("s")
				e.SetState([...]string{"a", "b"}[r.IntN(2)])
				e.SetFloat(float64(r.IntN(1000)) / 10)
				e.SetTime(int64(i) * 1000)
				e.SetTTL(1e6)
				graph.Push(EventValue(e))
			}
			held, real := graph.Held()-empty, int64(heapBytes())-int64(before)
			t.Logf("%d bytes held, %d on the heap", held, real)
			if real > n*40 && (held < real/2 || held > real*3) {
				t.Errorf("%s says it holds %d bytes more than when it was empty; the heap has grown by %d", d.Name, held, real)
			}
			runtime.KeepAlive(graph)
		})
	}
}
