package clients

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"zeta/event"
	"zeta/event/wire"
)

// recorder is a proxy in front of zeta's plain doors that writes down every byte with its direction, in the
// order it saw them, as server/testdata/riemann has it.
type recorder struct {
	t      *testing.T
	server string
	l      net.Listener
	u      net.PacketConn

	mu    sync.Mutex
	text  strings.Builder
	conns int
	last  string                 // the connection of the last line
	index map[string]event.Event // the newest event of each series that was sent
	order []string
}

// recorder returns doors that lead to zeta; with -record through a recorder, whose file is written at the test's end.
func (r *rig) recorder(t *testing.T, name, about string) doors {
	if !*record {
		return r.doors
	}
	rec := &recorder{t: t, server: r.tcp, index: map[string]event.Event{}}
	addr := freeAddr(t)
	var err error
	if rec.l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	if rec.u, err = net.ListenPacket("udp", addr); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&rec.text, "# %s\n# Recorded by examples/clients with -record; the first event was there before.\n", about)
	e := seedEvent()
	rec.line("tcp seed", '>', wire.AppendFrame(nil, &wire.Msg{Events: []event.Event{e}}))
	rec.line("tcp seed", '<', wire.AckOK)
	go rec.accept()
	go rec.datagrams()
	t.Cleanup(func() {
		rec.l.Close()
		rec.u.Close()
		if !t.Failed() {
			rec.save(filepath.Join("..", "..", "server", "testdata", "riemann", name+".txt"))
		}
	})
	d := r.doors
	d.tcp = addr
	return d
}

func (rec *recorder) accept() {
	for {
		c, err := rec.l.Accept()
		if err != nil {
			return
		}
		rec.mu.Lock()
		rec.conns++
		name := fmt.Sprintf("tcp %d", rec.conns)
		rec.mu.Unlock()
		go rec.connection(c, name)
	}
}

func (rec *recorder) connection(c net.Conn, name string) {
	defer c.Close()
	s, err := net.Dial("tcp", rec.server)
	if err != nil {
		return
	}
	defer s.Close()
	go func() {
		rec.copy(c, s, name, '<')
		c.Close()
	}()
	rec.copy(s, c, name, '>')
	s.(*net.TCPConn).CloseWrite()
}

func (rec *recorder) copy(to, from net.Conn, name string, direction byte) {
	frames := &frameStream{}
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			rec.mu.Lock()
			rec.line(name, direction, buf[:n])
			for _, m := range frames.add(buf[:n]) {
				rec.comment(m, direction)
			}
			rec.mu.Unlock()
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (rec *recorder) datagrams() {
	s, err := net.Dial("udp", rec.server)
	if err != nil {
		return
	}
	defer s.Close()
	buf := make([]byte, 64<<10)
	for {
		n, _, err := rec.u.ReadFrom(buf)
		if err != nil {
			return
		}
		rec.mu.Lock()
		rec.line("udp", '>', buf[:n])
		rec.comment(buf[:n], '>')
		rec.mu.Unlock()
		s.Write(buf[:n])
	}
}

// line writes bytes down, the length of a frame set off from what follows. Its lock is held, or nobody else is there yet.
func (rec *recorder) line(conn string, direction byte, b []byte) {
	if conn != rec.last {
		fmt.Fprintf(&rec.text, "+ %s\n", conn)
		rec.last = conn
	}
	text := hex.EncodeToString(b)
	if conn != "udp" && len(b) > 4 && int(b[0]) == 0 && int(b[1]) == 0 {
		text = text[:8] + " " + text[8:]
	}
	fmt.Fprintf(&rec.text, "%c %s\n", direction, text)
}

// comment says what a message holds.
func (rec *recorder) comment(payload []byte, direction byte) {
	var m wire.Msg
	if err := wire.NewDecoder(wire.DefaultLimits).Decode(&m, payload); err != nil {
		rec.t.Errorf("a message that cannot be read: %v", err)
		return
	}
	for i := range m.Events {
		e := &m.Events[i]
		json := event.AppendJSON(nil, e)
		fmt.Fprintf(&rec.text, "#   %s\n", json)
		if direction == '>' {
			key := e.Host + "\x00" + e.Service
			if _, ok := rec.index[key]; !ok {
				rec.order = append(rec.order, key)
			}
			rec.index[key] = *e
		}
	}
	if m.HasQuery {
		fmt.Fprintf(&rec.text, "#   query %s\n", m.Query)
	}
	if m.HasError {
		first, _, _ := strings.Cut(m.Error, "\n")
		fmt.Fprintf(&rec.text, "#   error %s\n", first)
	}
}

// save writes the file; its end says what the index must hold after it has been replayed.
func (rec *recorder) save(file string) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, key := range rec.order {
		e := rec.index[key]
		fmt.Fprintf(&rec.text, "= %s\n", event.AppendJSON(nil, &e))
	}
	text := rec.text.String()
	if host, err := os.Hostname(); err == nil && strings.Contains(text, hex.EncodeToString([]byte(host))) && len(host) > 3 {
		rec.t.Errorf("the recording holds this machine's name %q", host)
		return
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		rec.t.Error(err)
	}
}

// frameStream puts frames together from what was read.
type frameStream struct{ left []byte }

func (s *frameStream) add(b []byte) (payloads [][]byte) {
	s.left = append(s.left, b...)
	f := wire.NewFrameReader(bytes.NewReader(s.left), wire.DefaultLimits.Frame)
	for {
		if f.Fill() != nil {
			return payloads
		}
		for {
			p, ok, err := f.Next()
			if err != nil || !ok {
				break
			}
			payloads = append(payloads, bytes.Clone(p))
			s.left = s.left[4+len(p):]
		}
	}
}
