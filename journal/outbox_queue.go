package journal

import (
	"slices"
	"sort"

	bolt "go.etcd.io/bbolt"
)

// Queue is what waits for one sink, in the order it was put. Its methods are safe for concurrent use; one worker
// should deliver.
type Queue struct {
	o     *Outbox
	sink  string
	items []item // rising positions
	bytes int64
	dead  []uint64 // positions of dead letters, rising
	wake  chan struct{}
}

// item is an entry of a queue as the outbox keeps it in memory.
type item struct {
	pos   uint64
	size  int64
	stamp int64
	ready bool   // committed
	entry *Entry // while it is not
}

// Queue returns the queue of a sink.
func (o *Outbox) Queue(sink string) *Queue {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queue(sink)
}

// queue is Queue with mu held.
func (o *Outbox) queue(sink string) *Queue {
	q := o.queues[sink]
	if q == nil {
		q = &Queue{o: o, sink: sink, wake: make(chan struct{}, 1)}
		o.queues[sink] = q
	}
	return q
}

// Wake has one slot, filled when entries became ready.
func (q *Queue) Wake() <-chan struct{} { return q.wake }

// Len returns how many entries wait, in how many bytes, and the stamp of the oldest.
func (q *Queue) Len() (n int, bytes, oldest int64) {
	q.o.mu.Lock()
	defer q.o.mu.Unlock()
	if len(q.items) > 0 {
		oldest = q.items[0].stamp
	}
	return len(q.items), q.bytes, oldest
}

// Peek returns the first entries, at most n and about so many bytes, but one if there is one. They stay until
// Done or Dead. Entries that are not durable yet are left out unless the disk fails.
func (q *Queue) Peek(n int, bytes int64) ([]Entry, error) {
	o := q.o
	o.mu.Lock()
	degraded := o.stats.Degraded != ""
	var picked []item
	for _, it := range q.items {
		if len(picked) >= n || len(picked) > 0 && bytes < it.size || !it.ready && (!degraded || it.entry == nil) {
			break
		}
		bytes -= it.size
		picked = append(picked, it)
	}
	o.mu.Unlock()
	return q.read(picked)
}

// read reads entries from the file, or takes them from memory if they are not there yet.
func (q *Queue) read(picked []item) (entries []Entry, err error) {
	if len(picked) == 0 {
		return nil, nil
	}
	defer guard(&err)()
	var gone []uint64
	err = q.o.db.View(func(tx *bolt.Tx) error {
		for _, it := range picked {
			if it.entry != nil {
				if tx.Bucket(bucketLedger).Get(ledgerKey(q.sink, it.entry.ID)) == nil {
					entries = append(entries, *it.entry)
				} else {
					gone = append(gone, it.pos) // a replay's: sent before
				}
				continue
			}
			if e := getEntry(tx, bucketQueue, q.sink, it.pos); e != nil {
				entries = append(entries, *e)
			} else {
				gone = append(gone, it.pos)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(gone) > 0 {
		q.o.mu.Lock()
		for _, pos := range gone {
			q.remove(pos)
		}
		q.o.stats.Damaged += uint64(len(gone))
		q.o.mu.Unlock()
	}
	return entries, nil
}

// Done says that the sink has taken these entries. The ticket need not be waited for: if zeta dies before, they
// are sent again with the same IDs.
func (q *Queue) Done(entries ...Entry) (ticket uint64) {
	return q.leave(entries, opDone, "")
}

// Dead makes entries dead letters for the reason.
func (q *Queue) Dead(reason string, entries ...Entry) (ticket uint64) {
	return q.leave(entries, opDead, reason)
}

func (q *Queue) leave(entries []Entry, op op, reason string) (ticket uint64) {
	o := q.o
	o.mu.Lock()
	defer o.mu.Unlock()
	var settled []ID
	for _, e := range entries {
		if !q.remove(e.Pos) {
			continue
		}
		ticket = o.add(&change{op: op, sink: q.sink, pos: e.Pos, key: reason})
		settled = append(settled, e.ID)
		if op == opDone {
			o.stats.Done++
			continue
		}
		o.stats.Dead++
		q.dead = append(q.dead, e.Pos)
		if len(q.dead) > o.opts.DeadLetters {
			ticket = o.add(&change{op: opDrop, sink: q.sink, pos: q.dead[0]})
			q.dead = q.dead[1:]
			o.stats.DeadDropped++
		}
	}
	if len(settled) > 0 && o.opts.Log != nil {
		o.opts.Log.Append(KindSettled, o.maxStamp, encodeSettled(settled, q.sink)) // a lost copy costs a resending
	}
	if o.stats.Degraded != "" {
		q.deliveredInMemory(entries)
	}
	return ticket
}

// deliveredInMemory marks changes that hold these entries. Called with mu held.
func (q *Queue) deliveredInMemory(entries []Entry) {
	for _, c := range q.o.waiting {
		if c.op == opPut && c.sink == q.sink {
			c.delivered = c.delivered || slices.ContainsFunc(entries, func(e Entry) bool { return e.Pos == c.entry.Pos })
		}
	}
	q.o.settleDelivered()
}

// Failed notes a failed attempt at an entry.
func (q *Queue) Failed(e Entry, reason string) {
	q.o.mu.Lock()
	defer q.o.mu.Unlock()
	q.o.add(&change{op: opFailed, sink: q.sink, pos: e.Pos, key: reason})
}

// append adds an item at the end; find, remove and committed change it. Called with mu held.
func (q *Queue) append(it item) {
	q.items = append(q.items, it)
	q.bytes += it.size
	q.o.maxStamp = max(q.o.maxStamp, it.stamp)
}

func (q *Queue) find(pos uint64) (int, bool) {
	i := sort.Search(len(q.items), func(i int) bool { return q.items[i].pos >= pos })
	return i, i < len(q.items) && q.items[i].pos == pos
}

func (q *Queue) remove(pos uint64) bool {
	i, ok := q.find(pos)
	if !ok {
		return false
	}
	q.bytes -= q.items[i].size
	if i == 0 {
		q.items[0] = item{}
		q.items = q.items[1:]
	} else {
		q.items = slices.Delete(q.items, i, i+1)
	}
	return true
}

func (q *Queue) committed(pos uint64) {
	if i, ok := q.find(pos); ok {
		q.items[i].ready, q.items[i].entry = true, nil
		signal(q.wake)
	}
}
