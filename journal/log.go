package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Options of a Log. Zero fields take the defaults.
type Options struct {
	FS           FS            // default OS
	SegmentBytes int64         // size of a segment; default 64 MiB
	RetainBytes  int64         // segments beyond this are removed, oldest first; default 1 GiB
	RetainAge    time.Duration // segments whose records are all older than this, by their stamps, are removed; default 24 h, negative: never
	BufferBytes  int           // records in memory that are not durable yet; default 64 MiB
	SyncEvery    time.Duration // longest time a written record waits to be made durable; default 100 ms, negative: until it is asked for or much has gathered
	RetryEvery   time.Duration // pause after a failed write; default 500 ms
	Logger       *slog.Logger  // default slog.Default()

	// OnCommit is called by the committer after a watermark moved. It must not block.
	OnCommit func(written, synced uint64)

	queue bool // segments that are not needed are removed at once
}

func (o *Options) setDefaults() {
	set(&o.FS, FS(OS{}))
	set(&o.SegmentBytes, 64<<20)
	set(&o.RetainBytes, 1<<30)
	set(&o.RetainAge, 24*time.Hour)
	set(&o.BufferBytes, 64<<20)
	set(&o.SyncEvery, 100*time.Millisecond)
	set(&o.RetryEvery, 500*time.Millisecond)
	set(&o.Logger, slog.Default())
}

func set[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Errors of a Log.
var (
	// ErrFull says that a record was not taken, because as much as is allowed waits for the disk already. Its
	// sequence is used up, and readers are told of the gap.
	ErrFull = errors.New("journal: the disk does not keep up, and the buffer is full")
	// ErrClosed says that the log is closed.
	ErrClosed = errors.New("journal: closed")
	// ErrTooLarge says that a record's body is over MaxBody.
	ErrTooLarge = errors.New("journal: record over 32 MiB")
)

// Log is a segmented log that is open for writing.
type Log struct {
	opts Options
	dir  string

	mu      sync.Mutex
	next    uint64   // sequence of the next record
	stamp   int64    // of the last record
	cur     *group   // what Append fills
	pending []*group // ended and not durable yet, in order
	free    []*group
	kept    int    // bytes of the buffers in free
	held    int    // bytes in cur and pending
	lostSeq uint64 // first sequence that was lost since the last record that was taken; 0: none
	want    uint64 // sequence somebody waits for to be durable
	keep    uint64 // records from here on are still needed
	closed  bool
	room    chan struct{} // closed when held has shrunk; nil: nobody waits
	segs    []segment     // oldest first; the last one is the active one
	stats   Stats
	clean   uint64 // first ordinal that is not removed

	written, synced atomic.Uint64

	arrived  chan struct{} // one slot: there is something in cur
	urgent   chan struct{} // one slot: and somebody waits for it
	closing  chan struct{}
	giveUp   chan struct{} // closed when Close's context is done
	done     chan struct{}
	pressure chan struct{}

	w writer // the committer's
}

// group is what is written together.
type group struct {
	buf         []byte
	first, last uint64 // sequences
	done        int    // bytes of buf that are written
	writtenCh   chan struct{}
	syncedCh    chan struct{}
}

func (g *group) reset() { *g = group{buf: g.buf[:0]} }

// groupBytes end a group, so that buffers keep a size that is worth keeping.
const groupBytes = 1 << 20

// urgentBytes are written without waiting for more.
const urgentBytes = 256 << 10

// Append takes a record whose body is the concatenation of the given parts, which are copied, and returns its
// sequence. It never waits for the disk. After ErrFull or ErrTooLarge the record is lost and its sequence
// used up; after ErrClosed nothing has happened. Stamps should not decrease.
func (l *Log) Append(kind Kind, stamp int64, body ...[]byte) (seq uint64, err error) {
	size := 0
	for _, b := range body {
		size += len(b)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, ErrClosed
	}
	seq = l.next
	l.next++
	if size > MaxBody || l.held+size+2*recordHeader+8 > l.opts.BufferBytes {
		if l.lostSeq == 0 {
			l.lostSeq = seq
		}
		l.stats.Lost++
		if size > MaxBody {
			return seq, fmt.Errorf("%w: %d bytes", ErrTooLarge, size)
		}
		return seq, ErrFull
	}
	g := l.cur
	before := len(g.buf)
	if l.lostSeq != 0 {
		l.appendGap(seq - 1)
	}
	if len(g.buf) == 0 {
		g.first = seq
	}
	g.buf = appendRecord(g.buf, seq, stamp, kind, size, body)
	g.last = seq
	l.stamp = max(l.stamp, stamp)
	l.held += len(g.buf) - before
	l.stats.Records++
	l.stats.AppendedBytes += uint64(size)
	if before == 0 {
		signal(l.arrived)
	}
	if before < urgentBytes && len(g.buf) >= urgentBytes {
		signal(l.urgent)
	}
	if len(g.buf) >= groupBytes {
		l.endGroup()
	}
	return seq, nil
}

// appendGap writes down that the sequences from lostSeq to last are lost. Called with mu held.
func (l *Log) appendGap(last uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], l.lostSeq)
	g := l.cur
	if len(g.buf) == 0 {
		g.first = last
	}
	g.buf = appendRecord(g.buf, last, l.stamp, KindGap, len(b), [][]byte{b[:]})
	g.last = last
	l.lostSeq = 0
}

