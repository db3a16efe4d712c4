package journal

import (
	"encoding/binary"
	"fmt"
	"io"
)

// scanner reads the records of one segment in order and finds its way again after damage.
type scanner struct {
	f    File
	head header
	salt uint32
	end  int64  // nothing is read from here on
	off  int64  // of the next record
	last uint64 // sequence of the last record that was read
	used int64  // offset after the last byte that is not zero, once it was needed

	win   []byte // a piece of the file
	winAt int64
	rec   []byte // a record put together around a mark
}

// damage is a stretch of a segment that holds no readable record.
type damage struct{ from, to int64 }

const (
	windowBytes = 256 << 10
	// searchBudget bounds the bytes that are summed for candidates while looking for a record in damage.
	searchBudget = 128 << 20
	// searchAhead bounds how far ahead of the last sequence a candidate may be.
	searchAhead = 1 << 20
)

func newScanner(f File, h header, end int64) *scanner {
	return &scanner{f: f, head: h, salt: h.saltCRC(), end: end, off: recordsBegin, last: h.first - 1}
}

// readHeader reads the header of a segment and its size.
func readHeader(f File, name string) (h header, size int64, err error) {
	if size, err = f.Size(); err != nil {
		return h, 0, err
	}
	b := make([]byte, recordsBegin)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return h, size, fmt.Errorf("read segment %s: %w", name, err)
	}
	h, err = decodeHeader(b[:n], name)
	return h, size, err
}

// next returns the next record. At the end it returns io.EOF, with the damage that reaches from the last
// record to the end, if there is any. Damage before the record comes with the record.
func (s *scanner) next() (r Record, d damage, err error) {
	r, next, ok, err := s.try(s.off)
	if err != nil || ok {
		s.take(r, next, ok)
		return r, d, err
	}
	d.from = s.off
	if s.used == 0 {
		if s.used, err = s.lastUsed(s.off); err != nil {
			return r, d, err
		}
	}
	used := s.used
	if used <= s.off {
		return r, damage{}, io.EOF
	}
	at, found, err := s.resync(s.off, used)
	if err != nil {
		return r, d, err
	}
	if !found {
		d.to = used
		return r, d, io.EOF
	}
	d.to = at
	r, next, _, err = s.try(at)
	s.take(r, next, err == nil)
	return r, d, err
}

func (s *scanner) take(r Record, next int64, ok bool) {
	if ok {
		s.off, s.last = next, r.Seq
	}
}

// try reads the record at off; ok is false when there is none.
func (s *scanner) try(off int64) (r Record, next int64, ok bool, err error) {
	h, _, err := s.logical(off, recordHeader)
	if err != nil || h == nil {
		return r, 0, false, err
	}
	r, n, ok := parseHeader(h)
	if !ok || r.Seq <= s.last || s.end-off < int64(n) {
		return r, 0, false, nil
	}
	rec, next, err := s.logical(off, recordHeader+n)
	if err != nil || rec == nil || !intact(rec, s.salt) {
		return r, 0, false, err
	}
	r.Body = rec[recordHeader:]
	return r, next, true, nil
}

// logical returns the n bytes of records that begin at off, leaving out marks, and the offset after them; nil
// if there are not so many.
func (s *scanner) logical(off int64, n int) (b []byte, next int64, err error) {
	if off%blockBytes == 0 {
		off += markBytes
	}
	if room := blockBytes - int(off%blockBytes); n <= room {
		b, err = s.window(off, n)
		return b, off + int64(n), err
	}
	s.rec = s.rec[:0]
	for n > 0 {
		if off%blockBytes == 0 {
			off += markBytes
		}
		piece, err := s.window(off, min(n, blockBytes-int(off%blockBytes)))
		if err != nil || piece == nil {
			return nil, 0, err
		}
		s.rec = append(s.rec, piece...)
		off += int64(len(piece))
		n -= len(piece)
	}
	return s.rec, off, nil
}

// window returns the n bytes of the file at off, valid until the next call; nil if the segment ends before.
func (s *scanner) window(off int64, n int) ([]byte, error) {
	if off+int64(n) > s.end {
		return nil, nil
	}
	if i := off - s.winAt; i >= 0 && i+int64(n) <= int64(len(s.win)) {
		return s.win[i : i+int64(n)], nil
	}
	want := int(min(max(windowBytes, int64(n)), s.end-off))
	if cap(s.win) < want {
		s.win = make([]byte, want)
	}
	s.win, s.winAt = s.win[:want], off
	if m, err := s.f.ReadAt(s.win, off); m < want {
		s.win = s.win[:m]
		if err != io.EOF {
			return nil, fmt.Errorf("read segment %s at %d: %w", segmentName(s.head.ordinal), off, err)
		}
		if m < n {
			return nil, nil
		}
	}
	return s.win[:n], nil
}

