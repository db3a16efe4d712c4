package journal_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"zeta/journal"
	"zeta/journal/faultfs"
)

// smallJournal makes a log of 200 records, some of them across marks, and returns its file's name.
func smallJournal(t *testing.T) (fs *faultfs.FS, name string, records int) {
	fs = faultfs.New()
	o := small(fs)
	o.SegmentBytes = 512 << 10
	l := open(t, "/log", o)
	for i := range 200 {
		appendN(t, l, 1, strings.Repeat("x", []int{0, 1, 30, 500, 4000}[i%5]))
	}
	seq := appendN(t, l, 1, strings.Repeat("y", 70<<10))
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return fs, "/log/0000000000000001.segment", int(seq)
}

// part is one segment of a journal that damage is done to.
type part struct {
	name        string
	first, last uint64 // sequences of its records
	data        []byte
}

// around returns the record that a byte of the part belongs to, with the one before and the one after it. A flip changes
// nothing else: the reader comes to it as if it were not there, and leaves it at a record that is whole.
func (p part) around(ends []int, at int) part {
	i, _ := slices.BinarySearch(ends, at+1)
	seq := p.first + uint64(i)
	p.first, p.last = max(p.first, seq-1), min(p.last, seq+1)
	return p
}

// mebibyte makes a journal of a mebibyte, in nine segments; bodies[i] is what record i+1 holds.
func mebibyte(t *testing.T) (fs *faultfs.FS, parts []part, bodies [][]byte) {
	fs = faultfs.New()
	l := open(t, "/log", small(fs))
	segments := 0
	for i := 0; segments < 10; i++ {
		size := []int{0, 1, 30, 500, 2000, 40, 300, 90}[i%8]
		if i == 50 {
			size = 70 << 10 // more than what stands between two marks
		}
		body := fmt.Appendf(nil, "%d %s", i+1, strings.Repeat(string(rune('a'+i%26)), size))
		seq, err := l.Append(journal.KindBatch, int64(i), body)
		if err == nil {
			err = l.WaitWritten(t.Context(), seq)
		}
		if err != nil {
			t.Fatal(err)
		}
		if segments != l.Stats().Segments {
			segments = l.Stats().Segments
			parts = append(parts, part{name: fmt.Sprintf("/log/%016d.segment", segments), first: seq})
		}
		parts[len(parts)-1].last = seq
		bodies = append(bodies, body)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	fs.Remove(parts[9].name) // it holds one record: the ninth is the last, and full
	parts, bodies = parts[:9], bodies[:parts[9].first-1]
	for i := range parts {
		parts[i].data = slices.Clone(fs.Bytes(parts[i].name))
	}
	return fs, parts, bodies
}

// readPart returns how many records of the part are read; each is right, and none is read twice.
func readPart(t *testing.T, fs *faultfs.FS, p part, bodies [][]byte, what string) (records int) {
	r, err := journal.OpenDir(fs, "/log", p.first)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer r.Close()
	for last := p.first - 1; ; records++ {
		rec, err := r.Next()
		if err == io.EOF || err == nil && rec.Seq > p.last && rec.Seq <= uint64(len(bodies)) {
			return records
		}
		if err != nil || rec.Seq <= last || rec.Seq > uint64(len(bodies)) || !bytes.Equal(rec.Body, bodies[rec.Seq-1]) || rec.Stamp != int64(rec.Seq-1) {
			t.Fatalf("%s: after record %d: record %d of %d holds %.30q, %v", what, last, rec.Seq, rec.Stamp, rec.Body, err)
		}
		last = rec.Seq
	}
}

// reopen opens a damaged log to go on with it, and returns how many records of the part it holds.
func reopen(t *testing.T, fs *faultfs.FS, p part, bodies [][]byte, what string) (records int) {
	l, err := journal.Open("/log", small(fs))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	records = readPart(t, fs, p, bodies, what)
	next, err := l.Append(journal.KindBatch, 1, []byte("goes on"))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	r, err := journal.OpenDir(fs, "/log", next)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer r.Close()
	if rec, err := r.Next(); err != nil || rec.Seq != next || string(rec.Body) != "goes on" || next < p.first+uint64(records) {
		t.Fatalf("%s: goes on with %d: %d, %q, %v", what, next, rec.Seq, rec.Body, err)
	}
	return records
}

// everywhere calls try for places below n, on all processors: each place with -long, else each stride-th.
func everywhere(t *testing.T, n, stride int, try func(t *testing.T, at int)) {
	t.Helper()
	if *long {
		stride = 1
		defer debug.SetGCPercent(debug.SetGCPercent(1000))
	}
	workers := runtime.GOMAXPROCS(0)
	t.Run("everywhere", func(t *testing.T) {
		for w := range workers {
			t.Run(fmt.Sprint(w), func(t *testing.T) {
				t.Parallel()
				for at := w * stride; at < n; at += workers * stride {
					try(t, at)
				}
			})
		}
	})
}

// locate returns the part of a place in the whole journal, and the place in it.
func locate(parts []part, at int) (i, in int) {
	for at >= len(parts[i].data) {
		at -= len(parts[i].data)
		i++
	}
	return i, at
}

func journalBytes(parts []part) (n int) {
	for _, p := range parts {
		n += len(p.data)
	}
	return n
}

// Opening the log reads no more than the headers, and the last segment. So what is done to the others behind their
// headers is looked at by reading alone.
const headerEnd = 256

func TestFlippedBitsCostOneRecordAtMost(t *testing.T) {
	fs, parts, bodies := mebibyte(t)
	lost := make([]atomic.Int64, 2)
	ends := make([][]int, len(parts))
	for i, p := range parts {
		ends[i] = recordEnds(bodies[p.first-1 : p.last])
	}
	everywhere(t, journalBytes(parts), 1009, func(t *testing.T, at int) {
		i, in := locate(parts, at)
		p := parts[i]
		what := fmt.Sprint("bit flipped at ", in, " of ", p.name)
		damaged := fs.Clone()
		damaged.Bytes(p.name)[in] ^= 1 << (at % 8)
		look := reopen
		if in >= headerEnd && i < len(parts)-1 {
			look = readPart
			p = p.around(ends[i], in)
		}
		records := look(t, damaged, p, bodies, what)
		missing := int(p.last-p.first+1) - records
		if missing < 0 || missing > 1 {
			t.Fatalf("%s: %d records of %d to %d", what, records, p.first, p.last)
		}
		lost[missing].Add(1)
	})
	t.Logf("%d flips: %d cost a record, %d none", lost[0].Load()+lost[1].Load(), lost[1].Load(), lost[0].Load())
	if lost[1].Load() == 0 {
		t.Fatal("no flip cost a record: they were not seen")
	}
}

func TestTruncatedAnywhereKeepsWhatIsWhole(t *testing.T) {
	fs, parts, bodies := mebibyte(t)
	var cuts, most atomic.Int64
	upto := make([]*faultfs.FS, len(parts)) // with the segments up to each
	ends := make([][]int, len(parts))       // where its records end
	for i, p := range parts {
		upto[i] = fs.Clone()
		for _, later := range parts[i+1:] {
			upto[i].Remove(later.name)
		}
		ends[i] = recordEnds(bodies[p.first-1 : p.last])
	}
	everywhere(t, journalBytes(parts), 1009, func(t *testing.T, at int) {
		i, n := locate(parts, at)
		p := parts[i]
		cut := upto[i].Clone()
		cut.Cut(p.name, n)
		look := readPart
		if n < headerEnd || i == len(parts)-1 {
			look = reopen
		}
		records := look(t, cut, p, bodies, fmt.Sprint(p.name, " cut after ", n))
		want, _ := slices.BinarySearch(ends[i], n+1)
		if records != want {
			t.Fatalf("%s cut after %d: %d records, want %d", p.name, n, records, want)
		}
		cuts.Add(1)
		most.Store(max(most.Load(), int64(records)))
	})
	t.Logf("%d lengths of %d bytes", cuts.Load(), journalBytes(parts))
	if most.Load() == 0 {
		t.Fatal("no record was ever read")
	}
}

// recordEnds returns where the records end that a segment begins with.
func recordEnds(bodies [][]byte) (ends []int) {
	const block, mark, recordHeader = 64 << 10, 24, 28
	at := headerEnd
	for _, body := range bodies {
		for n := recordHeader + len(body); n > 0; {
			if at%block == 0 {
				at += mark
			}
			piece := min(n, block-at%block)
			at, n = at+piece, n-piece
		}
		ends = append(ends, at)
	}
	return ends
}

// readBack opens a damaged copy and checks that what it holds is right.
func readBack(t *testing.T, fs *faultfs.FS, what string) (seqs []uint64, r *journal.Reader) {
	t.Helper()
	o := small(fs)
	l, err := journal.Open("/log", o)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	seqs, r = sequences(t, l, 0)
	for i := 1; i < len(seqs); i++ {
		if seqs[i] <= seqs[i-1] {
			t.Fatalf("%s: record %d after %d", what, seqs[i], seqs[i-1])
		}
	}
	next := appendN(t, l, 1, "goes on")
	if err := l.Close(t.Context()); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if len(seqs) > 0 && next <= seqs[len(seqs)-1] {
		t.Fatalf("%s: goes on with %d after %d", what, next, seqs[len(seqs)-1])
	}
	return seqs, r
}

func TestZeroedPagesCostWhatTheyHeld(t *testing.T) {
	fs, name, records := smallJournal(t)
	size := len(fs.Bytes(name))
	for page := 4096; page+4096 < size; page += 4096 {
		damaged := fs.Clone()
		clear(damaged.Bytes(name)[page : page+4096])
		seqs, r := readBack(t, damaged, fmt.Sprint("page zeroed at ", page))
		if lost := records - len(seqs); lost > 60 || lost == 0 || int(r.Lost) != lost && seqs[len(seqs)-1] == uint64(records) {
			t.Fatalf("page zeroed at %d: %d records lost, gaps %v", page, lost, r.Gaps)
		}
	}
}

func TestRecordsInsideBodiesAreNotBelieved(t *testing.T) {
	fs := faultfs.New()
	l := open(t, "/log", small(fs))
	appendN(t, l, 3, "one")
	l.Close(t.Context())
	name := "/log/0000000000000001.segment"
	image := append([]byte(nil), fs.Bytes(name)[256:]...) // records 1, 2 and 3 as bytes: what a sender may have seen elsewhere

	fs = faultfs.New()
	l = open(t, "/log", small(fs))
	if _, err := l.Append(journal.KindBatch, 1, []byte("1 "), image); err != nil {
		t.Fatal(err)
	}
	l.Append(journal.KindBatch, 2, []byte("2 real"))
	l.Close(t.Context())
	fs.Bytes(name)[256+5] ^= 1 // the length of the record around them
	l = open(t, "/log", small(fs))
	seqs, r := sequences(t, l, 0)
	if fmt.Sprint(seqs) != "[2]" || len(r.Gaps) != 1 {
		t.Fatalf("read %v, gaps %v", seqs, r.Gaps)
	}
}

func TestTornEndIsCutAndKept(t *testing.T) {
	fs, name, records := smallJournal(t)
	b := fs.Bytes(name)
	fs.Set(name, b[:len(b)-5])
	rep, err := journal.Verify(fs, "/log")
	if err != nil || rep.Torn == 0 || !rep.OK() || int(rep.Records) != records-1 {
		t.Fatalf("%+v, %v", rep, err)
	}
	l := open(t, "/log", small(fs))
	if s := l.Stats(); s.TornBytes != rep.Torn || s.Quarantined != rep.Torn {
		t.Fatalf("stats %+v, want %d bytes torn", s, rep.Torn)
	}
	names, _ := fs.List("/log/quarantine")
	if len(names) != 1 || int64(len(fs.Bytes("/log/quarantine/"+names[0]))) != rep.Torn {
		t.Fatalf("in quarantine: %v", names)
	}
}
