package sinks

import (
	"context"
	"log/slog"
	"os"
	"sync"

	"zeta/journal"
	"zeta/streams"
)

// bulkBacklog is a backlog of metrics and logs in a segment log: its size is bounded, the oldest is dropped when it
// is reached, and nobody waits for it. What the target refuses for good is kept in memory, the newest of it.
type bulkBacklog struct {
	dir    string
	bulk   *journal.BulkLog
	log    *slog.Logger
	before int64         // what is stamped up to here came in the life before
	buried memoryBacklog // its dead letters only

	mu     sync.Mutex
	peeked map[*streams.Alert]uint64 // handed to the worker, with their records
}

// openBulkBacklog opens the backlog in dir, making it if there is none.
func openBulkBacklog(dir string, log *slog.Logger) (*bulkBacklog, error) {
	bulk, err := journal.OpenBulkLog(dir, journal.BulkOptions{Logger: log})
	if err != nil {
		return nil, err
	}
	return &bulkBacklog{dir: dir, bulk: bulk, log: log, before: bulk.Newest(), peeked: map[*streams.Alert]uint64{}}, nil
}

// add takes an alert. One that a replay makes again is here already: the clock says so, which the replay repeats.
func (b *bulkBacklog) add(a *streams.Alert) (dropped int, err error) {
	if a.At <= b.before {
		return 0, nil
	}
	if err := b.bulk.Append(a.At, streams.EncodeAlert(a)); err != nil {
		return 1, nil // the disk does not keep up, or fails: that holds nobody up
	}
	return 0, nil
}

func (b *bulkBacklog) peek(events int) (batch []*streams.Alert, full bool) {
	records, err := b.bulk.Peek(min(events, peekEntries), peekBytes)
	if err != nil {
		b.log.Error("the backlog of a sink cannot be read", "dir", b.dir, "err", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.peeked)
	var alerts []*streams.Alert
	for _, r := range records {
		a, err := streams.DecodeAlert(r.Body)
		if err != nil { // its checksum is right: another version wrote it
			b.log.Error("a record in the backlog of a sink cannot be read and is left out", "dir", b.dir, "err", err)
			continue
		}
		b.peeked[a] = r.Seq
		alerts = append(alerts, a)
	}
	if len(alerts) == 0 && len(records) > 0 {
		b.bulk.Done(records[len(records)-1].Seq)
	}
	return fitting(alerts, events)
}

func (b *bulkBacklog) done(batch []*streams.Alert) {
	b.mu.Lock()
	var last uint64
	for _, a := range batch {
		last = max(last, b.peeked[a])
	}
	b.mu.Unlock()
	if err := b.bulk.Done(last); err != nil {
		b.log.Warn("what a sink has delivered could not be noted; after a kill it would be sent again", "dir", b.dir, "err", err)
	}
}

func (b *bulkBacklog) dead(a *streams.Alert, reason string) {
	b.done([]*streams.Alert{a})
	b.buried.bury(a, reason)
}

// settle waits for the disk, through which everything goes.
func (b *bulkBacklog) settle(ctx context.Context) {
	if err := b.bulk.Settle(ctx); err != nil {
		b.log.Warn("not all that waits for a sink is on disk", "dir", b.dir, "err", err)
	}
}

func (b *bulkBacklog) wake() <-chan struct{} { return b.bulk.Wake() }
func (b *bulkBacklog) length() int           { return int(b.bulk.Stats().Waiting) }
func (b *bulkBacklog) lost() uint64          { return b.bulk.Stats().Lost }
func (b *bulkBacklog) letters() []DeadLetter { return b.buried.letters() }

func (b *bulkBacklog) resend(pos uint64) error {
	a, err := b.buried.exhume(pos)
	if err == nil {
		err = b.bulk.Append(a.At, streams.EncodeAlert(a))
	}
	return err
}

func (b *bulkBacklog) drop(pos uint64) error { return b.buried.drop(pos) }

// close writes down what is left for the next life; when nothing is and no rule names the sink, its directory goes.
func (b *bulkBacklog) close(ctx context.Context, forget bool) (lost int) {
	left := b.length()
	if err := b.bulk.Close(ctx); err != nil {
		b.log.Error("the backlog of a sink was not closed in order", "dir", b.dir, "err", err)
	}
	if forget && left == 0 {
		os.RemoveAll(b.dir)
	}
	return 0
}
