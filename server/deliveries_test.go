package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"zeta/event"
	"zeta/streams"
)

// sickSinks take alerts and say of themselves what the test wants.
type sickSinks struct {
	all       []streams.SinkStatus
	delivered []*streams.Alert
}

func (s *sickSinks) Use([]*streams.Sink) error               { return nil }
func (s *sickSinks) Deliver(a *streams.Alert)                { s.delivered = append(s.delivered, a) }
func (s *sickSinks) Status() []streams.SinkStatus            { return s.all }
func (s *sickSinks) DeadLetters(string) []streams.DeadLetter { return nil }
func (s *sickSinks) Resend(string, uint64) error             { return nil }
func (s *sickSinks) ResendTo(string, uint64, string) error   { return nil }
func (s *sickSinks) Drop(string, uint64) error               { return nil }

func TestRulesTellOverOneSinkThatAnotherIsBroken(t *testing.T) {
	began := time.Now()
	sick := &sickSinks{all: []streams.SinkStatus{
		{Name: "slack", State: streams.SinkBroken, LastError: "slack: invalid_auth", Since: began, Queued: 3},
		{Name: "webhook", State: streams.SinkOK},
	}}
	s := serveOptions(t, Options{Sinks: sick, Quiet: true, RulesText: `listen.http("127.0.0.1:0");
		where(service startsWith "zeta sink ", by(service, changedState({init: "ok"}, webhook({url: "http://127.0.0.1:9/"}))));`})
	told := func(now time.Time) string {
		sick.delivered = nil
		if err := s.Ingest(s.deliveryEvents(now)); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, a := range sick.delivered {
			e := a.Events[0]
			all = append(all, strings.Join([]string{e.Service, e.State, e.Description}, " "))
		}
		return strings.Join(all, "; ")
	}
	for _, c := range []struct {
		what string
		do   func()
		want string
	}{
		{"one is broken", func() {}, "zeta sink slack critical slack: invalid_auth"},
		{"it still is", func() {}, ""},
		{"it is mended", func() { sick.all[0] = streams.SinkStatus{Name: "slack", State: streams.SinkOK} }, "zeta sink slack ok "},
		{"the other fails", func() {
			sick.all[1] = streams.SinkStatus{Name: "webhook", State: streams.SinkFailing, LastError: "503", Since: began}
		}, "zeta sink webhook warning 503"},
	} {
		c.do()
		if got := told(began); got != c.want {
			t.Errorf("%s: told %q, want %q", c.what, got, c.want)
		}
	}
}

// When every sink fails no rule can tell: the log and /readyz do.
func TestNoSinkTakesAlerts(t *testing.T) {
	began := time.Now().Add(-time.Hour)
	failing := streams.SinkStatus{Name: "slack", State: streams.SinkFailing, LastError: "slack: 500", Since: began}
	other := failing
	other.Name = "webhook"
	sick := &sickSinks{all: []streams.SinkStatus{failing, other}}
	s := serveOptions(t, Options{Sinks: sick, Quiet: true, RulesText: `listen.http("127.0.0.1:0");`})
	for _, now := range []time.Time{began.Add(muteAfter - 1), began.Add(muteAfter), began.Add(2 * muteAfter)} {
		s.deliveryEvents(now)
	}
	if n := strings.Count(s.log.String(), "no alert leaves zeta any more"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, s.log)
	}
	if code, body := s.get("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "no alert leaves: slack, since ") || !strings.HasSuffix(body, "slack: 500\n") {
		t.Errorf("/readyz: %d %q", code, body)
	}
	sick.all[1] = streams.SinkStatus{Name: "webhook", State: streams.SinkOK}
	s.deliveryEvents(time.Now())
	if !strings.Contains(s.log.String(), "alerts leave zeta again") {
		t.Errorf("the end is not logged:\n%s", s.log)
	}
	if code, body := s.get("/readyz"); code != http.StatusOK {
		t.Errorf("/readyz with one that works: %d %q", code, body)
	}
	var disk []event.Event
	for _, e := range s.deliveryEvents(time.Now()) {
		if e.Service == "zeta disk" {
			disk = append(disk, e)
		}
	}
	if len(disk) != 0 {
		t.Errorf("%d events about a disk that is not used", len(disk))
	}
}
