package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

// Stop ends a Read early without an error.
var Stop = errors.New("stop reading")

// keptReports bounds the gaps and damages a Reader remembers one by one.
const keptReports = 1000

// Reader reads the records of a log in order of their sequence. It is not safe for concurrent use.
type Reader struct {
	fs   FS
	dir  string
	segs []segment

	f    File
	scan *scanner
	next uint64 // sequence that should come next

	Gaps      []Gap    // the first thousand gaps passed so far
	Damages   []Damage // likewise
	Lost      uint64   // records in all gaps
	Skipped   int64    // bytes in all damages
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
		if s.head.first <= from {
			start = i
		}
	}
	for start > 0 && segs[start].head.repeats() {
		start-- // the segment before may hold what this one was to repeat
	}
	r.segs = segs[start:]
	if len(r.segs) > 0 && r.segs[0].head.first > r.next {
		if r.next > 0 {
			r.gap(r.next, r.segs[0].head.first-1, "removed: older than what is kept")
		}
		r.next = r.segs[0].head.first
	}
	return r
}

// Next returns the next record, or io.EOF. Its body is valid until the next call.
func (r *Reader) Next() (Record, error) {
	for {
		if r.scan == nil {
			if err := r.open(); err != nil {
				return Record{}, err
			}
		}
		rec, d, err := r.scan.next()
		if d.to > d.from {
			r.damaged(d)
		}
		if err == io.EOF {
			r.Close()
			continue
		}
		if err != nil {
			return Record{}, err
		}
		if rec.Seq < r.next {
			continue // before the start, or written a second time after a failed sync
		}
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

// open opens the next segment; io.EOF when there is none.
func (r *Reader) open() error {
	for len(r.segs) > 0 {
		seg := r.segs[0]
		r.segs = r.segs[1:]
		f, err := r.fs.Open(filepath.Join(r.dir, seg.name))
		if errors.Is(err, os.ErrNotExist) {
			continue // removed meanwhile: the gap is noticed at the next record
		}
		if err != nil {
			return fmt.Errorf("open segment: %w", err)
		}
		r.f, r.scan = f, newScanner(f, seg.head, seg.end)
		if r.next > seg.head.first {
			if err := r.scan.seek(r.next); err != nil {
				r.Close()
				return err
			}
		}
		return nil
	}
	return io.EOF
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

func (r *Reader) damaged(d damage) {
	r.sawDamage = true
	r.Skipped += d.to - d.from
	full := Damage{segmentName(r.scan.head.ordinal), d.from, d.to}
	if len(r.Damages) < keptReports {
		r.Damages = append(r.Damages, full)
	}
	if r.onDamage != nil {
		r.onDamage(r.f, full)
	}
}

// Close closes the file that is open. The Reader may be left unread.
func (r *Reader) Close() {
	if r.f != nil {
		r.f.Close()
	}
	r.f, r.scan = nil, nil
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
		if errors.Is(err, Stop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
