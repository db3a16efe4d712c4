package regress

import (
	"log/slog"
	"runtime"
	"testing"

	"zeta/event/wire"
	"zeta/server"
)

// TestBytesPerKey pins what a key of by and of the tables of operators costs in live heap, beside its series in the
// index. The bounds leave a tenth for what the runtime rounds up.
func TestBytesPerKey(t *testing.T) {
	base := heapOfKeys(t, index)
	for _, c := range []struct {
		name, rules string
		most        int // bytes
	}{
		{"a condition", `by([host, service], where(metric > 1e9));`, 390},
		{"changes of state", `by([host, service], changed(state, {init: "ok"}));`, 390},
		{"changes of state, counted", `by([host, service], changed(state, {init: "ok"}, counter(0)));`, 700},
		{"rate", `by([host, service], rate(3600));`, 800},
		{"throttle", `by([host, service], throttle(1, 60));`, 450},
		{"changedState without by", `changedState({init: "ok"});`, 250},
	} {
		if got := int(heapOfKeys(t, index+c.rules)-base) / keys; got > c.most {
			t.Errorf("%s: %d bytes a key, want at most %d", c.name, got, c.most)
		}
	}
}

const keys = 400 * 50

// heapOfKeys returns the live heap of a server that has seen all keys under these rules.
func heapOfKeys(t *testing.T, rules string) int64 {
	before := liveHeap()
	s, err := server.New(server.Options{RulesText: rules, Quiet: true, HistorySeries: -1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	d, m := wire.NewDecoder(wire.DefaultLimits), wire.Msg{}
	for host := range keys / 50 {
		if err := d.Decode(&m, message(host, 50, 0)); err != nil {
			t.Fatal(err)
		}
		if err := s.Ingest(m.Events); err != nil {
			t.Fatal(err)
		}
	}
	after := liveHeap()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return after - before
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // what the first one has found is swept
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
