package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"

	"zeta/internal/faultpoint"
)

// change is one change of the outbox that is to be committed.
type change struct {
	op     op
	ticket uint64
	sink   string // or the table
	pos    uint64
	entry  *Entry
	key    string
	value  []byte

	delivered bool // of opPut: the sink has it, though it is not committed
	duplicate bool // of opPut: the ledger knew it
}

type op uint8

const (
	opPut op = iota
	opDone
	opFailed
	opDead
	opResend
	opDrop
	opNote
	opSet
	opDelete
)

// maxCommit bounds the changes of one transaction.
const maxCommit = 4000

// The buckets of the file. Those of sinks and tables have one bucket for each below them.
var (
	bucketMeta   = []byte("meta")
	bucketQueue  = []byte("queue")  // sink → position → entry
	bucketDead   = []byte("dead")   // sink → position → entry
	bucketLedger = []byte("ledger") // id, sink → stamp
	bucketAge    = []byte("age")    // stamp, id, sink → nothing
	bucketTable  = []byte("table")  // name → key → value
	bucketBroken = []byte("broken") // values whose checksum was wrong, as they were
	allBuckets   = [][]byte{bucketMeta, bucketQueue, bucketDead, bucketLedger, bucketAge, bucketTable, bucketBroken}

	metaVersion = []byte("version")
	metaSeq     = []byte("seq")
	metaPos     = []byte("pos")
)

// commit is the committer's goroutine.
func (o *Outbox) commit() {
	defer close(o.done)
	for {
		select {
		case <-o.wake:
		case <-o.closing:
		}
		for {
			o.mu.Lock()
			batch := o.waiting[:min(len(o.waiting), maxCommit)]
			o.mu.Unlock()
			if len(batch) == 0 {
				break
			}
			if !o.commitBatch(batch) {
				return // given up
			}
		}
		select {
		case <-o.closing:
			return
		default:
		}
	}
}

// commitBatch commits the first changes that wait, again and again until that succeeds. It returns false if
// the outbox was given up.
func (o *Outbox) commitBatch(batch []*change) bool {
	for {
		applied, err := o.try(batch)
		if noSpace(err) && o.useReserve() {
			applied, err = o.try(batch)
		}
		if err == nil {
			o.committed(batch, applied)
			o.makeReserve()
			return true
		}
		o.failedCommit(err)
		select {
		case <-time.After(o.opts.RetryEvery):
		case <-o.giveUp:
			return false
		}
	}
}

// applied is what a transaction found out.
type applied struct {
	seq       uint64
	ledger    int // change of the number of ids
	forgotten int
}

// try runs one transaction. A panic of the database, which a damaged file can cause, is an error.
func (o *Outbox) try(batch []*change) (a applied, err error) {
	defer guard(&err)()
	if err := faultpoint.Error("outbox.commit"); err != nil {
		return a, err
	}
	if o.broken.Load() {
		return a, errors.New("outbox: made to fail")
	}
	err = o.db.Update(func(tx *bolt.Tx) error {
		a = applied{}
		for _, c := range batch {
			if err := o.apply(tx, c, &a); err != nil {
				return err
			}
		}
		if err := o.prune(tx, &a); err != nil {
			return err
		}
		meta := tx.Bucket(bucketMeta)
		if old := getNumber(meta, metaSeq); a.seq > old {
			if err := meta.Put(metaSeq, number(a.seq)); err != nil {
				return err
			}
		}
		faultpoint.Hit("outbox.applied")
		return nil
	})
	if err == nil {
		faultpoint.Hit("outbox.committed")
	}
	return a, err
}

// guard turns a panic, or a fault in the mapped file, into an error.
func guard(err *error) func() {
	old := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(old)
		if p := recover(); p != nil {
			*err = fmt.Errorf("outbox: the file is damaged: %v", p)
		}
	}
}

