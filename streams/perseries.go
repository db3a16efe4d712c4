package streams

import (
	"math/bits"

	"zeta/event"
)

// perSeries is a keyed table with one state per (host, service).
type perSeries[T any] struct {
	only nearby[T] // the one series there is: below a by there is mostly no other
	keyed[T]
	near []nearby[T] // by Series.ID folded to its length: guesses, which others push out
	key  []byte      // scratch
}

// nearby is a guess: it holds if the event has that very series and the entry is still in the table.
type nearby[T any] struct {
	series *event.Series
	x      *keyedEntry[T]
}

const identity = event.HasHost | event.HasService

func newPerSeries[T any](env *Env, limit int, idle int64, forget func(*T)) *perSeries[T] {
	t := new(perSeries[T])
	t.init(env, limit, idle, forget)
	return t
}

// useSeries is use with the key of e's host and service.
func (t *perSeries[T]) useSeries(e *event.Event) (state *T, fresh bool) {
	// Fast path: the series leads to its entry.
	if x := t.guess(e.Series); x != nil && x.isIn() {
		if t.sweep(); x.isIn() {
			t.touch(x)
			return &x.state, false
		}
	}
	t.key = appendSeriesKey(t.key[:0], e)
	state, fresh = t.use(t.key)
	t.note(e.Series)
	return state, fresh
}

func (t *perSeries[T]) guess(s *event.Series) *keyedEntry[T] {
	if s == nil {
		return nil
	}
	n := &t.only
	if len(t.near) > 0 {
		n = &t.near[t.fold(s.ID)]
	}
	if n.series != s {
		return nil
	}
	return n.x
}

// fold maps a number to a place among the guesses: neighbours to neighbours, and those at equal distances, as one
// service's of all hosts are, to different places.
func (t *perSeries[T]) fold(id uint32) uint32 {
	mask := uint32(len(t.near) - 1)
	n := bits.Len32(mask)
	return (id ^ id>>n ^ id>>(2*n)) & mask
}

// note remembers where the entry used last is.
func (t *perSeries[T]) note(s *event.Series) {
	if s == nil {
		return
	}
	n := nearby[T]{s, t.root.prev}
	if t.len() == 1 && t.near == nil {
		t.only = n
		return
	}
	if 2*t.len() > len(t.near) {
		t.only, t.near = nearby[T]{}, make([]nearby[T], 1<<bits.Len(uint(2*t.len()-1)))
	}
	t.near[t.fold(s.ID)] = n
}