// lastUsed returns the offset after the last byte that is not zero, or from if all after it are zero.
func (s *scanner) lastUsed(from int64) (int64, error) {
	used := from
	for off := from; off < s.end; {
		n := int(min(windowBytes, s.end-off))
		b, err := s.window(off, n)
		if err != nil {
			return 0, err
		}
		if b == nil {
			break // the file is shorter than its size said
		}
		if i := lastNonZero(b); i >= 0 {
			used = off + int64(i) + 1
		}
		off += int64(n)
	}
	return used, nil
}

func lastNonZero(b []byte) int {
	for len(b) >= 8 && binary.LittleEndian.Uint64(b[len(b)-8:]) == 0 {
		b = b[:len(b)-8]
	}
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0 {
			return i
		}
	}
	return -1
}

// resync looks for the first readable record after from and before used: byte by byte up to the next mark
// that leads to a record, so that damage to one record costs no other, then from mark to mark.
func (s *scanner) resync(from, used int64) (at int64, found bool, err error) {
	budget := int64(searchBudget)
	for from < used {
		limit, marked, err := s.nextMark(from, used)
		if err != nil {
			return 0, false, err
		}
		for at = from + 1; at < limit && budget > 0; at++ {
			ok, cost, err := s.candidate(at)
			if err != nil || ok {
				return at, ok, err
			}
			budget -= cost
		}
		if !marked {
			break
		}
		if _, _, ok, err := s.try(limit); err != nil || ok {
			return limit, ok, err
		}
		from = limit
	}
	return 0, false, nil
}

// nextMark returns where the first record begins that a mark after from leads to, or used if none does.
func (s *scanner) nextMark(from, used int64) (at int64, marked bool, err error) {
	for block := from/blockBytes*blockBytes + blockBytes; block < used; block += blockBytes {
		m, err := s.window(block, markBytes)
		if err != nil {
			return 0, false, err
		}
		if m == nil {
			break
		}
		if first, _, ok := parseMark(m, s.head.ordinal); ok {
			return block + first, true, nil
		}
	}
	return used, false, nil
}

// candidate reports whether a record begins at off; cost is how many bytes were summed to find out.
func (s *scanner) candidate(off int64) (ok bool, cost int64, err error) {
	if in := off % blockBytes; in < markBytes {
		return false, 0, nil // inside a mark: the record after it is found from its end
	}
	h, _, err := s.logical(off, recordHeader)
	if err != nil || h == nil {
		return false, 0, err
	}
	r, n, ok := parseHeader(h)
	if !ok || r.Seq <= s.last || r.Seq > s.last+searchAhead || s.end-off < int64(n) {
		return false, 0, nil
	}
	_, _, ok, err = s.try(off)
	return ok, int64(n), err
}

// seek moves to a record before or at seq from which few have to be passed over.
func (s *scanner) seek(seq uint64) error {
	lo, hi := int64(0), (s.end-1)/blockBytes // blocks; lo is known to begin before seq
	for lo < hi {
		mid := (lo + hi + 1) / 2
		block, first, markSeq, err := s.markAtOrBefore(mid, lo)
		if err != nil {
			return err
		}
		switch {
		case block == lo: // no mark in between leads anywhere
			hi = mid - 1
		case markSeq <= seq:
			lo = mid
			s.off, s.last = block*blockBytes+first, markSeq-1
		default:
			hi = block - 1
		}
	}
	return nil
}

// markAtOrBefore returns the last block in (lo, mid] whose mark leads to a record, or lo.
func (s *scanner) markAtOrBefore(mid, lo int64) (block, first int64, seq uint64, err error) {
	for block = mid; block > lo; block-- {
		m, err := s.window(block*blockBytes, markBytes)
		if err != nil {
			return 0, 0, 0, err
		}
		if m == nil {
			continue
		}
		if first, seq, ok := parseMark(m, s.head.ordinal); ok {
			return block, first, seq, nil
		}
	}
	return lo, 0, 0, nil
}
