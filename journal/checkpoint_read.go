package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"path/filepath"
)

// CheckpointReader is a checkpoint that was found whole: every block was read once. Close it.
type CheckpointReader struct {
	Seq   uint64   // the log's records up to here are in it
	Stamp int64    // when it was taken, microseconds since the epoch
	Names []string // of the sections, in the order they were written

	f        File
	name     string
	sections map[string]section
}

// section is where a section's blocks begin.
type section struct {
	off    int64
	number uint32
}

// Latest returns the newest checkpoint that is whole, or nil if there is none. A damaged one is moved to
// quarantine and counts as fallback. One of a newer format is a *VersionError: nothing is read or written then.
func (c *Checkpoints) Latest() (r *CheckpointReader, fallbacks int, err error) {
	for {
		numbers, err := c.list()
		if err != nil || len(numbers) == 0 {
			return nil, fallbacks, err
		}
		r, err := c.newest()
		if err == nil {
			return r, fallbacks, nil
		}
		var newer *VersionError
		var bad *checkpointError
		switch {
		case errors.As(err, &newer) || !errors.As(err, &bad):
			return nil, fallbacks, err
		}
		name := checkpointName(numbers[len(numbers)-1])
		c.log.Error("journal: a damaged checkpoint is set aside, the one before is used", "checkpoint", name, "err", err)
		if !moveAside(c.fs, c.dir, name) {
			return nil, fallbacks, fmt.Errorf("cannot set aside the damaged checkpoint %s: %w", name, err)
		}
		fallbacks++
	}
}

// newest opens and checks the newest checkpoint; nil if there is none.
func (c *Checkpoints) newest() (*CheckpointReader, error) {
	numbers, err := c.list()
	if err != nil || len(numbers) == 0 {
		return nil, err
	}
	name := checkpointName(numbers[len(numbers)-1])
	f, err := c.fs.Open(filepath.Join(c.dir, name))
	if err != nil {
		return nil, fmt.Errorf("open checkpoint: %w", err)
	}
	r, err := ReadCheckpoint(f, name)
	if err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

// checkpointError says what is wrong with a checkpoint.
type checkpointError struct {
	name string
	off  int64
	text string
}

func (e *checkpointError) Error() string {
	return fmt.Sprintf("checkpoint %s at byte %d: %s", e.name, e.off, e.text)
}

// ReadCheckpoint checks the checkpoint in f, whose name is for errors. It takes f over unless it fails.
func ReadCheckpoint(f File, name string) (*CheckpointReader, error) {
	r := &CheckpointReader{f: f, name: name, sections: map[string]section{}}
	if err := checkHead(f, name); err != nil {
		return nil, err
	}
	b := r.blocks(section{off: checkpointHeader})
	for i := 0; ; i++ {
		kind, data, err := b.next()
		if err != nil {
			return nil, err
		}
		switch {
		case i == 0 && (kind != blockMeta || len(data) != 16), i > 0 && kind == blockMeta:
			return nil, &checkpointError{name, b.off, "the first block, and only it, must say what the checkpoint stands for"}
		case i == 0:
			r.Seq, r.Stamp = binary.LittleEndian.Uint64(data), int64(binary.LittleEndian.Uint64(data[8:]))
		case kind == blockSection:
			if len(data) == 0 || len(data) > maxSectionName {
				return nil, &checkpointError{name, b.off, "bad name of a section"}
			}
			r.Names = append(r.Names, string(data))
			r.sections[string(data)] = section{b.off, b.number}
		case kind == blockData && len(r.Names) == 0:
			return nil, &checkpointError{name, b.off, "data outside a section"}
		case kind == blockEnd:
			if size, err := f.Size(); err != nil || size != b.off {
				return nil, &checkpointError{name, b.off, "something follows the last block"}
			}
			return r, nil
		}
	}
}

func checkHead(f File, name string) error {
	var h [checkpointHeader]byte
	if _, err := f.ReadAt(h[:], 0); err != nil && err != io.EOF {
		return err
	}
	if [8]byte(h[:8]) != checkpointMagic || binary.LittleEndian.Uint32(h[20:]) != crc32.Checksum(h[:20], castagnoli) {
		return &checkpointError{name, 0, "this is not the header of a checkpoint"}
	}
	if v := binary.LittleEndian.Uint32(h[8:]); v == 0 || v > CheckpointVersion {
		return &VersionError{File: name, Found: v, Want: CheckpointVersion}
	}
	return nil
}

// Section returns the contents of a section; nil if there is none of that name. Sections may be read in any
// order and side by side.
func (r *CheckpointReader) Section(name string) io.Reader {
	s, ok := r.sections[name]
	if !ok {
		return nil
	}
	return &sectionReader{blocks: r.blocks(s)}
}

// Close closes the file.
func (r *CheckpointReader) Close() error { return r.f.Close() }

type sectionReader struct {
	blocks *blockReader
	left   []byte
	err    error
}

// Read implements io.Reader.
func (s *sectionReader) Read(p []byte) (int, error) {
	for len(s.left) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		kind, data, err := s.blocks.next()
		if err == nil && kind != blockData {
			err = io.EOF
		}
		s.left, s.err = data, err
		if err != nil {
			s.left = nil
		}
	}
	n := copy(p, s.left)
	s.left = s.left[n:]
	return n, nil
}

// blockReader reads blocks one after another.
type blockReader struct {
	in     *bufio.Reader
	name   string
	off    int64
	number uint32 // of the next block
	data   []byte
}

func (r *CheckpointReader) blocks(s section) *blockReader {
	in := io.NewSectionReader(r.f, s.off, math.MaxInt64-s.off)
	return &blockReader{in: bufio.NewReaderSize(in, 128<<10), name: r.name, off: s.off, number: s.number}
}

// next returns the next block; its data is valid until the next call.
func (b *blockReader) next() (kind byte, data []byte, err error) {
	var h [blockHeader]byte
	if err := b.read(h[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(h[4:])
	if n > maxBlock {
		return 0, nil, &checkpointError{b.name, b.off, fmt.Sprintf("block of %d bytes, want at most %d", n, maxBlock)}
	}
	if cap(b.data) < int(n) {
		b.data = make([]byte, n, maxBlock)
	}
	data = b.data[:n]
	if err := b.read(data); err != nil {
		return 0, nil, err
	}
	if crc32.Update(crc32.Checksum(h[4:], castagnoli), castagnoli, data) != binary.LittleEndian.Uint32(h[0:]) {
		return 0, nil, &checkpointError{b.name, b.off, "wrong checksum"}
	}
	if found := binary.LittleEndian.Uint32(h[8:]); found != b.number {
		return 0, nil, &checkpointError{b.name, b.off, fmt.Sprintf("block %d, want block %d", found, b.number)}
	}
	b.number++
	b.off += blockHeader + int64(n)
	return h[12], data, nil
}

func (b *blockReader) read(p []byte) error {
	_, err := io.ReadFull(b.in, p)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return &checkpointError{b.name, b.off, "the file ends inside the checkpoint"}
	}
	return err
}
