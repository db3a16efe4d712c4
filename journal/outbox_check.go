package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// checkBolt reads the pages of a bbolt file through without mapping it, and returns an error if they are not a
// tree: bbolt trusts them, and a page that points at itself or out of the file would end the program. A file that is
// not there, or is empty, is fine.
func checkBolt(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := tryLock(f); err != nil { // what another process is changing must not be judged
		return &os.PathError{Op: "lock", Path: path, Err: err}
	}
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	c := &boltChecker{f: f, size: info.Size(), seen: map[uint64]bool{}}
	m, err := c.newestMeta()
	if err != nil {
		return err
	}
	c.pageSize, c.high = int64(m.pageSize), m.high
	if err := c.freelist(m.freelist); err != nil {
		return err
	}
	return c.page(m.root, 0)
}

const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	boltBranch   = 0x01
	boltLeaf     = 0x02
	boltFreelist = 0x10
	boltNoList   = 1<<64 - 1 // the freelist of a file that has none

	boltHeader   = 16 // id uint64, flags uint16, count uint16, overflow uint32
	boltElement  = 16
	boltMaxDepth = 64
)

// boltMeta is what of a meta page matters here.
type boltMeta struct {
	pageSize                   uint32
	root, freelist, high, txid uint64
}

type boltChecker struct {
	f        io.ReaderAt
	size     int64
	pageSize int64
	high     uint64 // pages from here on are not used
	seen     map[uint64]bool
}

// newestMeta reads the two meta pages. The second stands one page after the first, whose size must be guessed
// if the first is damaged.
func (c *boltChecker) newestMeta() (m boltMeta, err error) {
	found := false
	for _, at := range []int64{0, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10} {
		b := make([]byte, boltHeader+64)
		if n, _ := c.f.ReadAt(b, at); n < len(b) {
			break
		}
		b = b[boltHeader:]
		sum := fnv.New64a()
		sum.Write(b[:56])
		if binary.LittleEndian.Uint32(b) != boltMagic || binary.LittleEndian.Uint32(b[4:]) != boltVersion || binary.LittleEndian.Uint64(b[56:]) != sum.Sum64() {
			continue
		}
		got := boltMeta{
			pageSize: binary.LittleEndian.Uint32(b[8:]),
			root:     binary.LittleEndian.Uint64(b[16:]),
			freelist: binary.LittleEndian.Uint64(b[32:]),
			high:     binary.LittleEndian.Uint64(b[40:]),
			txid:     binary.LittleEndian.Uint64(b[48:]),
		}
		if at != 0 && at != int64(got.pageSize) || got.pageSize < 1<<10 || got.pageSize > 64<<10 {
			continue
		}
		if !found || got.txid > m.txid {
			m, found = got, true
		}
	}
	if !found {
		return m, errors.New("outbox: no meta page of the file is intact")
	}
	return m, nil
}

// read returns a page with what overflows from it.
func (c *boltChecker) read(id uint64) ([]byte, error) {
	if id < 2 || id >= c.high || c.seen[id] {
		return nil, fmt.Errorf("outbox: page %d of %d is pointed at, twice or out of the file", id, c.high)
	}
	head := make([]byte, boltHeader)
	if _, err := c.f.ReadAt(head, int64(id)*c.pageSize); err != nil {
		return nil, fmt.Errorf("outbox: read page %d: %v", id, err)
	}
	if got := binary.LittleEndian.Uint64(head); got != id {
		return nil, fmt.Errorf("outbox: page %d says it is page %d", id, got)
	}
	pages := 1 + int64(binary.LittleEndian.Uint32(head[12:]))
	if uint64(pages) > c.high-id {
		return nil, fmt.Errorf("outbox: page %d of %d overflows into %d", id, c.high, pages)
	}
	for i := range uint64(pages) {
		if c.seen[id+i] {
			return nil, fmt.Errorf("outbox: page %d is used twice", id+i)
		}
		c.seen[id+i] = true
	}
	b := make([]byte, pages*c.pageSize)
	if _, err := c.f.ReadAt(b, int64(id)*c.pageSize); err != nil {
		return nil, fmt.Errorf("outbox: read page %d: %v", id, err)
	}
	return b, nil
}

func (c *boltChecker) freelist(id uint64) error {
	if id == boltNoList {
		return errors.New("outbox: the file has no list of free pages")
	}
	b, err := c.read(id)
	if err != nil {
		return err
	}
	count, at := uint64(binary.LittleEndian.Uint16(b[10:])), uint64(boltHeader)
	if count == 0xFFFF {
		count, at = binary.LittleEndian.Uint64(b[boltHeader:]), boltHeader+8
	}
	if binary.LittleEndian.Uint16(b[8:]) != boltFreelist || count > (uint64(len(b))-at)/8 {
		return fmt.Errorf("outbox: page %d is no list of free pages", id)
	}
	for last := uint64(1); count > 0; count-- {
		free := binary.LittleEndian.Uint64(b[at:])
		if free <= last || free >= c.high {
			return fmt.Errorf("outbox: free page %d after %d of %d", free, last, c.high)
		}
		last = free
		c.seen[free] = true // so that nothing may point at it
		at += 8
	}
	return nil
}

// page checks a page and all below it.
func (c *boltChecker) page(id uint64, depth int) error {
	b, err := c.read(id)
	if err != nil {
		return err
	}
	return c.elements(b, id, depth)
}

// elements checks the elements of a page, or of a small bucket that stands inside its value.
func (c *boltChecker) elements(b []byte, id uint64, depth int) error {
	bad := func(i int, text string) error {
		return fmt.Errorf("outbox: element %d of page %d: %s", i, id, text)
	}
	if depth > boltMaxDepth || len(b) < boltHeader {
		return bad(0, "too deep or too short")
	}
	flags, count := binary.LittleEndian.Uint16(b[8:]), int(binary.LittleEndian.Uint16(b[10:]))
	if flags != boltBranch && flags != boltLeaf || flags == boltBranch && count == 0 || len(b) < boltHeader+count*boltElement {
		return bad(0, fmt.Sprintf("kind %#x with %d elements", flags, count))
	}
	var last []byte
	for i := range count {
		at := uint64(boltHeader + i*boltElement)
		e := b[at : at+boltElement]
		var pos, key, value, kind uint64
		if flags == boltBranch {
			pos, key = le32(e), le32(e[4:])
		} else {
			kind, pos, key, value = le32(e), le32(e[4:]), le32(e[8:]), le32(e[12:])
		}
		if at+pos+key+value > uint64(len(b)) || pos < boltElement && key+value > 0 {
			return bad(i, "it reaches out of the page")
		}
		k := b[at+pos : at+pos+key]
		if i > 0 && bytes.Compare(k, last) <= 0 {
			return bad(i, "its key is out of order")
		}
		last = k
		var err error
		switch v := b[at+pos+key : at+pos+key+value]; {
		case flags == boltBranch:
			err = c.page(binary.LittleEndian.Uint64(e[8:]), depth+1)
		case kind == 1 && len(v) < 16, kind > 1:
			err = bad(i, "it is neither a value nor a bucket")
		case kind == 1 && binary.LittleEndian.Uint64(v) == 0:
			err = c.elements(v[16:], id, depth+1)
		case kind == 1:
			err = c.page(binary.LittleEndian.Uint64(v), depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func le32(b []byte) uint64 { return uint64(binary.LittleEndian.Uint32(b)) }
