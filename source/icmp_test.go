package source

import (
	"testing"
	"time"

	"zeta/event"
)

func TestProbeICMPJudges(t *testing.T) {
	p := &icmpProbe{o: ICMPOptions{Count: 2, Warning: 50 * time.Millisecond}, service: "ping"}
	for _, tt := range []struct {
		times       []time.Duration
		state, loss string
		mean, lost  float64
	}{
		{[]time.Duration{10 * time.Millisecond, 30 * time.Millisecond}, "ok", "ok", 0.02, 0},
		{[]time.Duration{60 * time.Millisecond}, "warning", "warning", 0.06, 0.5},
		{nil, "critical", "critical", 0, 1},
	} {
		events := p.judge(tt.times)
		e, loss := events[0], events[1]
		if e.State != tt.state || e.Float != tt.mean || e.Is(event.HasFloat) != (tt.times != nil) || loss.State != tt.loss || loss.Float != tt.lost || loss.Service != "ping loss" {
			t.Errorf("%v: %s %v, loss %s %v", tt.times, e.State, e.Float, loss.State, loss.Float)
		}
	}
}

// Where the kernel allows ping sockets the loopback answers; where it does not, the events say what to set.
func TestProbeICMP(t *testing.T) {
	events := lookAll(t, `probe.icmp("127.0.0.1", {count: 2});`)
	if len(events) != 2 {
		t.Fatalf("%d events, want 2", len(events))
	}
	for _, e := range events {
		if e.State != "ok" && !containsAny(e.Description, "ping_group_range") {
			t.Errorf("%s: %s %q", e.Service, e.State, e.Description)
		}
	}
}
