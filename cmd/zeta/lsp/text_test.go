package lsp

import (
	"testing"
	"unicode/utf8"
)

func TestIndex(t *testing.T) {
	x := newIndex("aä😀b\r\nzwei\n")
	for _, c := range []struct {
		offset int
		at     position
	}{{0, position{0, 0}}, {1, position{0, 1}}, {3, position{0, 2}}, {7, position{0, 4}}, {8, position{0, 5}}, {10, position{1, 0}}, {14, position{1, 4}}, {15, position{2, 0}}} {
		if got := x.position(c.offset); got != c.at {
			t.Errorf("offset %d is at %v, want %v", c.offset, got, c.at)
		}
		if got := x.offset(c.at); got != c.offset {
			t.Errorf("%v is offset %d, want %d", c.at, got, c.offset)
		}
	}
	if got := x.offset(position{0, 3}); got != 3 {
		t.Errorf("the middle of a pair is offset %d, want that of the character", got)
	}
	if got := x.characters(1, 4); got != (position{0, 4}) {
		t.Errorf("the fourth character is at %v", got)
	}
}

// FuzzScene asks for places in any text: nothing panics, and positions lie inside.
func FuzzScene(f *testing.F) {
	f.Add(`where(metric > 5 and state == "ok", throttle(1, "1h", with({host: "a"}, index)));`, 20)
	f.Add("listen.tcp(':5555', {tls: {cert: `x`}}); /* */ // \n😀", 60)
	words := newDictionary()
	f.Fuzz(func(t *testing.T, text string, at int) {
		x := newIndex(text)
		p := x.position(at)
		offset := x.offset(p)
		if offset < 0 || offset > len(text) || utf8.ValidString(text) && at >= 0 && at < len(text) && utf8.RuneStart(text[at]) && text[at] != '\n' && text[at] != '\r' && offset != at {
			t.Fatalf("%d is at %v, which is %d", at, p, offset)
		}
		s := sceneAt(text, offset)
		complete(words, s, nil, nil)
		s.call()
	})
}
