// Package faultfs is a file system in memory for tests, which fails as real ones do: it forgets what was not
// synced, tears the last write, runs full with a short write, and answers EIO.
//
//	fs := faultfs.New()
//	log, err := journal.Open("/log", journal.Options{FS: fs})
//	fs.Crash(rng) // the power is lost: open files are dead, unsynced pages come and go at random
//	fs.Restart()
//	log, err = journal.Open("/log", journal.Options{FS: fs})
//
// Guarantees:
//   - After Kill everything that was written is there. After Crash everything that was synced is there, and of the
//     rest some 4 KiB pages in some of their states; of names, those whose directory was synced and some of the latest changes.
//   - After a failed Sync the pages it was to make durable are clean: a later Sync does not write them.
package faultfs

import (
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"zeta/journal"
)

const pageBytes = 4096

// FS is the file system. Its methods are safe for concurrent use.
type FS struct {
	mu      sync.Mutex
	names   map[string]*node
	durable map[string]*node // as after a crash
	changes []change         // of names, not durable yet
	era     int              // files opened in an earlier one are dead
	dead    bool             // nothing works until Restart
	limit   int64            // bytes; 0: none
	hook    func(op, name string) error
}

// change is a change of names: name now stands for node, or for nothing.
type change struct {
	name string
	node *node
	dir  string
	next *change // of the same rename
}

type node struct {
	data   []byte       // as a reader sees it
	synced []byte       // never written in place
	dirty  map[int]bool // pages that differ
	shared bool         // data is another node's too: it is copied before it is written
}

// New returns an empty file system.
func New() *FS { return &FS{names: map[string]*node{}, durable: map[string]*node{}} }

// Hook makes fn decide which operations fail. The operations are open, create, write, sync, allocate, truncate,
// rename, remove and syncdir; a write that fails with ENOSPC writes its first half. nil: none fails.
func (f *FS) Hook(fn func(op, name string) error) {
	f.mu.Lock()
	f.hook = fn
	f.mu.Unlock()
}

// Limit bounds the bytes of all files; 0: no bound.
func (f *FS) Limit(bytes int64) {
	f.mu.Lock()
	f.limit = bytes
	f.mu.Unlock()
}

// Kill ends the process: its files are dead, and what it wrote stays. Nothing works until Restart, so that what
// is left of the process in the test cannot write any more.
func (f *FS) Kill() {
	f.mu.Lock()
	f.era++
	f.dead = true
	f.mu.Unlock()
}

// Restart begins the next process. Hooks and limits are gone.
func (f *FS) Restart() {
	f.mu.Lock()
	f.dead, f.hook, f.limit = false, nil, 0
	f.mu.Unlock()
}

// Crash ends the machine. As with Kill, nothing works until Restart.
func (f *FS) Crash(rng *rand.Rand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.era++
	f.dead = true
	for _, c := range f.changes[:rng.IntN(len(f.changes)+1)] {
		f.apply(c)
	}
	f.changes = nil
	f.names = map[string]*node{}
	for name, n := range f.durable {
		f.names[name] = n
	}
	for _, n := range f.names {
		n.crash(rng)
	}
}

func (f *FS) apply(c change) {
	for p := &c; p != nil; p = p.next {
		if p.node == nil {
			delete(f.durable, p.name)
		} else {
			f.durable[p.name] = p.node
		}
	}
}

// crash makes of the node what the disk has: each dirty page is old, new, or new up to some sector.
func (n *node) crash(rng *rand.Rand) {
	size := len(n.synced)
	if len(n.data) != size && rng.IntN(2) == 0 {
		size = len(n.data)
	}
	disk := make([]byte, size)
	copy(disk, n.synced)
	for page := range n.dirty {
		from := page * pageBytes
		upto := min(from+pageBytes, len(n.data), size)
		switch rng.IntN(3) {
		case 0:
			continue
		case 1:
			upto = min(upto, from+512*rng.IntN(8))
		}
		if from < upto {
			copy(disk[from:upto], n.data[from:upto])
		}
	}
	n.data, n.synced, n.dirty, n.shared = disk, slices.Clone(disk), map[int]bool{}, false
}

