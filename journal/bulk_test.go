package journal_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"zeta/journal"
	"zeta/journal/faultfs"
)

func openBulk(t *testing.T, fs journal.FS, bytes int64) *journal.BulkLog {
	t.Helper()
	b, err := journal.OpenBulkLog("/bulk", journal.BulkOptions{FS: fs, Bytes: bytes, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(context.Background()) })
	return b
}

// take waits for n records and returns them.
func take(t *testing.T, b *journal.BulkLog, n int) []journal.Record {
	t.Helper()
	for {
		got, err := b.Peek(n, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == n {
			return got
		}
		select {
		case <-b.Wake():
		case <-t.Context().Done():
			t.Fatal("the records never came")
		}
	}
}

func TestBulkLogDeliversInOrderAndGoesOnAfterARestart(t *testing.T) {
	fs := faultfs.New()
	b := openBulk(t, fs, 1<<20)
	for i := range 100 {
		if err := b.Append(int64(i), fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	got := take(t, b, 30)
	if again := take(t, b, 30); string(again[0].Body) != "0" || string(again[29].Body) != "29" {
		t.Fatalf("peeking twice gave %q to %q", again[0].Body, again[29].Body)
	}
	if some, _ := b.Peek(10, 3); len(some) != 3 {
		t.Fatalf("%d records of one byte in 3 bytes", len(some))
	}
	if err := b.Done(got[19].Seq); err != nil {
		t.Fatal(err)
	}
	b.Close(t.Context())
	b = openBulk(t, fs, 1<<20)
	if got := take(t, b, 80); string(got[0].Body) != "20" || string(got[79].Body) != "99" {
		t.Fatalf("after a restart: %q to %q", got[0].Body, got[79].Body)
	}
	if s := b.Stats(); s.Lost != 0 || s.Waiting != 80 {
		t.Fatalf("stats %+v", s)
	}
}

func TestBulkLogDropsTheOldestAndCounts(t *testing.T) {
	fs := faultfs.New()
	b := openBulk(t, fs, 1<<20)
	const n = 3000
	for i := range n {
		if err := b.Append(int64(i), fmt.Appendf(nil, "%01000d", i)); err != nil {
			t.Fatal(err)
		}
	}
	b.Close(t.Context())
	b = openBulk(t, fs, 1<<20)
	got, err := b.Peek(n, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	s := b.Stats()
	if len(got) == 0 || s.Lost == 0 || int(s.Lost)+len(got) != n || s.Log.Bytes > 1<<20 {
		t.Fatalf("%d read, %d lost, want %d together; %d bytes", len(got), s.Lost, n, s.Log.Bytes)
	}
	for i, r := range got {
		if want := fmt.Sprintf("%01000d", int(s.Lost)+i); string(r.Body) != want {
			t.Fatalf("record %d is %s", i, r.Body[990:])
		}
	}
	b.Done(got[len(got)-1].Seq)
	b.Close(t.Context())
	if s := b.Stats(); s.Log.Segments != 1 || s.Waiting != 0 {
		t.Fatalf("all is done: %+v", s)
	}
}

func TestSecondProcessIsToldOfTheFirst(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	lock, err := journal.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = journal.LockDir(dir)
	locked, ok := err.(*journal.LockedError)
	if !ok || locked.PID == 0 || locked.Dir != dir {
		t.Fatalf("got %v", err)
	}
	lock.Unlock()
	if lock, err = journal.LockDir(dir); err != nil {
		t.Fatal(err)
	}
	lock.Unlock()
}
