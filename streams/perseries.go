package streams

import "zeta/event"

// perSeries is a keyed table with one state per (host, service).
type perSeries[T any] struct {
	keyed[T]
	near []nearby[T] // by Series.ID: a guess, checked before it is believed
	key  []byte      // scratch
}

type nearby[T any] struct {
	host, service string
	has           event.Presence
	x             *keyedEntry[T]
}

const identity = event.HasHost | event.HasService

func newPerSeries[T any](env *Env, limit int, idle int64, forget func(*T)) *perSeries[T] {
	t := &perSeries[T]{keyed: keyed[T]{env: env, max: limit, idle: idle, forget: forget, at: make(map[string]*keyedEntry[T])}}
	t.root.next, t.root.prev = &t.root, &t.root
	return t
}

// useSeries is use with the key of e's host and service.
func (t *perSeries[T]) useSeries(e *event.Event) (state *T, fresh bool) {
	// Fast path: the series leads to its entry.
	if s := e.Series; s != nil && int(s.ID) < len(t.near) {
		n := &t.near[s.ID]
		if x := n.x; x != nil && x.next.prev == x && n.has == e.Has&identity && n.host == e.Host && n.service == e.Service {
			t.sweep()
			if x.next.prev == x { // not swept
				x.unlink()
				x.used = t.env.Now()
				t.link(x)
				return &x.state, false
			}
		}
	}
	t.key = appendSeriesKey(t.key[:0], e)
	state, fresh = t.use(t.key)
	t.note(e)
	return state, fresh
}

// note remembers where the entry used last is, unless that would make a long list for few entries, as below
// a by with many forks.
func (t *perSeries[T]) note(e *event.Event) {
	if e.Series == nil || int(e.Series.ID) > 8*(t.len()+8) {
		return
	}
	id := int(e.Series.ID)
	if id >= len(t.near) {
		t.near = append(t.near, make([]nearby[T], id+1-len(t.near))...)
	}
	t.near[id] = nearby[T]{e.Host, e.Service, e.Has & identity, t.root.prev}
}
