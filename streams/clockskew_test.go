package streams

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"zeta/event"
)

func clockSkewStage(t *testing.T, limit int) *stage {
	return newStage(t, func(env *Env, next Stream) Stream {
		return built(newClockSkew(env, ClockSkewOptions{Max: limit, Idle: time.Hour}, next))
	})
}

func hostAt(host string, at float64) *event.Event {
	e := &event.Event{}
	e.SetHost(host)
	e.SetTime(event.SecondsToMicros(at))
	return e
}

// A host that sends an expired event, or whose last event outlived its ttl, is in no median any more.
func TestClockSkewForgetsHosts(t *testing.T) {
	s := clockSkewStage(t, 10)
	s.event(hostAt("a", 0))
	s.event(hostAt("b", 20)) // alive until 80
	s.at(30)
	s.event(hostAt("c", 30)) // clocks 30, 30, 50
	s.at(61)
	s.event(hostAt("c", 61)) // a is gone: clocks 61, 81
	gone := hostAt("b", 61)
	gone.SetState(event.Expired)
	s.event(gone)
	s.event(hostAt("c", 61))
	wantText(t, "skews", s.take(), `
0 a=0@0
0 b=0@20
30 c=0@30
61 c=-20@61
61 b expired@61
61 c=0@61`)
}

func TestClockSkewWithoutTime(t *testing.T) {
	s := clockSkewStage(t, 10)
	none := &event.Event{}
	none.SetHost("x")
	s.event(none)
	s.event(hostAt("a", 0))
	failed := 0
	s.env.handler = streamFunc(func(Value) { failed++ })
	s.event(none)
	if failed != 1 {
		t.Errorf("%d failures, want 1", failed)
	}
	wantText(t, "skews", s.take(), "0 x=0\n0 a=0@0")
}

// The sorted offsets are those of the hosts in the table, also while hosts give way.
func TestClockSkewAgreesWithASearch(t *testing.T) {
	s := clockSkewStage(t, 5)
	s.env.scope.graph = &Graph{rt: s.env.rt}
	n := s.op.(*clockSkew)
	r := rand.New(rand.NewPCG(3, 3))
	for range 5_000 {
		s.clock.Advance(s.clock.Now() + r.Int64N(int64(10*time.Second/time.Microsecond)))
		s.event(hostAt(string(rune('a'+r.IntN(8))), s.clock.Seconds()+float64(r.IntN(9)-4)))
		var offsets []int64
		n.hosts.each(func(c *hostClock) bool { offsets = append(offsets, c.offset); return true })
		slices.Sort(offsets)
		if !slices.Equal(offsets, n.offsets) {
			t.Fatalf("offsets %v, want %v", n.offsets, offsets)
		}
	}
}
