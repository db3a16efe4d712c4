package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zeta/event"
	"zeta/journal"
	"zeta/server"
)

// zeta runs a command line and returns its status and what it printed.
func zeta(args ...string) (status int, out, err string) {
	var o, e bytes.Buffer
	status = run(args, &cli{in: strings.NewReader(""), out: &o, err: &e, env: func(string) string { return "" }, commands: commands()})
	return status, o.String(), e.String()
}

// journalOf makes a data directory with three batches of one event.
func journalOf(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	store, err := server.OpenStore(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Options{RulesText: `listen.tcp("127.0.0.1:0"); index;`, Store: store, Logger: slog.New(slog.DiscardHandler), Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		var e event.Event
		e.SetService("s")
		e.SetInt(int64(i))
		if err := s.Ingest([]event.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	s.Shutdown(context.Background())
	if err := store.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestJournalCommand(t *testing.T) {
	dir := journalOf(t)
	if status, out, _ := zeta("journal", "verify", dir); status != 0 || !strings.Contains(out, "nothing is wrong") || !strings.Contains(out, "batch    3") {
		t.Errorf("verify: %d\n%s", status, out)
	}
	if status, out, _ := zeta("journal", "stat", filepath.Join(dir, "journal")); status != 0 || !strings.Contains(out, "1 files") {
		t.Errorf("stat: %d\n%s", status, out)
	}
	status, out, _ := zeta("journal", "cat", dir)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if status != 0 || len(lines) != 4 || !strings.Contains(lines[0], `"kind":"rules"`) || !strings.Contains(lines[3], `"metric":2,`) {
		t.Fatalf("cat: %d\n%s", status, out)
	}
	if status, out, _ := zeta("journal", "cat", dir, "--from", "4"); status != 0 || strings.TrimSpace(out) != lines[3] {
		t.Errorf("cat --from 4: %d\n%s", status, out)
	}
	if status, _, err := zeta("journal", "cut", dir); status != 2 || !strings.Contains(err, "--after") {
		t.Errorf("cut without --after: %d\n%s", status, err)
	}
	lock, err := journal.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if status, _, _ := zeta("journal", "cut", dir, "--after", "3"); status != 1 {
		t.Errorf("cut of a directory in use: %d", status)
	}
	lock.Unlock()
	if status, out, err := zeta("journal", "cut", dir, "--after", "3"); status != 0 || !strings.Contains(out, "checkpoint") {
		t.Errorf("cut: %d\n%s%s", status, out, err)
	}
	if status, out, _ := zeta("journal", "cat", dir); status != 0 || strings.TrimSpace(out) != strings.Join(lines[:3], "\n") {
		t.Errorf("after the cut: %d\n%s", status, out)
	}
	if status, _, err := zeta("journal", "verify", filepath.Join(dir, "none")); status != 2 || !strings.Contains(err, "none") {
		t.Errorf("a directory that is not there: %d\n%s", status, err)
	}
}

func TestJournalVerifySaysWhatIsDamaged(t *testing.T) {
	dir := journalOf(t)
	files, err := filepath.Glob(filepath.Join(dir, "journal", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.IsDir() {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(b, []byte(`"text":"listen`))
		if at < 0 {
			continue
		}
		b[at+9] ^= 1
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if status, out, _ := zeta("journal", "verify", dir); status != 1 || !strings.Contains(out, "damaged") {
		t.Errorf("verify: %d\n%s", status, out)
	}
}
