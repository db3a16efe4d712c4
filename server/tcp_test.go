package server

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"zeta/event"
	"zeta/event/wire"
)

func TestAckAndQuery(t *testing.T) {
	s := serve(t, DefaultRules)
	c := s.dial("tcp")
	if _, err := c.Write(frame(ev("web1", "load", 0.5), ev("web1", "disk", 2))); err != nil {
		t.Fatal(err)
	}
	ack := make([]byte, len(wire.AckOK))
	if _, err := io.ReadFull(c, ack); err != nil || !bytes.Equal(ack, wire.AckOK) {
		t.Fatalf("ack: % x %v, want % x", ack, err, wire.AckOK)
	}
	got := s.query(`service = "load" and host = "web1"`)
	if len(got) != 1 || got[0].Float != 0.5 || got[0].TTL != 60 || !got[0].Is(event.HasTime) {
		t.Fatalf("query: %+v, want load 0.5 with a time and ttl 60", got)
	}
	if got := s.query(`true`); len(got) != 2 {
		t.Fatalf("query true: %d events, want 2", len(got))
	}
}

func TestEmptyMessage(t *testing.T) {
	s := serve(t, DefaultRules)
	c := s.dial("tcp")
	c.Write([]byte{0, 0, 0, 0})
	ack := make([]byte, 6)
	if _, err := io.ReadFull(c, ack); err != nil || !bytes.Equal(ack, []byte{0, 0, 0, 2, 0x10, 1}) {
		t.Fatalf("answer to an empty message: % x %v", ack, err)
	}
}

// Fifty messages in one write: answers in order, each query sees the events before it, and the answers come in
// few writes (which a client cannot see; TestAnswersAreJoined counts them).
func TestPipelining(t *testing.T) {
	s := serve(t, DefaultRules)
	c := s.dial("tcp")
	var out []byte
	for i := range 25 {
		out = append(out, frame(ev("h", "counter", float64(i)))...)
		out = append(out, queryFrame(`service = "counter"`)...)
	}
	out = append(out, wire.AppendFrame(nil, &wire.Msg{Events: []event.Event{ev("h", "counter", 100)}, Query: "metric = 100.0", HasQuery: true})...)
	if _, err := c.Write(out); err != nil {
		t.Fatal(err)
	}
	a := newAnswers(t, c)
	for i := range 25 {
		if m := a.want(); !m.OK || len(m.Events) != 0 {
			t.Fatalf("answer %d: %+v, want a plain ack", i, m)
		}
		if m := a.want(); len(m.Events) != 1 || m.Events[0].Float != float64(i) {
			t.Fatalf("query %d: %+v, want metric %d", i, m.Events, i)
		}
	}
	if m := a.want(); len(m.Events) != 1 || m.Events[0].Float != 100 {
		t.Fatalf("query beside its event: %+v", m)
	}
}

func TestOneByteSegments(t *testing.T) {
	s := serve(t, DefaultRules)
	c := s.dial("tcp")
	c.(*net.TCPConn).SetNoDelay(true)
	for _, b := range append(frame(ev("h", "a", 1)), queryFrame("true")...) {
		if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	a := newAnswers(t, c)
	if m := a.want(); !m.OK {
		t.Fatalf("answer: %+v", m)
	}
	if m := a.want(); len(m.Events) != 1 {
		t.Fatalf("query: %+v", m)
	}
}

// A message cut anywhere is not evaluated, not even in part.
func TestTruncatedMessageIsNotEvaluated(t *testing.T) {
	s := serve(t, DefaultRules)
	whole := frame(ev("h", "cut", 1), ev("h", "cut too", 2))
	for n := range len(whole) {
		c := s.dial("tcp")
		c.Write(whole[:n])
		c.(*net.TCPConn).CloseWrite()
		newAnswers(t, c).wantEnd()
		c.Close()
	}
	if got := s.query("true"); len(got) != 0 {
		t.Fatalf("events of cut messages in the index: %+v", got)
	}
	if got := s.refused("tcp", "truncated"); got != float64(len(whole)-1) {
		t.Errorf("truncated messages counted: %v, want %d", got, len(whole)-1)
	}
}

func TestRefusedFrames(t *testing.T) {
	s := serve(t, DefaultRules)
	huge := binary.BigEndian.AppendUint32(nil, 1<<31)
	for _, c := range []struct {
		name, reason string
		in           []byte
		answer       string // part of the answer's error; "" for no answer
	}{
		{"a length of 2 GiB", "oversize", huge, "2147483648 bytes, limit 16777216"},
		{"a length of 4 GiB", "oversize", []byte{0xff, 0xff, 0xff, 0xff}, "limit"},
		{"garbage", "decode", append([]byte{0, 0, 0, 4}, 0x32, 0x7f, 1, 2), "at byte"},
		{"an attribute without a key", "decode", append([]byte{0, 0, 0, 4}, 0x32, 2, 0x4a, 0), "key"},
		{"HTTP", "wrong_protocol", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), ""},
		{"TLS", "wrong_protocol", []byte{0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5}, ""},
	} {
		before := s.refused("tcp", c.reason)
		conn := s.dial("tcp")
		conn.Write(append(frame()[:0:0], c.in...))
		a := newAnswers(t, conn)
		if c.answer != "" {
			m := a.want()
			if m.OK || !m.HasOK || !strings.Contains(m.Error, c.answer) {
				t.Errorf("%s: answer %+v, want …%s…", c.name, m, c.answer)
			}
		}
		a.wantEnd()
		conn.Close()
		until(t, c.name+" counted as "+c.reason, func() bool { return s.refused("tcp", c.reason) == before+1 })
	}
	if log := s.log.String(); !strings.Contains(log, "use the HTTP port") || !strings.Contains(log, "use the TLS port") {
		t.Error("the log does not say what to do about a wrong protocol")
	}
	s.send(ev("h", "still", 1)) // others are not touched
}

