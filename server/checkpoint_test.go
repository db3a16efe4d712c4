package server

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"zeta/event"
)

// A checkpoint that is made while events come in is of one moment: with the journal after it a restart finds what
// was there.
func TestCheckpointsWhileEventsComeIn(t *testing.T) {
	const rules = `default(ttl, 3600, index); by(service, counter(with({host: "counted"}, index)));`
	a := live(t, t.TempDir(), rules)
	services := make([]string, 3000)
	for i := range services {
		services[i] = fmt.Sprint("s", i)
	}
	round := func(n int) {
		for batch := range slices.Chunk(services, 100) {
			events := make([]event.Event, len(batch))
			for i, name := range batch {
				events[i] = one(name, float64(n))
			}
			a.take(events...)
		}
	}
	round(0)
	var checkpoints sync.WaitGroup
	var err error
	checkpoints.Go(func() {
		for range 5 {
			if err == nil {
				err = a.checkpoint(t.Context())
			}
		}
	})
	for n := range 10 {
		round(n)
	}
	checkpoints.Wait()
	if err != nil {
		t.Fatal(err)
	}
	want := contents(t, a)
	b := live(t, a.died(), rules)
	if got := contents(t, b); !slices.Equal(got, want) {
		t.Errorf("after the restart there are %d entries, want %d, or others", len(got), len(want))
	}
}

// contents lists the index without what zeta says of itself.
func contents(t *testing.T, l *life) []string {
	t.Helper()
	found, err := l.search(`host = "h" or host = "counted"`)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]string, len(found))
	for i := range found {
		all[i] = fmt.Sprint(found[i].Host, found[i].Service, found[i].Float, found[i].Int)
	}
	slices.Sort(all)
	return all
}

// The engine stands still for what is copied under its lock, and an event that comes in meanwhile at most for the
// copy of a page.
func TestCheckpointPause(t *testing.T) {
	entries := 20_000
	if *long {
		entries = 1_000_000
	}
	a := live(t, t.TempDir(), `default(ttl, 3600, index); where(service == "0", by(host, changedState({init: "ok"}, index)));`)
	batch := make([]event.Event, 100)
	fill := func(from int) {
		for i := range batch {
			n := from + i
			batch[i] = one(fmt.Sprint(n/1000), float64(n))
			batch[i].SetHost(fmt.Sprint("host-", n%1000))
		}
		if err := a.Ingest(batch); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < entries; i += len(batch) {
		fill(i)
	}
	done := make(chan struct{})
	var total time.Duration
	var err error
	go func() {
		defer close(done)
		began := time.Now()
		err = a.checkpoint(t.Context())
		total = time.Since(began)
	}()
	var slowest time.Duration
	batches := 0
	for i, open := 0, true; open; i = (i + 7*len(batch)) % entries {
		began := time.Now()
		fill(i)
		slowest = max(slowest, time.Since(began))
		batches++
		select {
		case <-done:
			open = false
		default:
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	m := a.capture()
	pause := time.Since(began)
	m.index.Close()
	t.Logf("%d entries: pause %v, total %v beside %d batches of %d events, slowest %v", a.index.Len(), pause, total, batches, len(batch), slowest)
	if *long && (pause > 10*time.Millisecond || total > 2*time.Second) {
		t.Errorf("want a pause of at most 10 ms and a total of at most 2 s")
	}
}

// The engine stands still while the operators' state is copied: the second time the room for it is made at once.
func TestCheckpointMakesRoomForTheStateOnce(t *testing.T) {
	a := live(t, t.TempDir(), `percentiles(3600, [0.5], index);`)
	batch := make([]event.Event, 1000)
	for i := range batch {
		batch[i] = one("s", float64(i))
	}
	for range 50 {
		a.take(batch...)
	}
	m := a.capture()
	m.index.Close()
	allocated := func() uint64 {
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.TotalAlloc
	}
	before := allocated()
	m = a.capture()
	m.index.Close()
	if grown, size := allocated()-before, uint64(len(m.state)); size < 500_000 || grown > 2*size {
		t.Errorf("%d bytes were allocated for a state of %d, want less than twice as many", grown, size)
	}
}
