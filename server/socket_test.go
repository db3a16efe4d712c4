package server

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"zeta/event"
)

// readFrame reads one unmasked frame.
func readFrame(t *testing.T, r io.Reader) (kind byte, payload []byte) {
	t.Helper()
	var head [10]byte
	must := func(_ int, err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(io.ReadFull(r, head[:2]))
	n := uint64(head[1])
	switch n {
	case 126:
		must(io.ReadFull(r, head[:2]))
		n = uint64(binary.BigEndian.Uint16(head[:]))
		if n < 126 {
			t.Fatalf("a length of %d in two bytes is not minimal", n)
		}
	case 127:
		must(io.ReadFull(r, head[:8]))
		n = binary.BigEndian.Uint64(head[:])
		if n < 1<<16 {
			t.Fatalf("a length of %d in eight bytes is not minimal", n)
		}
	}
	payload = make([]byte, n)
	must(io.ReadFull(r, payload))
	return head[0], payload
}

func TestEventFrames(t *testing.T) {
	var e event.Event
	e.SetService("s")
	empty := len(event.AppendJSON(nil, &e))
	for _, size := range []int{0, 124 - empty, 125 - empty, 126 - empty, 127 - empty, 1000, 65535 - empty, 65536 - empty, 200_000} {
		if size < 0 {
			continue
		}
		e.SetDescription(strings.Repeat("x", size))
		want := event.AppendJSON(nil, &e)
		got := appendEventFrame([]byte("before"), &e)
		r := bufio.NewReader(bytes.NewReader(got))
		r.Discard(len("before"))
		if _, payload := readFrame(t, r); !bytes.Equal(payload, want) {
			t.Errorf("description of %d bytes: frame holds %.80q, want %.80q", size, payload, want)
		}
		if _, err := r.ReadByte(); err != io.EOF {
			t.Errorf("description of %d bytes: something follows the frame", size)
		}
		if plain := appendFrame([]byte("before"), 1, want); !bytes.Equal(plain, got) {
			t.Errorf("description of %d bytes: the two ways to frame differ", size)
		}
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"aöö", 3, "aö"}, {"aöö", 4, "aö"}, {"öö", 1, ""}} {
		if got := clip(c.in, c.n); got != c.want {
			t.Errorf("clip(%q, %d): got %q, want %q", c.in, c.n, got, c.want)
		}
	}
}
