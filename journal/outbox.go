package journal

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// OutboxOptions of an Outbox. Zero fields take the defaults.
type OutboxOptions struct {
	QueueBytes   int64         // what may wait for one sink; default 64 MiB
	DeadLetters  int           // kept for one sink, the oldest are dropped; default 10 000
	LedgerAge    time.Duration // how long ids are remembered, by the alerts' stamps: as long as the log is kept; default 25 h
	LedgerIDs    int           // and how many; default 1 000 000
	ReserveBytes int64         // disk space set aside for alerts when the disk is full; default 64 MiB, negative: none
	RetryEvery   time.Duration // pause after a failed commit; default 500 ms
	Log          *Log          // gets a copy of every alert, to refill a lost outbox from; nil: no copies
	Logger       *slog.Logger  // default slog.Default()
}

func (o *OutboxOptions) setDefaults() {
	set(&o.QueueBytes, 64<<20)
	set(&o.DeadLetters, 10_000)
	set(&o.LedgerAge, 25*time.Hour)
	set(&o.LedgerIDs, 1_000_000)
	set(&o.ReserveBytes, 64<<20)
	set(&o.RetryEvery, 500*time.Millisecond)
	set(&o.Logger, slog.Default())
}

// ID is an alert's identity: the same cause gives the same ID in a replay.
type ID [16]byte

// NumberID makes an ID of a 64-bit hash.
func NumberID(n uint64) (id ID) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Entry is an alert in the outbox.
type Entry struct {
	Sink  string // whose queue it is in
	ID    ID
	Key   string // for people: what it is about
	Seq   uint64 // the log's record that caused it
	Stamp int64  // engine's clock, microseconds since the epoch
	Body  []byte // the sink's; not to be changed once put

	Pos      uint64 // place in the outbox, given by Put: rises
	Attempts int    // failed ones, as Queue.Failed counted them
	Err      string // of the last failed attempt, or why it is a dead letter
}

// Bounds of an entry, in bytes.
const (
	MaxEntryBody  = 16 << 20
	maxEntryName  = 1 << 10
	entryOverhead = 100 // counted for each entry beside its texts
)

// Errors of an Outbox.
var (
	// ErrOutboxFull says that as much waits for a sink as may. The alert was not taken: answer its cause not ok.
	ErrOutboxFull = errors.New("outbox: the sink's queue is full")
	// ErrNoEntry says that there is no such entry, or not any more.
	ErrNoEntry = errors.New("outbox: no such entry")
)

// Outbox holds alerts until their sinks took them, in one file. All its methods are safe for concurrent use.
type Outbox struct {
	opts OutboxOptions
	path string
	db   *bolt.DB

	mu       sync.Mutex
	queues   map[string]*Queue
	tables   map[string]*Table
	waiting  []*change // not committed yet, in the order of their tickets
	ticket   uint64    // of the last change
	settled  uint64    // changes up to here are committed, or delivered
	moved    chan struct{}
	pos      uint64
	seq      uint64 // highest Seq of a committed entry
	maxStamp int64
	ledger   int // ids in it
	closed   bool
	stats    OutboxStats
	rebuilt  string

	broken    atomic.Bool // commits fail: for tests
	reserved  bool
	reserveAt time.Time // not to be tried again before

	wake    chan struct{}
	closing chan struct{}
	giveUp  chan struct{}
	done    chan struct{}
}

// OutboxStats is what an Outbox counts since it was opened, and its present state.
type OutboxStats struct {
	Put, Duplicates, Full, Done, Dead uint64 // entries
	DeadDropped                       uint64 // dead letters that made room for newer ones
	Forgotten                         uint64 // ids that left the ledger because there were too many
	Damaged                           uint64 // values with a wrong checksum
	Commits, CommitErrors             uint64

	Degraded string // why nothing can be committed at present; "": all is well
	Since    time.Time

	Waiting int   // changes that are not committed
	Queued  int   // entries in all queues
	Bytes   int64 // of them
	Ledger  int
	File    int64 // bytes of the file
}

