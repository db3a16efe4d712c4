package server

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"zeta/event"

	"github.com/gorilla/websocket"
)

// The tests of this file hold what docs/compatibility.md says of Riemann's doors, with messages written out byte by byte
// and not by zeta's own encoder.

// riemannMsg makes the frame of a message of one event from the event's fields in hexadecimal.
func riemannMsg(t *testing.T, fields string) []byte {
	t.Helper()
	e := unhex(t, fields)
	return append([]byte{0, 0, 0, byte(len(e) + 2), 0x32, byte(len(e))}, e...)
}

// What a client sends comes back in a query's answer, field by field; host h and service s are in front of each.
func TestRiemannFieldsComeBack(t *testing.T) {
	s := serve(t, `listen.tcp("127.0.0.1:0"); index;`)
	const id = "1a0173 220168"   // service s, host h
	const then = "08 80e2cfaa06" // time 1700000000
	text := func(s string) string { return hex.EncodeToString([]byte(s)) }
	for _, tt := range []struct{ name, sent, want, wantNot string }{
		{"integer metric also as a float", "68 54" + then, "6854|7d00002842", ""},
		{"double metric also as a float", "71 0000000000000440" + then, "710000000000000440|7d00002040", ""},
		{"float metric keeps its width", "7d cdcccc3d" + then, "71000000a09999b93f|7dcdcccc3d", ""},
		{"integer before double before float", "7d 0000803f 71 0000000000000040 68 0a" + then, "680a|7d0000a040", "71"},
		{"double before float", "7d 0000803f 71 0000000000000040" + then, "710000000000000040", ""},
		{"an infinity only as a double", "71 000000000000f07f" + then, "71000000000000f07f", "7d"},
		{"NaN as both", "71 000000000000f87f" + then, "71000000000000f87f|7d0000c07f", ""},
		{"no metric", then, "", "7d"},
		{"seconds come back as both", then, "0880e2cfaa06|508080f9c0c1c48203", ""},
		{"microseconds win", "08 01 50 c0c480c1c1c48203", "0880e2cfaa06|50c0c480c1c1c48203", ""},
		{"ttl is a float", "45 0000a041" + then, "450000a041", ""},
		{"empty strings are kept", "1200 2a00" + then, "1200|2a00", ""},
		{"tags with order and repeats", "3a0162 3a0161 3a0162" + then, "3a01623a01613a0162", ""},
		{"an attribute without a value", "4a03 0a016b" + then, "4a050a016b1200", ""},
		{"an attribute with an empty key", "4a05 0a00 120176" + then, "4a050a00120176", ""},
		{"of equal attributes the last", "4a06 0a016b 120176 4a06 0a016b 120177" + then, "4a060a016b120177", "120176"},
		{"attributes named like numbers are dropped", "4a0b 0a06" + text("metric") + "120131" + "4a08 0a03" + text("ttl") + "120131" + then, "", "4a"},
		{"an attribute fills a missing state", "4a0a 0a05" + text("state") + "120178" + then, "120178", "4a"},
		{"an attribute does not replace a state", "120179 4a0a 0a05" + text("state") + "120178" + then, "120179", "120178"},
		{"invalid UTF-8", "2a03 61ff62" + then, "2a0561efbfbd62", ""},
		{"unknown fields", "300a" + then, "", "300a"},
	} {
		c := s.dial("tcp")
		ask := queryFrame(`host = "h" and service = "s"`)
		c.Write(append(riemannMsg(t, id+tt.sent), ask...))
		ack := make([]byte, 6)
		if _, err := io.ReadFull(c, ack); err != nil || !bytes.Equal(ack, []byte{0, 0, 0, 2, 0x10, 1}) {
			t.Errorf("%s: acknowledged by % x %v", tt.name, ack, err)
			continue
		}
		head := make([]byte, 4)
		io.ReadFull(c, head)
		answer := make([]byte, int(head[2])<<8+int(head[3]))
		if _, err := io.ReadFull(c, answer); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		got := hex.EncodeToString(answer)
		for want := range strings.SplitSeq(tt.want, "|") {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the answer is %s, want %s in it", tt.name, got, want)
			}
		}
		if tt.wantNot != "" && fieldIn(answer, unhex(t, tt.wantNot)) {
			t.Errorf("%s: the answer is %s, want no %s in it", tt.name, got, tt.wantNot)
		}
		c.Close()
	}
}

// fieldIn says whether bytes stand in an answer behind its first event's header, as a field's beginning would.
func fieldIn(answer, b []byte) bool { return bytes.Contains(answer[4:], b) }

