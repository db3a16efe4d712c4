package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"
)

// Kind says what a record holds.
type Kind uint8

// The kinds of records. The package reads Gap, Alert and Settled itself; the others are the engine's.
// A reader must pass over kinds it does not know.
const (
	KindBatch   Kind = 1 + iota // received events
	KindRules                   // the rules from here on, with what they looked up
	KindStart                   // the program started, with its down-time
	KindAck                     // an acknowledgement
	KindSilence                 // a silence
	KindDelete                  // a deletion from the index
	KindTick                    // time passed without an event
	KindGap                     // records that never came to the disk; never handed out
	KindAlert                   // an alert, for refilling a lost outbox
	KindSettled                 // alerts that are delivered or given up, likewise
)

var kindNames = [...]string{"", "batch", "rules", "start", "ack", "silence", "delete", "tick", "gap", "alert", "settled"}

func (k Kind) String() string {
	if k > 0 && int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind-%d", uint8(k))
}

// Record is one record of a log.
type Record struct {
	Seq   uint64 // from 1, one more with each record
	Stamp int64  // arrival stamp, microseconds since the epoch
	Kind  Kind
	Body  []byte // the reader's: valid until the next record is read
}

// String is one line for people: sequence, time, kind and size.
func (r Record) String() string {
	return fmt.Sprintf("%d %s %s %d bytes", r.Seq, time.UnixMicro(r.Stamp).UTC().Format("2006-01-02T15:04:05.000000Z"), r.Kind, len(r.Body))
}

// A record in a file, little endian:
//
//	0  crc     uint32  CRC32C, begun with the segment's salt, of all that follows
//	4  length  uint32  of the body
//	8  seq     uint64
//	16 stamp   int64
//	24 kind    uint8
//	25         3 bytes, zero
//	28 body
const (
	recordHeader = 28
	// MaxBody is the largest body of a record, in bytes.
	MaxBody = 32 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord appends a record without its checksum, which belongs to the segment it is written to.
func appendRecord(dst []byte, seq uint64, stamp int64, kind Kind, size int, body [][]byte) []byte {
	var h [recordHeader]byte
	binary.LittleEndian.PutUint32(h[4:], uint32(size))
	binary.LittleEndian.PutUint64(h[8:], seq)
	binary.LittleEndian.PutUint64(h[16:], uint64(stamp))
	h[24] = byte(kind)
	dst = append(dst, h[:]...)
	for _, b := range body {
		dst = append(dst, b...)
	}
	return dst
}

// recordAt returns the record that begins at b[0], a group's buffer: its bytes and its sequence.
func recordAt(b []byte) (rec []byte, seq uint64) {
	n := recordHeader + int(binary.LittleEndian.Uint32(b[4:]))
	return b[:n:n], binary.LittleEndian.Uint64(b[8:])
}

// seal sets the checksum of a whole record.
func seal(rec []byte, salt uint32) {
	binary.LittleEndian.PutUint32(rec, crc32.Update(salt, castagnoli, rec[4:]))
}

// parseHeader reads a record's header; ok is false when it cannot be one.
func parseHeader(h []byte) (r Record, length int, ok bool) {
	n := binary.LittleEndian.Uint32(h[4:])
	r = Record{
		Seq:   binary.LittleEndian.Uint64(h[8:]),
		Stamp: int64(binary.LittleEndian.Uint64(h[16:])),
		Kind:  Kind(h[24]),
	}
	return r, int(n), n <= MaxBody && r.Seq != 0 && r.Kind != 0 && h[25]|h[26]|h[27] == 0
}

// intact reports whether the checksum of a whole record is right.
func intact(rec []byte, salt uint32) bool {
	return binary.LittleEndian.Uint32(rec) == crc32.Update(salt, castagnoli, rec[4:])
}
