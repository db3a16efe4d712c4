package journal_test

import (
	"io"
	"runtime"
	"testing"

	"zeta/journal"
	"zeta/journal/faultfs"
)

// heapGrowth runs fn and returns how many bytes it allocated.
func heapGrowth(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func FuzzOpen(f *testing.F) {
	fs := faultfs.New()
	l, err := journal.Open("/log", small(fs))
	if err != nil {
		f.Fatal(err)
	}
	appendN(f, l, 3, "some body")
	l.Close(f.Context())
	f.Add(fs.Bytes("/log/0000000000000001.segment"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := faultfs.New()
		fs.Set("/log/0000000000000001.segment", b)
		grown := heapGrowth(func() {
			l, err := journal.Open("/log", small(fs))
			if err != nil {
				return
			}
			defer l.Close(t.Context())
			n := 0
			if _, err := l.Read(0, func(r journal.Record) error { n += len(r.Body); return nil }); err != nil {
				t.Fatal(err)
			}
			if n > len(b) {
				t.Fatalf("%d bytes of bodies in a file of %d", n, len(b))
			}
			if seq, err := l.Append(journal.KindBatch, 1, []byte("x")); err == nil {
				if err := l.WaitSynced(t.Context(), seq); err != nil {
					t.Fatal(err)
				}
			}
		})
		if limit := uint64(8<<20 + 20*len(b)); grown > limit {
			t.Fatalf("%d bytes allocated for a file of %d", grown, len(b))
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	fs := faultfs.New()
	c, err := journal.OpenCheckpoints(fs, "/state", quiet)
	if err != nil {
		f.Fatal(err)
	}
	w, _ := c.Create(7, 70)
	io.WriteString(w.Section("index"), "contents")
	w.Commit()
	f.Add(fs.Bytes("/state/0000000000000001.checkpoint"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := faultfs.New()
		fs.Set("/x", b)
		file, _ := fs.Open("/x")
		grown := heapGrowth(func() {
			r, err := journal.ReadCheckpoint(file, "x")
			if err != nil {
				return
			}
			for _, name := range r.Names {
				if _, err := io.Copy(io.Discard, r.Section(name)); err != nil {
					t.Fatalf("section %q of a checkpoint that was found whole: %v", name, err)
				}
			}
		})
		if limit := uint64(4<<20 + 100*len(b)); grown > limit {
			t.Fatalf("%d bytes allocated for a file of %d", grown, len(b))
		}
	})
}
