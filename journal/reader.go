package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Gap is a range of sequences that a log does not hold.
type Gap struct {
	First, Last uint64
	Reason      string
}

func (g Gap) String() string { return fmt.Sprintf("%d-%d: %s", g.First, g.Last, g.Reason) }

// Damage is a stretch of a segment without a readable record.
type Damage struct {
	Segment  string
	From, To int64 // bytes
}

func (d Damage) String() string { return fmt.Sprintf("%s bytes %d-%d", d.Segment, d.From, d.To) }

// ErrStop ends a Read early without an error.
var ErrStop = errors.New("stop reading")

// source is an open segment.
type source struct {
	f    File
	scan *scanner
	rec  Record
	have bool // rec is the next record of the segment
	last bool // no segment follows
}

// maxSideBySide bounds the segments that are open at a time. Of a longer run that repeats the same records, as a disk
// that fails for a minute leaves it, the first half of so many are read and the last, which holds what was synced.
const maxSideBySide = 128

// keptReports bounds the gaps and damages a Reader remembers one by one.
const keptReports = 1000

// Reader reads the records of a log in order of their sequence. It is not safe for concurrent use.
type Reader struct {
	fs   FS
	dir  string
	segs []segment

	open []*source // segments read side by side: one, or one and those that repeat it
	next uint64    // sequence that should come next

	Gaps      []Gap    // the first thousand gaps passed so far
	Damages   []Damage // likewise
	Lost      uint64   // records in all gaps
	Skipped   int64    // bytes in all damages
	Torn      int64    // bytes after the last record of the last segment, which a crash may leave
	onDamage  func(f File, d Damage) bool
	sawDamage bool
}

// segment is one file of a log, as its header and its directory entry say.
type segment struct {
	name string
	head header
	end  int64 // bytes to read
	size int64 // of the file, with what is reserved
}

// OpenDir returns a Reader of the log in dir, from the given sequence on; 0 is the oldest there is. It changes
// nothing and needs no lock: of a log that is being written it sees what was there at this moment.
func OpenDir(fs FS, dir string, from uint64) (*Reader, error) {
	segs, _, err := listSegments(fs, dir)
	if err != nil {
		return nil, err
	}
	return newReader(fs, dir, segs, from), nil
}

func newReader(fs FS, dir string, segs []segment, from uint64) *Reader {
	r := &Reader{fs: fs, dir: dir, next: from}
	start := 0
	for i, s := range segs {
		// One that repeats may have been cut short: what it was to repeat is in whichever came before.
		if s.head.first <= from && !s.head.repeats() {
			start = i
		}
	}
	r.segs = segs[start:]
	if len(r.segs) == 0 {
		return r
	}
	oldest := r.segs[0].head.first
	for _, seg := range r.segs {
		oldest = min(oldest, seg.head.first) // one that repeats may begin before one that stands before it
	}
	if oldest > r.next {
		if r.next > 0 {
			r.gap(r.next, oldest-1, "removed: older than what is kept")
		}
		r.next = oldest
	}
	return r
}

// Next returns the next record, or io.EOF. Its body is valid until the next call.
func (r *Reader) Next() (Record, error) {
	for {
		src, err := r.pick()
		if err != nil {
			return Record{}, err
		}
		src.have = false
		rec := src.rec
		first := rec.Seq
		if rec.Kind == KindGap {
			first = gapStart(rec)
		}
		if first > r.next {
			r.gap(r.next, first-1, r.gapReason())
		}
		r.sawDamage = false
		if rec.Kind == KindGap {
			r.gap(max(first, r.next), rec.Seq, "not stored: the journal could not keep up or the disk failed")
			r.next = rec.Seq + 1
			continue
		}
		r.next = rec.Seq + 1
		return rec, nil
	}
}

// pick returns the source with the lowest sequence that is still to come; io.EOF when there is none. Of the
// copies of a record that a failed sync can leave, any that is intact will do.
func (r *Reader) pick() (*source, error) {
	for {
		if len(r.open) == 0 {
			if err := r.openNext(); err != nil {
				return nil, err
			}
		}
		var best *source
		for i := 0; i < len(r.open); i++ {
			src := r.open[i]
			more, err := r.load(src)
			if err != nil {
				return nil, err
			}
			if !more {
				src.f.Close()
				r.open = slices.Delete(r.open, i, i+1)
				i--
			} else if best == nil || src.rec.Seq < best.rec.Seq {
				best = src
			}
		}
		if best != nil {
			return best, nil
		}
	}
}

// load reads on to a record of src that is still to come; more is false when there is none.
func (r *Reader) load(src *source) (more bool, err error) {
	for !src.have || src.rec.Seq < r.next {
		rec, d, err := src.scan.next()
		if d.to > d.from && err == io.EOF && src.last {
			r.Torn = d.to - d.from
		} else if d.to > d.from {
			r.damaged(src, d)
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		src.rec, src.have = rec, true
	}
	return true, nil
}

// openNext opens the next segment and those after it that repeat records; io.EOF when there is none.
func (r *Reader) openNext() error {
	run := 1
	for run < len(r.segs) && r.segs[run].head.repeats() {
		run++
	}
	if run > maxSideBySide {
		r.segs = slices.Delete(slices.Clone(r.segs), maxSideBySide/2, run-maxSideBySide/2)
	}
	for len(r.segs) > 0 && (len(r.open) == 0 || r.segs[0].head.repeats() && len(r.open) < maxSideBySide) {
		seg := r.segs[0]
		r.segs = r.segs[1:]
		f, err := r.fs.Open(filepath.Join(r.dir, seg.name))
		if errors.Is(err, os.ErrNotExist) {
			continue // removed meanwhile: the gap is noticed at the next record
		}
		if err != nil {
			return fmt.Errorf("open segment: %w", err)
		}
		src := &source{f: f, scan: newScanner(f, seg.head, seg.end), last: len(r.segs) == 0}
		r.open = append(r.open, src)
		if r.next > seg.head.first {
			if err := src.scan.seek(r.next); err != nil {
				return err
			}
		}
	}
	if len(r.open) == 0 {
		return io.EOF
	}
	return nil
}

func (r *Reader) gapReason() string {
	if r.sawDamage {
		return "damaged"
	}
	return "missing"
}

func (r *Reader) gap(first, last uint64, reason string) {
	if last < first {
		return
	}
	r.Lost += last - first + 1
	if len(r.Gaps) < keptReports {
		r.Gaps = append(r.Gaps, Gap{first, last, reason})
	}
}

func (r *Reader) damaged(src *source, d damage) {
	r.sawDamage = true
	r.Skipped += d.to - d.from
	full := Damage{segmentName(src.scan.head.ordinal), d.from, d.to}
	if len(r.Damages) < keptReports {
		r.Damages = append(r.Damages, full)
	}
	if r.onDamage != nil {
		r.onDamage(src.f, full)
	}
}

// Close closes what is open. The Reader may be left unread.
func (r *Reader) Close() {
	for _, src := range r.open {
		src.f.Close()
	}
	r.open = nil
}

// each calls fn for every record.
func (r *Reader) each(fn func(Record) error) error {
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = fn(rec)
		}
		if errors.Is(err, ErrStop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
