package sinks_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"zeta/sinks"
	"zeta/sinks/sinktest"
	"zeta/streams"
)

func TestPagerDutyOverHTTP(t *testing.T) {
	sinktest.RunHTTP(t, func(t *testing.T, url, secret string) sinks.Sender {
		return openSink(t, fmt.Sprintf(`pagerduty({key: %q, url: %q});`, secret, url))
	})
}

func TestPagerDuty(t *testing.T) {
	var got []map[string]any
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		if body["dedup_key"] == "bad s" {
			http.Error(w, `{"status":"invalid event"}`, http.StatusBadRequest)
			return
		}
		got = append(got, body)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	sink := openSink(t, fmt.Sprintf(`pagerduty({key: "k", url: %q});`, srv.URL))
	long := sinktest.Event("web1", "log", "weird", 1)
	long.SetDescription(strings.Repeat("é", 5000))
	send(t, sink,
		sinktest.Alert(sinktest.Event("web1", "up", "down", 0)),
		sinktest.Alert(sinktest.Event("web1", "up", "up", 1), sinktest.Event("web1", "disk", "warning", 1)),
		sinktest.Alert(long))
	if len(got) != 4 {
		t.Fatalf("%d requests, want 4", len(got))
	}
	for i, want := range []struct{ action, key, severity string }{{"trigger", "web1 up", "critical"}, {"resolve", "web1 up", ""}, {"trigger", "web1 disk", "warning"}, {"trigger", "web1 log", "error"}} {
		severity := ""
		if p, ok := got[i]["payload"].(map[string]any); ok {
			severity = p["severity"].(string)
			if len(p["summary"].(string)) > 1024 || p["source"] != "web1" || p["timestamp"] != "2023-11-14T22:13:20Z" {
				t.Errorf("request %d: %v", i, p)
			}
		}
		if got[i]["event_action"] != want.action || got[i]["dedup_key"] != want.key || severity != want.severity || got[i]["routing_key"] != "k" {
			t.Errorf("request %d: %v, want %v", i, got[i], want)
		}
	}
	// The ones before a refused one were taken.
	err := sink.Send(t.Context(), []*streams.Alert{host("a"), host("bad")})
	if !sinks.IsPermanent(err) {
		t.Errorf("error %v, want a permanent one", err)
	}
	if _, problems := streams.LoadText("zeta.expr", `pagerduty({});`, streams.LoadOptions{}); len(problems) != 1 || !strings.Contains(problems[0].Error(), "key is missing") {
		t.Errorf("problems %v", problems)
	}
}
