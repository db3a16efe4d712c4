package source

import (
	"context"
	"testing"
	"time"

	"zeta/event"
)

func TestLookTellsTheMachine(t *testing.T) {
	h := NewHost(HostOptions{Host: "here", Interval: 2 * time.Second}, nil)
	h.Look(t.Context())
	got := map[string]event.Event{}
	for _, e := range h.Look(t.Context()) {
		got[e.Service] = e
	}
	for _, service := range []string{"load", "memory", "swap", "uptime", "disk /"} {
		e, ok := got[service]
		if !ok {
			t.Errorf("no event for %q; got %d services", service, len(got))
			continue
		}
		m, hasMetric := e.Metric()
		if e.Host != "here" || !hasMetric || m < 0 || e.State == "" || e.TTL != 6 || !e.Is(event.HasTime) || !e.Set.HasTag("health") {
			t.Errorf("%s: %+v", service, e)
		}
	}
	for _, service := range []string{"memory", "swap", "disk /"} {
		if m := got[service].Float; m > 1 {
			t.Errorf("%s is %v, want a fraction of 1", service, m)
		}
	}
}

func TestRunEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	rounds := 0
	NewHost(HostOptions{Interval: time.Millisecond}, nil).Run(ctx, func(events []event.Event) {
		if rounds++; rounds == 3 {
			cancel()
		}
	})
	if rounds != 3 {
		t.Errorf("%d rounds, want 3", rounds)
	}
}

func TestLevel(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		want string
	}{{0.89, "ok"}, {0.9, "warning"}, {0.95, "critical"}, {2, "critical"}} {
		if got := level(tt.v, 0.9, 0.95); got != tt.want {
			t.Errorf("level(%v) = %q, want %q", tt.v, got, tt.want)
		}
	}
}
