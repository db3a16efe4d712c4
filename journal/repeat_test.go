package journal_test

import (
	"context"
	"strings"
	"syscall"
	"testing"

	"zeta/journal/faultfs"
)

func TestEitherCopyOfARepeatedRecordWillDo(t *testing.T) {
	fs := faultfs.New()
	l := open(t, "/log", small(fs))
	appendN(t, l, 10, "durable")
	if err := l.WaitSynced(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	appendN(t, l, 10, "in doubt")
	fs.Hook(failTimes("sync", 1, syscall.EIO))
	if err := l.WaitSynced(t.Context(), 20); err != nil {
		t.Fatal(err)
	}
	l.Close(t.Context())
	for i, damage := range []struct{ old, again string }{{"", ""}, {"15 ", "16 "}, {"12 ", "13 "}} {
		copied := fs.Clone()
		for name, what := range map[string]string{"/log/0000000000000001.segment": damage.old, "/log/0000000000000002.segment": damage.again} {
			if at := strings.Index(string(copied.Bytes(name)), what+"in doubt"); what != "" {
				copied.Bytes(name)[at] ^= 1
			}
		}
		l := open(t, "/log", small(copied))
		if all, r := sequences(t, l, 0); len(all) != 20 || r.Lost != 0 {
			t.Fatalf("%d: read %v, gaps %v", i, all, r.Gaps)
		}
		if all, r := sequences(t, l, 16); len(all) != 5 || r.Lost != 0 {
			t.Fatalf("%d: from 16: read %v, gaps %v", i, all, r.Gaps)
		}
		l.Close(t.Context())
	}
}

func TestKilledBeforeRecordsAreRepeated(t *testing.T) {
	fs := faultfs.New()
	l := open(t, "/log", small(fs))
	last := appendN(t, l, 10, "durable")
	if err := l.WaitSynced(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	last = appendN(t, l, 10, "written")
	if err := l.WaitWritten(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	syncs, writes := 0, 0
	repeated := make(chan struct{})
	fs.Hook(func(op, name string) error {
		switch {
		case op == "sync" && syncs == 0:
			syncs++
			return syscall.EIO
		case op == "write" && syncs > 0:
			if writes++; writes == 2 { // the first is the header of the next segment
				close(repeated)
			}
			if writes > 1 {
				return syscall.ENOSPC
			}
		}
		return nil
	})
	go l.WaitSynced(t.Context(), last)
	<-repeated
	fs.Kill()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	l.Close(ended)
	fs.Restart()
	l = open(t, "/log", small(fs))
	if l.Stats().Segments != 2 {
		t.Fatalf("%d segments, want 2", l.Stats().Segments)
	}
	if got := appendN(t, l, 1, "after"); got != last+1 {
		t.Fatalf("goes on with %d, want %d", got, last+1)
	}
	if err := l.WaitWritten(t.Context(), last+1); err != nil {
		t.Fatal(err)
	}
	if all, r := sequences(t, l, 0); len(all) != 21 || r.Lost != 0 {
		t.Fatalf("read %v, gaps %v", all, r.Gaps)
	}
}
