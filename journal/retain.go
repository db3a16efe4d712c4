package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"zeta/internal/faultpoint"
)

// state is what a log remembers beside its segments.
type state struct {
	generation uint64
	oldest     uint64 // segments with a lower ordinal are removed, or about to be
}

const stateName = "state"

var stateMagic = [8]byte{'z', 'e', 't', 'a', 'j', 's', 't', '\n'}

func writeState(fs FS, dir string, st state) error {
	b := make([]byte, 32)
	copy(b, stateMagic[:])
	binary.LittleEndian.PutUint32(b[8:], FormatVersion)
	binary.LittleEndian.PutUint64(b[12:], st.generation)
	binary.LittleEndian.PutUint64(b[20:], st.oldest)
	binary.LittleEndian.PutUint32(b[28:], crc32.Checksum(b[:28], castagnoli))
	return writeFile(fs, filepath.Join(dir, stateName), b)
}

// readState returns the zero state when there is none; one that is damaged is set aside.
func readState(fs FS, dir string, setAside func(name string) bool) (st state) {
	b, err := readFile(fs, filepath.Join(dir, stateName), 1<<10)
	if errors.Is(err, os.ErrNotExist) {
		return st
	}
	if err != nil || len(b) != 32 || [8]byte(b) != stateMagic || binary.LittleEndian.Uint32(b[28:]) != crc32.Checksum(b[:28], castagnoli) {
		setAside(stateName)
		return st
	}
	return state{binary.LittleEndian.Uint64(b[12:]), binary.LittleEndian.Uint64(b[20:])}
}

// retain removes segments that are too many or too old.
func (l *Log) retain() {
	for {
		l.mu.Lock()
		bytes, needed := l.sizes()
		old := l.opts.queue && len(l.segs) > 1 && l.segs[1].head.first <= l.keep
		old = old || l.opts.RetainAge > 0 && len(l.segs) > 1 && l.segs[1].head.stamp < l.stamp-l.opts.RetainAge.Microseconds()
		l.mu.Unlock()
		if needed > l.opts.RetainBytes/2 {
			signal(l.pressure)
		}
		if bytes > l.opts.RetainBytes && l.removeOldest(true) {
			continue
		}
		if !old || !l.removeOldest(false) {
			return
		}
	}
}

// sizes returns the bytes in all segments, and in those that are still needed beside the active one's
// reserve. Called with mu held.
func (l *Log) sizes() (all, needed int64) {
	for i, s := range l.segs {
		all += s.size
		if i == len(l.segs)-1 || l.segs[i+1].head.first > l.keep {
			needed += s.end
		}
	}
	return all, needed
}

// removeOldest removes the oldest segment unless it is the active one; one that is still needed only if
// force says so. That the removal has begun is written down before, so that a crash in between leaves nothing
// in doubt.
func (l *Log) removeOldest(force bool) bool {
	l.mu.Lock()
	if len(l.segs) < 2 {
		l.mu.Unlock()
		return false
	}
	oldest, next := l.segs[0], l.segs[1]
	needed := next.head.first > l.keep || next.head.repeats()
	if needed && !force {
		l.mu.Unlock()
		return false
	}
	l.mu.Unlock()
	if l.w.f == nil && next.head.ordinal > l.w.ordinal {
		return false
	}
	err := writeState(l.opts.FS, l.dir, state{generation: l.w.generation, oldest: next.head.ordinal})
	if err != nil && !noSpace(err) {
		l.opts.Logger.Warn("journal: cannot remove the oldest segment", "segment", oldest.name, "err", err)
		return false
	}
	faultpoint.Hit("journal.removing")
	if err := l.opts.FS.Remove(filepath.Join(l.dir, oldest.name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		l.opts.Logger.Warn("journal: cannot remove the oldest segment", "segment", oldest.name, "err", err)
		return false
	}
	faultpoint.Hit("journal.removed")
	l.mu.Lock()
	l.segs = l.segs[1:]
	l.clean = next.head.ordinal
	l.stats.Removed++
	if needed {
		l.stats.RemovedNeeded++
	}
	l.mu.Unlock()
	if needed {
		l.opts.Logger.Warn("journal: removed a segment before a checkpoint stood for it: a restart would miss it", "segment", oldest.name)
	}
	return true
}

// quarantineDir holds what could not be read, below the log.
const quarantineDir = "quarantine"

// maxAside bounds what is copied to quarantine at once; longer stretches stay where they are.
const maxAside = 256 << 20

// setAside copies a stretch of a segment that could not be read to quarantine, once.
func (l *Log) setAside(f File, d Damage) bool {
	l.opts.Logger.Warn("journal: bytes that are no records are set aside", "segment", d.Segment, "from", d.From, "to", d.To)
	l.mu.Lock()
	l.stats.Quarantined += d.To - d.From
	l.mu.Unlock()
	return copyAside(l.opts.FS, l.dir, f, d) == nil
}

func copyAside(fs FS, dir string, f File, d Damage) error {
	if d.To-d.From > maxAside {
		return fmt.Errorf("set aside %s: over %d bytes", d, maxAside)
	}
	out, err := fs.Create(filepath.Join(dir, quarantineDir, fmt.Sprintf("%s-%d-%d", d.Segment, d.From, d.To)))
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer out.Close()
	buf := make([]byte, windowBytes)
	for at := d.From; at < d.To; {
		n, err := f.ReadAt(buf[:min(windowBytes, d.To-at)], at)
		if n == 0 {
			return fmt.Errorf("set aside %s: %w", d, err)
		}
		if _, err := out.WriteAt(buf[:n], at-d.From); err != nil {
			return fmt.Errorf("set aside %s: %w", d, err)
		}
		at += int64(n)
	}
	if err := out.Sync(); err != nil {
		return err
	}
	return fs.SyncDir(filepath.Join(dir, quarantineDir))
}

// setAsideFile moves a file of the log to quarantine under a name that is free.
func (l *Log) setAsideFile(name string) bool { return moveAside(l.opts.FS, l.dir, name) }

func moveAside(fs FS, dir, name string) bool {
	to := filepath.Join(dir, quarantineDir, name)
	for i := 1; i < 1000; i++ {
		f, err := fs.Open(to)
		if errors.Is(err, os.ErrNotExist) {
			return fs.Rename(filepath.Join(dir, name), to) == nil && fs.SyncDir(dir) == nil
		}
		if err == nil {
			f.Close()
		}
		to = filepath.Join(dir, quarantineDir, fmt.Sprintf("%s.%d", name, i))
	}
	return false
}