// Bytes returns what a file holds, to be read or changed in place; nil if there is none.
func (f *FS) Bytes(name string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.names[name]; n != nil {
		n.own()
		return n.data
	}
	return nil
}

// Set makes a file that holds data, durably.
func (f *FS) Set(name string, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := &node{data: slices.Clone(data), synced: slices.Clone(data), dirty: map[int]bool{}}
	f.names[name], f.durable[name] = n, n
}

// Cut leaves the first bytes of a durable file, durably.
func (f *FS) Cut(name string, bytes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.names[name]
	n.data, n.synced = n.data[:bytes:bytes], n.synced[:bytes:bytes]
}

// Clone returns a copy whose files are all durable. What a file holds is copied when it is first changed, so slices
// that Bytes returned before must not be written to any more.
func (f *FS) Clone() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := New()
	for name, n := range f.names {
		n.shared, n.data = true, slices.Clip(n.data)
		twin := &node{data: n.data, synced: n.data, dirty: map[int]bool{}, shared: true}
		c.names[name], c.durable[name] = twin, twin
	}
	return c
}

// own makes data the node's alone.
func (n *node) own() {
	if n.shared {
		n.data, n.shared = slices.Clone(n.data), false
	}
}

// fail asks the hook. Called with mu held.
func (f *FS) fail(op, name string) error {
	if f.dead {
		return &os.PathError{Op: op, Path: name, Err: os.ErrClosed}
	}
	if f.hook == nil {
		return nil
	}
	if err := f.hook(op, name); err != nil {
		return &os.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

func (f *FS) used() (n int64) {
	for _, node := range f.names {
		n += int64(len(node.data))
	}
	return n
}

// Open implements journal.FS.
func (f *FS) Open(name string) (journal.File, error) { return f.open("open", name) }

// Append implements journal.FS.
func (f *FS) Append(name string) (journal.File, error) { return f.open("open", name) }

func (f *FS) open(op, name string) (journal.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail(op, name); err != nil {
		return nil, err
	}
	n := f.names[name]
	if n == nil {
		return nil, &os.PathError{Op: op, Path: name, Err: os.ErrNotExist}
	}
	return &file{fs: f, name: name, node: n, era: f.era}, nil
}

// Create implements journal.FS.
func (f *FS) Create(name string) (journal.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail("create", name); err != nil {
		return nil, err
	}
	if f.names[name] != nil {
		return nil, &os.PathError{Op: "create", Path: name, Err: os.ErrExist}
	}
	n := &node{dirty: map[int]bool{}}
	f.rename(change{name: name, node: n})
	return &file{fs: f, name: name, node: n, era: f.era}, nil
}

// rename notes a change of names and makes it visible.
func (f *FS) rename(c change) {
	for p := &c; p != nil; p = p.next {
		p.dir = path.Dir(filepath.ToSlash(p.name))
		if p.node == nil {
			delete(f.names, p.name)
		} else {
			f.names[p.name] = p.node
		}
	}
	f.changes = append(f.changes, c)
}

// List implements journal.FS.
func (f *FS) List(dir string) (names []string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.names {
		if filepath.Dir(name) == dir {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Rename implements journal.FS.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail("rename", from); err != nil {
		return err
	}
	n := f.names[from]
	if n == nil {
		return &os.PathError{Op: "rename", Path: from, Err: os.ErrNotExist}
	}
	f.rename(change{name: from, next: &change{name: to, node: n}})
	return nil
}

// Remove implements journal.FS.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail("remove", name); err != nil {
		return err
	}
	if f.names[name] == nil {
		return &os.PathError{Op: "remove", Path: name, Err: os.ErrNotExist}
	}
	f.rename(change{name: name})
	return nil
}

// MkdirAll implements journal.FS: directories are there by themselves.
func (f *FS) MkdirAll(string) error { return nil }

// SyncDir implements journal.FS. Changes are made durable in their order, so those of other directories before
// the last one of this are durable with it.
func (f *FS) SyncDir(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail("syncdir", dir); err != nil {
		return err
	}
	last := 0
	for i, c := range f.changes {
		if c.dir == dir || c.next != nil && c.next.dir == dir {
			last = i + 1
		}
	}
	for _, c := range f.changes[:last] {
		f.apply(c)
	}
	f.changes = f.changes[last:]
	return nil
}

// file is an open file.
type file struct {
	fs   *FS
	name string
	node *node
	era  int
}

// begin takes the lock and says whether the file is alive and the operation works.
func (f *file) begin(op string) error {
	f.fs.mu.Lock()
	if f.era != f.fs.era {
		return &os.PathError{Op: op, Path: f.name, Err: os.ErrClosed}
	}
	return f.fs.fail(op, f.name)
}

// ReadAt implements journal.File.
func (f *file) ReadAt(b []byte, off int64) (int, error) {
	err := f.begin("read")
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if off >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.node.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements journal.File.
func (f *file) WriteAt(b []byte, off int64) (int, error) {
	err := f.begin("write")
	defer f.fs.mu.Unlock()
	if err != nil && f.era == f.fs.era && isNoSpace(err) {
		b = b[:len(b)/2]
	} else if err != nil {
		return 0, err
	}
	if over := f.fs.used() + off + int64(len(b)) - int64(len(f.node.data)) - f.fs.limit; f.fs.limit > 0 && off+int64(len(b)) > int64(len(f.node.data)) && over > 0 {
		b = b[:max(0, int64(len(b))-over)]
		err = &os.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
	}
	f.node.grow(off + int64(len(b)))
	f.node.touch(off, len(b))
	return copy(f.node.data[off:], b), err
}

func isNoSpace(err error) bool { pe, ok := err.(*os.PathError); return ok && pe.Err == syscall.ENOSPC }

func (n *node) grow(size int64) {
	if more := size - int64(len(n.data)); more > 0 {
		n.touch(int64(len(n.data)), int(more))
		n.data = append(n.data, make([]byte, more)...)
	}
}

// touch is called before count bytes at off are written.
func (n *node) touch(off int64, count int) {
	n.own()
	for page := int(off) / pageBytes; page*pageBytes < int(off)+count; page++ {
		n.dirty[page] = true
	}
}

// Close implements journal.File.
func (f *file) Close() error { return nil }

// Size implements journal.File.
func (f *file) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.node.data)), nil
}

