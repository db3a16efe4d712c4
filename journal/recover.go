package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Open opens the log in dir for writing, making it if there is none, and starts its committer. Only the last
// segment is read through; the others are known by their headers. Bytes after the last record that are none
// are moved to the directory quarantine. Nobody else may have the log open for writing: see LockDir.
func Open(dir string, o Options) (*Log, error) {
	o.setDefaults()
	if o.SegmentBytes < 2*blockBytes {
		return nil, fmt.Errorf("open journal %s: segments of %d bytes, want at least %d", dir, o.SegmentBytes, 2*blockBytes)
	}
	if err := o.FS.MkdirAll(filepath.Join(dir, quarantineDir)); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	l := &Log{
		opts: o, dir: dir, next: 1, cur: &group{},
		arrived: make(chan struct{}, 1), urgent: make(chan struct{}, 1), pressure: make(chan struct{}, 1),
		closing: make(chan struct{}), giveUp: make(chan struct{}), done: make(chan struct{}),
	}
	if err := l.recover(); err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	go l.commit()
	return l, nil
}

// recover finds out where the log ends and makes it ready to go on there.
func (l *Log) recover() error {
	st := readState(l.opts.FS, l.dir, l.setAsideFile)
	segs, bad, err := listSegments(l.opts.FS, l.dir)
	if err != nil {
		return err
	}
	for _, b := range bad {
		l.opts.Logger.Error("journal: a file that should be a segment is set aside", "segment", b.name, "err", b.err)
		l.setAsideFile(b.name)
		l.w.ordinal = max(l.w.ordinal, b.ordinal)
	}
	for len(segs) > 0 && segs[0].head.ordinal < st.oldest {
		if err := l.opts.FS.Remove(filepath.Join(l.dir, segs[0].name)); err != nil { // its removal had begun
			return fmt.Errorf("finish a removal: %w", err)
		}
		segs = segs[1:]
	}
	l.segs = segs
	l.reportMissing(st)
	l.clean = max(st.oldest, 1)
	if len(segs) > 0 {
		l.clean = segs[0].head.ordinal
	}
	generation := st.generation
	for _, s := range segs {
		generation = max(generation, s.head.generation)
		l.w.ordinal = max(l.w.ordinal, s.head.ordinal)
		l.next = max(l.next, s.head.first, s.head.high+1)
	}
	l.w.generation = generation + 1
	if err := l.openTail(); err != nil {
		return err
	}
	l.w.high = l.next - 1
	l.written.Store(l.next - 1)
	l.synced.Store(l.next - 1)
	return writeState(l.opts.FS, l.dir, state{generation: l.w.generation, oldest: l.clean})
}

// reportMissing logs segments that should be there.
func (l *Log) reportMissing(st state) {
	want := max(st.oldest, 1)
	if st.oldest == 0 && len(l.segs) > 0 {
		want = l.segs[0].head.ordinal
	}
	for _, s := range l.segs {
		if s.head.ordinal > want {
			l.opts.Logger.Info("journal: segments are not there: they were removed after a failed write, or are lost; a gap is told of where records are missing", "from", want, "to", s.head.ordinal-1)
		}
		want = s.head.ordinal + 1
	}
}

// openTail reads the last segment through, cuts what is not a record from its end, and opens it for writing.
func (l *Log) openTail() error {
	if len(l.segs) == 0 {
		return nil
	}
	tail := &l.segs[len(l.segs)-1]
	name := filepath.Join(l.dir, tail.name)
	f, err := l.opts.FS.Append(name)
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	s := newScanner(f, tail.head, tail.size)
	for {
		r, d, err := s.next()
		if err == io.EOF {
			err = l.cutTail(f, tail, s.off, d)
		} else if err == nil {
			l.next = max(l.next, r.Seq+1)
			l.stamp = max(l.stamp, r.Stamp)
			if d.to > d.from {
				l.setAside(f, Damage{tail.name, d.from, d.to})
			}
			continue
		}
		if err != nil {
			f.Close()
			return err
		}
		break
	}
	w := &l.w
	w.f, w.head, w.off, w.size, w.salt = f, tail.head, s.off, max(l.opts.SegmentBytes, s.off), tail.head.saltCRC()
	tail.end, tail.size = s.off, w.size
	return nil
}

// cutTail makes the segment end after its last record: what follows, d, is set aside.
func (l *Log) cutTail(f File, tail *segment, end int64, d damage) error {
	if d.to > d.from {
		if !l.setAside(f, Damage{tail.name, d.from, d.to}) {
			return fmt.Errorf("segment %s: %d bytes after the last record could not be set aside", tail.name, d.to-d.from)
		}
		l.stats.TornBytes += d.to - d.from
	}
	if err := f.Truncate(end); err != nil {
		return fmt.Errorf("cut segment %s at %d: %w", tail.name, end, err)
	}
	if err := f.Allocate(l.opts.SegmentBytes); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		if !noSpace(err) {
			return fmt.Errorf("reserve segment %s: %w", tail.name, err)
		}
		l.opts.Logger.Warn("journal: no room to reserve the rest of a segment", "segment", tail.name, "err", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync segment %s: %w", tail.name, err)
	}
	return nil
}

// badSegment is a file with a segment's name that cannot be read as one.
type badSegment struct {
	name    string
	ordinal uint64
	err     error
}

// listSegments reads the headers of all segments in dir, oldest first. A segment of a newer format is an error.
func listSegments(fs FS, dir string) (segs []segment, bad []badSegment, err error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("list journal: %w", err)
	}
	for _, name := range names {
		ordinal, ok := segmentOrdinal(name)
		if !ok {
			continue
		}
		f, err := fs.Open(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, nil, fmt.Errorf("open segment: %w", err)
		}
		h, size, err := readHeader(f, name)
		f.Close()
		var newer *VersionError
		switch {
		case errors.As(err, &newer):
			return nil, nil, err
		case errors.Is(err, errNoHeader):
			bad = append(bad, badSegment{name, ordinal, err})
		case err != nil:
			return nil, nil, err
		case h.ordinal != ordinal:
			bad = append(bad, badSegment{name, ordinal, fmt.Errorf("its header says it is segment %d", h.ordinal)})
		default:
			segs = append(segs, segment{name: name, head: h, end: size, size: size})
		}
	}
	return segs, bad, nil
}
