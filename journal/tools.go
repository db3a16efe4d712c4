package journal

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"slices"
)

// SegmentInfo is what the header of a segment and its directory entry say.
type SegmentInfo struct {
	Name       string
	Ordinal    uint64
	Generation uint64
	First      uint64 // sequence
	Stamp      int64  // when it was begun, microseconds since the epoch
	Bytes      int64  // of the file, with what is reserved
	Err        string // why it cannot be read; then only Name is set
}

// Stat reads the headers of the segments of the log in dir, oldest first. It changes nothing and needs no lock.
func Stat(fs FS, dir string) ([]SegmentInfo, error) {
	segs, bad, err := listSegments(fs, dir)
	if err != nil {
		return nil, err
	}
	var infos []SegmentInfo
	for _, s := range segs {
		infos = append(infos, SegmentInfo{Name: s.name, Ordinal: s.head.ordinal, Generation: s.head.generation, First: s.head.first, Stamp: s.head.stamp, Bytes: s.size})
	}
	for _, b := range bad {
		infos = append(infos, SegmentInfo{Name: b.name, Err: b.err.Error()})
	}
	return infos, nil
}

// Report is what Verify found.
type Report struct {
	Segments    int
	Records     uint64
	First, Last uint64 // sequences; 0: there are no records
	Kinds       map[Kind]uint64
	Gaps        []Gap         // the first thousand
	Damages     []Damage      // the first thousand
	Bad         []SegmentInfo // files that should be segments
	Lost        uint64        // records in all gaps
	Skipped     int64         // bytes in all damages
	Torn        int64         // bytes after the last record, which a crash may leave: the next start cuts them
}

// OK reports whether nothing is wrong. A torn end is nothing wrong.
func (r *Report) OK() bool { return r.Skipped == 0 && r.Lost == 0 && len(r.Bad) == 0 }

// Verify reads the log in dir through. It changes nothing and needs no lock; the end of a log that is being
// written may look torn.
func Verify(fs FS, dir string) (*Report, error) {
	segs, bad, err := listSegments(fs, dir)
	if err != nil {
		return nil, err
	}
	rep := &Report{Segments: len(segs), Kinds: map[Kind]uint64{}}
	for _, b := range bad {
		rep.Bad = append(rep.Bad, SegmentInfo{Name: b.name, Err: b.err.Error()})
	}
	r := newReader(fs, dir, segs, 0)
	err = r.each(func(rec Record) error {
		if rep.First == 0 {
			rep.First = rec.Seq
		}
		rep.Last = rec.Seq
		rep.Records++
		rep.Kinds[rec.Kind]++
		return nil
	})
	rep.Gaps, rep.Damages, rep.Lost, rep.Skipped, rep.Torn = r.Gaps, r.Damages, r.Lost, r.Skipped, r.Torn
	return rep, err
}

// Cat writes one line for every record of the log in dir from the given sequence on, and one for every gap
// it met.
func Cat(fs FS, dir string, from uint64, w io.Writer) error {
	r, err := OpenDir(fs, dir, from)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	gaps := 0
	told := func() {
		for ; gaps < len(r.Gaps); gaps++ {
			fmt.Fprintln(out, "missing", r.Gaps[gaps])
		}
	}
	err = r.each(func(rec Record) error {
		told()
		_, err := fmt.Fprintln(out, rec)
		return err
	})
	told()
	if ferr := out.Flush(); err == nil {
		err = ferr
	}
	return err
}

// Cut removes every record after the given sequence from the log in dir, which nobody may have open, and returns
// how many bytes it moved to quarantine.
func Cut(fs FS, dir string, after uint64) (moved int64, err error) {
	segs, _, err := listSegments(fs, dir)
	if err != nil {
		return 0, err
	}
	if err := fs.MkdirAll(filepath.Join(dir, quarantineDir)); err != nil {
		return 0, err
	}
	for _, s := range slices.Backward(segs) {
		n := s.size
		if s.head.first > after {
			if !moveAside(fs, dir, s.name) {
				return moved, fmt.Errorf("cut journal %s: cannot move %s to %s", dir, s.name, quarantineDir)
			}
		} else if n, err = cutSegment(fs, dir, s, after); err != nil {
			return moved, fmt.Errorf("cut journal %s: %w", dir, err)
		}
		moved += n
	}
	return moved, nil
}

func cutSegment(fs FS, dir string, s segment, after uint64) (moved int64, err error) {
	f, err := fs.Append(filepath.Join(dir, s.name))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sc := newScanner(f, s.head, s.size)
	for {
		end := sc.off
		r, d, err := sc.next()
		if err == io.EOF {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		if r.Seq <= after {
			continue
		}
		if d.to > d.from {
			end = d.from
		}
		used, err := sc.lastUsed(end)
		if err != nil {
			return 0, err
		}
		if err := copyAside(fs, dir, f, Damage{s.name, end, used}); err != nil {
			return 0, err
		}
		if err := f.Truncate(end); err != nil {
			return 0, err
		}
		return used - end, f.Sync()
	}
}