// Obsolete states are acknowledged and ignored; host and service may be missing; the newest to arrive wins, whatever its
// time; ttl is compared as the float that it is.
func TestRiemannIndexing(t *testing.T) {
	s := serve(t, `listen.tcp("127.0.0.1:0"); index;`)
	say := func(b []byte) {
		t.Helper()
		c := s.dial("tcp")
		defer c.Close()
		c.Write(b)
		ack := make([]byte, 6)
		if _, err := io.ReadFull(c, ack); err != nil || !bytes.Equal(ack, []byte{0, 0, 0, 2, 0x10, 1}) {
			t.Errorf("acknowledged by % x %v", ack, err)
		}
	}
	say(unhex(t, "00000005 2203 220168"))
	if n := len(s.query("true")); n != 0 {
		t.Errorf("%d events of obsolete states, want none", n)
	}
	say(riemannMsg(t, "6802 5080e497d012"))
	say(riemannMsg(t, "1a0173 6802 45 00001644 5080e497d012")) // ttl 600
	say(riemannMsg(t, "1a0173 6804 45 00001644 08 02"))        // older, and later
	for q, want := range map[string]int{`host = nil and service = nil`: 1, `service = "s"`: 1, `metric = 2 and ttl = 600.0`: 1, `ttl = 600`: 0, `metric = 1`: 1, `time = 2`: 1} {
		if n := len(s.query(q)); n != want {
			t.Errorf("%s: %d events, want %d", q, n, want)
		}
	}
}

// UDP: no answer, not even to a query; a datagram as long as Riemann takes arrives, a longer one does not.
func TestRiemannDatagrams(t *testing.T) {
	s := serve(t, `listen.tcp("127.0.0.1:0"); listen.udp("127.0.0.1:0"); index;`)
	datagram := func(service string, n int) []byte {
		var e event.Event
		e.SetService(service)
		e.SetDescription(strings.Repeat("x", n))
		return frame(e)[4:]
	}
	c := s.dial("udp")
	c.Write(queryFrame("true")[4:])
	c.Write(datagram("long", 16331-30))
	c.Write(datagram("too long", 16417-20))
	c.Write(datagram("short", 1))
	until(t, "what is short enough has come", func() bool { return len(s.query(`service = "long" or service = "short"`)) == 2 })
	if n := len(s.query(`service = "too long"`)); n != 0 {
		t.Error("a datagram of more than 16384 bytes was taken")
	}
	c.SetReadDeadline(time.Now().Add(time.Millisecond)) // all answers would have been there before the index was
	if n, err := c.Read(make([]byte, 100)); err == nil {
		t.Errorf("a datagram of %d bytes is the answer, want none", n)
	}
}

// Without an index in the rules a query finds nothing; Riemann refuses it.
func TestRiemannQueriesWithoutIndex(t *testing.T) {
	s := serve(t, `listen.tcp("127.0.0.1:0"); publish("all");`)
	s.send(ev("h", "s", 1))
	if got := s.query("true"); len(got) != 0 {
		t.Errorf("got %v, want nothing", got)
	}
}

// Riemann's websockets: subscribe is exactly true; a topic has no snapshot; the index is a topic, too.
func TestRiemannSockets(t *testing.T) {
	s := serve(t, DefaultRules)
	s.send(ev("h", "before", 1))
	for _, subscribe := range []string{"", "&subscribe=TRUE", "&subscribe=1", "&subscribe=false"} {
		c := s.ws("/index?query=true" + subscribe)
		readText(t, c)
		wantClose(t, c, 1000, "")
	}
	c := s.ws("/pubsub/index?query=" + url.QueryEscape(`service != "other"`))
	until(t, "it is subscribed", func() bool { return s.hub.Stats().Subscriptions == 1 })
	s.send(ev("h", "other", 1), ev("h", "after", 1))
	if got := readText(t, c); !strings.Contains(got, `"after"`) {
		t.Errorf("the topic of the index gives %s first, want after", got)
	}
	wantClose(t, s.ws("/pubsub/index"), websocket.ClosePolicyViolation, "query")
}

