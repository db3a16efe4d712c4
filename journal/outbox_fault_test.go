package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"zeta/journal"
)

func TestOutboxBounds(t *testing.T) {
	o := openOutbox(t, filepath.Join(t.TempDir(), "outbox"), journal.OutboxOptions{QueueBytes: 1000, DeadLetters: 3, Logger: quiet})
	n := 0
	for ; n < 100; n++ {
		if _, err := o.Put(journal.Entry{Sink: "slack", ID: journal.NumberID(uint64(n)), Body: make([]byte, 100)}); errors.Is(err, journal.ErrOutboxFull) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if s := o.Stats(); n != 4 || s.Full != 1 || s.Queued != 4 {
		t.Fatalf("%d alerts of 205 bytes fit into 1000 bytes: %+v", n, s)
	}
	put(t, o, "mail", 1, 5) // another sink's queue is its own
	entries, _ := peek(t, o, "mail", 10)
	o.Wait(t.Context(), o.Queue("mail").Dead("no", entries...))
	letters, all, err := o.Queue("mail").DeadLetters(0, 10)
	if err != nil || all != 3 || len(letters) != 3 || string(letters[0].Body) != "alert 3" || o.Stats().DeadDropped != 2 {
		t.Fatalf("dead letters %v of %d, %v, dropped %d", letters, all, err, o.Stats().DeadDropped)
	}
	if _, err := o.Queue("mail").Drop(letters[1].Pos); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Queue("mail").Drop(letters[1].Pos); !errors.Is(err, journal.ErrNoEntry) {
		t.Fatalf("dropping twice: %v", err)
	}
	if _, err := o.Put(journal.Entry{Sink: "x", Body: make([]byte, journal.MaxEntryBody+1)}); err == nil {
		t.Fatal("an entry over the limit was taken")
	}
}

func TestLedgerForgetsByAgeAndNumber(t *testing.T) {
	o := openOutbox(t, filepath.Join(t.TempDir(), "outbox"), journal.OutboxOptions{LedgerAge: time.Millisecond, LedgerIDs: 50, Logger: quiet})
	put(t, o, "slack", 0, 100) // stamps 0 to 99 µs
	if s := o.Stats(); s.Ledger != 50 || s.Forgotten != 50 {
		t.Fatalf("%d ids, %d forgotten, want 50 and 50", s.Ledger, s.Forgotten)
	}
	put(t, o, "slack", 5000, 1)
	if s := o.Stats(); s.Ledger != 1 {
		t.Fatalf("%d ids, want 1: the others are older than a millisecond", s.Ledger)
	}
}

func TestTablesAndMemos(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox")
	o := openOutbox(t, path, journal.OutboxOptions{})
	silences := o.Table("silence", 2)
	for _, k := range []string{"b", "a"} {
		if _, err := silences.Put(k, []byte("until "+k)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := silences.Put("c", nil); !errors.Is(err, journal.ErrTableFull) {
		t.Fatalf("third of two: %v", err)
	}
	m := o.Memo("slack", 2)
	m.Put("x", "1")
	m.Put("y", "2")
	m.Put("x", "3")
	m.Put("z", "4") // y is the longest unset
	m.Put("", "nothing")
	m.Put(strings.Repeat("k", 2000), "nothing")
	o.Close(t.Context())

	o = openOutbox(t, path, journal.OutboxOptions{})
	var got []string
	for k, v := range o.Table("silence", 2).All() {
		got = append(got, k+"="+string(v))
	}
	if fmt.Sprint(got) != "[a=until a b=until b]" {
		t.Fatalf("silences %v", got)
	}
	m = o.Memo("slack", 2)
	x, _ := m.Get("x")
	_, y := m.Get("y")
	z, _ := m.Get("z")
	if x != "3" || y || z != "4" {
		t.Fatalf("memo x=%q y=%v z=%q", x, y, z)
	}
	m.Delete("x")
	if _, ok := m.Get("x"); ok {
		t.Fatal("x was deleted")
	}
}

func TestOutboxOfANewerZetaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox")
	openOutbox(t, path, journal.OutboxOptions{}).Close(t.Context())
	editOutbox(t, path, func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("version"), []byte{0, 0, 0, 0, 0, 0, 0, 5})
	})
	_, err := journal.OpenOutbox(path, journal.OutboxOptions{Logger: quiet})
	var newer *journal.VersionError
	if !errors.As(err, &newer) || newer.Found != 5 || newer.Want != journal.OutboxVersion {
		t.Fatalf("got %v", err)
	}
}

func editOutbox(t *testing.T, path string, edit func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(edit); err != nil {
		t.Fatal(err)
	}
	db.Close()
}

func TestDamagedValueIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox")
	o := openOutbox(t, path, journal.OutboxOptions{})
	put(t, o, "slack", 1, 3)
	o.Close(t.Context())
	editOutbox(t, path, func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("queue")).Bucket([]byte("slack"))
		k, v := b.Cursor().First()
		return b.Put(k, append(bytes.Clone(v[:len(v)-1]), v[len(v)-1]^1))
	})
	o = openOutbox(t, path, journal.OutboxOptions{Logger: quiet})
	if _, bodies := peek(t, o, "slack", 10); fmt.Sprint(bodies) != "[alert 2 alert 3]" || o.Stats().Damaged != 1 {
		t.Fatalf("got %v, %d damaged", bodies, o.Stats().Damaged)
	}
}

