package streams

import "zeta/event"

// keyed is a bounded table of state per key, in the order of last use. It is the table of operators that
// keep something per host, service or other key and do not build children for it, as by does.
//
// A key that has not been used for the idle time is forgotten when the table is next used; at the maximum
// the key unused longest gives way, which is counted as an overload.
type keyed[T any] struct {
	clock  *Clock
	idle   int64         // microseconds; 0: keys are not forgotten for their age
	root   keyedEntry[T] // ring; root.next is the key unused longest
	env    *Env
	max    int
	forget func(*T) // optional: called when a key goes
	at     map[string]*keyedEntry[T]
}

type keyedEntry[T any] struct {
	next, prev *keyedEntry[T]
	key        string
	used       int64 // engine clock, microseconds
	state      T
}

func newKeyed[T any](env *Env, max int, idle int64, forget func(*T)) *keyed[T] {
	t := new(keyed[T])
	t.init(env, max, idle, forget)
	return t
}

// init makes t ready; it is part of its node and must not be copied.
func (t *keyed[T]) init(env *Env, max int, idle int64, forget func(*T)) {
	t.clock, t.env, t.max, t.idle, t.forget = env.rt.Clock, env, max, idle, forget
	t.at = make(map[string]*keyedEntry[T])
	t.root.next, t.root.prev = &t.root, &t.root
}

// len returns how many keys there are.
func (t *keyed[T]) len() int { return len(t.at) }

// find returns the state of key without marking it as used; nil if there is none.
func (t *keyed[T]) find(key []byte) *T {
	if x := t.at[string(key)]; x != nil {
		return &x.state
	}
	return nil
}

// use returns the state of key, made anew if need be, and marks it as used now.
func (t *keyed[T]) use(key []byte) (state *T, fresh bool) {
	t.sweep()
	x := t.at[string(key)]
	if x == nil {
		if len(t.at) >= t.max {
			t.drop(t.root.next)
			t.env.Overload("keys", 1)
		}
		x, fresh = &keyedEntry[T]{key: string(key)}, true
		t.at[x.key] = x
		t.link(x)
	}
	t.touch(x)
	return &x.state, fresh
}

// touch marks x as used now.
func (t *keyed[T]) touch(x *keyedEntry[T]) {
	x.used = t.clock.now
	if t.root.prev != x {
		x.unlink()
		t.link(x)
	}
}

// sweep forgets the keys that have been idle for too long.
func (t *keyed[T]) sweep() {
	if t.idle == 0 {
		return
	}
	for x := t.root.next; x != &t.root && t.clock.now-x.used > t.idle; x = t.root.next {
		t.drop(x)
	}
}

// refresh marks every key as used now, in the order they have.
func (t *keyed[T]) refresh() {
	for x := t.root.next; x != &t.root; x = x.next {
		x.used = t.clock.now
	}
}

// oldest returns the key unused longest and when it was used; nil if the table is empty.
func (t *keyed[T]) oldest() (state *T, used int64) {
	if x := t.root.next; x != &t.root {
		return &x.state, x.used
	}
	return nil, 0
}

// removeOldest forgets the key unused longest.
func (t *keyed[T]) removeOldest() {
	if x := t.root.next; x != &t.root {
		t.drop(x)
	}
}

// remove forgets key.
func (t *keyed[T]) remove(key []byte) {
	if x := t.at[string(key)]; x != nil {
		t.drop(x)
	}
}

// each calls f with every state, the key unused longest first, and forgets those for which f returns false.
func (t *keyed[T]) each(f func(*T) bool) {
	for x := t.root.next; x != &t.root; {
		next := x.next
		if !f(&x.state) {
			t.drop(x)
		}
		x = next
	}
}

func (t *keyed[T]) drop(x *keyedEntry[T]) {
	x.unlink()
	x.next, x.prev = x, nil // perSeries may still point here: this must not keep alive what goes later
	delete(t.at, x.key)
	if t.forget != nil {
		t.forget(&x.state)
	}
}

func (t *keyed[T]) link(x *keyedEntry[T]) {
	x.prev, x.next = t.root.prev, &t.root
	x.prev.next, x.next.prev = x, x
}

// isIn reports whether the entry has not been dropped.
func (x *keyedEntry[T]) isIn() bool { return x.next.prev == x }

func (x *keyedEntry[T]) unlink() { x.prev.next, x.next.prev = x.next, x.prev }

// save writes the table; state writes one state.
func (t *keyed[T]) save(s *Saver, state func(*Saver, *T)) {
	s.Uint(uint64(len(t.at)))
	for x := t.root.next; x != &t.root; x = x.next {
		s.String(x.key)
		s.Int(x.used)
		state(s, &x.state)
	}
}

// load reads what save wrote into a table without keys.
func (t *keyed[T]) load(l *Loader, state func(*Loader, *T)) {
	for range l.Len() {
		x := &keyedEntry[T]{key: l.String(), used: l.Int()}
		state(l, &x.state)
		if l.Err() != nil {
			return
		}
		t.at[x.key] = x
		t.link(x)
	}
}

// appendHostKey appends the host of e to dst; a missing one and "" differ.
func appendHostKey(dst []byte, e *event.Event) []byte {
	return Datum{Kind: stringOrMissing(e, event.HasHost), Str: e.Host}.AppendKey(dst)
}

// appendSeriesKey appends the host and service of e to dst.
func appendSeriesKey(dst []byte, e *event.Event) []byte {
	dst = appendHostKey(dst, e)
	return Datum{Kind: stringOrMissing(e, event.HasService), Str: e.Service}.AppendKey(dst)
}

func stringOrMissing(e *event.Event, bit event.Presence) DatumKind {
	if e.Has&bit != 0 {
		return String
	}
	return Missing
}
