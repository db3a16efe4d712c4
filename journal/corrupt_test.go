package journal_test

import (
	"fmt"
	"strings"
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

// stride is 1 in the full size of a test that tries every byte.
func stride(quick int) int {
	if *long {
		return 1
	}
	return quick
}

func TestFlippedBitsCostOneRecordAtMost(t *testing.T) {
	fs, name, records := smallJournal(t)
	size := len(fs.Bytes(name))
	for at := 0; at < size; at += stride(509) {
		damaged := fs.Clone()
		damaged.Bytes(name)[at] ^= 1 << (at % 8)
		seqs, r := readBack(t, damaged, fmt.Sprint("bit flipped at ", at))
		if len(seqs) < records-1 {
			t.Fatalf("bit flipped at %d of %d: %d records, want at least %d; gaps %v", at, size, len(seqs), records-1, r.Gaps)
		}
	}
}

func TestTruncatedAnywhereKeepsWhatIsWhole(t *testing.T) {
	fs, name, _ := smallJournal(t)
	whole := append([]byte(nil), fs.Bytes(name)...)
	last := 0
	for n := 256; n <= len(whole); n += stride(509) {
		cut := faultfs.New()
		cut.Set(name, whole[:n])
		seqs, r := readBack(t, cut, fmt.Sprint("cut after ", n))
		if len(seqs) < last || r.Lost != 0 || len(seqs) > 0 && seqs[len(seqs)-1] != uint64(len(seqs)) {
			t.Fatalf("cut after %d bytes: %d records, %d with less; gaps %v", n, len(seqs), last, r.Gaps)
		}
		last = len(seqs)
	}
	if last == 0 {
		t.Fatal("no record was ever read")
	}
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
