package streams

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"zeta/event"
)

// A queue holds what a plain list would, whatever is done to it, and does not hold on to lent events.
func TestQueueAgainstList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var q queue
	var list []string
	lent := &event.Event{}
	for step := range 20_000 {
		switch r.IntN(10) {
		case 0, 1, 2, 3, 4:
			if r.IntN(20) == 0 {
				q.add(nil)
				list = append(list, "nil")
				continue
			}
			lent.SetInt(int64(step))
			q.add(lent)
			list = append(list, fmt.Sprintf("=%d", step))
			lent.SetInt(-1)
		case 5, 6, 7:
			if len(list) > 0 {
				q.dropOldest()
				list = list[1:]
			}
		case 8:
			q.retain(func(i int) bool { return i%3 != 0 })
			kept := []string{}
			for i, s := range list {
				if i%3 != 0 {
					kept = append(kept, s)
				}
			}
			list = kept
		case 9:
			if r.IntN(20) == 0 {
				q.clear()
				list = nil
			}
		}
		if q.len() != len(list) {
			t.Fatalf("step %d: %d events, want %d", step, q.len(), len(list))
		}
	}
	got := []string{}
	for _, e := range q.events() {
		got = append(got, givenEvent(e))
	}
	if !slices.Equal(got, list) {
		t.Errorf("got %v, want %v", got, list)
	}
	if cap(q.list) > 4096 || len(q.free) > maxPooled {
		t.Errorf("the list has room for %d, %d events are pooled", cap(q.list), len(q.free))
	}
}

// After a burst the memory goes.
func TestQueueLetsGo(t *testing.T) {
	var q queue
	for i := range 100_000 {
		q.add(metric(float64(i)))
	}
	q.clear()
	if cap(q.list) != 0 || len(q.free) > maxPooled {
		t.Errorf("the list has room for %d, %d events are pooled", cap(q.list), len(q.free))
	}
	for _, e := range q.free {
		if e.Has != 0 {
			t.Fatalf("a pooled event still holds %s", givenEvent(e))
		}
	}
}
