package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// FormatVersion is the version of the segments this program writes and the highest it reads.
const FormatVersion = 1

// A segment is a file of records. It begins with its header, twice; every blockBytes stands a mark, which
// interrupts the record it falls into, so that a reader that lost its way finds the next record. What follows the last record is zero.
const (
	blockBytes   = 64 << 10
	headerBytes  = 128 // of one copy
	recordsBegin = 2 * headerBytes
	markBytes    = 24
	suffix       = ".segment"
)

var (
	headerMagic = [8]byte{'z', 'e', 't', 'a', 'j', 'r', 'n', '\n'}
	markMagic   = uint32(0x6b72614d)
)

// header is what a segment says of itself.
type header struct {
	version    uint32
	ordinal    uint64 // of the segment: 1, 2, …; its file's name
	generation uint64 // of the log when the segment was made
	first      uint64 // sequence of its first record
	stamp      int64  // of that record
	high       uint64 // highest sequence written to earlier segments
	salt       uint64 // random: what checksums begin with, so that no sender can forge a record inside a body
}

func segmentName(ordinal uint64) string { return fmt.Sprintf("%016d%s", ordinal, suffix) }

func segmentOrdinal(name string) (ordinal uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0
}

// repeats reports whether the segment begins with records that were written to an earlier one before, whose
// sync failed.
func (h *header) repeats() bool { return h.high >= h.first }

func newSalt() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

func (h *header) saltCRC() uint32 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], h.salt)
	return crc32.Checksum(b[:], castagnoli)
}

// encode returns both copies.
func (h *header) encode() []byte {
	b := make([]byte, recordsBegin)
	copy(b, headerMagic[:])
	binary.LittleEndian.PutUint32(b[8:], h.version)
	binary.LittleEndian.PutUint64(b[16:], h.ordinal)
	binary.LittleEndian.PutUint64(b[24:], h.generation)
	binary.LittleEndian.PutUint64(b[32:], h.first)
	binary.LittleEndian.PutUint64(b[40:], uint64(h.stamp))
	binary.LittleEndian.PutUint64(b[48:], h.high)
	binary.LittleEndian.PutUint64(b[56:], h.salt)
	binary.LittleEndian.PutUint32(b[headerBytes-4:], crc32.Checksum(b[:headerBytes-4], castagnoli))
	copy(b[headerBytes:], b[:headerBytes])
	return b
}

var errNoHeader = errors.New("neither copy of its header is intact")

// VersionError says that a file was written by a newer zeta. Nothing was changed.
type VersionError struct {
	File        string
	Found, Want uint32 // the file's version, the highest this program reads
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s: format version %d, this zeta reads up to %d: run the newer zeta that wrote it, or move the file away", e.File, e.Found, e.Want)
}

// decodeHeader reads whichever copy is intact.
func decodeHeader(b []byte, name string) (h header, err error) {
	for at := 0; at+headerBytes <= len(b); at += headerBytes {
		c := b[at : at+headerBytes]
		if [8]byte(c) != headerMagic || binary.LittleEndian.Uint32(c[headerBytes-4:]) != crc32.Checksum(c[:headerBytes-4], castagnoli) {
			continue
		}
		h = header{
			version:    binary.LittleEndian.Uint32(c[8:]),
			ordinal:    binary.LittleEndian.Uint64(c[16:]),
			generation: binary.LittleEndian.Uint64(c[24:]),
			first:      binary.LittleEndian.Uint64(c[32:]),
			stamp:      int64(binary.LittleEndian.Uint64(c[40:])),
			high:       binary.LittleEndian.Uint64(c[48:]),
			salt:       binary.LittleEndian.Uint64(c[56:]),
		}
		if h.version == 0 || h.version > FormatVersion {
			return h, &VersionError{File: name, Found: h.version, Want: FormatVersion}
		}
		return h, nil
	}
	return h, fmt.Errorf("segment %s: %w", name, errNoHeader)
}

// layout appends a sealed record to dst, which will be written at the given offset of a segment, putting in
// the marks that fall into it. It returns the offset after the record.
func layout(dst []byte, off int64, rec []byte, seq, ordinal uint64) ([]byte, int64) {
	whole := len(rec)
	for len(rec) > 0 {
		in := int(off % blockBytes)
		if in == 0 {
			dst = appendMark(dst, ordinal, len(rec), whole, seq)
			off += markBytes
			in = markBytes
		}
		n := min(len(rec), blockBytes-in)
		dst = append(dst, rec[:n]...)
		rec = rec[n:]
		off += int64(n)
	}
	return dst, off
}

// appendMark appends the mark of a block that begins with the last left bytes of a record of whole bytes:
//
//	0  magic    uint32
//	4  crc      uint32  of all that follows
//	8  ordinal  uint32  of the segment, its low half
//	12 first    uint32  offset in the block of the first record that begins in it; 0: none does
//	16 seq      uint64  of that record
func appendMark(dst []byte, ordinal uint64, left, whole int, seq uint64) []byte {
	var m [markBytes]byte
	first := markBytes
	if left < whole {
		first += left
		seq++
	}
	if first >= blockBytes {
		first = 0
	}
	binary.LittleEndian.PutUint32(m[0:], markMagic)
	binary.LittleEndian.PutUint32(m[8:], uint32(ordinal))
	binary.LittleEndian.PutUint32(m[12:], uint32(first))
	binary.LittleEndian.PutUint64(m[16:], seq)
	binary.LittleEndian.PutUint32(m[4:], crc32.Checksum(m[8:], castagnoli))
	return append(dst, m[:]...)
}

// parseMark returns where in its block the first record begins, and its sequence.
func parseMark(m []byte, ordinal uint64) (first int64, seq uint64, ok bool) {
	if binary.LittleEndian.Uint32(m) != markMagic || binary.LittleEndian.Uint32(m[8:]) != uint32(ordinal) ||
		binary.LittleEndian.Uint32(m[4:]) != crc32.Checksum(m[8:markBytes], castagnoli) {
		return 0, 0, false
	}
	first = int64(binary.LittleEndian.Uint32(m[12:]))
	return first, binary.LittleEndian.Uint64(m[16:]), first >= markBytes && first < blockBytes
}
