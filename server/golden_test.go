package server

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"zeta/event"
)

// TestRecordedExchanges replays what real clients sent, segment by segment, and compares every byte of the
// answers. A file holds, in hexadecimal with blanks for the reader:
//
//   - tcp 1     what follows is on this connection, which is opened when it is first named; udp: as datagrams
//     > bytes     sent by the client
//     < bytes     answered by zeta
//     = event     JSON of what the index must hold in the end; a time that is null is zeta's own stamp
//     # comment
func TestRecordedExchanges(t *testing.T) {
	files, err := filepath.Glob("testdata/riemann/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no exchanges: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			replayExchange(t, serve(t, `listen.tcp("127.0.0.1:0"); listen.udp("127.0.0.1:0"); index;`), string(text))
		})
	}
}

func replayExchange(t *testing.T, s *testServer, text string) {
	conns := map[string]net.Conn{}
	name := "tcp"
	conn := func() net.Conn {
		if conns[name] == nil {
			kind, _, _ := strings.Cut(name, " ")
			conns[name] = s.dial(kind)
		}
		return conns[name]
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		rest := strings.TrimSpace(line[1:])
		switch line[0] {
		case '+':
			name = rest
		case '>':
			if _, err := conn().Write(unhex(t, rest)); err != nil {
				t.Fatal(err)
			}
		case '<':
			want := unhex(t, rest)
			got := make([]byte, len(want))
			if n, err := io.ReadFull(conn(), got); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("got  %x %v\nwant %x", got[:n], err, want)
			}
		case '=':
			expectIndexed(t, s, rest)
		default:
			t.Fatalf("line %q: want one of + > < = #", line)
		}
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return b
}

// expectIndexed waits until the index holds the event, which may come as a datagram.
func expectIndexed(t *testing.T, s *testServer, text string) {
	t.Helper()
	decode := func(b []byte) (fields map[string]any) {
		if err := json.Unmarshal(b, &fields); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		return fields
	}
	want := decode([]byte(text))
	until(t, "the index holds "+text, func() bool {
		for _, e := range s.query("true") {
			got := decode(event.AppendJSON(nil, &e))
			if want["time"] == nil {
				got["time"] = nil
			}
			if reflect.DeepEqual(got, want) {
				return true
			}
		}
		return false
	})
}
