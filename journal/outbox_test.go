package journal_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"zeta/journal"
)

func openOutbox(t testing.TB, path string, opts journal.OutboxOptions) *journal.Outbox {
	t.Helper()
	opts.ReserveBytes = -1
	o, err := journal.OpenOutbox(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close(context.Background()) })
	return o
}

// put puts n alerts numbered from the given number on and waits until they are durable.
func put(t testing.TB, o *journal.Outbox, sink string, from, n int) {
	t.Helper()
	var ticket uint64
	for i := from; i < from+n; i++ {
		var err error
		ticket, err = o.Put(journal.Entry{Sink: sink, ID: journal.NumberID(uint64(i)), Key: "web1", Seq: uint64(i), Stamp: int64(i), Body: fmt.Append(nil, "alert ", i)})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Wait(t.Context(), ticket); err != nil {
		t.Fatal(err)
	}
}

// peek returns the bodies of the first n entries.
func peek(t testing.TB, o *journal.Outbox, sink string, n int) (entries []journal.Entry, bodies []string) {
	t.Helper()
	entries, err := o.Queue(sink).Peek(n, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		bodies = append(bodies, string(e.Body))
	}
	return entries, bodies
}

func TestOutboxKeepsOrderAndForgetsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox")
	o := openOutbox(t, path, journal.OutboxOptions{})
	put(t, o, "slack", 1, 5)
	put(t, o, "mail", 1, 2)
	entries, bodies := peek(t, o, "slack", 3)
	if want := "[alert 1 alert 2 alert 3]"; fmt.Sprint(bodies) != want {
		t.Fatalf("got %v, want %v", bodies, want)
	}
	o.Queue("slack").Done(entries[0])
	o.Queue("slack").Failed(entries[1], "503")
	o.Queue("slack").Dead("400: no such channel", entries[2])
	o.Close(t.Context())

	o = openOutbox(t, path, journal.OutboxOptions{})
	put(t, o, "slack", 1, 6) // a replay, and one new alert
	entries, bodies = peek(t, o, "slack", 10)
	if want := "[alert 2 alert 4 alert 5 alert 6]"; fmt.Sprint(bodies) != want {
		t.Fatalf("after a restart: got %v, want %v", bodies, want)
	}
	if e := entries[0]; e.Attempts != 1 || e.Err != "503" {
		t.Fatalf("attempts %d, error %q", e.Attempts, e.Err)
	}
	q := o.Queue("slack")
	letters, all, err := q.DeadLetters(0, 10)
	if err != nil || all != 1 || len(letters) != 1 || letters[0].Err != "400: no such channel" {
		t.Fatalf("dead letters %v of %d, %v", letters, all, err)
	}
	ticket, err := q.Resend(letters[0].Pos)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Wait(t.Context(), ticket); err != nil {
		t.Fatal(err)
	}
	if _, bodies = peek(t, o, "slack", 10); bodies[len(bodies)-1] != "alert 3" {
		t.Fatalf("after resending: %v", bodies)
	}
	if s := o.Stats(); s.Duplicates != 5 || s.Queued != 7 || s.Ledger != 8 {
		t.Fatalf("stats %+v", s)
	}
	if names := fmt.Sprint(o.Queues()); names != "[mail slack]" {
		t.Fatalf("queues %v", names)
	}
}
