package index

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"zeta/event"
	"zeta/query"
)

// fleet returns the events of hosts × 50 services as hosts send them: a host's services together. Strings
// are shared as decoders share them.
func fleet(hosts int) []event.Event {
	services := make([]string, 50)
	for i := range services {
		services[i] = fmt.Sprintf("df-mount%02d/used", i)
		if i%10 != 0 {
			services[i] = fmt.Sprintf("cpu/core%02d/usage", i)
		}
	}
	set := event.NewSet([]string{"prod"}, nil)
	events := make([]event.Event, 0, hosts*len(services))
	for h := range hosts {
		host := fmt.Sprintf("web%05d.prod1", h)
		for i, s := range services {
			e := event.Event{Set: set}
			e.SetHost(host)
			e.SetService(s)
			e.SetTime(1_700_000_000 * second)
			e.SetTTL(60)
			e.SetFloat(0.5)
			if e.SetState("ok"); (h*50+i)%178 == 0 {
				e.SetState("critical")
			}
			events = append(events, e)
		}
	}
	return events
}

func fill(x *Index, events []event.Event) {
	x.Advance(1_700_000_000 * second)
	for i := range events {
		events[i].Series = x.Resolve(&events[i])
		x.Put(&events[i])
	}
}

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{200, 20_000} {
		for _, order := range []string{"seq", "rand"} {
			b.Run(fmt.Sprintf("%dk/%s", size*50/1000, order), func(b *testing.B) {
				events := fleet(size)
				x := New(Options{})
				fill(x, events)
				for i := range events {
					events[i].Series = nil
				}
				if order == "rand" {
					rand.New(rand.NewPCG(1, 2)).Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					e := events[i%len(events)] // as decoded: the identity is to be found
					e.Series = x.Resolve(&e)
					x.Put(&e)
				}
			})
		}
	}
}

func BenchmarkPutNew(b *testing.B) {
	events := fleet(20_000)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += len(events) {
		x := New(Options{})
		fill(x, events[:min(len(events), b.N-n)])
	}
}

func BenchmarkSearch(b *testing.B) {
	x := New(Options{})
	fill(x, fleet(20_000))
	for _, text := range []string{
		`service =~ "df-%" and state = "critical"`,
		`state = "critical"`,
		`host = "web00017.prod1"`,
		`host = "web00017.prod1" and service = "df-mount10/used"`,
		`service ~= "^df-.*used$" and state != "ok"`,
	} {
		q := query.MustParse(text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := x.Search(q, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Nothing expires; "due" looks at every entry, "spared" skips the hosts whose soonest deadline is later.
func BenchmarkExpire(b *testing.B) {
	x := New(Options{})
	fill(x, fleet(20_000))
	for _, name := range []string{"due", "spared"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if name == "due" {
					for _, block := range x.blocks {
						block.minDue = 0
					}
				}
				if n := x.Expire(x.now+second, nil); n != 0 {
					b.Fatal("something expired")
				}
			}
		})
	}
}

// BenchmarkMemory reports the live heap of an entry, the events' own strings included.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		before := heap()
		x := New(Options{})
		fill(x, fleet(20_000))
		b.ReportMetric(float64(heap()-before)/float64(x.Len()), "B/entry")
		runtime.KeepAlive(x)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkFanOut is one event to 1000 subscribers of all, published 100 at a time.
func BenchmarkFanOut(b *testing.B) {
	h := NewHub(HubOptions{})
	defer h.Close()
	format := Format{Name: "copy", Append: func(dst []byte, e *event.Event) []byte {
		return append(append(append(dst, e.Host...), e.Service...), e.State...)
	}}
	var wg sync.WaitGroup
	for range 1000 {
		s, err := h.Subscribe("index", query.MustParse("true"), format)
		if err != nil {
			b.Fatal(err)
		}
		wg.Go(func() {
			for got := 0; got < b.N; {
				chunks, err := s.Next(context.Background())
				if err != nil {
					b.Error(err)
					return
				}
				for _, c := range chunks {
					got += c.Count
				}
			}
		})
	}
	e := with(at("web1", "cpu/core01/usage", 0), "ok", 1)
	b.ResetTimer()
	for i := range b.N {
		h.Publish("index", e)
		if i%100 == 99 {
			h.Flush()
		}
	}
	h.Flush()
	wg.Wait()
}