// Put takes an alert for its sink. It copies nothing and waits for nothing: the entry is the outbox's, and
// is safe when Wait of the ticket returns. An alert whose ID the ledger knows for this sink is dropped when
// it would be committed. After an error it was not taken.
func (o *Outbox) Put(e Entry) (ticket uint64, err error) { return o.put(e, o.opts.Log) }

func (o *Outbox) put(e Entry, copies *Log) (ticket uint64, err error) {
	if e.Sink == "" || len(e.Sink) > maxEntryName || len(e.Body) > MaxEntryBody {
		return 0, fmt.Errorf("outbox: alert for sink %.40q with %d bytes: want a name of 1 to %d bytes and at most %d", e.Sink, len(e.Body), maxEntryName, MaxEntryBody)
	}
	if len(e.Key) > maxEntryName {
		e.Key = e.Key[:maxEntryName]
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return 0, ErrClosed
	}
	q := o.queue(e.Sink)
	if q.bytes+e.size() > o.opts.QueueBytes {
		o.stats.Full++
		return 0, ErrOutboxFull
	}
	o.pos++
	e.Pos = o.pos
	o.stats.Put++
	q.append(item{pos: e.Pos, size: e.size(), stamp: e.Stamp, entry: &e})
	if copies != nil {
		copies.Append(KindAlert, e.Stamp, encodeEntry(&e)) // a lost copy costs only the refill
	}
	return o.add(&change{op: opPut, sink: e.Sink, entry: &e}), nil
}

func (e *Entry) size() int64 { return int64(len(e.Body)+len(e.Key)+len(e.Sink)) + entryOverhead }

// add queues a change and returns its ticket. Called with mu held.
func (o *Outbox) add(c *change) uint64 {
	o.ticket++
	c.ticket = o.ticket
	o.waiting = append(o.waiting, c)
	signal(o.wake)
	return c.ticket
}

// Wait waits until the change with this ticket, and all before it, are durable. While the disk fails an alert that
// was delivered meanwhile counts as well. Ticket 0 is nothing to wait for.
func (o *Outbox) Wait(ctx context.Context, ticket uint64) error {
	for {
		o.mu.Lock()
		if o.settled >= ticket {
			o.mu.Unlock()
			return nil
		}
		moved := o.moved
		o.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("outbox: wait for change %d: %w", ticket, ctx.Err())
		case <-o.done:
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.settled >= ticket {
				return nil
			}
			return ErrClosed
		}
	}
}

// Settled returns the ticket up to which Wait would not wait.
func (o *Outbox) Settled() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.settled
}

// Seq returns the highest Seq of an entry that was ever committed.
func (o *Outbox) Seq() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seq
}

// Rebuilt returns why the outbox began empty, if its file could not be read: it is in quarantine then, and
// Refill brings back what the log still knows.
func (o *Outbox) Rebuilt() (reason string, rebuilt bool) { return o.rebuilt, o.rebuilt != "" }

// Queues returns the names of all sinks that have a queue, sorted.
func (o *Outbox) Queues() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var names []string
	for name := range o.queues {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Stats returns the counts and the present state.
func (o *Outbox) Stats() OutboxStats {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.stats
	s.Waiting, s.Ledger = len(o.waiting), o.ledger
	for _, q := range o.queues {
		s.Queued += len(q.items)
		s.Bytes += q.bytes
	}
	if info, err := os.Stat(o.path); err == nil {
		s.File = info.Size()
	}
	return s
}

// Close commits what waits and closes the file. If ctx is done before, the rest is given up and the error
// says how much.
func (o *Outbox) Close(ctx context.Context) error {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		<-o.done
		return nil
	}
	o.closed = true
	o.mu.Unlock()
	close(o.closing)
	select {
	case <-o.done:
	case <-ctx.Done():
		close(o.giveUp)
		<-o.done
	}
	err := o.db.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := len(o.waiting); n > 0 {
		return fmt.Errorf("close outbox %s: %d changes were not made durable: %s", o.path, n, o.stats.Degraded)
	}
	return err
}
