package sinks

import (
	"container/list"
	"sync"
)

// memo is a Memo in memory that forgets the longest unused entry above its limit.
type memo struct {
	mu      sync.Mutex
	limit   int
	entries map[string]*list.Element
	order   *list.List // most recently used first; values are memoEntry
}

type memoEntry struct{ key, value string }

// NewMemo returns a Memo that holds at most limit entries in memory.
func NewMemo(limit int) Memo {
	return &memo{limit: limit, entries: map[string]*list.Element{}, order: list.New()}
}

func (m *memo) Get(key string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	el, ok := m.entries[key]
	if !ok {
		return "", false
	}
	m.order.MoveToFront(el)
	return el.Value.(memoEntry).value, true
}

func (m *memo) Put(key, value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if el, ok := m.entries[key]; ok {
		el.Value = memoEntry{key, value}
		m.order.MoveToFront(el)
		return
	}
	m.entries[key] = m.order.PushFront(memoEntry{key, value})
	if m.order.Len() > m.limit {
		last := m.order.Back()
		m.order.Remove(last)
		delete(m.entries, last.Value.(memoEntry).key)
	}
}

func (m *memo) Delete(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if el, ok := m.entries[key]; ok {
		m.order.Remove(el)
		delete(m.entries, key)
	}
}
