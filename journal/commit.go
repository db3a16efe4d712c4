package journal

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"zeta/internal/faultpoint"
)

const (
	// gather is how long the committer waits for more when nobody waits for it.
	gather = time.Millisecond
	// stageBytes is about how much goes into one write.
	stageBytes = 256 << 10
)

// writer is the committer's own state: the active segment and where it stands in it.
type writer struct {
	generation uint64
	f          File // nil: none is open
	head       header
	off        int64 // where the next record goes
	size       int64 // of the segment
	salt       uint32
	ordinal    uint64 // of the last segment made
	high       uint64 // highest sequence written to any segment
	stage      []byte
	repeated   []uint64 // abandoned segments without a durable record
}

// commit is the committer's goroutine.
func (l *Log) commit() {
	defer close(l.done)
	var deadline <-chan time.Time // when written records have waited long enough to be made durable
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	for {
		select {
		case <-l.urgent:
		case <-l.arrived:
			pause.Reset(gather)
			select {
			case <-l.urgent:
			case <-pause.C:
			case <-l.closing:
			}
		case <-deadline:
			l.mu.Lock()
			l.want = l.written.Load()
			l.mu.Unlock()
			deadline = nil
		case <-l.closing:
		}
		closing := l.isClosing()
		if !l.flush(closing) {
			l.closeActive() // given up
			return
		}
		l.retain()
		switch {
		case l.synced.Load() == l.written.Load():
			deadline = nil
		case deadline == nil && l.opts.SyncEvery > 0:
			deadline = time.After(l.opts.SyncEvery)
		}
		if closing {
			l.closeActive()
			return
		}
	}
}

func (l *Log) isClosing() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

// flush writes what there is, and makes it durable if it is time, again and again until that succeeds. It
// returns false if the log was given up.
func (l *Log) flush(closing bool) bool {
	for {
		err := l.flushOnce(closing)
		if err == nil {
			l.recovered()
			return true
		}
		l.failed(err)
		select {
		case <-time.After(l.opts.RetryEvery):
		case <-l.giveUp:
			return false
		}
	}
}

func (l *Log) flushOnce(closing bool) error {
	l.mu.Lock()
	if len(l.cur.buf) > 0 {
		l.endGroup()
	}
	pending := l.pending
	bytes := 0
	for _, g := range pending {
		bytes += len(g.buf)
	}
	due := closing || l.want > l.synced.Load() || bytes > l.opts.BufferBytes/4
	l.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	for _, g := range pending {
		if g.done == len(g.buf) {
			continue
		}
		if err := l.write(g); err != nil {
			return err
		}
		l.wrote(g)
	}
	if !due {
		return nil
	}
	return l.sync(pending)
}

// write lays out the rest of a group and writes it, making new segments as they are needed.
func (l *Log) write(g *group) error {
	w := &l.w
	for g.done < len(g.buf) {
		rec, seq := recordAt(g.buf[g.done:])
		if w.f != nil && w.off > recordsBegin && !w.fits(len(rec)) {
			if err := l.sealActive(); err != nil {
				return err
			}
		}
		if w.f == nil {
			if err := l.newSegment(rec, seq); err != nil {
				return err
			}
		}
		stage, off, done, high := w.stage[:0], w.off, g.done, w.high
		for len(stage) < stageBytes {
			seal(rec, w.salt)
			stage, off = layout(stage, off, rec, seq, w.head.ordinal)
			done += len(rec)
			high = seq
			if done == len(g.buf) {
				break
			}
			rec, seq = recordAt(g.buf[done:])
			if off+int64(len(rec))+int64(len(rec)/blockBytes+1)*markBytes > l.opts.SegmentBytes {
				break
			}
		}
		w.high = max(w.high, high) // even if it fails: some of it may be there
		n, err := w.f.WriteAt(stage, w.off)
		if err == nil && n < len(stage) {
			err = fmt.Errorf("wrote %d of %d bytes", n, len(stage))
		}
		if cap(stage) > 4*stageBytes {
			stage = nil
		}
		w.stage = stage
		if err != nil {
			err = fmt.Errorf("write segment %s: %w", segmentName(w.head.ordinal), err)
			if !noSpace(err) {
				l.abandon(err)
			}
			return err
		}
		w.off, g.done = off, done
		faultpoint.Hit("journal.written")
		l.mu.Lock()
		l.segs[len(l.segs)-1].end = off
		l.mu.Unlock()
	}
	return nil
}

