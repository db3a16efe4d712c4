package server

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"zeta/event"
	"zeta/event/wire"

	"github.com/gorilla/websocket"
)

// ws opens a websocket.
func (s *testServer) ws(path string) *websocket.Conn {
	s.t.Helper()
	c, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.url(path), "http"), nil)
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	s.t.Cleanup(func() { c.Close() })
	return c
}

func readText(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	kind, text, err := c.ReadMessage()
	if err != nil || kind != websocket.TextMessage {
		t.Fatalf("read: %v (message type %d)", err, kind)
	}
	return string(text)
}

// wantClose expects the closing frame.
func wantClose(t *testing.T, c *websocket.Conn, code int, reason string) {
	t.Helper()
	_, text, err := c.ReadMessage()
	var e *websocket.CloseError
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Text, reason) {
		t.Fatalf("got message %q, error %v, want close %d …%s…", text, err, code, reason)
	}
}

// The shape that riemann-dash and other clients of Riemann rely on.
func TestIndexSocket(t *testing.T) {
	s := serve(t, DefaultRules)
	e := ev("web1", "disk", 2)
	e.SetState("ok")
	e.SetTime(1_700_000_000_123_456)
	e.SetTTL(1e6)
	e.Set = event.NewSet([]string{"a", "b"}, []event.Attr{{Key: "env", Value: "prod"}})
	s.send(e, ev("web2", "disk", 3))
	const want = `{"host":"web1","service":"disk","state":"ok","description":null,"metric":2.0,"tags":["a","b"],"time":"2023-11-14T22:13:20.123Z","ttl":1000000.0,"env":"prod"}`
	for _, path := range []string{"/index", "/index/"} {
		c := s.ws(path + "?subscribe=true&query=" + url.QueryEscape(`host = "web1"`))
		if got := readText(t, c); got != want {
			t.Fatalf("%s:\ngot  %s\nwant %s", path, got, want)
		}
		next := ev("web1", "load", 1)
		s.send(ev("web3", "load", 0), next)
		if got := readText(t, c); !strings.Contains(got, `"service":"load"`) || !strings.Contains(got, `"host":"web1"`) {
			t.Fatalf("update: %s", got)
		}
		c.WriteMessage(websocket.TextMessage, []byte("ignored"))
		pong := make(chan string, 1)
		c.SetPongHandler(func(data string) error { pong <- data; return nil })
		c.WriteControl(websocket.PingMessage, []byte("hello"), time.Now().Add(time.Second))
		for len(pong) == 0 { // it is handled between two messages
			s.send(next)
			readText(t, c)
		}
		if got := <-pong; got != "hello" {
			t.Fatalf("pong %q, want hello", got)
		}
		c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, "bye"), time.Now().Add(time.Second))
		wantClose(t, c, 1000, "")
		s.send(func() event.Event { x := ev("web1", "load", 1); x.SetState(event.Expired); return x }())
	}
	c := s.ws("/index?query=true")
	for range 3 {
		readText(t, c)
	}
	wantClose(t, c, 1000, "")

	c = s.ws("/index?query=host+%3D+")
	wantClose(t, c, websocket.ClosePolicyViolation, "at byte 7")
	c = s.ws("/index?subscribe=true")
	wantClose(t, c, websocket.ClosePolicyViolation, "query")
}

