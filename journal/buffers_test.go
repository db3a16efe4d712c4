package journal

import (
	"runtime"
	"testing"
)

// TestBuffersAreUsedAgain: many small groups are written between two syncs, as by a peer that waits for each
// answer; their buffers must serve the next ones.
func TestBuffersAreUsedAgain(t *testing.T) {
	l, err := Open(t.TempDir(), Options{SyncEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(t.Context())
	const groups, size = 200, 16 << 10
	body := make([]byte, size)
	round := func() {
		var seq uint64
		for range groups {
			if seq, err = l.Append(KindBatch, 1, body); err != nil {
				t.Fatal(err)
			}
			if err := l.WaitWritten(t.Context(), seq); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.WaitSynced(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	round()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	round()
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > groups*size/4 {
		t.Errorf("%d bytes were allocated to take %d once more, want far less", grown, groups*size)
	}
}

// TestBuffersOfAFloodAreLetGo: what a flood needed is not kept for what follows it.
func TestBuffersOfAFloodAreLetGo(t *testing.T) {
	l, err := Open(t.TempDir(), Options{SyncEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(t.Context())
	put := func(n int) {
		var seq uint64
		for range n {
			if seq, err = l.Append(KindBatch, 1, make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.WaitSynced(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	put(12)
	for range 3 {
		put(1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := 0
	for _, g := range l.free {
		sum += cap(g.buf)
	}
	if sum != l.kept || l.kept > 5*groupBytes {
		t.Errorf("%d bytes are kept, and counted as %d, want at most %d", sum, l.kept, 5*groupBytes)
	}
}
