package server

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zeta/event"
	"zeta/streams"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// clockwork is a source for tests: each look takes a while and gives some events.
type clockwork struct {
	every, takes time.Duration
	events       int
	panics       bool

	mu    sync.Mutex
	begun []time.Time
	cut   int // looks that ended by their context
}

func (c *clockwork) Schedule() (every, timeout time.Duration) { return c.every, c.every / 2 }

func (c *clockwork) Look(ctx context.Context) []event.Event {
	c.mu.Lock()
	c.begun = append(c.begun, time.Now())
	c.mu.Unlock()
	if c.panics {
		panic("clockwork")
	}
	select {
	case <-time.After(c.takes):
	case <-ctx.Done():
		c.mu.Lock()
		c.cut++
		c.mu.Unlock()
	}
	return make([]event.Event, c.events)
}

type sourcesFixture struct {
	*sources
	batches []int
	panics  int
}

func newSourcesFixture() *sourcesFixture {
	f := &sourcesFixture{}
	var mu sync.Mutex
	f.sources = newSources(slog.New(slog.DiscardHandler), prometheus.NewRegistry(), func(events []event.Event) error {
		mu.Lock()
		defer mu.Unlock()
		f.batches = append(f.batches, len(events))
		return nil
	}, func(string, any) { mu.Lock(); f.panics++; mu.Unlock() })
	return f
}

func counted64(t *testing.T, c prometheus.Counter) float64 {
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

func looking(c *clockwork) *looker {
	return &looker{SourceDeclaration: streams.SourceDeclaration{Declaration: streams.Declaration{Kind: "source.test"}}, source: c}
}

func TestSourcesLookAtTheirPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSourcesFixture()
		c := &clockwork{every: 10 * time.Second, takes: time.Second, events: 1200}
		f.use([]*looker{looking(c)})
		ctx, cancel := context.WithCancel(t.Context())
		f.start(ctx)
		time.Sleep(10 * time.Minute)
		cancel()
		f.wait()
		if n := len(c.begun); n < 59 || n > 61 {
			t.Fatalf("%d looks in ten minutes, want one each ten seconds", n)
		}
		moved := false
		for i := 1; i < len(c.begun); i++ {
			d := c.begun[i].Sub(c.begun[i-1])
			if d < 9*time.Second || d > 11*time.Second {
				t.Errorf("look %d came %v after the one before", i, d)
			}
			moved = moved || d != 10*time.Second
		}
		if !moved {
			t.Error("the looks have no jitter")
		}
		if f.batches[0] != 500 || f.batches[1] != 500 || f.batches[2] != 200 {
			t.Errorf("batches of %v events, want no more than 500 each", f.batches[:3])
		}
	})
}

// A source that is slower than its interval is cut by its timeout, one that is much too slow skips looks, and
// neither overlaps itself.
func TestSlowSourcesSkip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSourcesFixture()
		stuck := &clockwork{every: 10 * time.Second, takes: time.Hour, events: 1}
		f.use([]*looker{looking(stuck)})
		for range maxLooks { // nothing else gets a slot for 35 s
			f.slots <- struct{}{}
		}
		ctx, cancel := context.WithCancel(t.Context())
		f.start(ctx)
		time.Sleep(35 * time.Second)
		for range maxLooks {
			<-f.slots
		}
		time.Sleep(60 * time.Second)
		cancel()
		f.wait()
		if late := counted64(t, f.late.WithLabelValues("source.test")); late < 2 {
			t.Errorf("%v looks were skipped, want those of the 35 s", late)
		}
		if stuck.cut < 4 || stuck.cut != len(stuck.begun) {
			t.Errorf("%d of %d looks were cut by their timeout, want all", stuck.cut, len(stuck.begun))
		}
	})
}

func TestSourcesChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSourcesFixture()
		stays, goes, comes := &clockwork{every: time.Second}, &clockwork{every: time.Second}, &clockwork{every: time.Second}
		broken := &clockwork{every: time.Second, panics: true}
		first := []*looker{looking(stays), looking(goes), looking(broken)}
		f.use(first)
		ctx, cancel := context.WithCancel(t.Context())
		f.start(ctx)
		time.Sleep(10 * time.Second)
		f.use([]*looker{first[0], looking(comes)})
		synctest.Wait()
		gone := len(goes.begun)
		time.Sleep(10 * time.Second)
		cancel()
		f.wait()
		if len(goes.begun) != gone || gone < 8 {
			t.Errorf("the source that went had %d looks before and %d after", gone, len(goes.begun)-gone)
		}
		if len(stays.begun) < 18 || len(comes.begun) < 8 {
			t.Errorf("%d and %d looks at those that stay and come", len(stays.begun), len(comes.begun))
		}
		if f.panics < 8 {
			t.Errorf("%d panics were told, want one a look", f.panics)
		}
	})
}