func TestPubsub(t *testing.T) {
	s := serve(t, `where(metric > 5, publish("big news")); index;`)
	c := s.ws("/pubsub/" + url.PathEscape("big news") + "?query=" + url.QueryEscape(`host = "a"`))
	slash := s.ws("/pubsub/" + url.PathEscape("big news") + "/?query=true")
	until(t, "both are subscribed", func() bool { return s.hub.Stats().Subscriptions == 2 })
	s.send(ev("a", "x", 1), ev("a", "y", 6), ev("b", "z", 7))
	if got := readText(t, c); !strings.Contains(got, `"service":"y"`) {
		t.Errorf("got %s, want y", got)
	}
	for _, want := range []string{"y", "z"} {
		if got := readText(t, slash); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestServerSentEvents(t *testing.T) {
	s := serve(t, DefaultRules)
	s.send(ev("h", "before", 1))
	req, err := http.NewRequest("GET", s.url("/index?query=true"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, got)
	}
	r := bufio.NewReader(resp.Body)
	read := func() string {
		data, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if blank, err := r.ReadString('\n'); err != nil || blank != "\n" {
			t.Fatalf("after %q: %q %v, want a blank line", data, blank, err)
		}
		return data
	}
	if got := read(); !strings.HasPrefix(got, `data: {"host":"h","service":"before"`) {
		t.Errorf("got %q", got)
	}
	s.send(ev("h", "after", 2))
	if got := read(); !strings.Contains(got, `"service":"after"`) {
		t.Errorf("got %q", got)
	}
	if status, _, body := s.do("GET", "/index?query=host+%3D", "", "Accept", "text/event-stream"); status != 400 || !strings.Contains(body, `"offset":6`) {
		t.Errorf("bad query: %d %s, want 400 with an offset", status, body)
	}
}

func TestEventSocket(t *testing.T) {
	s := serve(t, DefaultRules)
	c := s.ws("/events")
	for _, m := range []struct{ in, want string }{
		{`{"service":"a","metric":1}`, "{}"},
		{`{"service":"b","time":[]}`, `"error":"json: \"time\"`},
		{`nonsense`, `"error"`},
		{``, `"error"`},
		{`{"service":"c"}`, "{}"},
	} {
		c.WriteMessage(websocket.TextMessage, []byte(m.in))
		if got := readText(t, c); !strings.Contains(got, m.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: answer %q, want %q", m.in, got, m.want)
		}
	}
	if got := s.query("true"); len(got) != 2 {
		t.Errorf("%d events, want 2", len(got))
	}
	c.WriteMessage(websocket.TextMessage, slices.Repeat([]byte(" "), event.MaxJSONBytes+1))
	wantClose(t, c, websocket.CloseMessageTooBig, "")
}

// Subscribing amid a flood: each series' numbers continue without a gap or a repeat from wherever the snapshot
// caught them.
func TestSubscriptionMissesNothing(t *testing.T) {
	s := serve(t, DefaultRules)
	const series, rounds, subscribers = 20, 400, 8
	conn := s.dial("tcp")
	a := newAnswers(t, conn)
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range rounds {
			batch := make([]event.Event, series)
			for i := range batch {
				batch[i] = ev("h", fmt.Sprint("s", i), float64(n))
			}
			conn.Write(frame(batch...))
			if m, err := a.next(); err != nil || !m.OK {
				t.Errorf("send: %v", err)
				return
			}
		}
	})
	for range subscribers {
		c := s.ws("/index?subscribe=true&query=true")
		wg.Go(func() {
			last := map[string]float64{}
			for done := 0; done < series; {
				_, text, err := c.ReadMessage()
				if err != nil {
					t.Errorf("read: %v", err)
					return
				}
				var e struct {
					Service string
					Metric  float64
				}
				if err := json.Unmarshal(text, &e); err != nil {
					t.Error(err)
					return
				}
				if before, ok := last[e.Service]; ok && e.Metric != before+1 {
					t.Errorf("%s: %v after %v", e.Service, e.Metric, before)
					return
				}
				last[e.Service] = e.Metric
				if e.Metric == rounds-1 {
					done++
				}
			}
		})
	}
	wg.Wait()
}

// A subscriber that does not read is closed and does not hold up anybody.
func TestSubscriberThatDoesNotRead(t *testing.T) {
	t.Parallel() // it waits for a write to time out
	s := serve(t, DefaultRules)
	c := s.dial("http")
	c.(*net.TCPConn).SetReadBuffer(4 << 10)
	fmt.Fprintf(c, "GET /index?subscribe=true&query=true HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", s.Addr("http"))
	until(t, "it is subscribed", func() bool { return s.hub.Stats().Subscriptions == 1 })
	e := ev("h", "s", 1)
	e.SetDescription(strings.Repeat("x", 10_000))
	out := s.dial("tcp")
	a := newAnswers(t, out)
	until(t, "it is cut off", func() bool {
		out.Write(frame(e, e, e, e, e, e, e, e, e, e))
		return a.want().OK && s.hub.Stats().Subscriptions == 0
	})
}

