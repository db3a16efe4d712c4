package index

import (
	"slices"
	"sync/atomic"

	"zeta/event"
)

// watch marks the series that are put after it was opened, so that a snapshot taken meanwhile can leave
// them out: whoever subscribed when the watch was opened gets them as updates.
type watch struct {
	ids    uint32 // series numbers from here on did not exist
	bits   []atomic.Uint64
	closed atomic.Bool
}

// openWatch begins to mark. For the engine.
func (x *Index) openWatch() *watch {
	x.pruneWatches()
	w := &watch{ids: x.ids.next, bits: make([]atomic.Uint64, (x.ids.next+63)/64)}
	x.watches = append(x.watches, w)
	return w
}

func (w *watch) marked(s *event.Series) bool {
	return s.ID >= w.ids || w.bits[s.ID/64].Load()&(1<<(s.ID%64)) != 0
}

// mark notes that s has been put. The block's lock is held, as it is when marked is asked.
func (x *Index) mark(s *event.Series) {
	prune := false
	for _, w := range x.watches {
		if w.closed.Load() {
			prune = true
		} else if s.ID < w.ids {
			w.bits[s.ID/64].Or(1 << (s.ID % 64))
		}
	}
	if prune {
		x.pruneWatches()
	}
}

func (x *Index) pruneWatches() {
	x.watches = slices.DeleteFunc(x.watches, func(w *watch) bool { return w.closed.Load() })
}