func (w *writer) fits(n int) bool {
	return w.off+int64(n)+int64(n/blockBytes+1)*markBytes <= w.size
}

// wrote moves the written watermark.
func (l *Log) wrote(g *group) {
	l.mu.Lock()
	if g.last > l.written.Load() {
		l.written.Store(g.last)
	}
	if g.writtenCh != nil {
		close(g.writtenCh)
		g.writtenCh = nil
	}
	l.stats.Groups++
	l.mu.Unlock()
	l.told()
}

func (l *Log) told() {
	if l.opts.OnCommit != nil {
		l.opts.OnCommit(l.written.Load(), l.synced.Load())
	}
}

// sync makes the active segment durable, and with it everything that is pending, which is all written.
func (l *Log) sync(pending []*group) error {
	if l.w.f != nil {
		began := time.Now()
		faultpoint.Hit("journal.syncing")
		err := l.w.f.Sync()
		l.mu.Lock()
		l.stats.Syncs++
		l.stats.LastSync = time.Since(began)
		l.stats.SlowestSync = max(l.stats.SlowestSync, l.stats.LastSync)
		if err != nil {
			l.stats.SyncErrors++
		}
		l.mu.Unlock()
		if err != nil {
			err = fmt.Errorf("sync segment %s: %w", segmentName(l.w.head.ordinal), err)
			l.abandon(err)
			return err
		}
	}
	faultpoint.Hit("journal.synced")
	l.removeRepeated(l.w.ordinal)
	l.mu.Lock()
	room := 0
	for _, g := range pending {
		room += cap(g.buf)
		l.synced.Store(max(g.last, l.synced.Load()))
		if g.syncedCh != nil {
			close(g.syncedCh)
		}
		l.held -= len(g.buf)
		l.recycle(g)
	}
	l.letGo(max(2*room, 2*groupBytes))
	l.pending = slices.Delete(l.pending, 0, len(pending))
	if l.room != nil && !l.behind() {
		close(l.room)
		l.room = nil
	}
	l.mu.Unlock()
	l.told()
	return nil
}

// endGroup begins another group. Called with mu held.
func (l *Log) endGroup() {
	l.pending = append(l.pending, l.cur)
	l.cur = &group{}
	if n := len(l.free); n > 0 {
		l.cur, l.free = l.free[n-1], l.free[:n-1]
		l.kept -= cap(l.cur.buf)
	}
}

// recycle keeps a group's buffer for another, unless much is kept already: between two syncs there are as many
// groups as there were writes. Called with mu held.
func (l *Log) recycle(g *group) {
	if n := cap(g.buf); l.kept+n <= l.opts.BufferBytes/2 {
		g.reset()
		l.free = append(l.free, g)
		l.kept += n
	}
}

// letGo drops kept buffers beyond so many bytes: after a flood a steady trickle needs few. Called with mu held.
func (l *Log) letGo(beyond int) {
	for n := len(l.free); l.kept > beyond; n-- {
		l.kept -= cap(l.free[n-1].buf)
		l.free[n-1] = nil
		l.free = l.free[:n-1]
	}
}

// abandon gives up the active segment after an error that leaves its contents in doubt: an operating system
// forgets what it could not write. Everything that is not durable is written again, to a new one. The file
// stays until that is done, since what was durable in it is still good, and the rest survives the process.
func (l *Log) abandon(err error) {
	w := &l.w
	l.mu.Lock()
	l.stats.Abandoned++
	whole := len(l.pending) > 0
	for _, g := range l.pending {
		whole = whole && g.done == len(g.buf)
		g.done = 0
	}
	again := l.pending[0].first
	l.mu.Unlock()
	if whole {
		l.removeRepeated(w.head.ordinal) // this one has all of them
	}
	w.f.Truncate(w.off) // gives back what was reserved; if it fails nothing is worse
	w.f.Close()
	w.f = nil
	if w.head.first >= again {
		w.repeated = append(w.repeated, w.head.ordinal)
	}
	l.opts.Logger.Warn("journal: segment abandoned, its records that are not durable are written again",
		"segment", segmentName(w.head.ordinal), "err", err)
}

