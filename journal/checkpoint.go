package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"zeta/internal/faultpoint"
)

// CheckpointVersion is the version of the checkpoints this program writes and the highest it reads.
const CheckpointVersion = 1

// A checkpoint is a file of blocks, each with its checksum, after a header with the version:
//
//	0  crc     uint32  CRC32C of all that follows in the block
//	4  length  uint32  of the data
//	8  number  uint32  of the block, from 0
//	12 kind    uint8   blockMeta, blockSection (data: its name), blockData, blockEnd
//	13         3 bytes, zero
//	16 data
const (
	checkpointHeader = 24
	blockHeader      = 16
	maxBlock         = 64 << 10 // largest data of a block
	checkpointSuffix = ".checkpoint"
	checkpointsKept  = 2
	maxSectionName   = 200

	blockMeta    = 1
	blockSection = 2
	blockData    = 3
	blockEnd     = 4
)

var checkpointMagic = [8]byte{'z', 'e', 't', 'a', 'c', 'h', 'k', '\n'}

// Checkpoints are the checkpoints in one directory. One goroutine at a time may use them.
type Checkpoints struct {
	fs   FS
	dir  string
	log  *slog.Logger
	next uint64 // number of the next file
}

// OpenCheckpoints returns the checkpoints in dir, which is made if it is not there. A nil fs is OS, a nil
// log slog.Default.
func OpenCheckpoints(fs FS, dir string, log *slog.Logger) (*Checkpoints, error) {
	set(&fs, FS(OS{}))
	set(&log, slog.Default())
	if err := fs.MkdirAll(filepath.Join(dir, quarantineDir)); err != nil {
		return nil, fmt.Errorf("open checkpoints: %w", err)
	}
	c := &Checkpoints{fs: fs, dir: dir, log: log, next: 1}
	numbers, err := c.list()
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		c.next = max(c.next, n+1)
	}
	return c, nil
}

