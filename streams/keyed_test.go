package streams

import (
	"strconv"
	"testing"
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
