package wire

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"zeta/event"
)

// TestLimits: each limit holds at its value and is refused, or cut, one beyond.
func TestLimits(t *testing.T) {
	limits := Limits{Frame: 2000, Events: 3, Tags: 2, Attributes: 2, Name: 10, Description: 12, Text: 8, Query: 9}
	one := func(f func(e *event.Event)) *Msg {
		m := &Msg{Events: make([]event.Event, 1)}
		f(&m.Events[0])
		return m
	}
	text := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name string
		in   *Msg
		err  string
	}{
		{"events", &Msg{Events: make([]event.Event, 3)}, ""},
		{"events+1", &Msg{Events: make([]event.Event, 4)}, "wire: field 6 (events) at byte 6: more than 3 events in a message"},
		{"host", one(func(e *event.Event) { e.SetHost(text(10)) }), ""},
		{"host+1", one(func(e *event.Event) { e.SetHost(text(11)) }), "wire: event 1: field 4 (host) at byte 2: 11 bytes, limit 10"},
		{"service+1", one(func(e *event.Event) { e.SetService(text(11)) }), "wire: event 1: field 3 (service) at byte 2: 11 bytes, limit 10"},
		{"state+1", one(func(e *event.Event) { e.SetState(text(11)) }), "wire: event 1: field 2 (state) at byte 2: 11 bytes, limit 10"},
		{"tag", one(func(e *event.Event) { e.Set = event.NewSet([]string{text(8), text(8)}, nil) }), ""},
		{"tag+1", one(func(e *event.Event) { e.Set = event.NewSet([]string{"a", text(9)}, nil) }), "wire: event 1: field 7 (tags) at byte 5: 9 bytes, limit 8"},
		{"tags+1", one(func(e *event.Event) { e.Set = event.NewSet([]string{"a", "b", "c"}, nil) }), "wire: event 1: field 7 (tags) at byte 8: more than 2 tags"},
		{"attributes+1", one(func(e *event.Event) { e.Set = event.NewSet(nil, []event.Attr{{Key: "a"}, {Key: "b"}, {Key: "c"}}) }),
			"wire: event 1: field 9 (attributes) at byte 16: more than 2 attributes"},
		{"key+1", one(func(e *event.Event) { e.Set = event.NewSet(nil, []event.Attr{{Key: text(9)}}) }), "wire: event 1: field 9 (attributes) at byte 2: key: 9 bytes, limit 8"},
		{"query", &Msg{HasQuery: true, Query: text(9)}, ""},
		{"query+1", &Msg{HasQuery: true, Query: text(10)}, "wire: field 5 (query) at byte 2: 10 bytes in a query, limit 9"},
		{"frame+1", &Msg{HasError: true, Error: text(2000)}, "wire: at byte 0: 2003 bytes in a message, limit 2000"},
	}
	for _, tt := range tests {
		var got Msg
		err := NewDecoder(limits).Decode(&got, AppendMsg(nil, tt.in))
		if s := errorText(err); s != tt.err {
			t.Errorf("%s: error %q, want %q", tt.name, s, tt.err)
		}
		if err != nil && !err.(*DecodeError).Limit {
			t.Errorf("%s: not marked as a limit: %v", tt.name, err)
		}
		if err == nil {
			if d := difference(&got, tt.in); d != "" {
				t.Errorf("%s: %s: got %+v", tt.name, d, got)
			}
		}
	}
}

// TestCut: long descriptions and values are cut between characters and counted.
func TestCut(t *testing.T) {
	in := Msg{Events: make([]event.Event, 1)}
	in.Events[0].SetDescription("ééééé")
	in.Events[0].Set = event.NewSet(nil, []event.Attr{{Key: "k", Value: "😀😀"}})
	d := NewDecoder(Limits{Description: 5, Text: 6})
	var got Msg
	if err := d.Decode(&got, AppendMsg(nil, &in)); err != nil {
		t.Fatal(err)
	}
	e := &got.Events[0]
	if v, _ := e.Attr("k"); e.Description != "éé" || v != "😀" {
		t.Errorf("description %q, k %q, want %q and %q", e.Description, v, "éé", "😀")
	}
	if want := (Stats{Truncated: 2}); d.Stats != want {
		t.Errorf("stats %+v, want %+v", d.Stats, want)
	}
	for _, n := range []int{0, 1, 2, 3, 4, 5, 9, 10, 11} {
		if s := cutText("ééééé", n); len(s) > n || !utf8.ValidString(s) {
			t.Errorf("cutText to %d: %q", n, s)
		}
	}
	if s := cutText("\xbf\xbf\xbf\xbf\xbf\xbf\xbf", 5); len(s) != 5 {
		t.Errorf("cutText of no characters: %d bytes, want 5", len(s))
	}
}

// TestStats counts each kind once, on the fast and on the slow path.
func TestStats(t *testing.T) {
	payloads := map[string]Stats{
		"\x32\x03\x22\x01\xff":                             {InvalidUTF8: 1},
		"\x32\x03\x1a\x01\xff":                             {InvalidUTF8: 1},
		"\x32\x03\x12\x01\xff":                             {InvalidUTF8: 1},
		"\x32\x03\x2a\x01\xff":                             {InvalidUTF8: 1},
		"\x32\x03\x3a\x01\xff":                             {InvalidUTF8: 1},
		"\x32\x02\x1a\x00":                                 {EmptyServices: 1},
		"\x22\x00\x22\x00":                                 {States: 2},
		"\x32\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f": {TimesClamped: 1},
		"\x32\x0b\x4a\x09\x0a\x04host\x12\x01w":            {AttributesMoved: 1},
		"\x32\x0e\x22\x01h\x4a\x09\x0a\x04host\x12\x01w":   {AttributesDropped: 1},
		"\x32\x0b\x4a\x09\x0a\x04time\x12\x01w":            {AttributesDropped: 1},
	}
	for payload, want := range payloads {
		for _, path := range []struct{ name, tail string }{{"fast", ""}, {"slow", "\x30\x01"}} {
			b := []byte(payload)
			if path.tail != "" {
				if b[0] != tagEvents {
					continue
				}
				b = append(b, path.tail...)
				b[1] += byte(len(path.tail))
			}
			d := NewDecoder(Limits{})
			var m Msg
			for range 2 { // the second time from the caches
				d.Stats = Stats{}
				if err := d.Decode(&m, b); err != nil {
					t.Fatalf("%x: %v", b, err)
				}
				if d.Stats != want {
					t.Errorf("%s: %x: %+v, want %+v", path.name, b, d.Stats, want)
				}
			}
		}
	}
}

// TestSharing: what comes from one decoder shares its strings and sets, and does not refer to the payload.
func TestSharing(t *testing.T) {
	d := NewDecoder(Limits{})
	var a, b Msg
	payload := collectdSample(0, 60)
	if err := d.Decode(&a, payload); err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(&b, bytes.Clone(payload)); err != nil {
		t.Fatal(err)
	}
	for i := range payload {
		payload[i] = 0xee
	}
	for i := range a.Events {
		if a.Events[i].Set != b.Events[i].Set {
			t.Fatalf("event %d: two sets for the same tags and attributes", i)
		}
		if d := eventDifference(&a.Events[i], &b.Events[i]); d != "" {
			t.Fatalf("event %d: %s changed with the payload", i, d)
		}
	}
}
