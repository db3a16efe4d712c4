package journal_test

import (
	"context"
	"fmt"
	"testing"

	"zeta/journal"
)

// open opens a log that is closed with the test.
func open(t testing.TB, dir string, o journal.Options) *journal.Log {
	t.Helper()
	l, err := journal.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(context.Background()) })
	return l
}

func appendN(t testing.TB, l *journal.Log, n int, body string) (last uint64) {
	t.Helper()
	for range n {
		var err error
		if last, err = l.Append(journal.KindBatch, int64(l.Next()), []byte(fmt.Sprint(l.Next(), " ")), []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

// sequences reads a log and checks that bodies say what their sequence is.
func sequences(t testing.TB, l *journal.Log, from uint64) (all []uint64, r *journal.Reader) {
	t.Helper()
	r, err := l.Read(from, func(rec journal.Record) error {
		var n uint64
		if _, err := fmt.Sscan(string(rec.Body), &n); err != nil || n != rec.Seq || rec.Stamp != int64(n) {
			t.Fatalf("record %d at %d holds %.30q", rec.Seq, rec.Stamp, rec.Body)
		}
		all = append(all, rec.Seq)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, r
}

func TestLogKeepsRecordsAcrossReopening(t *testing.T) {
	dir := t.TempDir()
	body := string(make([]byte, 1000))
	for round := range 3 {
		l := open(t, dir, journal.Options{SegmentBytes: 128 << 10})
		last := appendN(t, l, 500, body)
		if want := uint64(500 * (round + 1)); last != want {
			t.Fatalf("last sequence %d, want %d", last, want)
		}
		if err := l.WaitWritten(t.Context(), last); err != nil {
			t.Fatal(err)
		}
		all, r := sequences(t, l, 0)
		if len(all) != int(last) || r.Lost != 0 || len(r.Damages) != 0 {
			t.Fatalf("read %d records, want %d; gaps %v, damages %v", len(all), last, r.Gaps, r.Damages)
		}
		if all, _ := sequences(t, l, last-99); len(all) != 100 || all[0] != last-99 {
			t.Fatalf("from %d: read %d records from %d on", last-99, len(all), all[0])
		}
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if g := l.Generation(); g != uint64(round+1) {
			t.Fatalf("generation %d, want %d", g, round+1)
		}
	}
}
