package index

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"zeta/event"
)

func TestGlance(t *testing.T) {
	x := New(Options{})
	x.Advance(5_000_000)
	e := &event.Event{}
	e.SetHost("h")
	e.SetService("s")
	if g := x.Glance(e); g != (Glimpse{}) {
		t.Errorf("before anything is known: %+v", g)
	}
	if n := x.Stats().Series; n != 0 {
		t.Errorf("a glance made %d series known", n)
	}
	x.Resolve(e)
	if g := x.Glance(e); g != (Glimpse{Known: true}) {
		t.Errorf("a series without an entry: %+v", g)
	}
	e.SetState("ok")
	e.SetTTL(12)
	e.SetTime(4_000_000)
	x.Put(e)
	if g, want := x.Glance(e), (Glimpse{true, true, "ok", 5_000_000, 12_000_000}); g != want {
		t.Errorf("got %+v, want %+v", g, want)
	}
	e.Clear(event.HasTTL | event.HasState)
	x.Put(e)
	if g, want := x.Glance(e), (Glimpse{true, true, "", 5_000_000, 60_000_000}); g != want {
		t.Errorf("without state and ttl: got %+v, want %+v", g, want)
	}
	x.Delete("h", "s", identity)
	if g := x.Glance(e); g != (Glimpse{Known: true}) {
		t.Errorf("after the entry is gone: %+v", g)
	}
}

// TestBytes compares what the index says it takes with what Go's heap says.
func TestBytes(t *testing.T) {
	before := liveBytes()
	x := New(Options{})
	x.Advance(1)
	empty := x.Bytes()
	for host := range 100 {
		for service := range 1000 {
			e := &event.Event{}
			e.SetHost(fmt.Sprint("host", host))
			e.SetService(fmt.Sprint("service of some length ", service))
			e.SetState("ok")
			e.SetDescription(strings.Repeat("x", 1+service%100))
			e.SetFloat(1)
			x.Put(e)
		}
	}
	real, told := liveBytes()-before, x.Bytes()
	if told < real*7/10 || told > real*14/10 {
		t.Errorf("the index says %d bytes and takes %d", told, real)
	}
	for host := range 100 {
		for service := range 1000 {
			x.Delete(fmt.Sprint("host", host), fmt.Sprint("service of some length ", service), identity)
		}
	}
	for range 3 {
		x.Expire(1, func(*event.Event) {})
	}
	if told := x.Bytes(); told != empty {
		t.Errorf("after all is gone the index says %d bytes, want %d", told, empty)
	}
	runtime.KeepAlive(x)
}

func liveBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