// What the JSON of an event looks like where Riemann's writer has its own ways.
func TestRiemannJSON(t *testing.T) {
	s := serve(t, DefaultRules)
	for in, want := range map[string]string{
		`{"service":"a","metric":2,"ttl":4,"time":"2026-01-02"}`:              `{"host":null,"service":"a","state":null,"description":null,"metric":2,"tags":null,"time":"2026-01-02T00:00:00.000Z","ttl":4.0}`,
		`{"service":"b","metric":0.1,"time":"2026-01-02T03:04:05.678+02:00"}`: `{"host":null,"service":"b","state":null,"description":null,"metric":0.1,"tags":null,"time":"2026-01-02T01:04:05.678Z","ttl":60.0}`,
		`{"service":"c","metric":"NaN","time":1.5,"k":null}`:                  `{"host":null,"service":"c","state":null,"description":null,"metric":"NaN","tags":null,"time":"1970-01-01T00:00:01.500Z","ttl":60.0}`,
	} {
		if status, _, answer := s.do("PUT", "/events", in); status != 200 || answer != "{}\n" {
			t.Errorf("%s is answered %d %s", in, status, answer)
		}
		_, service, _ := strings.Cut(in, `"service":"`)
		c := s.ws("/index?query=" + url.QueryEscape(`service = "`+service[:1]+`"`))
		if got := readText(t, c); got != want {
			t.Errorf("%s\ngives %s\nwant  %s", in, got, want)
		}
	}
	for in, want := range map[string]string{
		`{"service":"d","metric":[1]}`:  "metric",
		`{"service":"d","host":7}`:      "host",
		`{"service":"d","tags":"x"}`:    "tags",
		`{"service":"d","n":{"a":1}}`:   "",
		`null`:                          "error",
		`{"service":"d","metric":true}`: "metric",
	} {
		if _, _, answer := s.do("PUT", "/events", in); !strings.Contains(answer, want) {
			t.Errorf("%s is answered %s, want %s", in, answer, want)
		}
	}
}

// An SSE client of Riemann's own port may take anything, or say nothing of it, and have a port of its own; a page of a browser is told what to ask for.
func TestRiemannEventStream(t *testing.T) {
	s := serve(t, `listen.http("127.0.0.1:0"); listen.http("127.0.0.1:0"); index;`)
	for _, accept := range []string{"Accept: text/event-stream\r\n", "Accept: */*\r\n", "", "Accept: text/html,*/*;q=0.8\r\n"} {
		c, err := net.Dial("tcp", s.listeners[1].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(5 * time.Second))
		io.WriteString(c, "GET /index?query=true HTTP/1.1\r\nHost: "+c.RemoteAddr().String()+"\r\n"+accept+"\r\n")
		buf := make([]byte, 4096)
		n, _ := c.Read(buf)
		got := string(buf[:n])
		if strings.Contains(accept, "html") {
			if !strings.HasPrefix(got, "HTTP/1.1 406") {
				t.Errorf("a browser's page: %q, want 406", got)
			}
			continue
		}
		if !strings.HasPrefix(got, "HTTP/1.1 200") || !strings.Contains(got, "Content-Type: text/event-stream") {
			t.Errorf("%q: %q", accept, got)
		}
	}
}

// riemann-dash's page comes from a port of its own: its browser wants to be told that the page may read the stream.
func TestRiemannDashReadsAcrossPorts(t *testing.T) {
	s := serve(t, `listen.http("127.0.0.1:0", {origins: ["https://status.example.com"]}); index;`)
	for origin, want := range map[string]string{"http://127.0.0.1:4567": "200", "https://status.example.com": "200", "http://evil.example": "403"} {
		c := s.dial("http")
		io.WriteString(c, "GET /index?query=true HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nOrigin: "+origin+"\r\n\r\n")
		buf := make([]byte, 4096)
		n, _ := c.Read(buf)
		got := string(buf[:n])
		if !strings.HasPrefix(got, "HTTP/1.1 "+want) || strings.Contains(got, "Access-Control-Allow-Origin: "+origin+"\r\n") != (want == "200") {
			t.Errorf("%s: %q, want %s", origin, got, want)
		}
		c.Close()
	}
}

// Graphite and OpenTSDB: what Riemann drops is dropped with the connection kept, or closed, as there.
func TestRiemannLines(t *testing.T) {
	s := serve(t, `listen.graphite("127.0.0.1:0"); listen.opentsdb("127.0.0.1:0");`+httpDoor)
	c := s.say("graphite", "tcp", "a\nb 1\nc 1 2 3\nd nan 1\ne inf 1\nf 0x1 1\nfine Infinity 1700000000\n")
	s.arrives("true", `"service":"fine"`, `"Infinity"`, `"count":1`)
	c.Close()
	c = s.say("opentsdb", "tcp", "version\nput sys.cpu 1700000000 1 host=web1 cpu=0\n")
	buf := make([]byte, 200)
	if n, err := c.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "net.opentsdb\n") {
		t.Errorf("version is answered %q %v", buf[:n], err)
	}
	s.arrives(`host = "web1"`, `"service":"sys.cpu cpu=0"`, `"description":"sys.cpu"`, `"cpu":"0"`)
}