// TestDamagedOutboxIsRefilled overwrites pages at random: whatever happens, either the outbox opens with alerts
// that are right, or it begins empty and the log refills it.
func TestDamagedOutboxIsRefilled(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "outbox")
	l := open(t, filepath.Join(dir, "log"), journal.Options{Logger: quiet, SegmentBytes: 1 << 20})
	o := openOutbox(t, path, journal.OutboxOptions{Log: l, Logger: quiet})
	put(t, o, "slack", 1, 200)
	entries, _ := peek(t, o, "slack", 50)
	o.Queue("slack").Done(entries...)
	o.Close(t.Context())
	l.WaitWritten(t.Context(), l.Next()-1)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rebuilt, rounds := 0, 40
	if *long {
		rounds = 2000
	}
	for seed := range rounds {
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		b := bytes.Clone(whole)
		if seed == 0 {
			b = b[:100]
		} else if seed == 1 {
			clear(b)
		}
		for range rng.IntN(6) {
			at := rng.IntN(len(b))
			for i := at; i < min(len(b), at+rng.IntN(5000)); i++ {
				b[i] = byte(rng.Uint32())
			}
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := journal.OpenOutbox(path, journal.OutboxOptions{Logger: quiet, ReserveBytes: -1})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if _, ok := o.Rebuilt(); ok {
			rebuilt++
			n, err := journal.Refill(l, o)
			if err != nil || n != 150 {
				t.Fatalf("seed %d: %d alerts refilled, want 150; %v", seed, n, err)
			}
			put(t, o, "slack", 1, 200) // a replay of everything
			if s := o.Stats(); s.Queued != 150 || s.Duplicates != 200 {
				t.Fatalf("seed %d: after a replay %+v", seed, s)
			}
		}
		got, err := o.Queue("slack").Peek(1000, 1<<30)
		if err != nil {
			t.Logf("seed %d: %v", seed, err) // damage that shows later: said, not believed
		}
		for _, e := range got {
			if want := fmt.Sprint("alert ", e.Seq); string(e.Body) != want {
				t.Fatalf("seed %d: got %q, want %q", seed, e.Body, want)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		o.Close(ended)
	}
	if rebuilt < 2 {
		t.Fatalf("rebuilt %d times of %d", rebuilt, rounds)
	}
}

func TestOutboxCompactsAtTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox")
	o := openOutbox(t, path, journal.OutboxOptions{})
	var ticket uint64
	for i := range 100 {
		ticket, _ = o.Put(journal.Entry{Sink: "slack", ID: journal.NumberID(uint64(i)), Body: make([]byte, 100<<10)})
	}
	o.Wait(t.Context(), ticket)
	entries, _ := peek(t, o, "slack", 99)
	o.Wait(t.Context(), o.Queue("slack").Done(entries...))
	before := o.Stats().File
	o.Close(t.Context())
	o = openOutbox(t, path, journal.OutboxOptions{Logger: quiet})
	if after := o.Stats().File; before < 10<<20 || after > 2<<20 {
		t.Fatalf("%d bytes, after a restart %d", before, after)
	}
	if entries, _ := peek(t, o, "slack", 99); len(entries) != 1 {
		t.Fatalf("%d entries, want 1", len(entries))
	}
}

func TestAlertsAreSentFromMemoryWhileTheDiskFails(t *testing.T) {
	o := openOutbox(t, filepath.Join(t.TempDir(), "outbox"), journal.OutboxOptions{RetryEvery: time.Millisecond, Logger: quiet})
	put(t, o, "slack", 1, 1)
	heal := journal.BreakOutbox(o)
	ticket, err := o.Put(journal.Entry{Sink: "slack", ID: journal.NumberID(2), Body: []byte("alert 2")})
	if err != nil {
		t.Fatal(err)
	}
	o.Put(journal.Entry{Sink: "slack", ID: journal.NumberID(1), Body: []byte("alert 1 again")})
	q := o.Queue("slack")
	for o.Stats().Degraded == "" {
		<-q.Wake()
	}
	entries, bodies := peek(t, o, "slack", 10)
	if fmt.Sprint(bodies) != "[alert 1 alert 2]" {
		t.Fatalf("from memory: %v", bodies)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.Wait(ended, ticket); !errors.Is(err, context.Canceled) {
		t.Fatalf("neither stored nor delivered, and Wait says %v", err)
	}
	q.Done(entries...)
	if err := o.Wait(t.Context(), ticket); err != nil {
		t.Fatal(err)
	}
	heal()
	if err := o.Wait(t.Context(), o.Queue("slack").Done()); err != nil {
		t.Fatal(err)
	}
	put(t, o, "slack", 2, 2)
	if _, bodies := peek(t, o, "slack", 10); fmt.Sprint(bodies) != "[alert 3]" {
		t.Fatalf("after the disk was well again: %v", bodies)
	}
}