func TestLive(t *testing.T) {
	s := serve(t, DefaultRules)
	s.send(ev("h", "a", 1), ev("h", "b", 2))
	c := s.ws("/api/v1/live")
	next := func(op string) map[string]any {
		t.Helper()
		for {
			var m map[string]any
			if err := json.Unmarshal([]byte(readText(t, c)), &m); err != nil {
				t.Fatal(err)
			}
			if m["op"] == op {
				return m
			}
			if m["op"] != "time" {
				t.Fatalf("got %v, want op %s", m, op)
			}
		}
	}
	say := func(text string) {
		t.Helper()
		if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if m := next("hello"); m["now"] == nil || m["start"] == nil || m["seq"] != 2.0 {
		t.Errorf("hello: %v", m)
	}
	say(`{"op":"subscribe","id":"grid","query":"true","mode":"latest"}`)
	m := next("events")
	if m["id"] != "grid" || m["snapshot"] != true || m["more"] != nil || len(m["events"].([]any)) != 2 || m["dropped"] != 0.0 {
		t.Errorf("snapshot: %v", m)
	}
	var many []event.Event
	for i := range 1000 {
		many = append(many, ev("h", "a", float64(i)), ev("h", "c", float64(i)))
	}
	s.send(many...)
	m = next("events")
	events := m["events"].([]any)
	if m["snapshot"] != nil || len(events) != 2 {
		t.Fatalf("coalesced batch: %d events, want the newest of two series", len(events))
	}
	for _, e := range events {
		if e.(map[string]any)["metric"] != 999.0 {
			t.Errorf("coalesced: %v, want the newest", e)
		}
	}
	say(`{"op":"subscribe","id":"log","query":"service = \"a\"","mode":"stream","history":10}`)
	if m := next("events"); m["id"] != "log" || m["snapshot"] != true || len(m["events"].([]any)) != 1 {
		t.Errorf("stream's beginning: %v", m)
	}
	say(`{"op":"unsubscribe","id":"grid"}`)
	until(t, "grid has ended", func() bool { return s.hub.Stats().Subscriptions == 1 })
	s.send(many[:20]...)
	m = next("events")
	var got []float64
	for _, e := range m["events"].([]any) {
		got = append(got, e.(map[string]any)["metric"].(float64))
	}
	if m["id"] != "log" || !slices.Equal(got, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
		t.Errorf("stream: %v %v", m["id"], got)
	}
	for _, bad := range []struct{ in, want string }{
		{`{"op":"subscribe","id":"x","query":"host = "}`, "offset"},
		{`{"op":"subscribe","id":"x","query":"true","mode":"both"}`, "unknown mode"},
		{`{"op":"subscribe","query":"true"}`, "id"},
		{`{"op":"jump","id":"x"}`, "unknown op"},
		{`[]`, "JSON"},
	} {
		say(bad.in)
		if m := next("error"); !strings.Contains(fmt.Sprint(m), bad.want) {
			t.Errorf("%s: %v, want %s", bad.in, m, bad.want)
		}
	}
	if m := next2(t, c, "time"); m["series"] != 3.0 {
		t.Errorf("time: %v", m)
	}
	say(`{"op":"subscribe","id":"none","query":"false"}`)
	if m := next("events"); m["snapshot"] != true || len(m["events"].([]any)) != 0 {
		t.Errorf("an empty snapshot: %v", m)
	}
	s.send(func() event.Event { e := ev("h", "a", 1); e.SetState(event.Expired); return e }())
	if m := next("events"); m["id"] != "log" || m["events"].([]any)[0].(map[string]any)["state"] != "expired" {
		t.Errorf("expired: %v", m)
	}
}

// next2 skips to a message of one kind.
func next2(t *testing.T, c *websocket.Conn, op string) map[string]any {
	t.Helper()
	for {
		var m map[string]any
		if err := json.Unmarshal([]byte(readText(t, c)), &m); err != nil {
			t.Fatal(err)
		}
		if m["op"] == op {
			return m
		}
	}
}

// A big snapshot comes in several messages, of which the last says that it is the last.
func TestLiveSnapshotInParts(t *testing.T) {
	s := serve(t, DefaultRules)
	const n = 3000
	var batch []event.Event
	for i := range n {
		batch = append(batch, ev("h", fmt.Sprint("service number ", i), float64(i)))
	}
	s.send(batch...)
	c := s.ws("/api/v1/live")
	c.WriteMessage(websocket.TextMessage, []byte(`{"op":"subscribe","id":"g","query":"true"}`))
	seen := map[string]bool{}
	for parts := 1; ; parts++ {
		m := next2(t, c, "events")
		if m["snapshot"] != true {
			t.Fatal("a part of the snapshot does not say so")
		}
		for _, e := range m["events"].([]any) {
			name := e.(map[string]any)["service"].(string)
			if seen[name] {
				t.Fatalf("%s twice", name)
			}
			seen[name] = true
		}
		if m["more"] == nil {
			if parts < 2 || len(seen) != n {
				t.Fatalf("%d events in %d parts, want %d in several", len(seen), parts, n)
			}
			return
		}
	}
}

func TestLiveStreamDropsAndCounts(t *testing.T) {
	f := newLiveFeed(&liveSocket{}, "x", nil, false, 0)
	var data []byte
	e := ev("h", "s", 1)
	for range maxStreamItems + 7 {
		data = appendLiveItem(data, &e)
	}
	f.add(data)
	total, dropped := 0, 0.0
	for {
		payload, _ := f.batch(1)
		if payload == nil {
			break
		}
		var m struct {
			Dropped float64
			Events  []json.RawMessage
		}
		if err := json.Unmarshal(payload, &m); err != nil {
			t.Fatal(err)
		}
		total, dropped = total+len(m.Events), dropped+m.Dropped
	}
	if total != maxStreamItems || dropped != 7 || f.bytes != 0 {
		t.Errorf("%d events, %v dropped, %d bytes left; want %d, 7, 0", total, dropped, f.bytes, maxStreamItems)
	}
}

// Shutting down says goodbye to every subscriber.
func TestShutdownClosesSubscribers(t *testing.T) {
	s := serve(t, DefaultRules)
	index := s.ws("/index?subscribe=true&query=true")
	live := s.ws("/api/v1/live")
	events := s.ws("/events")
	tcp := s.dial("tcp")
	tcp.Write(frame())
	newAnswers(t, tcp).want()
	until(t, "the subscription is there", func() bool { return s.hub.Stats().Subscriptions == 1 })
	done := make(chan error)
	go func() { done <- s.Shutdown(t.Context()) }()
	wantClose(t, index, websocket.CloseGoingAway, "shuts down")
	wantClose(t, events, websocket.CloseGoingAway, "shuts down")
	for {
		if _, _, err := live.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, websocket.CloseGoingAway) {
				t.Errorf("live: %v", err)
			}
			break
		}
	}
	for _, c := range []*websocket.Conn{index, events, live} {
		c.Close()
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := tcp.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlived the server")
	}
	if _, err := net.Dial("tcp", s.Addr("tcp").String()); err == nil {
		t.Error("a connection was accepted after the shutdown")
	}
}

