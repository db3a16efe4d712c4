package journal

import "testing"

// A segment that was to repeat records and was not written whole stands for nothing before it.
func TestReaderBeginsWhereTheRecordIs(t *testing.T) {
	segs := []segment{
		{name: "1", head: header{ordinal: 1, first: 1}},
		{name: "2", head: header{ordinal: 2, first: 27, high: 26}},
		{name: "3", head: header{ordinal: 3, first: 1, high: 31}}, // begun after a failed write, and cut short by a kill
		{name: "4", head: header{ordinal: 4, first: 33, high: 32}},
		{name: "5", head: header{ordinal: 5, first: 33, high: 40}},
		{name: "6", head: header{ordinal: 6, first: 50, high: 49}},
	}
	for from, want := range map[uint64]string{0: "1", 1: "1", 8: "1", 26: "1", 27: "2", 32: "2", 33: "4", 45: "4", 49: "4", 50: "6", 99: "6"} {
		if got := newReader(nil, "", segs, from).segs[0].name; got != want {
			t.Errorf("from %d the reader begins with segment %s, want %s", from, got, want)
		}
	}
}
