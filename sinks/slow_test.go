package sinks

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"zeta/event"
	"zeta/streams"
)

// A sink whose target takes ten seconds for each request keeps no other sink waiting: not by its queue, nor by its state.
func TestSlowSinkLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const alerts = 30
		notes.taken, notes.block = nil, map[string]chan struct{}{"slow": make(chan struct{})}
		m := NewManager(Options{Logger: quiet()})
		defer m.Close(context.Background())
		sinks := noteSinks(t, "slow/slow", "quick/quick")
		if err := m.Use(sinks); err != nil {
			t.Fatal(err)
		}
		target, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { // one request of the slow target every ten seconds
			for target.Err() == nil {
				select {
				case <-time.After(10 * time.Second):
				case <-target.Done():
					return
				}
				select {
				case notes.block["slow"] <- struct{}{}:
				case <-target.Done():
				}
			}
		}()
		began := time.Now()
		var want []string
		for i := range alerts {
			host := fmt.Sprint(i)
			for _, s := range sinks {
				m.Deliver(&streams.Alert{Sink: s, Events: []event.Event{{Host: host, Has: event.HasHost}}})
			}
			want = append(want, "quick "+host)
		}
		synctest.Wait()
		equal(t, takenNotes(), want...)
		if took := time.Since(began); took != 0 {
			t.Errorf("the quick sink took %v", took)
		}
		for _, s := range m.Status() {
			if waiting := map[string]int{sinks[0].ID: alerts, sinks[1].ID: 0}[s.ID]; s.Queued != waiting || s.State != streams.SinkOK {
				t.Errorf("%s: %d alerts wait and it is %s, want %d and ok", s.ID, s.Queued, s.State, waiting)
			}
		}
		time.Sleep(alerts*10*time.Second + time.Second)
		if got := takenNotes(); len(got) != 2*alerts || got[len(got)-1] != fmt.Sprint("slow ", alerts-1) {
			t.Errorf("%d alerts arrived, the last %q, want %d in order", len(got), got[len(got)-1], 2*alerts)
		}
	})
}

// The pause between attempts is the breaker: while a target fails, one request at a time asks how it is, whatever waits
// behind it, and ever more seldom.
func TestFailingTargetSeesOneRequestAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hour = 3600
		s := &script{}
		for range 1000 {
			s.errs = append(s.errs, fmt.Errorf("500"))
		}
		q := start(s, Batching{}, 10_000)
		began := time.Now()
		for range 5000 {
			q.take(alert("a"))
		}
		time.Sleep(hour * time.Second)
		synctest.Wait()
		n := len(s.times)
		if n < 12+8 || n > 24+10 { // pauses of 150 to 300 s after eight that grow
			t.Errorf("%d requests in an hour with 5000 alerts waiting, want 20 to 34", n)
		}
		if st := q.snapshot(); st.State != streams.SinkFailing || !st.Since.Equal(began) || st.Queued != 5000 {
			t.Errorf("status %+v, want it failing since %v with 5000 waiting", st, began)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		q.close(ended)
	})
}
