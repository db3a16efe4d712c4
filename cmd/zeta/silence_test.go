package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"zeta/server"
)

func TestSilence(t *testing.T) {
	s, err := server.New(server.Options{RulesText: `listen.http("127.0.0.1:0"); index;`, Logger: slog.New(slog.DiscardHandler), Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown(context.Background())
	silence := func(args ...string) (int, string, string) {
		return zeta(append([]string{"silence", "--addr", s.Addr("http").String()}, args...)...)
	}

	status, out, text := silence("add", `host = "web1"`, "--for", "2h", "--by", "me", "--comment", "new\x1bdisks")
	id, _, _ := strings.Cut(out, " ")
	if status != exitOK || len(id) != 8 || !strings.Contains(out, "matches 0 events of the index") {
		t.Fatalf("status %d: %q %q", status, out, text)
	}
	if status, out, _ := silence("list"); status != exitOK || !strings.Contains(out, id) || !strings.Contains(out, `host = "web1"  new·disks`) {
		t.Errorf("status %d: %q", status, out)
	}
	if status, _, text := silence("add", `host = `); status != exitFailure || !strings.Contains(text, "expected a field or a value") {
		t.Errorf("status %d: %q, want the query's mistake", status, text)
	}
	if status, out, _ := silence("end", id); status != exitOK || !strings.Contains(out, id+" has ended; it held 0 alerts") {
		t.Errorf("status %d: %q", status, out)
	}
	if status, _, text := silence("end", id); status != exitFailure || !strings.Contains(text, "no such silence") {
		t.Errorf("status %d: %q", status, text)
	}
	for _, args := range [][]string{{}, {"add"}, {"list", "all"}, {"end"}, {"shout", "x"}} {
		if status, _, _ := silence(args...); status != exitUsage {
			t.Errorf("silence %q: status %d, want %d", args, status, exitUsage)
		}
	}
}
