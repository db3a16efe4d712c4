package journal_test

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"zeta/journal"
	"zeta/journal/faultfs"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// model is a log, its file system, and what must be in it.
type model struct {
	t   *rapid.T
	fs  *faultfs.FS
	log *journal.Log
	rng *rand.Rand

	sums    map[uint64]uint32 // of the bodies, by sequence
	lost    map[uint64]bool   // sequences that need not be there
	safe    uint64            // records up to here must be there
	durable uint64            // and after the loss of power these
	failed  bool              // writes and syncs have failed in this life
	doubt   map[uint64]bool   // sequences that a life left written after such a failure: the loss of power may take them
}

func (m *model) open() {
	m.t.Helper()
	log, err := journal.Open("/log", journal.Options{FS: m.fs, SegmentBytes: 192 << 10, BufferBytes: 4 << 20, SyncEvery: -1, RetryEvery: time.Microsecond, Logger: quiet})
	if err != nil {
		m.t.Fatal(err)
	}
	m.log, m.failed = log, false
	for seq := range m.sums {
		if seq >= log.Next() {
			if seq <= m.safe {
				m.t.Fatalf("the log goes on at %d, but %d was safe", log.Next(), seq)
			}
			delete(m.sums, seq)
		}
	}
	seen := m.check(0)
	for seq := range m.sums {
		if seq > m.safe && !seen[seq] {
			m.lost[seq] = true // its number was used up when a write of it was tried; what is there now stays
		}
	}
}

// check reads from a sequence on: what is safe must be there, and nothing may be there that was not written. It returns
// what is.
func (m *model) check(from uint64) (seen map[uint64]bool) {
	m.t.Helper()
	last := uint64(0)
	seen = map[uint64]bool{}
	r, err := m.log.Read(from, func(rec journal.Record) error {
		if rec.Seq <= last || rec.Seq < from {
			m.t.Fatalf("record %d after %d, from %d", rec.Seq, last, from)
		}
		last = rec.Seq
		seen[rec.Seq] = true
		if sum, ok := m.sums[rec.Seq]; !ok || sum != crc32.ChecksumIEEE(rec.Body) {
			m.t.Fatalf("record %d is not what was written (known: %v)", rec.Seq, ok)
		}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	for seq := max(from, 1); seq <= m.safe; seq++ {
		if !seen[seq] && !m.lost[seq] {
			m.t.Fatalf("record %d was safe and is not there; gaps %v, damages %v", seq, r.Gaps, r.Damages)
		}
	}
	return seen
}

func (m *model) append(n, size int) {
	for range n {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(m.rng.Uint32())
		}
		seq, err := m.log.Append(journal.KindBatch, 1, body[:size/2], body[size/2:])
		if err != nil {
			m.lost[seq] = true
			continue
		}
		m.sums[seq] = crc32.ChecksumIEEE(body)
	}
}

func (m *model) wait(wait func(context.Context, uint64) error) {
	m.t.Helper()
	if err := wait(m.t.Context(), m.log.Next()-1); err != nil && !m.lost[m.log.Next()-1] {
		m.t.Fatal(err)
	}
}

// end ends the process or the machine, and what it means for what must be there.
func (m *model) end(crash bool) {
	m.safe = m.log.Written()
	m.durable = m.log.Synced()
	if crash {
		m.fs.Crash(m.rng)
		m.safe = m.durable
		for seq := range m.doubt {
			m.lost[seq] = true
		}
	} else {
		m.fs.Kill()
		for seq := m.durable + 1; m.failed && seq <= m.safe; seq++ {
			m.doubt[seq] = true
		}
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	m.log.Close(done) // ends its goroutine; its files are dead
	m.fs.Restart()
}

// runModel draws one sequence of operations.
func runModel(t *rapid.T) {
	m := &model{t: t, fs: faultfs.New(), sums: map[uint64]uint32{}, lost: map[uint64]bool{}, doubt: map[uint64]bool{}}
	m.rng = rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	m.open()
	defer func() { m.log.Close(context.Background()) }()
	steps := rapid.IntRange(1, 25).Draw(t, "steps")
	for range steps {
		switch op := rapid.SampledFrom([]string{"append", "append", "large", "written", "synced", "read", "kill", "crash", "eio", "full", "short", "well", "skip"}).Draw(t, "op"); op {
		case "append":
			m.append(rapid.IntRange(1, 40).Draw(t, "n"), rapid.SampledFrom([]int{0, 1, 100, 3000}).Draw(t, "size"))
		case "large":
			m.append(1, rapid.IntRange(60<<10, 300<<10).Draw(t, "size"))
		case "written":
			m.fs.Hook(nil)
			m.wait(m.log.WaitWritten)
		case "synced":
			m.fs.Hook(nil)
			m.wait(m.log.WaitSynced)
		case "read":
			m.fs.Hook(nil)
			m.wait(m.log.WaitWritten)
			m.safe = m.log.Written()
			m.check(rapid.Uint64Range(0, m.log.Next()).Draw(t, "from"))
		case "kill":
			m.end(false)
			m.open()
		case "crash":
			m.end(true)
			m.open()
		case "eio": // some writes and syncs fail; what is waited for is durable all the same
			m.failed = true
			nth, rng := rapid.IntRange(2, 5).Draw(t, "nth"), rand.New(rand.NewPCG(m.rng.Uint64(), 2))
			m.fs.Hook(func(op, name string) error {
				if (op == "sync" || op == "write") && rng.IntN(nth) == 0 {
					return syscall.EIO
				}
				return nil
			})
			if rapid.Bool().Draw(t, "wait") {
				m.wait(m.log.WaitSynced)
			}
		case "full":
			m.fs.Hook(func(op, name string) error {
				if op == "allocate" || op == "create" {
					return syscall.ENOSPC
				}
				return nil
			})
		case "short":
			m.fs.Hook(func(op, name string) error {
				if op == "write" {
					return syscall.ENOSPC
				}
				return nil
			})
		case "well":
			m.fs.Hook(nil)
		case "skip":
			next := m.log.Next()
			to := next + rapid.Uint64Range(0, 3).Draw(t, "by")
			m.log.SkipTo(to)
			for ; next < to; next++ {
				m.lost[next] = true
			}
		}
	}
	m.fs.Hook(nil)
	m.wait(m.log.WaitSynced)
	if err := m.log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.safe = m.log.Synced()
	m.open()
}

func TestLogAgainstModel(t *testing.T) {
	runs := 15 // times rapid's 100
	if *long {
		runs = 10_000
	}
	for i := range runs {
		if !t.Run(fmt.Sprint(i), func(t *testing.T) { rapid.Check(t, runModel) }) {
			return
		}
	}
}
