package sinks_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"zeta/event"
	"zeta/sinks"
	"zeta/sinks/sinktest"
	"zeta/streams"
)

func TestWebhookOverHTTP(t *testing.T) {
	sinktest.RunHTTP(t, func(t *testing.T, url, secret string) sinks.Sender {
		return openSink(t, fmt.Sprintf(`webhook({url: %q, headers: {"X-Key": %q}});`, url, secret))
	})
}

func TestWebhookToALogIntake(t *testing.T) {
	in := sinktest.NewIntake(t, "DD-API-KEY", "k")
	for _, gzip := range []bool{false, true} {
		sink := openSink(t, fmt.Sprintf(`webhook({url: %q, ca: %q, format: "logs", gzip: %v, headers: {"DD-API-KEY": "k"}});`, in.URL, in.CA, gzip))
		e := sinktest.Event("web1", "log app", "error", math.NaN())
		e.SetDescription("it <broke>\xff")
		e.Set = event.NewSet([]string{"a", "b"}, []event.Attr{{Key: "order", Value: "4711"}})
		send(t, sink, sinktest.Alert(e), sinktest.Alert(sinktest.Event("web2", "x", "warning", 2)))
	}
	entries, batches := in.Entries()
	if len(entries) != 4 || batches != 2 {
		t.Fatalf("%d entries in %d requests, want 4 in 2; refused: %q", len(entries), batches, in.Broken())
	}
	first := entries[2]
	for key, want := range map[string]any{
		"message": "it <broke>\uFFFD", "hostname": "web1", "service": "log app", "status": "error", "ddsource": "zeta",
		"ddtags": "a,b", "timestamp": 1_700_000_000_000.0, "order": "4711", "metric": nil,
	} {
		if first[key] != want {
			t.Errorf("%s is %v, want %v", key, first[key], want)
		}
	}
	if m := entries[3]["message"]; m != "x warning 2" {
		t.Errorf("message without a description is %q", m)
	}
}

func TestWebhookEvents(t *testing.T) {
	in := sinktest.NewIntake(t, "K", "")
	sink := openSink(t, fmt.Sprintf(`webhook({url: %q, ca: %q});`, in.URL, in.CA))
	var events []event.Event
	for i := range 3 {
		events = append(events, sinktest.Event("h", "s", "ok", float64(i)))
	}
	events[1].SetFloat(math.Inf(1))
	send(t, sink, sinktest.Alert(events...), &streams.Alert{Window: true})
	entries, _ := in.Entries()
	if len(entries) != 3 || entries[0]["metric"] != 0.0 || entries[1]["metric"] != "Infinity" || entries[0]["time"] != "2023-11-14T22:13:20.000Z" {
		t.Errorf("entries %v; refused: %q", entries, in.Broken())
	}
}

func TestWebhookKeepsItsKeyOutOfErrors(t *testing.T) {
	in := sinktest.NewIntake(t, "DD-API-KEY", "right")
	sink := openSink(t, fmt.Sprintf(`webhook({url: %q, ca: %q, headers: {"DD-API-KEY": "wrong-secret"}});`, in.URL, in.CA))
	err := sink.Send(t.Context(), []*streams.Alert{sinktest.Alert(sinktest.Event("a", "b", "c", 1))})
	if err == nil || sinks.IsPermanent(err) || !strings.Contains(err.Error(), "403") || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("error %v, want a passing 403 without the key", err)
	}
}

func TestWebhookAddress(t *testing.T) {
	for _, url := range []string{"", "logs.example.com", "ftp://x/", "http://"} {
		_, problems := streams.LoadText("zeta.expr", fmt.Sprintf(`webhook({url: %q});`, url), streams.LoadOptions{})
		if len(problems) != 1 {
			t.Errorf("url %q: problems %v, want one", url, problems)
		}
	}
}
