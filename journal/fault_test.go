package journal_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"zeta/journal"
	"zeta/journal/faultfs"
)

// small are options for a log of small segments in memory.
func small(fs *faultfs.FS) journal.Options {
	return journal.Options{FS: fs, SegmentBytes: 128 << 10, SyncEvery: -1, RetryEvery: time.Microsecond, Logger: quiet}
}

// failTimes returns a hook that fails the first n operations of that kind.
func failTimes(what string, n int, err error) func(op, name string) error {
	return func(op, name string) error {
		if op == what && n > 0 {
			n--
			return err
		}
		return nil
	}
}

func TestSyncErrorWritesAgainElsewhere(t *testing.T) {
	fs := faultfs.New()
	l := open(t, "/log", small(fs))
	appendN(t, l, 10, "before")
	if err := l.WaitSynced(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	last := appendN(t, l, 10, "in doubt")
	if err := l.WaitWritten(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	fs.Hook(failTimes("sync", 1, syscall.EIO))
	if err := l.WaitSynced(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	s := l.Stats()
	if s.Abandoned != 1 || s.SyncErrors != 1 || s.Segments != 2 || s.Degraded != "" {
		t.Fatalf("after a failed sync: %+v", s)
	}
	if all, r := sequences(t, l, 0); len(all) != 20 || r.Lost != 0 {
		t.Fatalf("read %v, gaps %v", all, r.Gaps)
	}
	fs.Crash(rand.New(rand.NewPCG(1, 1)))
	fs.Restart()
	again := open(t, "/log", small(fs))
	if all, r := sequences(t, again, 0); len(all) != 20 || r.Lost != 0 {
		t.Fatalf("after the loss of power: read %v, gaps %v", all, r.Gaps)
	}
}

func TestFullDiskDegradesAndRecovers(t *testing.T) {
	fs := faultfs.New()
	l := open(t, "/log", func() journal.Options { o := small(fs); o.BufferBytes = 100_000; return o }())
	last := appendN(t, l, 1, strings.Repeat("x", 1000))
	if err := l.WaitSynced(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	fs.Hook(failTimes("write", 1<<30, syscall.ENOSPC))
	accepted := uint64(1)
	full := 0
	for full < 5 {
		seq, err := l.Append(journal.KindBatch, int64(l.Next()), fmt.Append(nil, l.Next(), " "), make([]byte, 1000))
		switch {
		case err == nil:
			accepted = seq
		case errors.Is(err, journal.ErrFull):
			full++
		default:
			t.Fatal(err)
		}
	}
	if !l.Behind() {
		t.Fatal("the buffer is full, and the log says that it is not behind")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.WaitWritten(ended, accepted); !errors.Is(err, context.Canceled) {
		t.Fatalf("wait for what cannot be written: %v", err)
	}
	for l.Stats().Degraded == "" {
		if err := l.WaitRoom(shortly(t)); err == nil {
			t.Fatal("there is room though nothing could be written")
		}
	}
	if s := l.Stats(); !strings.Contains(s.Degraded, "no space") || s.Lost != 5 {
		t.Fatalf("stats %+v", s)
	}
	fs.Hook(nil)
	if err := l.WaitRoom(t.Context()); err != nil {
		t.Fatal(err)
	}
	seq := appendN(t, l, 1, "well again")
	if err := l.WaitSynced(t.Context(), seq); err != nil {
		t.Fatal(err)
	}
	all, r := sequences(t, l, 0)
	if uint64(len(all)) != accepted+1 || len(r.Gaps) != 1 || r.Gaps[0].First != accepted+1 || r.Gaps[0].Last != accepted+5 || !strings.HasPrefix(r.Gaps[0].Reason, "not stored") {
		t.Fatalf("read %d, accepted %d, gaps %v", len(all), accepted, r.Gaps)
	}
	if s := l.Stats(); s.Degraded != "" {
		t.Fatalf("still degraded: %s", s.Degraded)
	}
}

// shortly is a context that ends after a moment.
func shortly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// fill appends until the log has this many segments.
func fill(t *testing.T, l *journal.Log, segments int) {
	t.Helper()
	for l.Stats().Segments < segments && l.Stats().Removed == 0 {
		seq := appendN(t, l, 20, strings.Repeat("x", 1000))
		if err := l.WaitWritten(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRetentionByBytesRemovesTheOldestAndSaysWhatIsMissing(t *testing.T) {
	fs := faultfs.New()
	o := small(fs)
	o.RetainBytes = 4 * o.SegmentBytes
	l := open(t, "/log", o)
	fill(t, l, 100)
	select {
	case <-l.Pressure():
	default:
		t.Fatal("no pressure was told of though more than half of what is kept is needed")
	}
	l.Close(t.Context())
	s := l.Stats()
	if s.Bytes > o.RetainBytes || s.Removed == 0 || s.RemovedNeeded != s.Removed {
		t.Fatalf("stats %+v", s)
	}
	l = open(t, "/log", o)
	all, r := sequences(t, l, 1)
	if all[0] != s.Oldest || len(r.Gaps) != 1 || r.Gaps[0].First != 1 || r.Gaps[0].Last != s.Oldest-1 {
		t.Fatalf("first %d, oldest %d, gaps %v", all[0], s.Oldest, r.Gaps)
	}
	if all, r := sequences(t, l, 0); all[0] != s.Oldest || len(r.Gaps) != 0 {
		t.Fatalf("from the beginning: first %d, gaps %v", all[0], r.Gaps)
	}
}

func TestAgeRemovesOnlyWhatIsNotNeeded(t *testing.T) {
	fs := faultfs.New()
	o := small(fs)
	o.RetainAge = time.Hour
	l := open(t, "/log", o)
	fill(t, l, 4)
	first := l.Stats().Segments
	seq, _ := l.Append(journal.KindTick, 2*time.Hour.Microseconds())
	l.WaitSynced(t.Context(), seq)
	l.Close(t.Context())
	if got := l.Stats().Segments; got != first {
		t.Fatalf("%d segments, want %d: they are needed", got, first)
	}
	l = open(t, "/log", o)
	l.Keep(l.Next())
	l.Close(t.Context())
	if s := l.Stats(); s.Segments != 1 || s.RemovedNeeded != 0 {
		t.Fatalf("stats %+v, want one segment", s)
	}
}

func TestFullDiskRemovesWhatIsNotNeededFirst(t *testing.T) {
	fs := faultfs.New()
	o := small(fs)
	fs.Limit(4*o.SegmentBytes + 4<<10)
	l := open(t, "/log", o)
	for range 20 {
		l.Keep(l.Next())
		seq := appendN(t, l, 100, strings.Repeat("x", 1000))
		if err := l.WaitSynced(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	if s := l.Stats(); s.Removed == 0 || s.RemovedNeeded != 0 || s.Lost != 0 {
		t.Fatalf("stats %+v", s)
	}
}

func TestRemovalThatWasBegunIsFinished(t *testing.T) {
	fs := faultfs.New()
	o := small(fs)
	l := open(t, "/log", o)
	fill(t, l, 4)
	l.Close(t.Context())
	o.RetainBytes = 2 * o.SegmentBytes
	fs.Hook(func(op, name string) error {
		if op == "remove" && strings.HasSuffix(name, ".segment") {
			return syscall.EROFS
		}
		return nil
	})
	l = open(t, "/log", o)
	appendN(t, l, 1, "x")
	l.Close(t.Context())
	fs.Kill()
	fs.Restart()
	o.RetainBytes = 0
	l = open(t, "/log", o)
	all, r := sequences(t, l, 0)
	if l.Stats().Segments != 3 || all[0] == 1 || len(r.Gaps) != 0 {
		t.Fatalf("%d segments from record %d on, gaps %v", l.Stats().Segments, all[0], r.Gaps)
	}
}

func TestForeignSegmentsAreSetAside(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, journal.Options{SegmentBytes: 128 << 10})
	fill(t, l, 4)
	l.Close(t.Context())
	infos, err := journal.Stat(journal.OS{}, dir)
	if err != nil || len(infos) != 4 {
		t.Fatal(infos, err)
	}
	if err := os.WriteFile(filepath.Join(dir, infos[1].Name), make([]byte, 1000), 0o600); err != nil { // a file system that lost its data
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, infos[2].Name), filepath.Join(dir, "0000000000000077.segment")); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, journal.Options{SegmentBytes: 128 << 10})
	_, r := sequences(t, l, 0)
	if len(r.Gaps) != 1 || r.Gaps[0].First != infos[1].First || r.Gaps[0].Last != infos[3].First-1 {
		t.Fatalf("gaps %v, want %d-%d", r.Gaps, infos[1].First, infos[3].First-1)
	}
	aside, _ := os.ReadDir(filepath.Join(dir, "quarantine"))
	if len(aside) != 2 {
		t.Fatalf("in quarantine: %v", aside)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	fs := faultfs.New()
	l := open(t, "/log", small(fs))
	appendN(t, l, 1, "x")
	l.Close(t.Context())
	name := "/log/0000000000000001.segment"
	journal.SetSegmentVersion(fs.Bytes(name), 7)
	before := string(fs.Bytes(name))
	_, err := journal.Open("/log", small(fs))
	want := "open journal /log: 0000000000000001.segment: format version 7, this zeta reads up to 1: run the newer zeta that wrote it, or move the file away"
	if err == nil || err.Error() != want {
		t.Fatalf("got  %v\nwant %s", err, want)
	}
	if string(fs.Bytes(name)) != before {
		t.Fatal("the file was changed")
	}
}
