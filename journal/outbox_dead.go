package journal

import (
	"slices"

	bolt "go.etcd.io/bbolt"
)

// DeadLetters returns dead letters of the sink, oldest first: at most limit, those after the position; and how
// many there are in all. Those not committed yet are left out.
func (q *Queue) DeadLetters(after uint64, limit int) (letters []Entry, all int, err error) {
	q.o.mu.Lock()
	all = len(q.dead)
	i, _ := slices.BinarySearch(q.dead, after+1)
	picked := slices.Clone(q.dead[i:min(len(q.dead), i+limit)])
	q.o.mu.Unlock()
	defer guard(&err)()
	err = q.o.db.View(func(tx *bolt.Tx) error {
		for _, pos := range picked {
			if e := getEntry(tx, bucketDead, q.sink, pos); e != nil {
				letters = append(letters, *e)
			}
		}
		return nil
	})
	return letters, all, err
}

// DeadLetter returns one, or ErrNoEntry.
func (q *Queue) DeadLetter(pos uint64) (Entry, error) {
	letters, _, err := q.DeadLetters(pos-1, 1)
	if err != nil {
		return Entry{}, err
	}
	if len(letters) == 0 || letters[0].Pos != pos {
		return Entry{}, ErrNoEntry
	}
	return letters[0], nil
}

// Resend puts a dead letter at the end of the queue, with its ID. It returns ErrNoEntry, or ErrOutboxFull.
func (q *Queue) Resend(pos uint64) (ticket uint64, err error) {
	e, err := q.DeadLetter(pos)
	if err != nil {
		return 0, err
	}
	o := q.o
	o.mu.Lock()
	defer o.mu.Unlock()
	if q.bytes+e.size() > o.opts.QueueBytes {
		return 0, ErrOutboxFull
	}
	if !q.takeDead(pos) {
		return 0, ErrNoEntry
	}
	o.pos++
	e.Pos = o.pos
	q.append(item{pos: e.Pos, size: e.size(), stamp: e.Stamp})
	return o.add(&change{op: opResend, sink: q.sink, pos: pos, entry: &e}), nil
}

// Drop removes a dead letter for good. It returns ErrNoEntry if there is no such one.
func (q *Queue) Drop(pos uint64) (ticket uint64, err error) {
	q.o.mu.Lock()
	defer q.o.mu.Unlock()
	if !q.takeDead(pos) {
		return 0, ErrNoEntry
	}
	return q.o.add(&change{op: opDrop, sink: q.sink, pos: pos}), nil
}

// takeDead takes a position off the list. Called with mu held.
func (q *Queue) takeDead(pos uint64) bool {
	i, ok := slices.BinarySearch(q.dead, pos)
	if ok {
		q.dead = slices.Delete(q.dead, i, i+1)
	}
	return ok
}
