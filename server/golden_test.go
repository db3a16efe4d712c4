package server

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"zeta/event"
)

// TestRecordedExchanges replays what real programs sent, byte for byte, and compares the answers and what the index
// holds. A file is made of these lines; bytes are in hexadecimal, with blanks for the reader, or text in quotes:
//
//	# comment
//	! statement   the door that is opened; without, Riemann's TCP and UDP
//	+ tcp 1       what follows is on this connection, "tcp" until one is named; udp: as datagrams
//	> bytes       sent by the program; the connection is opened for the first of them
//	< bytes       answered by zeta; HTTP 204: a response of this status; HTTP/2: the end of one over HTTP/2
//	= event       JSON of an event in the index; a time that is null is zeta's own stamp or of no matter
//	- query       the index holds nothing that fits
func TestRecordedExchanges(t *testing.T) {
	files, err := filepath.Glob("testdata/riemann/*.txt")
	doors, _ := filepath.Glob("testdata/doors/*.txt")
	files = append(files, doors...)
	if err != nil || len(doors) == 0 || len(files) < 20 {
		t.Fatalf("%d exchanges: %v", len(files), err)
	}
	for _, file := range files {
		name, _ := filepath.Rel("testdata", strings.TrimSuffix(file, ".txt"))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			replayExchange(t, string(text))
		})
	}
}

func replayExchange(t *testing.T, text string) {
	door := `listen.tcp("127.0.0.1:0"); listen.udp("127.0.0.1:0");`
	conns := map[string]*recordedConn{}
	name := "tcp"
	var s *testServer
	conn := func() *recordedConn {
		if conns[name] == nil {
			conns[name] = openRecorded(t, s, door, name)
		}
		return conns[name]
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		rest := strings.TrimSpace(line[1:])
		if line[0] == '!' {
			door = rest + ` listen.tcp("127.0.0.1:0");` // to ask
			continue
		}
		if s == nil {
			s = serve(t, door+` expire({every: "1h"}); index;`)
		}
		switch line[0] {
		case '+':
			name = rest
		case '>':
			if _, err := conn().Write(recordedBytes(t, rest)); err != nil {
				t.Fatal(err)
			}
		case '<':
			conn().answers(t, rest)
		case '=':
			expectIndexed(t, s, rest)
		case '-':
			until(t, "nothing in the index fits "+rest, func() bool { return len(s.query(rest)) == 0 })
		default:
			t.Fatalf("line %q: want one of ! + > < = - #", line)
		}
	}
}

// recordedConn is a connection of a recording.
type recordedConn struct {
	net.Conn
	r *bufio.Reader
}

// openRecorded opens a connection to the door that a statement has opened.
func openRecorded(t *testing.T, s *testServer, statement, name string) *recordedConn {
	t.Helper()
	network, _, _ := strings.Cut(name, " ")
	kind, _, _ := strings.Cut(strings.TrimPrefix(statement, "listen."), "(")
	if kind == "tcp" {
		kind = network
	}
	c, err := net.Dial(network, s.Addr(kind).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return &recordedConn{Conn: c, r: bufio.NewReader(c)}
}

// answers reads what zeta says and compares it with a line of a recording.
func (c *recordedConn) answers(t *testing.T, line string) {
	t.Helper()
	if status, ok := strings.CutPrefix(line, "HTTP "); ok {
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || strconv.Itoa(resp.StatusCode) != status {
			t.Fatalf("answered %s %s %v, want %s", resp.Status, body, err, status)
		}
		return
	}
	if line == "HTTP/2" {
		for c.frame(t) {
		}
		return
	}
	want := recordedBytes(t, line)
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c.r, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got  %x %v\nwant %x", got[:n], err, want)
	}
}

// frame reads a frame of HTTP/2 and says whether its response goes on.
func (c *recordedConn) frame(t *testing.T) bool {
	t.Helper()
	const headers, endStream = 1, 1
	var head [9]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		t.Fatalf("a frame of HTTP/2: %v", err)
	}
	if _, err := c.r.Discard(int(head[0])<<16 + int(head[1])<<8 + int(head[2])); err != nil {
		t.Fatalf("a frame of HTTP/2: %v", err)
	}
	return head[3] != headers || head[4]&endStream == 0
}

func recordedBytes(t *testing.T, text string) []byte {
	t.Helper()
	if strings.HasPrefix(text, `"`) {
		s, err := strconv.Unquote(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return []byte(s)
	}
	return unhex(t, text)
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
