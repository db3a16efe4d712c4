package index

import (
	"fmt"
	"testing"
	"time"

	"zeta/event"
)

// TestSearchGivesWay: a search that takes long lets the connections go first, again and again; scans of a
// million entries made senders wait for 10 ms and more.
func TestSearchGivesWay(t *testing.T) {
	x := New(Options{})
	x.Advance(1)
	var e event.Event
	e.SetHost("h")
	const pages = 20
	for i := range pages * pageSize {
		e.SetService(fmt.Sprint(i))
		e.Series = x.Resolve(&e)
		x.Put(&e)
	}
	c := candidatesPool.New().(*candidates)
	seen := 0
	c.walk(x.hosts["h"], nil, func(c *candidates) bool {
		seen += len(c.entries)
		for began := time.Now(); time.Since(began) < 100*time.Microsecond; {
		}
		return true
	})
	if seen != pages*pageSize {
		t.Errorf("%d entries, want %d", seen, pages*pageSize)
	}
	// A look at the turn every four pages, each of which is over by then; the first look begins it.
	if n := c.turn.Taken(); n < pages/4-2 {
		t.Errorf("gave way %d times in %d pages, want at least %d", n, pages, pages/4-2)
	}
	c.turn.Close()
}
