package streams

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"zeta/event"
)

// TestByAgainstModel compares the totals that by keeps with those of plain maps, while series come, go, get numbers
// that others had, and come without a number; while forks are evicted, forgotten, and moved by reloads.
func TestByAgainstModel(t *testing.T) {
	keys := map[string]func(e *event.Event) string{
		"host":            func(e *event.Event) string { return fmt.Sprint(e.Has&event.HasHost, e.Host) },
		"service":         func(e *event.Event) string { return fmt.Sprint(e.Has&event.HasService, e.Service) },
		"[host, service]": func(e *event.Event) string { return fmt.Sprintf("%d %q %q", e.Has&identity, e.Host, e.Service) },
		"[service, state]": func(e *event.Event) string {
			return fmt.Sprintf("%d %q %q", e.Has&(event.HasService|event.HasState), e.Service, e.State)
		},
	}
	for name, key := range keys {
		text := fmt.Sprintf(`where(service != "zeta.overload", by(%s, {idle: 100}, counter(out)), by(%s, {max: 8}, where(metric != nil, out2)))`, name, name)
		g := newGraphTest(t, text)
		r := rand.New(rand.NewPCG(5, 6))
		series := map[string]*event.Series{}
		totals, used := map[string]float64{}, map[string]int64{}
		now := int64(0)
		for i := range 20_000 {
			if r.IntN(50) == 0 {
				now += int64(r.IntN(80)) * 1e6
				g.graph.Advance(now)
			}
			e := &event.Event{}
			if r.IntN(20) > 0 {
				e.SetHost([]string{"", "a", "b", "c"}[r.IntN(4)])
			}
			if r.IntN(20) > 0 {
				e.SetService([]string{"", "x", "y", "z", "u", "v"}[r.IntN(6)])
			}
			e.SetState([]string{"ok", "bad"}[r.IntN(2)])
			e.SetInt(1)
			if r.IntN(10) > 0 {
				of := fmt.Sprintf("%d %q %q", e.Has&identity, e.Host, e.Service)
				if series[of] == nil || r.IntN(30) == 0 { // numbers are few, so many have had the same one
					series[of] = &event.Series{Host: e.Host, Service: e.Service, Has: e.Has & identity, ID: uint32(r.IntN(16)), HostID: uint32(r.IntN(3))}
				}
				e.Series = series[of]
			}
			k := key(e)
			if before, ok := used[k]; ok && now-before >= 200e6 { // forgotten at 100 s, or at the sweep after that
				totals[k] = 0
			} else if ok && now-before >= 100e6 {
				continue // either way
			}
			totals[k]++
			used[k] = now
			g.graph.Push(EventValue(e))
			got := g.rt.rec.seen["out"]
			if m, _ := got[0].Event.Metric(); m != totals[k] || len(got) != 1 || len(g.rt.rec.seen["out2"]) != 1 {
				t.Fatalf("by(%s): event %d of %s has the total %v, want %v; %d came", name, i, k, m, totals[k], len(g.rt.rec.seen["out2"]))
			}
			clear(g.rt.rec.seen)
			g.rt.rec.count = 0
			if i%4000 == 3999 {
				g.reload(text)
			}
		}
	}
}

// TestByCountsAndChecks: the gate that stands once for all forks counts every event and keeps out what does not fit.
func TestByCountsAndChecks(t *testing.T) {
	g := newGraphTest(t, `smapcat([event, event], by(host, counter(out)))`)
	s := &event.Series{Host: "a", Service: "s", Has: identity}
	for range 3 {
		e := &event.Event{}
		e.SetHost("a")
		e.SetService("s")
		e.SetInt(1)
		e.Series = s
		g.graph.Push(EventValue(e))
	}
	for _, p := range g.graph.Stats() {
		if p.Operator == "counter" && p.Events != 6 || p.Operator == "by" && p.Events != 6 {
			t.Errorf("%s counted %d events, want 6", p.Operator, p.Events)
		}
	}
	b := newGraphTest(t, `by(host, counter(out))`)
	b.push("a", "s", 1)
	b.by().Push(WindowValue(nil))
	for _, p := range b.graph.Stats() {
		if p.Operator == "counter" && p.Failures != 1 {
			t.Errorf("a window before counter: %d failures, want 1", p.Failures)
		}
	}
}
