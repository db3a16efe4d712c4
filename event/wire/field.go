package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The wire types of protobuf.
const (
	typeVarint = iota
	typeFixed64
	typeBytes
	typeGroup
	typeGroupEnd
	typeFixed32
)

// maxDepth is how deep groups, which only unknown fields use, may nest.
const maxDepth = 8

// maxNumber is the largest field number protobuf allows.
const maxNumber = 1<<29 - 1

// field is one field as found on the wire, at b[at:to].
type field struct {
	num      int
	typ      int
	at       int    // where its tag starts
	from, to int    // its contents; to is also the end of the field
	v        uint64 // its value, for varints and fixed numbers
}

// readField reads the field at b[i:]. A reason other than "" says what is wrong with it; f then holds what
// was understood. An end of group is returned as a field of its own.
func readField(b []byte, i int) (f field, reason string) {
	f.at, f.from, f.to = i, i, i
	tag, i, reason := readVarint(b, i)
	if reason != "" {
		return f, "tag: " + reason
	}
	if tag>>3 == 0 || tag>>3 > maxNumber {
		return f, fmt.Sprintf("field number %d, want 1 to %d", tag>>3, maxNumber)
	}
	f.num, f.typ, f.from, f.to = int(tag>>3), int(tag&7), i, i
	switch f.typ {
	case typeVarint:
		f.v, f.to, reason = readVarint(b, i)
	case typeFixed64:
		if len(b)-i < 8 {
			return f, fmt.Sprintf("%d bytes left, want 8", len(b)-i)
		}
		f.v, f.to = binary.LittleEndian.Uint64(b[i:]), i+8
	case typeFixed32:
		if len(b)-i < 4 {
			return f, fmt.Sprintf("%d bytes left, want 4", len(b)-i)
		}
		f.v, f.to = uint64(binary.LittleEndian.Uint32(b[i:])), i+4
	case typeBytes:
		var n uint64
		if n, i, reason = readVarint(b, i); reason != "" {
			return f, "length: " + reason
		}
		if n > uint64(len(b)-i) {
			return f, fmt.Sprintf("length %d, but %d bytes are left", n, len(b)-i)
		}
		f.from, f.to = i, i+int(n)
	case typeGroupEnd:
		f.to = i
	case typeGroup:
		f.to, reason = skipGroup(b, i, f.num, 1)
	default:
		reason = fmt.Sprintf("wire type %d, want 0 to 5", f.typ)
	}
	return f, reason
}

// skipGroup returns the position after the end of the group num whose contents start at i.
func skipGroup(b []byte, i, num, depth int) (int, string) {
	if depth > maxDepth {
		return i, fmt.Sprintf("groups nested deeper than %d", maxDepth)
	}
	for i < len(b) {
		tag, next, reason := readVarint(b, i)
		if reason != "" {
			return i, "group: tag: " + reason
		}
		switch {
		case tag&7 == typeGroupEnd:
			if tag>>3 != uint64(num) {
				return i, fmt.Sprintf("end of group %d inside group %d", tag>>3, num)
			}
			return next, ""
		case tag&7 == typeGroup && tag>>3 != 0 && tag>>3 <= maxNumber:
			if i, reason = skipGroup(b, next, int(tag>>3), depth+1); reason != "" {
				return i, reason
			}
		default:
			f, reason := readField(b, i)
			if reason != "" {
				return i, "group: " + reason
			}
			i = f.to
		}
	}
	return i, fmt.Sprintf("group %d has no end", num)
}

// readVarint reads the varint at b[i:] and returns it with the position after it.
func readVarint(b []byte, i int) (v uint64, next int, reason string) {
	for shift := uint(0); ; shift += 7 {
		if i >= len(b) {
			return 0, i, "the bytes end inside a number"
		}
		c := b[i]
		i++
		if shift == 63 && c > 1 {
			return 0, i, "a number of more than 64 bits"
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, i, ""
		}
	}
}

// unzigzag undoes the encoding of sint64.
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// float32of widens a fixed32 to a float64.
func float32of(v uint64) float64 { return float64(math.Float32frombits(uint32(v))) }
