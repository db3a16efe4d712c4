package server

import (
	"fmt"
	"time"

	"zeta/event"
	"zeta/query"
	"zeta/streams"
)

// gone remembers which sources fell silent lately. The index forgets them at that moment, but whoever opens a
// dashboard afterwards wants to see them. It belongs to the engine, under its lock.
type gone struct {
	events []event.Event // expired events, oldest first; a source that fell silent twice may be in it twice
}

// Bounds of gone. More sources than that are a fault elsewhere, and the oldest are left out.
const (
	maxGone     = 2_000
	goneFor     = time.Hour
	goneVersion = 1
)

// note takes an expired event.
func (g *gone) note(ev *event.Event) {
	if len(g.events) >= 2*maxGone {
		g.events = append(g.events[:0], g.events[maxGone:]...)
	}
	kept := *ev
	kept.Series = nil // may be given to another source by now when it is looked at
	g.events = append(g.events, kept)
}

// goneEvents returns the expired events that match q of sources that are silent still.
func (e *Engine) goneEvents(q *query.Query) (found []event.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	oldest := e.clock.Now() - goneFor.Microseconds()
	seen := map[seriesKey]bool{}
	all := e.gone.events
	for i := len(all) - 1; i >= max(0, len(all)-maxGone); i-- {
		ev := &all[i]
		key := seriesKey{ev.Host, ev.Service, ev.Has & (event.HasHost | event.HasService)}
		if ev.Time < oldest || seen[key] {
			continue
		}
		seen[key] = true
		if _, back := e.index.Get(ev.Host, ev.Service, key.has); !back && q.Match(ev) {
			found = append(found, *ev)
		}
	}
	return found
}

// save writes what is remembered.
func (g *gone) save() []byte {
	var s streams.Saver
	s.Uint(goneVersion)
	s.Uint(uint64(len(g.events)))
	for i := range g.events {
		s.Event(&g.events[i])
	}
	return s.Bytes()
}

// load takes up what save wrote.
func (g *gone) load(b []byte) error {
	l := streams.NewLoader(b)
	if v := l.Uint(); v != goneVersion {
		return fmt.Errorf("version %d, this program reads %d", v, goneVersion)
	}
	for range l.Len() {
		if ev := l.Event(); ev != nil {
			g.note(ev)
		}
	}
	return l.Err()
}
