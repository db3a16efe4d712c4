package streams

import (
	"bytes"
	"strings"
	"testing"
)

// TestSections: parts within parts are written as strings of what they hold, whatever their length.
func TestSections(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 20_000} {
		text := strings.Repeat("x", n)
		var got, inner, middle, want Saver
		got.Uint(7)
		got.section(func(s *Saver) {
			s.Bool(true)
			s.section(func(s *Saver) { s.String(text) })
			s.Int(-1)
		})
		got.Uint(8)

		inner.String(text)
		middle.Bool(true)
		middle.String(string(inner.Bytes()))
		middle.Int(-1)
		want.Uint(7)
		want.String(string(middle.Bytes()))
		want.Uint(8)
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%d bytes within: got %d bytes, want %d, or others", n, len(got.Bytes()), len(want.Bytes()))
		}
	}
}
