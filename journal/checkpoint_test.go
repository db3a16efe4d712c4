package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"zeta/journal"
	"zeta/journal/faultfs"
)

func checkpoints(t testing.TB, fs journal.FS) *journal.Checkpoints {
	t.Helper()
	c, err := journal.OpenCheckpoints(fs, "/state", quiet)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// linesOf says how much a checkpoint holds: a little more than 256 KiB, and the first, to fall back to, little.
func linesOf(seq uint64) int {
	if seq == 1 {
		return 40
	}
	return 4600
}

func write(t testing.TB, c *journal.Checkpoints, seq uint64) error {
	t.Helper()
	w, err := c.Create(seq, int64(seq)*10)
	if err != nil {
		return err
	}
	fmt.Fprint(w.Section("rules"), "rules of ", seq)
	w.Section("empty")
	index := w.Section("index")
	for i := range linesOf(seq) {
		fmt.Fprintf(index, "series %d of checkpoint %d, with some more text about it\n", i, seq)
	}
	return w.Commit()
}

// latest returns the sequence of the newest checkpoint that is whole, after checking what is in it; 0: none.
func latest(t testing.TB, c *journal.Checkpoints) (seq uint64, fallbacks int) {
	t.Helper()
	r, fallbacks, err := c.Latest()
	if err != nil {
		t.Fatal(err)
	}
	if r == nil {
		return 0, fallbacks
	}
	defer r.Close()
	if fmt.Sprint(r.Names) != "[rules empty index]" || r.Stamp != int64(r.Seq)*10 || r.Section("nothing") != nil {
		t.Fatalf("sections %v, stamp %d", r.Names, r.Stamp)
	}
	index, rules := r.Section("index"), r.Section("rules") // side by side
	b, err := io.ReadAll(rules)
	if err != nil || string(b) != fmt.Sprint("rules of ", r.Seq) {
		t.Fatalf("rules %q, %v", b, err)
	}
	b, err = io.ReadAll(index)
	if err != nil || bytes.Count(b, []byte(fmt.Sprintf(" of checkpoint %d, with", r.Seq))) != linesOf(r.Seq) {
		t.Fatalf("index of %d bytes, %v", len(b), err)
	}
	if b, err = io.ReadAll(r.Section("empty")); len(b) != 0 || err != nil {
		t.Fatalf("empty %q, %v", b, err)
	}
	return r.Seq, fallbacks
}

func TestCheckpointsKeepTwo(t *testing.T) {
	fs := faultfs.New()
	c := checkpoints(t, fs)
	if seq, _ := latest(t, c); seq != 0 {
		t.Fatalf("a checkpoint of %d where there is none", seq)
	}
	for seq := uint64(1); seq <= 5; seq++ {
		if err := write(t, c, seq); err != nil {
			t.Fatal(err)
		}
		if got, _ := latest(t, checkpoints(t, fs)); got != seq {
			t.Fatalf("latest %d, want %d", got, seq)
		}
	}
	names, _ := fs.List("/state")
	if len(names) != 2 {
		t.Fatalf("files %v, want two", names)
	}
}

func TestDamagedCheckpointFallsBack(t *testing.T) {
	fs := faultfs.New()
	c := checkpoints(t, fs)
	write(t, c, 1)
	write(t, c, 2)
	name := "/state/0000000000000002.checkpoint"
	size := len(fs.Bytes(name))
	if size < 256<<10 {
		t.Fatalf("a checkpoint of %d bytes, want 256 KiB", size)
	}
	everywhere(t, size, 4001, func(t *testing.T, at int) {
		damaged := fs.Clone()
		damaged.Bytes(name)[at] ^= 1 << (at % 8)
		seq, fallbacks := latest(t, checkpoints(t, damaged))
		if seq != 1 || fallbacks != 1 {
			t.Fatalf("bit flipped at %d: checkpoint %d, %d fallbacks", at, seq, fallbacks)
		}
		if damaged.Bytes("/state/quarantine/0000000000000002.checkpoint") == nil {
			t.Fatal("the damaged one is not in quarantine")
		}
	})
	everywhere(t, size, 4001, func(t *testing.T, n int) {
		cut := fs.Clone()
		cut.Cut(name, n)
		if seq, fallbacks := latest(t, checkpoints(t, cut)); seq != 1 || fallbacks != 1 {
			t.Fatalf("cut after %d: checkpoint %d, %d fallbacks", n, seq, fallbacks)
		}
	})
	t.Logf("a checkpoint of %d bytes", size)
}

func TestCheckpointOfANewerZetaStays(t *testing.T) {
	fs := faultfs.New()
	c := checkpoints(t, fs)
	write(t, c, 1)
	write(t, c, 2)
	name := "/state/0000000000000002.checkpoint"
	journal.SetCheckpointVersion(fs.Bytes(name), 9)
	before := string(fs.Bytes(name))
	c = checkpoints(t, fs)
	_, _, err := c.Latest()
	var newer *journal.VersionError
	if !errors.As(err, &newer) || newer.Found != 9 || newer.Want != 1 {
		t.Fatalf("got %v, want both versions", err)
	}
	if err := write(t, c, 3); !errors.As(err, &newer) {
		t.Fatalf("writing beside it: %v, want the same error", err)
	}
	if names, _ := fs.List("/state"); len(names) != 2 || string(fs.Bytes(name)) != before {
		t.Fatalf("files %v; changed: %v", names, string(fs.Bytes(name)) != before)
	}
}

func TestCheckpointIsWholeOrNotThere(t *testing.T) {
	for _, op := range []string{"create", "write", "sync", "rename", "syncdir"} {
		for nth := 1; nth <= 2; nth++ {
			fs := faultfs.New()
			c := checkpoints(t, fs)
			if err := write(t, c, 1); err != nil {
				t.Fatal(err)
			}
			n := 0
			fs.Hook(func(o, name string) error {
				if o == op {
					if n++; n == nth {
						return syscall.ENOSPC
					}
				}
				return nil
			})
			err := write(t, c, 2)
			fs.Hook(nil)
			want := uint64(2)
			if err != nil && op != "syncdir" { // after a failed sync of the directory it may be there
				want = 1
			}
			if seq, _ := latest(t, c); seq != want {
				t.Fatalf("%s %d failed (%v): checkpoint %d, want %d", op, nth, err, seq, want)
			}
			for seed := range uint64(5) {
				crashed := fs.Clone()
				w := checkpoints(t, crashed)
				write(t, w, 3)
				crashed.Crash(rand.New(rand.NewPCG(seed, 1)))
				crashed.Restart()
				if seq, _ := latest(t, checkpoints(t, crashed)); seq != 3 {
					t.Fatalf("after the loss of power: checkpoint %d, want 3", seq)
				}
			}
			if names, _ := fs.List("/state"); strings.Contains(fmt.Sprint(names), "tmp") {
				checkpoints(t, fs)
				if names, _ = fs.List("/state"); strings.Contains(fmt.Sprint(names), "tmp") {
					t.Fatalf("left over: %v", names)
				}
			}
		}
	}
}
