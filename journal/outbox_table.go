package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// ErrTableFull says that a table holds as many keys as it may.
var ErrTableFull = errors.New("outbox: the table is full")

// maxTableValue bounds a key and its value, in bytes.
const maxTableValue = 1 << 20

// Table is a small map in the outbox: silences, acknowledgements, what a sink remembers. All of it is in memory
// too. Its methods are safe for concurrent use.
type Table struct {
	o      *Outbox
	name   string
	limit  int
	evict  bool
	values map[string]tableValue
	last   uint64 // number of the newest value
}

type tableValue struct {
	number uint64 // rises with each Put of the table
	value  []byte
}

// Table returns the table of that name, which takes at most limit keys.
func (o *Outbox) Table(name string, limit int) *Table {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.table(name)
	t.limit = limit
	return t
}

// table makes the table if it is not there. Called with mu held.
func (o *Outbox) table(name string) *Table {
	t := o.tables[name]
	if t == nil {
		t = &Table{o: o, name: name, values: map[string]tableValue{}}
		o.tables[name] = t
	}
	return t
}

// Get returns the value of a key, which is not to be changed.
func (t *Table) Get(key string) (value []byte, ok bool) {
	t.o.mu.Lock()
	defer t.o.mu.Unlock()
	v, ok := t.values[key]
	return v.value, ok
}

// Put sets the value of a key, which it takes over. The ticket is for Outbox.Wait.
func (t *Table) Put(key string, value []byte) (ticket uint64, err error) {
	if key == "" || len(key) > maxEntryName || len(value) > maxTableValue {
		return 0, fmt.Errorf("outbox: key of %d bytes with %d bytes in table %s, want a key of 1 to %d and at most %d", len(key), len(value), t.name, maxEntryName, maxTableValue)
	}
	t.o.mu.Lock()
	defer t.o.mu.Unlock()
	if t.o.closed {
		return 0, ErrClosed
	}
	if _, ok := t.values[key]; !ok && len(t.values) >= t.limit {
		if !t.evict || t.limit <= 0 {
			return 0, fmt.Errorf("%w: %s has %d keys", ErrTableFull, t.name, t.limit)
		}
		t.remove(t.oldest())
	}
	t.last++
	t.values[key] = tableValue{t.last, value}
	return t.o.add(&change{op: opSet, sink: t.name, key: key, value: append(number(t.last), value...)}), nil
}

// oldest returns the key whose value was set longest ago. Called with mu held.
func (t *Table) oldest() (key string) {
	least := uint64(1<<64 - 1)
	for k, v := range t.values {
		if v.number < least {
			key, least = k, v.number
		}
	}
	return key
}

// Delete removes a key.
func (t *Table) Delete(key string) (ticket uint64) {
	t.o.mu.Lock()
	defer t.o.mu.Unlock()
	if _, ok := t.values[key]; !ok || t.o.closed {
		return 0
	}
	return t.remove(key)
}

func (t *Table) remove(key string) (ticket uint64) {
	delete(t.values, key)
	return t.o.add(&change{op: opDelete, sink: t.name, key: key})
}

// All returns the keys there were when it was called, sorted, with their values.
func (t *Table) All() iter.Seq2[string, []byte] {
	t.o.mu.Lock()
	values := maps.Clone(t.values)
	t.o.mu.Unlock()
	return func(yield func(string, []byte) bool) {
		for _, k := range slices.Sorted(maps.Keys(values)) {
			if !yield(k, values[k].value) {
				return
			}
		}
	}
}

// Len returns how many keys there are.
func (t *Table) Len() int {
	t.o.mu.Lock()
	defer t.o.mu.Unlock()
	return len(t.values)
}

// load takes a value from the file.
func (t *Table) load(key string, stored []byte) {
	if len(stored) < 8 {
		return
	}
	v := tableValue{binary.BigEndian.Uint64(stored), slices.Clone(stored[8:])}
	t.values[key] = v
	t.last = max(t.last, v.number)
}

// Memo is the memory of a sink: strings by key, of which the longest unset is forgotten above the limit.
type Memo struct{ t *Table }

// Memo returns the memory of a sink.
func (o *Outbox) Memo(sink string, limit int) Memo {
	t := o.Table("memo "+sink, limit)
	t.evict = true
	return Memo{t}
}

// Get returns the value of a key.
func (m Memo) Get(key string) (string, bool) {
	v, ok := m.t.Get(key)
	return string(v), ok
}

// Put sets the value of a key. One that is too long is not remembered.
func (m Memo) Put(key, value string) { m.t.Put(key, []byte(value)) }

// Delete forgets a key.
func (m Memo) Delete(key string) { m.t.Delete(key) }
