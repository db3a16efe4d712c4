package server

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/journal"
	"zeta/journal/faultfs"
)

// TestSlowDiskHoldsBack: while the disk does not keep up no level answers more than the journal's buffer takes, and
// nothing is lost or refused for it.
func TestSlowDiskHoldsBack(t *testing.T) {
	for _, level := range []Ack{AckProcessed, AckSafe, AckDurable} {
		t.Run(string(level), func(t *testing.T) {
			withDisk(t, level, func(d *disk) {
				d.send(t, 10)
				synctest.Wait()
				if n := d.answered.Load(); n != 10 {
					t.Fatalf("%d messages are answered with a disk that works, want 10", n)
				}
				slow := make(chan struct{})
				d.fs.Hook(func(op, name string) error {
					if op == "write" || op == "sync" {
						<-slow
					}
					return nil
				})
				go d.send(t, 1000)
				synctest.Wait()
				if n, s := d.answered.Load(), d.engine.journal.Stats(); n > 90 || s.Lost > 0 {
					t.Errorf("with the disk stuck %d messages are answered and %d are lost, want at most 90 and none", n, s.Lost)
				}
				close(slow)
				synctest.Wait()
				if n, s := d.answered.Load(), d.engine.journal.Stats(); n != 1010 || s.Lost > 0 {
					t.Errorf("%d messages are answered and %d are lost, want all 1010 and none", n, s.Lost)
				}
			})
		})
	}
}

// TestFailedDiskDoesNotHoldBack: answers that promise nothing of the disk come while it fails, and what the journal
// could not take is counted.
func TestFailedDiskDoesNotHoldBack(t *testing.T) {
	withDisk(t, AckProcessed, func(d *disk) {
		d.fs.Hook(func(op, name string) error {
			if op == "write" {
				return syscall.EIO
			}
			return nil
		})
		go d.send(t, 1000)
		time.Sleep(2 * ackPatience) // on the bubble's clock
		if n, s := d.answered.Load(), d.engine.journal.Stats(); n != 1000 || s.Lost == 0 || s.Degraded == "" {
			t.Errorf("%d messages are answered, %d are not in the journal, degraded %q; want 1000, some, and a reason", n, s.Lost, s.Degraded)
		}
		d.fs.Hook(nil)
	})
}

// disk is a connection to a server whose journal takes 64 KiB and writes to a disk the test plays.
type disk struct {
	*Server
	fs       *faultfs.FS
	conn     net.Conn
	answered atomic.Int64
}

func withDisk(t *testing.T, level Ack, f func(d *disk)) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{fs: faultfs.New()}
		d.Server = newServer(Options{RulesText: DefaultRules, Quiet: true, Logger: slog.New(slog.DiscardHandler)})
		rules, err := d.load()
		if err == nil {
			_, err = d.engine.Swap(rules)
		}
		if err != nil {
			t.Fatal(err)
		}
		log, err := journal.Open("/journal", journal.Options{FS: d.fs, BufferBytes: 64 << 10, SegmentBytes: 1 << 20, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		d.engine.journal = log
		ours, theirs := net.Pipe()
		d.conn = ours
		go newConn(d.Server, "tcp", newSession(theirs), wire.DefaultLimits, 0, level).serve()
		go func() {
			ack := make([]byte, len(wire.AckOK))
			for {
				if _, err := io.ReadFull(ours, ack); err != nil {
					return
				}
				if string(ack) != string(wire.AckOK) {
					t.Errorf("answer %q, want ok", ack)
				}
				d.answered.Add(1)
			}
		}()
		f(d)
		ours.Close()
		synctest.Wait()
		d.cancel()
		d.hub.Close()
		log.Close(t.Context())
	})
}

// send sends messages of about a KiB.
func (d *disk) send(t *testing.T, n int) {
	var batch []event.Event
	for len(batch) < 40 {
		batch = append(batch, ev("host", "service", 1))
	}
	m := frame(batch...)
	for range n {
		if _, err := d.conn.Write(m); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
			return
		}
	}
}
