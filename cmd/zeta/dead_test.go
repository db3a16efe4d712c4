package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"zeta/event"
	"zeta/server"
	"zeta/sinks"
)

func TestDead(t *testing.T) {
	var status atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(int(status.Load()))
		fmt.Fprint(w, "field nine")
	}))
	defer target.Close()
	log := slog.New(slog.DiscardHandler)
	m := sinks.NewManager(sinks.Options{Logger: log})
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	defer m.Close(ended) // what still waits then would wait for the target for ever
	s, err := server.New(server.Options{RulesText: fmt.Sprintf(`listen.http("127.0.0.1:0"); webhook({url: %q});`, target.URL), Logger: log, Quiet: true, Sinks: m})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown(context.Background())
	dead := func(args ...string) (int, string, string) {
		return zeta(append([]string{"dead", args[0], "--addr", s.Addr("http").String()}, args[1:]...)...)
	}
	until := func(what string, is func(sinks.Status) bool) {
		t.Helper()
		for !is(m.Status()[0]) {
			select {
			case <-time.After(time.Millisecond):
			case <-t.Context().Done():
				t.Fatalf("never: %s", what)
			}
		}
	}
	say := func(answer int64) {
		t.Helper()
		status.Store(answer)
		var e event.Event
		e.SetHost("web1")
		if err := s.Ingest([]event.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want string, args ...string) {
		t.Helper()
		if code, out, text := dead(args...); code != exitOK || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("zeta dead %q: status %d: %q %q, want %q", args, code, out, text, want)
		}
	}
	sink := m.Status()[0].ID
	expect(`^SINK +STATE +SINCE +QUEUED +DELIVERED +DIED +ERROR\n`+sink+` +ok +- +0 +0 +0 +\n$`, "list")

	say(http.StatusBadRequest)
	until("dead", func(s sinks.Status) bool { return s.DeadLetters == 1 && s.Queued == 0 })
	letter := regexp.MustCompile(`(?m)^\d+`).FindString(second(dead("list", "webhook")))
	expect(`\n`+letter+` .*answered 400 Bad Request: .*field`, "list", "webhook")
	expect(`^\{"pos":`+letter+`,.*"host":"web1"`, "show", sink)
	for _, c := range []struct {
		code int
		args []string
	}{{exitUsage, []string{"resend", sink}}, {exitUsage, []string{"drop", sink, letter, "--all"}}, {exitUsage, []string{"list", sink, letter}}, {exitUsage, []string{"bury"}}, {exitUsage, []string{"drop", sink, "--all", "--to", sink}},
		{exitFailure, []string{"drop", sink, "999"}}, {exitFailure, []string{"drop", sink, "all"}}, {exitFailure, []string{"list", "slack"}}, {exitFailure, []string{"resend", sink, letter, "--to", "slack"}}} {
		if code, out, text := dead(c.args...); code != c.code || text == "" {
			t.Errorf("zeta dead %q: status %d: %q %q, want status %d", c.args, code, out, text, c.code)
		}
	}
	status.Store(http.StatusOK)
	expect(`^1 dead letters of webhook will be sent again\n$`, "resend", "webhook", letter)
	until("resent", func(s sinks.Status) bool { return s.Delivered == 1 })
	expect(`^NUMBER.*\n$`, "list", sink)

	say(http.StatusUnauthorized)
	until("refused", func(s sinks.Status) bool { return s.LastError != "" })
	expect(sink+` +broken +20\S+Z +1 +1 +1 +.*answered 401 .*key or token\n`, "list")
}

func second(_ int, s, _ string) string { return s }
