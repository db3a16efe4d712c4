package journal

import (
	"encoding/binary"
	"hash/crc32"
)

// SetSegmentVersion changes the version in both copies of a segment's header.
func SetSegmentVersion(b []byte, v uint32) {
	for at := 0; at < recordsBegin; at += headerBytes {
		c := b[at : at+headerBytes]
		binary.LittleEndian.PutUint32(c[8:], v)
		binary.LittleEndian.PutUint32(c[headerBytes-4:], crc32.Checksum(c[:headerBytes-4], castagnoli))
	}
}

// SetCheckpointVersion changes the version of a checkpoint.
func SetCheckpointVersion(b []byte, v uint32) { copy(b, checkpointHead(v)) }

// BreakOutbox makes every commit fail until the result is called.
func BreakOutbox(o *Outbox) (heal func()) {
	o.broken.Store(true)
	return func() { o.broken.Store(false) }
}
