package server

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"testing"

	"zeta/event"
)

// past is what /api/v1/series answers.
type past struct {
	Host, Service *string
	Step          int
	Times         []int64
	Metrics       []*float64
	States        []*string
}

func (h *history) past(t *testing.T, host, service string) past {
	t.Helper()
	var p past
	b := h.appendJSON(nil, host, service, event.HasHost|event.HasService)
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	if len(p.Times) != len(p.Metrics) || len(p.Times) != len(p.States) {
		t.Fatalf("columns of %d, %d and %d", len(p.Times), len(p.Metrics), len(p.States))
	}
	return p
}

func historyServer(t *testing.T, limit int) *Server {
	t.Helper()
	s := newServer(Options{RulesText: "index;", HistorySeries: limit, Logger: slog.New(slog.DiscardHandler)})
	if _, err := s.load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cancel(); s.hub.Close() })
	return s
}

func TestHistory(t *testing.T) {
	s := historyServer(t, 0)
	h := s.history
	put := func(metric float64, state string) {
		e := ev("h", "s", metric)
		if state != "" {
			e.SetState(state)
		}
		s.Ingest([]event.Event{e})
	}
	put(1, "ok")
	h.look()
	put(2.5, "")
	h.look()
	put(math.NaN(), "critical")
	h.look()
	put(math.Inf(1), event.Expired) // it is gone
	h.look()
	h.look()
	put(4, "ok")
	h.look()
	p := h.past(t, "h", "s")
	got := ""
	for i := range p.Times {
		m, st := "-", "-"
		if p.Metrics[i] != nil {
			m = fmt.Sprint(*p.Metrics[i])
		}
		if p.States[i] != nil {
			st = *p.States[i]
		}
		got += m + "/" + st + " "
		if i > 0 && p.Times[i] != p.Times[i-1]+5 {
			t.Errorf("times %v, want steps of 5 s", p.Times)
		}
	}
	if got != "1/ok 2.5/- -/critical -/- -/- 4/ok " {
		t.Errorf("history %q", got)
	}
	if p := h.past(t, "h", "unknown"); len(p.Times) != 0 {
		t.Errorf("an unknown series has %d points", len(p.Times))
	}
}

func TestHistoryIsBounded(t *testing.T) {
	s := historyServer(t, 2)
	h := s.history
	for i := range 5 {
		s.Ingest([]event.Event{ev("h", fmt.Sprint("s", i), float64(i))})
	}
	for range historyPoints + 10 {
		h.look()
	}
	if kept, refused := h.sizes(); kept != 2 || refused != 3 {
		t.Errorf("%d series kept, %d refused, want 2 and 3", kept, refused)
	}
	for key := range h.series {
		if p := h.past(t, key.host, key.service); len(p.Times) != historyPoints {
			t.Errorf("%d points, want %d", len(p.Times), historyPoints)
		}
		e := ev(key.host, key.service, 0)
		e.SetState(event.Expired)
		s.Ingest([]event.Event{e})
	}
	for range 2 {
		h.look()
	}
	if kept, _ := h.sizes(); kept != 2 {
		t.Errorf("%d series kept after the others went, want the next 2", kept)
	}
	for i := range 300 { // more states than there are numbers
		e := ev("h", "s4", 1)
		e.SetState(fmt.Sprint("state ", i))
		s.Ingest([]event.Event{e})
		h.look()
	}
	if len(h.states) > historyStates+1 {
		t.Errorf("%d states are kept", len(h.states))
	}
}

func TestSelfEvents(t *testing.T) {
	s := historyServer(t, 0)
	r := newReporter(s)
	s.Ingest([]event.Event{ev("h", "s", 1), ev("h", "t", 1)})
	got := map[string]event.Event{}
	for _, e := range r.report(r.at.Add(selfInterval)) {
		if !e.Own || !e.Set.HasTag("zeta") || e.TTL != 20 || e.Host == "" {
			t.Errorf("event %+v, want an own event with tag, ttl and host", e)
		}
		got[e.Service] = e
	}
	if m := got["zeta streams rate"].Float; m != 0.2 {
		t.Errorf("rate %v, want 2 events in 10 s", m)
	}
	if m := got["zeta index size"].Float; m != 2 {
		t.Errorf("index size %v, want 2", m)
	}
	e := got["zeta streams latency 0.99"]
	if m, ok := e.Metric(); !ok || m <= 0 {
		t.Errorf("latency %v %v, want some", m, ok)
	}
	for _, e := range r.report(r.at.Add(selfInterval)) {
		if _, ok := e.Metric(); ok && e.Service == "zeta streams latency 0.99" {
			t.Error("a latency of nothing has a metric")
		}
	}
}
