package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// BulkOptions of a BulkLog. Zero fields take the defaults.
type BulkOptions struct {
	FS     FS
	Bytes  int64        // on disk; beyond it the oldest are dropped; default 256 MiB
	Buffer int          // bytes in memory; default 16 MiB
	Logger *slog.Logger // default slog.Default()

	SegmentBytes int64 // what is dropped at once; default Bytes/16, at least 128 KiB and at most 64 MiB
}

// BulkLog is a queue of records for a sink that may lose some: metrics, logs, forwarding. What it promises: records
// leave in order, each at least once; with the disk limit reached the oldest that were not delivered are dropped,
// a segment at a time, and counted; with the disk failing and the buffer full the newest are refused and counted.
// The death of the process loses at most what came in the last millisecond, and sends again what was delivered in the
// last second; the loss of power loses a second more.
type BulkLog struct {
	log *Log
	fs  FS
	dir string

	mu     sync.Mutex // guards what follows; held while reading from the disk, but never by Append
	cursor uint64     // last sequence that is done
	saved  uint64     // what the cursor's file says
	saveAt time.Time
	read   uint64 // last sequence in ahead, or cursor
	ahead  []Record
	reader *Reader
	lost   uint64

	wake chan struct{}
}

const (
	cursorName  = "cursor"
	cursorEvery = time.Second
)

var cursorMagic = [8]byte{'z', 'e', 't', 'a', 'c', 'u', 'r', '\n'}

// OpenBulkLog opens the queue in dir, making it if there is none.
func OpenBulkLog(dir string, o BulkOptions) (*BulkLog, error) {
	set(&o.FS, FS(OS{}))
	set(&o.Bytes, 256<<20)
	set(&o.Buffer, 16<<20)
	set(&o.SegmentBytes, min(max(o.Bytes/16, 2*blockBytes), 64<<20))
	b := &BulkLog{fs: o.FS, dir: dir, wake: make(chan struct{}, 1)}
	log, err := Open(dir, Options{
		FS: o.FS, SegmentBytes: o.SegmentBytes, RetainBytes: o.Bytes, RetainAge: -1, BufferBytes: o.Buffer,
		SyncEvery: time.Second, Logger: o.Logger, queue: true,
		OnCommit: func(uint64, uint64) { signal(b.wake) },
	})
	if err != nil {
		return nil, err
	}
	b.log = log
	b.cursor = readCursor(o.FS, dir)
	if b.cursor == 0 || b.cursor >= log.Next() {
		b.cursor = min(b.cursor, log.Next()-1) // after the loss of power the cursor may be ahead
	}
	b.read, b.saved = b.cursor, b.cursor
	log.Keep(b.cursor + 1)
	signal(b.wake)
	return b, nil
}

// Append adds a record whose body is the concatenation of the given parts, which are copied. It never waits.
// After ErrFull it is lost and counted.
func (b *BulkLog) Append(stamp int64, body ...[]byte) error {
	_, err := b.log.Append(KindBatch, stamp, body...)
	return err
}

// Newest returns the stamp of the newest record, in this life or the one before; 0: there was none.
func (b *BulkLog) Newest() int64 {
	b.log.mu.Lock()
	defer b.log.mu.Unlock()
	return b.log.stamp
}

// Settle waits until Peek finds all records that were appended, or ctx is done.
func (b *BulkLog) Settle(ctx context.Context) error { return b.log.WaitWritten(ctx, b.log.Next()-1) }

// Wake has one slot, filled when records were added.
func (b *BulkLog) Wake() <-chan struct{} { return b.wake }

// Peek returns the first records that are not done, at most n and about so many bytes, but one if there is
// one. They and their bodies are the caller's to read until Done.
func (b *BulkLog) Peek(n, bytes int) ([]Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := 0; i < n; i++ {
		if i == len(b.ahead) {
			if err := b.readOne(); err == io.EOF {
				return b.ahead[:i:i], nil
			} else if err != nil {
				return b.ahead[:i:i], err
			}
		}
		if bytes -= len(b.ahead[i].Body); bytes < 0 && i > 0 {
			return b.ahead[:i:i], nil
		}
	}
	return b.ahead[:n:n], nil
}

// readOne reads the next record behind those read ahead. Called with mu held.
func (b *BulkLog) readOne() error {
	for fresh := false; ; fresh = true {
		if b.reader == nil {
			if fresh || b.log.Written() <= b.read {
				return io.EOF
			}
			b.reader = b.log.Reader(b.read + 1)
			b.lost += b.reader.Lost // what was removed before it
		}
		before := b.reader.Lost
		r, err := b.reader.Next()
		b.lost += b.reader.Lost - before
		if err != nil {
			b.reader.Close()
			b.reader = nil
			if err == io.EOF {
				continue // what the Reader saw when it was made; there may be more
			}
			return err
		}
		r.Body = append([]byte(nil), r.Body...)
		b.ahead = append(b.ahead, r)
		b.read = r.Seq
		return nil
	}
}

// Done says that the sink has taken all records up to seq. About once a second it writes that down, which
// may wait for the disk.
func (b *BulkLog) Done(seq uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := 0
	for i < len(b.ahead) && b.ahead[i].Seq <= seq {
		i++
	}
	if i == 0 {
		return nil
	}
	b.cursor = b.ahead[i-1].Seq
	b.ahead = append([]Record(nil), b.ahead[i:]...)
	if now := time.Now(); now.After(b.saveAt) {
		b.saveAt = now.Add(cursorEvery)
		return b.save()
	}
	return nil
}

// save writes the cursor down and lets go of the segments before it. Called with mu held.
func (b *BulkLog) save() error {
	if b.saved == b.cursor {
		return nil
	}
	data := make([]byte, 20)
	copy(data, cursorMagic[:])
	binary.LittleEndian.PutUint64(data[8:], b.cursor)
	binary.LittleEndian.PutUint32(data[16:], crc32.Checksum(data[:16], castagnoli))
	if err := writeFile(b.fs, filepath.Join(b.dir, cursorName), data); err != nil {
		return err
	}
	b.saved = b.cursor
	b.log.Keep(b.cursor + 1)
	return nil
}

// readCursor returns 0, the beginning, if there is no cursor or it is damaged: then everything is sent again.
func readCursor(fs FS, dir string) uint64 {
	data, err := readFile(fs, filepath.Join(dir, cursorName), 1<<10)
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil || len(data) != 20 || [8]byte(data) != cursorMagic || binary.LittleEndian.Uint32(data[16:]) != crc32.Checksum(data[:16], castagnoli) {
		moveAside(fs, dir, cursorName)
		return 0
	}
	return binary.LittleEndian.Uint64(data[8:])
}

// BulkStats is what a BulkLog tells about itself.
type BulkStats struct {
	Log     Stats
	Done    uint64 // last sequence the sink took
	Waiting uint64 // records that wait, those lost among them included
	Lost    uint64 // records dropped or damaged before the sink took them, as far as was noticed
}

// Stats returns the counts.
func (b *BulkLog) Stats() BulkStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := BulkStats{Log: b.log.Stats(), Done: b.cursor, Lost: b.lost}
	s.Waiting = s.Log.Next - 1 - s.Done
	return s
}

// Close writes everything down and ends the queue; see Log.Close.
func (b *BulkLog) Close(ctx context.Context) error {
	b.mu.Lock()
	if b.reader != nil {
		b.reader.Close()
		b.reader = nil
	}
	err := b.save()
	b.mu.Unlock()
	if cerr := b.log.Close(ctx); err == nil {
		err = cerr
	}
	return err
}
