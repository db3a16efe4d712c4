package server

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"

	"zeta/event"
)

// TestSoak runs a day through the engine on a scripted clock: hosts that report every ten seconds, some that fall
// silent and come back, keys that never return. Memory at the end must be what it was after the first hours.
func TestSoak(t *testing.T) {
	const rules = `default(ttl, 60, index);
	by([host, service], changedState({init: "ok"}, index), stable("2m", state, index), ewma(0.5, with({service: "ewma"}, index)));
	where(service startsWith "load", fixedTimeWindow("5m", smap(mean, with({service: "mean load"}, index))), rate(60, with({service: "rate"}, index)));
	expired(throttle(100, "1h", with({state: "down"}, publish("down"))));`
	s := newServer(Options{RulesText: rules, Logger: slog.New(slog.DiscardHandler), Quiet: true, HistorySeries: -1})
	defer s.hub.Close()
	defer s.cancel()
	if _, err := s.load(); err != nil {
		t.Fatal(err)
	}
	hosts := 20
	if *long {
		hosts = 500
	}
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.stamp.next()
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early uint64
	batch := make([]event.Event, 0, 4)
	for step := range 24 * 360 {
		now += 10e6
		for h := range hosts {
			if (step/60+h)%17 == 0 {
				continue // silent for ten minutes
			}
			batch = batch[:0]
			for _, service := range [...]string{"load", "load 5", "disk"} {
				ev := one(service, float64(step%100))
				ev.SetHost(fmt.Sprint("host ", h))
				ev.SetState([...]string{"ok", "warning"}[(step/50+h)%2])
				batch = append(batch, ev)
			}
			if h == 0 {
				batch = append(batch, one(fmt.Sprint("once ", step), 1))
			}
			if err := e.ingest(batch, now); err != nil {
				t.Fatal(err)
			}
		}
		if step == 6*360 {
			early = heap()
		}
	}
	late := heap()
	t.Logf("%d events in a day of the engine's clock; heap %d KiB after six hours, %d KiB at the end", e.seq, early>>10, late>>10)
	if late > early+early/20+(1<<20) {
		t.Errorf("the heap grew from %d to %d bytes in 18 hours", early, late)
	}
}