// A datagram is answered never; what is wrong with one is counted.
func TestUDP(t *testing.T) {
	s := serve(t, DefaultRules)
	c := s.dial("udp")
	c.Write(wire.AppendMsg(nil, &wire.Msg{Events: []event.Event{ev("h", "udp", 1)}}))
	until(t, "the event is indexed", func() bool { return s.index.Len() == 1 })
	c.Write(wire.AppendMsg(nil, &wire.Msg{Query: "true", HasQuery: true}))
	big := ev("h", "big", 1)
	big.SetDescription(strings.Repeat("x", 17_000))
	c.Write(wire.AppendMsg(nil, &wire.Msg{Events: []event.Event{big}}))
	c.Write([]byte{0x32, 0x7f, 1})
	for _, reason := range []string{"query", "oversize", "decode"} {
		until(t, reason+" is counted", func() bool { return s.refused("udp", reason) == 1 })
	}
	c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := c.Read(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes of answer over UDP", n)
	}
	if s.index.Len() != 1 {
		t.Errorf("%d events, want 1", s.index.Len())
	}
}

func TestUDPAllowList(t *testing.T) {
	s := serve(t, `listen.udp("127.0.0.1:0", {allow: ["10.0.0.0/8"]}); listen.http("127.0.0.1:0"); index;`)
	s.dial("udp").Write(wire.AppendMsg(nil, &wire.Msg{Events: []event.Event{ev("h", "udp", 1)}}))
	until(t, "it is refused", func() bool { return s.refused("udp", "not_allowed") == 1 })
}