// Truncate implements journal.File.
func (f *file) Truncate(size int64) error {
	err := f.begin("truncate")
	defer f.fs.mu.Unlock()
	if err != nil {
		return err
	}
	if size < int64(len(f.node.data)) {
		f.node.touch(size, len(f.node.data)-int(size))
		f.node.data = f.node.data[:size:size]
	}
	f.node.grow(size)
	return nil
}

// Allocate implements journal.File.
func (f *file) Allocate(size int64) error {
	err := f.begin("allocate")
	defer f.fs.mu.Unlock()
	if err != nil {
		return err
	}
	if more := size - int64(len(f.node.data)); f.fs.limit > 0 && more > 0 && f.fs.used()+more > f.fs.limit {
		return &os.PathError{Op: "allocate", Path: f.name, Err: syscall.ENOSPC}
	}
	f.node.grow(size)
	return nil
}

// Sync implements journal.File.
func (f *file) Sync() error {
	err := f.begin("sync")
	defer f.fs.mu.Unlock()
	if f.era != f.fs.era {
		return err
	}
	n := f.node
	if err == nil {
		disk := make([]byte, len(n.data))
		copy(disk, n.synced)
		for page := range n.dirty {
			from := page * pageBytes
			if upto := min(from+pageBytes, len(n.data)); from < upto {
				copy(disk[from:upto], n.data[from:upto])
			}
		}
		n.synced = disk
	}
	n.dirty = map[int]bool{}
	return err
}
