package index

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"zeta/event"
	"zeta/query"
)

// A subscription with a snapshot misses nothing and gets nothing twice while the engine goes on: each
// series counts up by one, and a subscriber must see, of each, the value when it joined or none, then all that follow.
func TestSnapshotThenUpdates(t *testing.T) {
	const series, rounds, subscribers = 600, 60, 8
	var engine sync.Mutex // the engine's lock
	x := New(Options{})
	h := NewHub(HubOptions{Backlog: 64 << 20})
	defer h.Close()
	format := Format{Name: "pair", Append: func(dst []byte, e *event.Event) []byte {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(e.Time))
		return binary.LittleEndian.AppendUint32(dst, uint32(e.Int))
	}}
	values := make([]int, series) // as put last; 0: never
	step := func(i int) {
		values[i]++
		e := numbered(fmt.Sprint(i), values[i])
		e.Host = fmt.Sprint("h", i%7)
		e.SetTime(int64(i))
		x.Put(e)
		h.Publish("index", e)
	}
	x.Advance(0)
	for i := range series / 2 {
		step(i)
	}
	h.Flush()

	q := query.MustParse(`service != nil`)
	var wg sync.WaitGroup
	start := make(chan struct{})
	finished := make(chan struct{})
	for range subscribers {
		wg.Go(func() {
			<-start
			engine.Lock()
			s, snap, err := h.SubscribeWithSnapshot(x, "index", q, format)
			joined := append([]int(nil), values...)
			engine.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			seen := make([]int, series) // the value seen last
			err = snap.Scan(Limits{}, func(batch []event.Event) error {
				for _, e := range batch {
					if i := int(e.Time); seen[i] != 0 || int(e.Int) != joined[i] {
						t.Errorf("series %d: the snapshot has %d, was %d on joining, seen %d", i, e.Int, joined[i], seen[i])
					} else {
						seen[i] = int(e.Int)
					}
				}
				return nil
			})
			snap.Close()
			if err != nil {
				t.Error(err)
				return
			}
			want := 0
			<-finished
			for i := range series {
				want += values[i] - joined[i]
			}
			for want > 0 {
				chunks, err := s.Next(context.Background())
				if err != nil {
					t.Errorf("%v with %d events to come", err, want)
					return
				}
				for _, c := range chunks {
					want -= c.Count
					for b := c.Data; len(b) > 0; b = b[8:] {
						i, v := binary.LittleEndian.Uint32(b), int(binary.LittleEndian.Uint32(b[4:]))
						if seen[i] == 0 { // left out of the snapshot
							seen[i] = joined[i]
						}
						if v != seen[i]+1 {
							t.Errorf("series %d: %d follows %d", i, v, seen[i])
						}
						seen[i] = v
					}
				}
			}
			for i := range series {
				if seen[i] != values[i] {
					t.Errorf("series %d: saw %d last, want %d", i, seen[i], values[i])
				}
			}
		})
	}
	for r := range rounds {
		if r == 5 {
			close(start)
		}
		engine.Lock()
		x.Advance(int64(r))
		for i := range series {
			if (i+r)%3 == 0 {
				step(i)
			}
		}
		h.Flush()
		engine.Unlock()
	}
	close(finished)
	wg.Wait()
	engine.Lock()
	x.pruneWatches()
	if len(x.watches) != 0 {
		t.Errorf("%d watches are left open", len(x.watches))
	}
	engine.Unlock()
}

// Searches run beside a writer that adds, changes, expires and forgets: for the race detector, and
// nothing torn may be seen.
func TestSearchesBesideTheWriter(t *testing.T) {
	x := New(Options{})
	x.Advance(0)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for _, text := range []string{`true`, `service =~ "1%"`, `host = "h3"`, `host = "h3" and service = "17"`, `host = nil`} {
		wg.Go(func() {
			q := query.MustParse(text)
			for {
				select {
				case <-done:
					return
				default:
				}
				events, err := x.Search(q, Limits{})
				if err != nil {
					t.Error(err)
					return
				}
				for i := range events {
					e := &events[i]
					if e.State != fmt.Sprint(e.Int) || e.Description != e.Host+e.Service || !q.Match(e) {
						t.Errorf("%s found %+v", text, *e)
						return
					}
				}
			}
		})
	}
	for r := range 60 {
		now := int64(r) * 30 * second
		x.Advance(now)
		for i := range 700 {
			if (i+r)%11 == 0 {
				continue
			}
			e := &event.Event{}
			if i%5 != 0 {
				e.SetHost(fmt.Sprintf("h%d", i%9))
			}
			e.SetService(fmt.Sprint(i/9 + r/20*1000))
			e.SetTime(now)
			e.SetTTL(float64(i % 100))
			e.SetInt(int64(r*1000 + i))
			e.SetState(fmt.Sprint(e.Int))
			e.SetDescription(e.Host + e.Service)
			x.Put(e)
		}
		x.Expire(now, func(*event.Event) {})
	}
	close(done)
	wg.Wait()
	check(t, x)
}