func getNumber(b *bolt.Bucket, key []byte) uint64 {
	if v := b.Get(key); len(v) == 8 {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func (o *Outbox) apply(tx *bolt.Tx, c *change, a *applied) error {
	switch c.op {
	case opPut:
		c.duplicate = false
		known, err := o.note(tx, c.entry, a)
		if err != nil || known {
			c.duplicate = known
			return err
		}
		a.seq = max(a.seq, c.entry.Seq)
		return putEntry(tx, bucketQueue, c.entry)
	case opDone:
		return deleteEntry(tx, bucketQueue, c.sink, c.pos)
	case opFailed:
		return editEntry(tx, c.sink, c.pos, func(e *Entry) { e.Attempts, e.Err = e.Attempts+1, c.key })
	case opDead:
		e, err := takeEntry(tx, bucketQueue, c.sink, c.pos)
		if e == nil || err != nil {
			return err
		}
		e.Err = c.key
		return putEntry(tx, bucketDead, e)
	case opResend:
		e, err := takeEntry(tx, bucketDead, c.sink, c.pos)
		if e == nil || err != nil {
			return err
		}
		e.Pos, e.Attempts, e.Err = c.entry.Pos, 0, ""
		return putEntry(tx, bucketQueue, e)
	case opDrop:
		return deleteEntry(tx, bucketDead, c.sink, c.pos)
	case opNote:
		_, err := o.note(tx, c.entry, a)
		return err
	case opSet:
		b, err := tx.Bucket(bucketTable).CreateBucketIfNotExists([]byte(c.sink))
		if err != nil {
			return err
		}
		return b.Put([]byte(c.key), frame(c.value))
	case opDelete:
		if b := tx.Bucket(bucketTable).Bucket([]byte(c.sink)); b != nil {
			return b.Delete([]byte(c.key))
		}
	}
	return nil
}

// note writes an alert's id into the ledger; known says that it was there.
func (o *Outbox) note(tx *bolt.Tx, e *Entry, a *applied) (known bool, err error) {
	key := ledgerKey(e.Sink, e.ID)
	ledger := tx.Bucket(bucketLedger)
	if ledger.Get(key) != nil {
		return true, nil
	}
	a.ledger++
	if err := ledger.Put(key, number(uint64(e.Stamp))); err != nil {
		return false, err
	}
	return false, tx.Bucket(bucketAge).Put(ledgerAgeKey(e.Stamp, key), nil)
}

// prune forgets ids that are too old or too many; at most twice as many as a commit can add.
func (o *Outbox) prune(tx *bolt.Tx, a *applied) error {
	o.mu.Lock()
	limit, count := o.maxStamp-o.opts.LedgerAge.Microseconds(), o.ledger
	o.mu.Unlock()
	bound := number(uint64(limit) ^ 1<<63)
	ledger, age := tx.Bucket(bucketLedger), tx.Bucket(bucketAge)
	c := age.Cursor()
	for range 2 * maxCommit {
		k, _ := c.First()
		tooMany := count+a.ledger > o.opts.LedgerIDs
		if len(k) < 8 || !tooMany && bytes.Compare(k[:8], bound) >= 0 {
			return nil
		}
		if bytes.Compare(k[:8], bound) >= 0 {
			a.forgotten++
		}
		if err := ledger.Delete(k[8:]); err != nil {
			return err
		}
		if err := age.Delete(k); err != nil {
			return err
		}
		a.ledger--
	}
	return nil
}

func putEntry(tx *bolt.Tx, top []byte, e *Entry) error {
	b, err := tx.Bucket(top).CreateBucketIfNotExists([]byte(e.Sink))
	if err != nil {
		return err
	}
	if meta := tx.Bucket(bucketMeta); e.Pos > getNumber(meta, metaPos) {
		if err := meta.Put(metaPos, number(e.Pos)); err != nil {
			return err
		}
	}
	return b.Put(number(e.Pos), frame(encodeEntry(e)))
}

func deleteEntry(tx *bolt.Tx, top []byte, sink string, pos uint64) error {
	if b := tx.Bucket(top).Bucket([]byte(sink)); b != nil {
		return b.Delete(number(pos))
	}
	return nil
}

// getEntry returns nil when there is no such entry or it is damaged.
func getEntry(tx *bolt.Tx, top []byte, sink string, pos uint64) *Entry {
	b := tx.Bucket(top).Bucket([]byte(sink))
	if b == nil {
		return nil
	}
	v, err := unframe(b.Get(number(pos)))
	if err != nil {
		return nil
	}
	e, err := decodeEntry(v, pos)
	if err != nil {
		return nil
	}
	return e
}

func takeEntry(tx *bolt.Tx, top []byte, sink string, pos uint64) (*Entry, error) {
	e := getEntry(tx, top, sink, pos)
	return e, deleteEntry(tx, top, sink, pos)
}

func editEntry(tx *bolt.Tx, sink string, pos uint64, edit func(*Entry)) error {
	e := getEntry(tx, bucketQueue, sink, pos)
	if e == nil {
		return nil
	}
	edit(e)
	return putEntry(tx, bucketQueue, e)
}

// committed takes committed changes off the list and tells who waits.
func (o *Outbox) committed(batch []*change, a applied) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stats.Commits++
	o.stats.Forgotten += uint64(a.forgotten)
	o.ledger += a.ledger
	o.seq = max(o.seq, a.seq)
	for _, c := range batch {
		if c.op != opPut && c.op != opResend {
			continue
		}
		q := o.queue(c.sink)
		if c.duplicate {
			o.stats.Duplicates++
			q.remove(c.entry.Pos)
		} else {
			q.committed(c.entry.Pos)
		}
	}
	o.waiting = append([]*change(nil), o.waiting[len(batch):]...)
	o.settle(batch[len(batch)-1].ticket)
	if o.stats.Degraded != "" {
		o.opts.Logger.Info("outbox: commits again", "after", time.Since(o.stats.Since).Round(time.Millisecond))
		o.stats.Degraded, o.stats.Since = "", time.Time{}
	}
}

// settle moves the watermark. Called with mu held.
func (o *Outbox) settle(ticket uint64) {
	if ticket > o.settled {
		o.settled = ticket
		close(o.moved)
		o.moved = make(chan struct{})
	}
}

// settleDelivered moves the watermark over what is delivered though it cannot be committed. Called with mu held.
func (o *Outbox) settleDelivered() {
	at := o.settled
	for _, c := range o.waiting {
		if c.op == opPut && !c.delivered {
			break
		}
		at = c.ticket
	}
	o.settle(at)
}

func (o *Outbox) failedCommit(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stats.CommitErrors++
	if o.stats.Degraded == "" {
		o.stats.Since = time.Now()
		o.opts.Logger.Error("outbox: cannot commit; alerts are sent from memory meanwhile", "err", err, "retry_every", o.opts.RetryEvery)
	}
	o.stats.Degraded = err.Error()
	for _, q := range o.queues {
		signal(q.wake)
	}
}

func (o *Outbox) reservePath() string { return o.path + ".reserve" }

// useReserve gives the space that was set aside to the file.
func (o *Outbox) useReserve() bool {
	if !o.reserved {
		return false
	}
	o.reserved = false
	o.reserveAt = time.Now().Add(time.Minute)
	o.opts.Logger.Warn("outbox: the disk is full; alerts use the space set aside for them", "bytes", o.opts.ReserveBytes)
	return os.Remove(o.reservePath()) == nil
}

// makeReserve sets the space aside again, when there is some.
func (o *Outbox) makeReserve() {
	if o.reserved || o.opts.ReserveBytes <= 0 || time.Now().Before(o.reserveAt) {
		return
	}
	o.reserveAt = time.Now().Add(time.Minute)
	os.Remove(o.reservePath())
	f, err := OS{}.Create(o.reservePath())
	if err != nil {
		return
	}
	err = f.Allocate(o.opts.ReserveBytes)
	f.Close()
	if err != nil {
		os.Remove(o.reservePath())
		if !errors.Is(err, errors.ErrUnsupported) {
			o.opts.Logger.Warn("outbox: no space can be set aside for alerts", "err", err)
		}
		return
	}
	o.reserved = true
}
