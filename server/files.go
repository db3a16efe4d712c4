package server

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// files remembers how the files of the rules looked just before they were read: those of the last attempt,
// successful or not, with the tables they name, and what the patterns of includes matched. Whatever the system
// tells of changes is only a reason to look; what has changed is decided here. Safe for concurrent use.
type files struct {
	mu   sync.Mutex
	seen map[string]look
}

// look is how a file looked, or what a pattern matched.
type look struct {
	info  os.FileInfo // nil: it was not there
	names []string
}

const (
	watchSettle = 200 * time.Millisecond // without an event before the files are looked at
	watchMost   = 2 * time.Second        // longest wait for that
	watchPoll   = 10 * time.Second       // between two looks without an event
)

// begin forgets what was read before.
func (f *files) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = map[string]look{}
}

// opened takes note of a file or a pattern before it is read.
func (f *files) opened(name string) {
	l := lookAt(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[name] = l
}

func lookAt(name string) look {
	if isPattern(name) {
		names, _ := filepath.Glob(name) // a bad pattern is a problem of the rules and matches nothing
		return look{names: names}
	}
	info, err := os.Stat(name)
	if err != nil {
		return look{}
	}
	return look{info: info}
}

func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// changed reports whether a file differs from what was read. A file that has become empty does not count: it is
// likely just being written, and rules that are gone by mistake would take their state along.
func (f *files) changed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	changed := false
	for name, before := range f.seen {
		now := lookAt(name)
		if now.info != nil && now.info.Size() == 0 && (before.info == nil || before.info.Size() > 0) {
			return false
		}
		changed = changed || now.differs(before)
	}
	return changed
}

func (l look) differs(before look) bool {
	if (l.info == nil) != (before.info == nil) || !slices.Equal(l.names, before.names) {
		return true
	}
	return l.info != nil && (l.info.Size() != before.info.Size() || !l.info.ModTime().Equal(before.info.ModTime()) || !os.SameFile(l.info, before.info))
}

// directories returns where changes can show: files are often replaced rather than written, so that it is their
// directory that tells. A pattern in the name of a directory is left to the poll.
func (f *files) directories() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var dirs []string
	for name := range f.seen {
		dir := filepath.Dir(name)
		for isPattern(dir) {
			dir = filepath.Dir(dir)
		}
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// watch loads the rules again when their files change, until ctx is done.
func (s *Server) watch(ctx context.Context) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		s.log.Warn("changes of the rules are noticed late", "every", watchPoll, "err", err)
		w = &fsnotify.Watcher{} // tells nothing
	} else {
		defer w.Close()
	}
	poll := time.NewTicker(watchPoll)
	defer poll.Stop()
	for fresh := false; ; {
		if fresh = err == nil && follow(w, s.files.directories()) && !fresh; fresh {
			s.log.Debug("watching the rules", "directories", strings.Join(w.WatchList(), " "))
		} else {
			select {
			case <-ctx.Done():
				return
			case <-w.Errors: // events were lost; the look finds what they were about
			case <-poll.C:
			case <-w.Events:
				if !settle(ctx, w) {
					return
				}
			}
		}
		if s.files.changed() {
			s.Reload() // it logs what goes wrong
		}
	}
}

// settle waits until nothing more happens; false: ctx is done.
func settle(ctx context.Context, w *fsnotify.Watcher) bool {
	most := time.NewTimer(watchMost)
	defer most.Stop()
	quiet := time.NewTimer(watchSettle)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-w.Events:
			quiet.Reset(watchSettle)
		case <-quiet.C:
			return true
		case <-most.C:
			return true
		}
	}
}

// follow has w watch exactly these directories, as far as they exist, and reports whether one is new: what changed
// in it before shows only to a look.
func follow(w *fsnotify.Watcher, dirs []string) (added bool) {
	watched := w.WatchList()
	for _, dir := range watched {
		if !slices.Contains(dirs, dir) {
			w.Remove(dir) // an error says that it is gone
		}
	}
	for _, dir := range dirs {
		if !slices.Contains(watched, dir) {
			added = w.Add(dir) == nil || added // one that is not there is left to the poll
		}
	}
	return added
}
