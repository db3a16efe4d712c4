package sinks

import (
	"strings"
	"testing"

	"zeta/event"
	"zeta/streams"
)

func TestHeld(t *testing.T) {
	m := NewManager(Options{})
	b := newMemoryBacklog(1000)
	m.queues["x"] = &queue{backlog: b}
	if n := m.Held(); n != 0 {
		t.Errorf("nothing takes %d bytes", n)
	}
	for range 500 {
		e := event.Event{}
		e.SetDescription(strings.Repeat("x", 1000))
		b.add(&streams.Alert{Events: []event.Event{e}})
	}
	if n, least, most := m.Held(), int64(500*1000), int64(500*1500); n < least || n > most {
		t.Errorf("500 alerts of 1,000 bytes of text take %d bytes, want %d to %d", n, least, most)
	}
}
