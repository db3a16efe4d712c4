// Package sinktest is the one test-suite of every HTTP sink, and the servers that play the outside world:
// [Slack] checks requests against Slack's API rules, [Intake] takes JSON as log services do.
//
//	sinktest.RunHTTP(t, func(url string) sinks.Sender { return openMySink(url) })
//
// Both servers listen on loopback with a certificate of their own and record what they took.
package sinktest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"zeta/event"
	"zeta/sinks"
	"zeta/streams"
)

// Alert makes an alert of events, as the engine would.
func Alert(events ...event.Event) *streams.Alert {
	a := &streams.Alert{ID: 7, Rule: "rule", Pos: "zeta.expr:1:1", At: 1e15, Events: events, Window: len(events) != 1}
	if len(events) > 0 {
		a.Key = events[0].Host + "\x00" + events[0].Service
	}
	return a
}

// Event makes an event of host, service and state with a metric.
func Event(host, service, state string, metric float64) event.Event {
	var e event.Event
	e.SetHost(host)
	e.SetService(service)
	e.SetState(state)
	e.SetFloat(metric)
	e.SetTime(1_700_000_000_000_000)
	return e
}

// RunHTTP checks what every sink over HTTP owes: it delivers, tells passing failures from permanent
// ones, honours Retry-After, obeys its context, bounds what it reads, and lets no secret into an error.
// open returns a sender that posts to url with the given secret.
func RunHTTP(t *testing.T, open func(t *testing.T, url, secret string) sinks.Sender) {
	const secret = "s3cr3t-canary"
	hostile := Event("h<!channel>\n", "s\x00\x1b[31m", "critical", 1)
	hostile.SetDescription("<script>@here\xff")

	answers := []struct {
		name      string
		status    int
		header    map[string]string
		permanent bool
		ok        bool
	}{
		{"200", 200, nil, false, true},
		{"400", 400, nil, true, false},
		{"404", 404, nil, true, false},
		{"408", 408, nil, false, false},
		{"429", 429, map[string]string{"Retry-After": "7"}, false, false},
		{"500", 500, nil, false, false},
		{"503", 503, nil, false, false},
	}
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			requests := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				requests++
				mu.Unlock()
				for k, v := range tt.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tt.status)
				fmt.Fprint(w, `{"ok":true,"ts":"1.1","channel":"C1"}`)
			}))
			defer srv.Close()
			err := open(t, srv.URL+"/", secret).Send(t.Context(), []*streams.Alert{Alert(hostile)})
			if (err == nil) != tt.ok {
				t.Fatalf("status %d: error %v, want success %v", tt.status, err, tt.ok)
			}
			if requests != 1 {
				t.Errorf("%d requests, want 1: repeating is the queue's work", requests)
			}
			if err == nil {
				return
			}
			if sinks.IsPermanent(err) != tt.permanent {
				t.Errorf("permanent = %v, want %v: %v", !tt.permanent, tt.permanent, err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error tells the secret: %v", err)
			}
			if tt.header != nil && !strings.Contains(err.Error(), "retry after 7s") {
				t.Errorf("Retry-After: 7 is not honoured: %v", err)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		srv := httptest.NewServer(http.NotFoundHandler())
		url := srv.URL + "/"
		srv.Close()
		err := open(t, url, secret).Send(t.Context(), []*streams.Alert{Alert(hostile)})
		if err == nil || sinks.IsPermanent(err) || strings.Contains(err.Error(), secret) {
			t.Errorf("error %v, want a passing one without the secret", err)
		}
	})
	t.Run("obeys its context", func(t *testing.T) {
		entered := make(chan struct{})
		release := make(chan struct{})
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(entered)
			<-release
		}))
		defer srv.Close()
		defer close(release)
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			failed <- open(t, srv.URL+"/", secret).Send(ctx, []*streams.Alert{Alert(hostile)})
		}()
		<-entered
		cancel()
		select {
		case err := <-failed:
			if err == nil || sinks.IsPermanent(err) {
				t.Errorf("error %v, want a passing one", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Send did not return after its context was done")
		}
	})
}
