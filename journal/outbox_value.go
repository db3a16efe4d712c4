package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

var errDamagedValue = errors.New("outbox: a value's checksum is wrong")

// frame puts a checksum before a value.
func frame(v []byte) []byte {
	b := make([]byte, 4, 4+len(v))
	binary.LittleEndian.PutUint32(b, crc32.Checksum(v, castagnoli))
	return append(b, v...)
}

// unframe checks and removes it; the result is part of b.
func unframe(b []byte) ([]byte, error) {
	if len(b) < 4 || binary.LittleEndian.Uint32(b) != crc32.Checksum(b[4:], castagnoli) {
		return nil, errDamagedValue
	}
	return b[4:], nil
}

// encodeEntry writes what of an entry is stored.
func encodeEntry(e *Entry) []byte {
	b := make([]byte, 0, 64+len(e.Sink)+len(e.Key)+len(e.Err)+len(e.Body))
	b = append(b, e.ID[:]...)
	b = binary.AppendUvarint(b, e.Seq)
	b = binary.AppendVarint(b, e.Stamp)
	b = binary.AppendUvarint(b, uint64(e.Attempts))
	for _, s := range []string{e.Sink, e.Key, e.Err} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return append(b, e.Body...)
}

// decodeEntry copies everything out of b.
func decodeEntry(b []byte, pos uint64) (*Entry, error) {
	e := &Entry{Pos: pos}
	if copy(e.ID[:], b) < len(e.ID) {
		return nil, errDamagedValue
	}
	b = b[len(e.ID):]
	var attempts uint64
	for _, p := range []func() int{
		func() (n int) { e.Seq, n = binary.Uvarint(b); return },
		func() (n int) { e.Stamp, n = binary.Varint(b); return },
		func() (n int) { attempts, n = binary.Uvarint(b); return },
	} {
		n := p()
		if n <= 0 {
			return nil, errDamagedValue
		}
		b = b[n:]
	}
	e.Attempts = int(attempts)
	for _, s := range []*string{&e.Sink, &e.Key, &e.Err} {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return nil, errDamagedValue
		}
		*s = string(b[used : used+int(n)])
		b = b[used+int(n):]
	}
	e.Body = append([]byte(nil), b...)
	return e, nil
}

// number is a key that sorts as its number does.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// ledgerKey is where the ledger notes that a sink's alert was taken in.
func ledgerKey(sink string, id ID) []byte { return append(id[:], sink...) }

// ledgerAgeKey is the entry that finds it by age.
func ledgerAgeKey(stamp int64, key []byte) []byte {
	return append(number(uint64(stamp)^1<<63), key...)
}