// list returns the numbers of the checkpoints there are, rising. What a crash left half written is removed.
func (c *Checkpoints) list() ([]uint64, error) {
	names, err := c.fs.List(c.dir)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	var numbers []uint64
	for _, name := range names {
		if strings.HasSuffix(name, checkpointSuffix+".tmp") {
			c.fs.Remove(filepath.Join(c.dir, name))
		}
		digits, ok := strings.CutSuffix(name, checkpointSuffix)
		if n, err := strconv.ParseUint(digits, 10, 63); ok && err == nil && name == checkpointName(n) {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

func checkpointName(n uint64) string { return fmt.Sprintf("%016d%s", n, checkpointSuffix) }

// CheckpointWriter writes one checkpoint: its sections one after another, then Commit. After an error only
// Abort is of use.
type CheckpointWriter struct {
	c      *Checkpoints
	f      File
	out    *bufio.Writer
	name   string
	number uint32
	buf    []byte // data of the open section
	open   bool
	err    error
}

// Create begins a checkpoint that stands for the log's records up to seq, taken at stamp.
func (c *Checkpoints) Create(seq uint64, stamp int64) (*CheckpointWriter, error) {
	if err := c.refuseNewer(); err != nil {
		return nil, err
	}
	name := filepath.Join(c.dir, checkpointName(c.next))
	f, err := c.fs.Create(name + ".tmp")
	if err != nil {
		return nil, fmt.Errorf("write checkpoint: %w", err)
	}
	c.next++
	w := &CheckpointWriter{c: c, f: f, name: name, out: bufio.NewWriterSize(&offsetWriter{f: f}, 1<<20)}
	w.out.Write(checkpointHead(CheckpointVersion))
	var meta [16]byte
	binary.LittleEndian.PutUint64(meta[0:], seq)
	binary.LittleEndian.PutUint64(meta[8:], uint64(stamp))
	w.block(blockMeta, meta[:])
	return w, nil
}

// refuseNewer returns an error if the newest checkpoint is of a newer format: it stays the newest.
func (c *Checkpoints) refuseNewer() error {
	numbers, err := c.list()
	if err != nil || len(numbers) == 0 {
		return err
	}
	name := checkpointName(numbers[len(numbers)-1])
	f, err := c.fs.Open(filepath.Join(c.dir, name))
	if err != nil {
		return fmt.Errorf("open checkpoint: %w", err)
	}
	defer f.Close()
	var newer *VersionError
	if err := checkHead(f, name); errors.As(err, &newer) {
		return err
	}
	return nil
}

func checkpointHead(version uint32) []byte {
	h := make([]byte, checkpointHeader)
	copy(h, checkpointMagic[:])
	binary.LittleEndian.PutUint32(h[8:], version)
	binary.LittleEndian.PutUint32(h[20:], crc32.Checksum(h[:20], castagnoli))
	return h
}

// offsetWriter is an io.Writer to the end of a File.
type offsetWriter struct {
	f   File
	off int64
}

func (w *offsetWriter) Write(b []byte) (int, error) {
	n, err := w.f.WriteAt(b, w.off)
	w.off += int64(n)
	return n, err
}

func (w *CheckpointWriter) block(kind byte, data []byte) {
	var h [blockHeader]byte
	binary.LittleEndian.PutUint32(h[4:], uint32(len(data)))
	binary.LittleEndian.PutUint32(h[8:], w.number)
	h[12] = kind
	crc := crc32.Update(crc32.Checksum(h[4:], castagnoli), castagnoli, data)
	binary.LittleEndian.PutUint32(h[0:], crc)
	w.number++
	w.out.Write(h[:])
	if _, err := w.out.Write(data); err != nil && w.err == nil {
		w.err = err
	}
}

// Section ends the section before and begins the next. What is written to the result is its contents.
func (w *CheckpointWriter) Section(name string) io.Writer {
	w.endSection()
	if name == "" || len(name) > maxSectionName {
		w.err = fmt.Errorf("section name of %d bytes, want 1 to %d", len(name), maxSectionName)
	}
	w.block(blockSection, []byte(name))
	w.open = true
	return sectionWriter{w}
}

func (w *CheckpointWriter) endSection() {
	if len(w.buf) > 0 {
		w.block(blockData, w.buf)
	}
	w.buf, w.open = w.buf[:0], false
}

type sectionWriter struct{ w *CheckpointWriter }

func (s sectionWriter) Write(b []byte) (int, error) {
	w := s.w
	if !w.open && w.err == nil {
		w.err = errors.New("write to a checkpoint outside its section")
	}
	for left := b; len(left) > 0 && w.err == nil; {
		n := min(len(left), maxBlock-len(w.buf))
		w.buf = append(w.buf, left[:n]...)
		left = left[n:]
		if len(w.buf) == maxBlock {
			w.block(blockData, w.buf)
			w.buf = w.buf[:0]
		}
	}
	if w.err != nil {
		return 0, w.err
	}
	return len(b), nil
}

// Commit makes the checkpoint durable and the newest, and removes the third newest. After an error there is
// no such checkpoint.
func (w *CheckpointWriter) Commit() error {
	w.endSection()
	w.block(blockEnd, nil)
	err := w.err
	if ferr := w.out.Flush(); err == nil {
		err = ferr
	}
	faultpoint.Hit("checkpoint.written")
	if err == nil {
		err = w.f.Sync()
	}
	faultpoint.Hit("checkpoint.synced")
	if cerr := w.f.Close(); err == nil {
		err = cerr
	}
	w.f = nil
	if err == nil {
		err = w.c.fs.Rename(w.name+".tmp", w.name)
	}
	faultpoint.Hit("checkpoint.renamed")
	if err == nil {
		err = w.c.fs.SyncDir(w.c.dir)
	}
	if err != nil {
		w.c.fs.Remove(w.name + ".tmp")
		return fmt.Errorf("write checkpoint %s: %w", filepath.Base(w.name), err)
	}
	w.c.prune()
	return nil
}

// Abort drops the checkpoint.
func (w *CheckpointWriter) Abort() {
	if w.f != nil {
		w.f.Close()
		w.c.fs.Remove(w.name + ".tmp")
		w.f = nil
	}
}

// prune removes all but the newest checkpoints.
func (c *Checkpoints) prune() {
	numbers, err := c.list()
	for i := 0; err == nil && i < len(numbers)-checkpointsKept; i++ {
		if err = c.fs.Remove(filepath.Join(c.dir, checkpointName(numbers[i]))); err != nil && !errors.Is(err, os.ErrNotExist) {
			c.log.Warn("journal: cannot remove an old checkpoint", "err", err)
		}
	}
}
