package streams

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"zeta/event"
)

const topRules = `
	where(service == "s1" and metric > 5, a);
	where(host in ["h0", "h2"] and state == "ok", b, else(c));
	where(tagged("t") and metric < 5, d);
	where(attributes.dc == "eu", e);
	where(service startsWith "s" and host == "h1", by(host, counter(f)));
	counter(g);
	where(metric > 8, h);
	where(service == "s2" or metric > 9, i);
	where(metric == nil and service != "s0", j);
	where(not (host == "h1") and service == "s1" and state == "ok", k)`

// TestTopLevel sends the same events with and without their series: the bits change nothing, and the counters
// agree.
func TestTopLevel(t *testing.T) {
	fast, slow := newGraphTest(t, topRules), newGraphTest(t, topRules)
	if _, ok := fast.graph.root.(*roots); !ok {
		t.Fatalf("the top level is a %T", fast.graph.root)
	}
	series := map[string]*event.Series{}
	sets := []*event.Set{nil, event.NewSet([]string{"t"}, nil), event.NewSet(nil, []event.Attr{{Key: "dc", Value: "eu"}})}
	fast.graph.root.(*roots).maxClasses = 9 // so that classes are forgotten now and then
	var turns [9]uint8
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 20_000 {
		e := event.Event{}
		e.SetHost(fmt.Sprintf("h%d", r.IntN(3)))
		e.SetService(fmt.Sprintf("s%d", r.IntN(3)))
		if r.IntN(4) > 0 {
			e.SetInt(int64(r.IntN(11)))
		}
		if r.IntN(2) > 0 {
			e.SetState("ok")
		}
		e.SetTime(int64(i))
		if e.Set = sets[r.IntN(3)]; e.Set != nil && r.IntN(3) == 0 {
			e.Set = event.NewSet(e.Set.Tags, e.Set.Attrs) // as another connection has it
		}
		key := e.Host + e.Service
		if series[key] == nil || r.IntN(100) == 0 { // forgotten, and its number used again
			id := r.IntN(9)
			for k, s := range series { // whoever has the number loses it
				if s.ID == uint32(id) {
					delete(series, k)
				}
			}
			turns[id]++
			series[key] = &event.Series{Host: e.Host, Service: e.Service, Has: e.Has, ID: uint32(id), Turn: turns[id]}
		}
		slow.graph.Push(EventValue(&e))
		e.Series = series[key]
		fast.graph.Push(EventValue(&e))
	}
	for _, name := range strings.Split("abcdefghijk", "") {
		if a, b := fast.seen(name), slow.seen(name); a != b || a == "" {
			t.Errorf("%s saw %d bytes with and %d bytes without series", name, len(a), len(b))
		}
	}
	if a, b := fast.graph.Stats(), slow.graph.Stats(); !reflect.DeepEqual(a, b) {
		t.Errorf("counters differ:\n%v\n%v", a, b)
	}
}

// BenchmarkRules1000 is 1,000 rules of which 3 match.
func BenchmarkRules1000(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "where(service == \"s%d\" and metric > 5, bitBucket);", i/3)
	}
	rules, ps := LoadText("zeta.expr", text.String(), LoadOptions{})
	if ps.Err() != nil {
		b.Fatal(ps)
	}
	g, err := rules.Build(&Runtime{})
	if err != nil {
		b.Fatal(err)
	}
	e := &event.Event{}
	e.SetHost("web1")
	e.SetService("s7")
	e.SetFloat(7)
	e.Series = &event.Series{Host: e.Host, Service: e.Service, Has: e.Has}
	b.ReportAllocs()
	for b.Loop() {
		g.Push(EventValue(e))
	}
}