// removeRepeated removes the abandoned segments before the given one, all of whose records stand in later ones too.
func (l *Log) removeRepeated(before uint64) {
	w := &l.w
	for _, ordinal := range w.repeated {
		if ordinal >= before {
			continue
		}
		l.mu.Lock()
		l.segs = slices.DeleteFunc(l.segs, func(s segment) bool { return s.head.ordinal == ordinal })
		l.mu.Unlock()
		if err := l.opts.FS.Remove(filepath.Join(l.dir, segmentName(ordinal))); err != nil {
			l.opts.Logger.Warn("journal: cannot remove an abandoned segment", "segment", segmentName(ordinal), "err", err)
		}
	}
	w.repeated = slices.DeleteFunc(w.repeated, func(ordinal uint64) bool { return ordinal < before })
}

// sealActive ends the active segment: makes it durable and gives back what was reserved.
func (l *Log) sealActive() error {
	w := &l.w
	if err := w.f.Sync(); err != nil {
		l.mu.Lock()
		l.stats.SyncErrors++
		l.mu.Unlock()
		err = fmt.Errorf("sync segment %s: %w", segmentName(w.head.ordinal), err)
		l.abandon(err)
		return err
	}
	faultpoint.Hit("journal.sealed")
	l.closeActive()
	return nil
}

func (l *Log) closeActive() {
	w := &l.w
	if w.f == nil {
		return
	}
	if err := w.f.Truncate(w.off); err != nil {
		l.opts.Logger.Warn("journal: cannot give back the reserved end of a segment", "segment", segmentName(w.head.ordinal), "err", err)
	}
	w.f.Close()
	w.f = nil
	l.mu.Lock()
	l.segs[len(l.segs)-1].size = w.off
	l.mu.Unlock()
}

// newSegment makes the segment that begins with the given record. When the disk is full the oldest segment
// that is not needed makes room.
func (l *Log) newSegment(rec []byte, seq uint64) error {
	for {
		err := l.makeSegment(rec, seq)
		if err == nil || !noSpace(err) || !l.removeOldest(false) {
			return err
		}
	}
}

func (l *Log) makeSegment(rec []byte, seq uint64) error {
	w := &l.w
	r, _, _ := parseHeader(rec)
	w.ordinal++ // a name is never tried twice
	h := header{
		version: FormatVersion, ordinal: w.ordinal, generation: w.generation,
		first: seq, stamp: r.Stamp, high: w.high, salt: newSalt(),
	}
	name := filepath.Join(l.dir, segmentName(h.ordinal))
	f, err := l.opts.FS.Create(name)
	if err != nil {
		return fmt.Errorf("make segment: %w", err)
	}
	faultpoint.Hit("journal.created")
	size := max(l.opts.SegmentBytes, recordsBegin+int64(len(rec))+int64(len(rec)/blockBytes+1)*markBytes)
	err = f.Allocate(size)
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	if err == nil {
		_, err = f.WriteAt(h.encode(), 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = l.opts.FS.SyncDir(l.dir)
	}
	if err != nil {
		f.Close()
		l.opts.FS.Remove(name) // it holds no record
		return fmt.Errorf("make segment %s: %w", segmentName(h.ordinal), err)
	}
	faultpoint.Hit("journal.segment")
	w.f, w.head, w.off, w.size, w.salt = f, h, recordsBegin, size, h.saltCRC()
	l.mu.Lock()
	l.segs = append(l.segs, segment{name: segmentName(h.ordinal), head: h, end: recordsBegin, size: size})
	l.mu.Unlock()
	return nil
}

// noSpace reports whether err says that there is no room: then what was written before is still good.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// failed notes why the log cannot write; recovered that it can again.
func (l *Log) failed(err error) {
	l.mu.Lock()
	l.stats.WriteErrors++
	first := l.stats.Degraded == ""
	l.stats.Degraded = err.Error()
	if first {
		l.stats.Since = time.Now()
	}
	l.mu.Unlock()
	if first {
		l.opts.Logger.Error("journal: cannot write; events are evaluated and kept in memory meanwhile", "err", err, "retry_every", l.opts.RetryEvery)
	}
}

func (l *Log) recovered() {
	l.mu.Lock()
	was := l.stats.Degraded
	since := l.stats.Since
	l.stats.Degraded, l.stats.Since = "", time.Time{}
	l.mu.Unlock()
	if was != "" {
		l.opts.Logger.Info("journal: writes again", "after", time.Since(since).Round(time.Millisecond))
	}
}