func TestBadQueryKeepsTheConnectionAndTheEvents(t *testing.T) {
	s := serve(t, DefaultRules)
	c := s.dial("tcp")
	a := newAnswers(t, c)
	c.Write(wire.AppendFrame(nil, &wire.Msg{Events: []event.Event{ev("h", "kept", 1)}, Query: `service = `, HasQuery: true}))
	if m := a.want(); m.OK || !m.HasOK || !strings.Contains(m.Error, "query:1:11") {
		t.Fatalf("answer to a bad query: %+v, want ok = false with a position", m)
	}
	c.Write(queryFrame(""))
	if m := a.want(); m.OK || m.Error == "" {
		t.Fatalf("answer to an empty query: %+v, want ok = false", m)
	}
	c.Write(queryFrame(`service = "kept"`))
	if m := a.want(); !m.OK || len(m.Events) != 1 {
		t.Fatalf("the event beside the bad query: %+v, want it in the index", m)
	}
}

// A header announces two gigabytes and nothing follows, a thousand times.
func TestHugeHeadersAllocateNothing(t *testing.T) {
	s := serve(t, `listen.tcp("127.0.0.1:0", {maxFrame: 1073741824}); listen.http("127.0.0.1:0");`)
	conns := make([]net.Conn, 0, 1000)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for range cap(conns) {
		c := s.dial("tcp")
		c.Write(append(binary.BigEndian.AppendUint32(nil, 1<<30), 0x32, 0x80))
		conns = append(conns, c)
	}
	until(t, "all connections are open", func() bool { return s.listeners[0].Connections() == len(conns) })
	grown := int64(heap()) - int64(before)
	t.Logf("%d connections that announce 1 GiB: %d bytes of heap each, both ends", len(conns), grown/int64(len(conns)))
	if grown > int64(len(conns))*8<<10 {
		t.Errorf("the heap grew by %d bytes a connection, want at most 8 KiB (both ends)", grown/int64(len(conns)))
	}
	for _, c := range conns {
		c.Close()
	}
}

func TestConnectionLimit(t *testing.T) {
	s := serve(t, `listen.tcp("127.0.0.1:0", {maxConnections: 2}); listen.http("127.0.0.1:0"); index;`)
	a, b := s.dial("tcp"), s.dial("tcp")
	for _, c := range []net.Conn{a, b} {
		c.Write(frame())
		newAnswers(t, c).want()
	}
	newAnswers(t, s.dial("tcp")).wantEnd()
	until(t, "the third is counted", func() bool { return s.refused("tcp", "connections") == 1 })
	a.Close()
	until(t, "the place is free", func() bool { return s.listeners[0].Connections() == 1 })
	c := s.dial("tcp")
	c.Write(frame())
	newAnswers(t, c).want()
}

// What many connections send at once is all there, and no batch is torn apart.
func TestManyConnections(t *testing.T) {
	s := serve(t, DefaultRules)
	const conns, rounds = 20, 50
	var wg sync.WaitGroup
	for n := range conns {
		c := s.dial("tcp")
		wg.Go(func() {
			a := newAnswers(t, c)
			for i := range rounds {
				if _, err := c.Write(frame(ev(fmt.Sprint("h", n), "a", float64(i)), ev(fmt.Sprint("h", n), "b", float64(i)))); err != nil {
					t.Error(err)
					return
				}
				if m, err := a.next(); err != nil || !m.OK {
					t.Errorf("answer: %+v %v", m, err)
					return
				}
			}
		})
	}
	wg.Wait()
	got := s.query("true")
	if len(got) != 2*conns || slices.ContainsFunc(got, func(e event.Event) bool { return e.Float != rounds-1 }) {
		t.Fatalf("%d events, want %d with the last metric", len(got), 2*conns)
	}
	if n := s.engine.counts().events; n != 2*conns*rounds {
		t.Fatalf("%d events counted, want %d", n, 2*conns*rounds)
	}
}

// An answer that would be beyond all measure is refused, and the connection goes on.
func TestAnswerTooLarge(t *testing.T) {
	s := serve(t, "index;")
	text := strings.Repeat("x", wire.DefaultLimits.Description)
	for i := range maxReply/len(text) + 2 {
		e := ev("h", fmt.Sprint("s", i), 1)
		e.SetDescription(text)
		if err := s.Ingest([]event.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	c := s.dial("tcp")
	a := newAnswers(t, c)
	c.Write(queryFrame("true"))
	if m := a.want(); m.OK || !strings.Contains(m.Error, "too many results") {
		t.Fatalf("answer: ok %v, %d events, %q", m.OK, len(m.Events), m.Error)
	}
	c.Write(queryFrame(`service = "s1"`))
	if m := a.want(); len(m.Events) != 1 {
		t.Fatalf("the next query: %d events", len(m.Events))
	}
	if status, body := s.get("/api/v1/query?q=true"); status != 400 || !strings.Contains(body, "too many results") {
		t.Fatalf("over HTTP: %d %.100s", status, body)
	}
}