// gapStart returns the first sequence of a gap record.
func gapStart(r Record) uint64 {
	if len(r.Body) != 8 {
		return r.Seq
	}
	return min(r.Seq, binary.LittleEndian.Uint64(r.Body))
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Written returns the highest sequence that is safe against the death of the process.
func (l *Log) Written() uint64 { return l.written.Load() }

// Synced returns the highest sequence that is safe against the loss of power.
func (l *Log) Synced() uint64 { return l.synced.Load() }

// Next returns the sequence the next record will get.
func (l *Log) Next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// WaitWritten waits until seq is safe against the death of the process. It hurries the committer, which takes
// all that has come meanwhile in one write. While the disk fails it waits on; bound it by ctx.
func (l *Log) WaitWritten(ctx context.Context, seq uint64) error {
	if l.written.Load() >= seq {
		return nil
	}
	return l.wait(ctx, seq, &l.written, func(g *group) *chan struct{} { return &g.writtenCh })
}

// WaitSynced waits until seq is safe against the loss of power, and asks for that at once.
func (l *Log) WaitSynced(ctx context.Context, seq uint64) error {
	if l.synced.Load() >= seq {
		return nil
	}
	l.mu.Lock()
	l.want = max(l.want, seq)
	l.mu.Unlock()
	return l.wait(ctx, seq, &l.synced, func(g *group) *chan struct{} { return &g.syncedCh })
}

func (l *Log) wait(ctx context.Context, seq uint64, mark *atomic.Uint64, of func(*group) *chan struct{}) error {
	l.mu.Lock()
	if mark.Load() >= seq {
		l.mu.Unlock()
		return nil
	}
	g := l.groupOf(seq)
	if g == nil {
		l.mu.Unlock()
		if seq >= l.Next() {
			return fmt.Errorf("journal: wait for record %d, which does not exist", seq)
		}
		return ErrFull
	}
	c := of(g)
	if *c == nil {
		*c = make(chan struct{})
	}
	ch := *c
	l.mu.Unlock()
	signal(l.urgent)
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("journal: wait for record %d: %w", seq, ctx.Err())
	case <-l.done:
		if mark.Load() >= seq {
			return nil
		}
		return ErrClosed
	}
}

// groupOf returns the group whose end makes seq safe; nil if there is none. Called with mu held.
func (l *Log) groupOf(seq uint64) *group {
	for _, g := range l.pending {
		if seq <= g.last {
			return g
		}
	}
	if len(l.cur.buf) > 0 && seq <= l.cur.last {
		return l.cur
	}
	return nil
}

// Behind reports whether so much waits for the disk that senders should be slowed.
func (l *Log) Behind() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.behind()
}

func (l *Log) behind() bool { return l.held > l.opts.BufferBytes/2 }

// WaitRoom waits while the log is behind.
func (l *Log) WaitRoom(ctx context.Context) error {
	for {
		l.mu.Lock()
		if !l.behind() {
			l.mu.Unlock()
			return nil
		}
		if l.room == nil {
			l.room = make(chan struct{})
		}
		room := l.room
		l.mu.Unlock()
		signal(l.urgent)
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.done:
			return ErrClosed
		}
	}
}

// Keep says that records before seq are no longer needed, usually because a checkpoint stands for them.
// Age never removes what is needed; RetainBytes does, and counts it. A fresh log needs everything.
func (l *Log) Keep(seq uint64) {
	l.mu.Lock()
	l.keep = max(l.keep, seq)
	l.mu.Unlock()
	signal(l.urgent)
}

// Pressure receives when the needed records take more than half of RetainBytes: time for a checkpoint.
func (l *Log) Pressure() <-chan struct{} { return l.pressure }

// SkipTo makes the next sequence at least seq, as after a checkpoint that stands for more than the log still
// holds. Readers see a gap.
func (l *Log) SkipTo(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seq <= l.next {
		return
	}
	if l.lostSeq == 0 {
		l.lostSeq = l.next
	}
	l.stats.Lost += seq - l.next
	l.next = seq
}

// Generation returns how many times this log has been opened for writing. It is higher than in every record
// before, so that numbers built on it are never given twice.
func (l *Log) Generation() uint64 { return l.w.generation }

// Read calls fn with every record from the given sequence on, in order, that was written when it was called;
// 0 is the oldest there is. The record's body is valid until fn returns. It ends early when fn returns an
// error, which it returns unless it is ErrStop. Damaged bytes are passed over, set aside in the directory
// quarantine, and told of in the Reader, which is never nil and is not to be read from any more.
func (l *Log) Read(from uint64, fn func(Record) error) (*Reader, error) {
	r := l.Reader(from)
	return r, r.each(fn)
}

// Reader returns a Reader of what is written now.
func (l *Log) Reader(from uint64) *Reader {
	l.mu.Lock()
	segs := append([]segment(nil), l.segs...)
	l.mu.Unlock()
	r := newReader(l.opts.FS, l.dir, segs, from)
	r.onDamage = l.setAside
	return r
}

// Close writes and syncs what was appended and ends the log. If ctx is done before, the rest is given up and
// the error says how much.
func (l *Log) Close(ctx context.Context) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		<-l.done
		return nil
	}
	l.closed = true
	if l.lostSeq != 0 {
		before := len(l.cur.buf)
		l.appendGap(l.next - 1)
		l.held += len(l.cur.buf) - before
	}
	l.mu.Unlock()
	close(l.closing)
	select {
	case <-l.done:
	case <-ctx.Done():
		close(l.giveUp)
		<-l.done
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held > 0 {
		return fmt.Errorf("close journal %s: %d bytes of records were not made durable: %s", l.dir, l.held, l.stats.Degraded)
	}
	return nil
}
