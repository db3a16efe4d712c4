package journal

import "time"

// Stats is what a Log counts since it was opened.
type Stats struct {
	Records       uint64 // taken by Append
	AppendedBytes uint64 // their bodies
	Lost          uint64 // refused with ErrFull or ErrTooLarge, or skipped
	Groups        uint64 // writes
	Syncs         uint64
	SyncErrors    uint64
	WriteErrors   uint64
	Abandoned     uint64 // segments given up after an error
	Removed       uint64 // segments removed by retention
	RemovedNeeded uint64 // of these, before a checkpoint stood for them
	TornBytes     int64  // cut from the end at the start
	Quarantined   int64  // bytes set aside
	LastSync      time.Duration
	SlowestSync   time.Duration

	Degraded string    // why nothing can be written at present; "": all is well
	Since    time.Time // since when

	Buffered        int   // bytes that are not durable yet
	Bytes           int64 // of all segments, with what is reserved
	Needed          int64 // bytes that no checkpoint stands for
	Segments        int
	Oldest, Next    uint64 // sequences
	Written, Synced uint64
}

// Stats returns the counts. Safe for concurrent use.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Buffered, s.Segments, s.Next = l.held, len(l.segs), l.next
	s.Bytes, s.Needed = l.sizes()
	s.Written, s.Synced = l.written.Load(), l.synced.Load()
	s.Oldest = l.next
	if len(l.segs) > 0 {
		s.Oldest = l.segs[0].head.first
	}
	return s
}
