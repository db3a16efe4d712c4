package streams

import (
	"strconv"
	"testing"

	"zeta/event"
)

// A table holds no more than its maximum, whatever comes, and those in use stay.
func TestKeyedIsBounded(t *testing.T) {
	env := testEnv(NewClock(1))
	env.scope.graph = &Graph{rt: env.rt}
	forgotten := 0
	table := newKeyed(env, 100, 0, func(*int) { forgotten++ })
	known := []byte("known")
	*first(table.use(known)) = 7
	for i := range 100_000 {
		table.use(strconv.AppendInt(nil, int64(i), 10))
		if i%50 == 0 {
			if n, fresh := table.use(known); fresh || *n != 7 {
				t.Fatalf("after %d keys the known one was forgotten", i)
			}
		}
		if table.len() > 100 {
			t.Fatalf("the table holds %d keys, want at most 100", table.len())
		}
	}
	if want := 100_001 - 100; forgotten != want || env.node.shed != uint64(want) {
		t.Errorf("%d forgotten, %d counted, want %d", forgotten, env.node.shed, want)
	}
}

func first[T any](x *T, _ bool) *T { return x }

func TestKeyedForgetsTheIdle(t *testing.T) {
	clock := NewClock(0)
	table := newKeyed[int](testEnv(clock), 100, 10, nil)
	a, b := []byte("a"), []byte("b")
	table.use(a)
	clock.Advance(5)
	table.use(b)
	clock.Advance(10)
	if table.sweep(); table.find(a) == nil {
		t.Error("a was forgotten at the age of exactly idle")
	}
	clock.Advance(11)
	if table.sweep(); table.find(a) != nil || table.find(b) == nil {
		t.Error("want a forgotten and b kept")
	}
}

// A series leads to its own entry whatever other series there are: neighbours, one service of all hosts, numbers that
// are given again, and after entries were forgotten.
func TestPerSeries(t *testing.T) {
	for _, stride := range []uint32{1, 2, 50, 64, 1024, 4096} {
		clock := NewClock(0)
		env := testEnv(clock)
		env.scope.graph = &Graph{rt: env.rt}
		table := newPerSeries[int](env, 300, 100, nil)
		var events []*event.Event
		for i := range 400 {
			e := &event.Event{}
			e.SetHost(strconv.Itoa(i))
			e.Series = &event.Series{Host: e.Host, Has: e.Has, ID: uint32(i) * stride}
			events = append(events, e)
		}
		use := func(from, to int, wantFresh bool) {
			t.Helper()
			for i := from; i < to; i++ {
				state, fresh := table.useSeries(events[i])
				if fresh != wantFresh || !fresh && *state != i {
					t.Fatalf("stride %d: the state of %d is %d, fresh: %v; want fresh: %v", stride, i, *state, fresh, wantFresh)
				}
				*state = i
			}
		}
		use(0, 1, true)
		use(0, 1, false)
		use(1, 200, true)
		use(0, 200, false)
		if n := testing.AllocsPerRun(5, func() { use(0, 200, false) }); n != 0 {
			t.Errorf("stride %d: %v allocations for series that are known", stride, n)
		}
		slow := 0
		for _, e := range events[:200] {
			if table.guess(e.Series) == nil {
				slow++
			}
		}
		if slow > 20 {
			t.Errorf("stride %d: %d of 200 series are looked up by their names", stride, slow)
		}
		use(200, 400, true) // pushes out 100
		use(100, 400, false)
		use(0, 100, true)
		clock.Advance(101)
		use(0, 1, true) // all were forgotten
		use(1, 2, true)
		if table.len() != 2 {
			t.Errorf("stride %d: %d entries, want 2", stride, table.len())
		}
		gone := events[300].Series
		events[300].Series = &event.Series{Host: "300", Has: event.HasHost, ID: events[0].Series.ID} // the number is given again
		use(300, 301, true)
		use(0, 1, false)
		use(300, 301, false)
		events[300].Series = gone
		use(300, 301, false)
	}
}
