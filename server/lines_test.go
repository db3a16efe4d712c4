package server

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// indexed returns the event of a series in the index as JSON, "" if there is none yet.
func (s *testServer) indexed(query string) string {
	s.t.Helper()
	_, body := s.get("/api/v1/query?q=" + escape(query))
	return body
}

// arrives waits until the index's answer to the query holds all of these texts.
func (s *testServer) arrives(query string, texts ...string) {
	s.t.Helper()
	last := ""
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		last = s.indexed(query)
		missing := false
		for _, text := range texts {
			missing = missing || !strings.Contains(last, text)
		}
		if !missing {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("%s: got %s, want %q in it", query, last, texts)
}

func escape(query string) string {
	return strings.NewReplacer("%", "%25", " ", "%20", `"`, "%22", "+", "%2B", "&", "%26", "#", "%23").Replace(query)
}

const httpDoor = `listen.http("127.0.0.1:0"); index;`

func (s *testServer) say(kind, network, text string) net.Conn {
	s.t.Helper()
	c, err := net.Dial(network, s.Addr(kind).String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
	return c
}

func TestGraphiteDoor(t *testing.T) {
	s := serve(t, `listen.graphite("127.0.0.1:0", {protocol: "both", tags: true});`+httpDoor)
	c := s.say("graphite", "tcp", "tcp.one;host=web1 1 1700000000\r\nbad\ntcp.t")
	s.arrives(`service = "tcp.one"`, `"host":"web1"`, `"metric":1.0`, `2023-11-14T22:13:20.000Z`)
	io.WriteString(c, "wo 2 -1\ntcp.three 3 -1") // the last line has no end: it counts when the peer leaves
	c.Close()
	s.arrives(`service = "tcp.two"`, `"host":null`, `"metric":2.0`)
	s.arrives(`service = "tcp.three"`, `"metric":3.0`)
	s.say("graphite", "udp", "udp.one 1 -1\nudp.two 2 -1\n")
	s.arrives(`service =~ "udp.%"`, "udp.one", "udp.two")
	if n := s.refused("graphite", "fields"); n != 1 {
		t.Errorf("%v lines refused, want 1", n)
	}
}

func TestLineLimits(t *testing.T) {
	s := serve(t, `listen.graphite("127.0.0.1:0", {protocol: "both", maxLine: 64, maxSize: 100, maxConnections: 1, idle: "300ms", maxPeerRate: 2});`+httpDoor)
	for name, line := range map[string]string{"whole": strings.Repeat("a", 65) + " 1 1\n", "endless": strings.Repeat("a", 65+2*lineBuffer)} {
		c := s.say("graphite", "tcp", "fine."+name+" 1 -1\n"+line)
		if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %v, want the connection closed", name, err)
		}
		c.Close()
		s.arrives(`service = "fine.`+name+`"`, "fine")
		until(t, "the connection is forgotten", func() bool { return s.listeners[0].Connections() == 0 })
	}
	if n := s.refused("graphite", "oversize"); n != 2 {
		t.Errorf("%v oversized lines, want 2", n)
	}
	first := s.say("graphite", "tcp", "")
	until(t, "the first connection is counted", func() bool { return s.listeners[0].Connections() == 1 })
	if _, err := io.ReadAll(s.say("graphite", "tcp", "")); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("a connection too many: %v", err)
	}
	if _, err := io.ReadAll(first); err != nil {
		t.Errorf("an idle connection: %v", err)
	}
	until(t, "both are counted", func() bool { return s.refused("graphite", "connections") == 1 && s.refused("graphite", "idle") == 1 })

	u := s.say("graphite", "udp", strings.Repeat("x", 101))
	for range 20 {
		io.WriteString(u, "flood 1 -1\n")
	}
	until(t, "the flood is refused", func() bool { return s.refused("graphite", "rate") >= 15 })
	if n := s.refused("graphite", "oversize"); n != 3 {
		t.Errorf("%v oversized lines and datagrams, want 3", n)
	}
}

func TestLineDoorsBind(t *testing.T) {
	for _, c := range []struct{ options, want string }{
		{`{}`, "open to the network without protection"},
		{`{protocol: "both", allow: ["10.0.0.0"]}`, "want a network such as 10.0.0.0/8"},
		{`{template: "host"}`, "names no service"},
		{`{protocol: "both", tls: {cert: "a", key: "b"}}`, "open to the network without protection"},
	} {
		_, err := New(Options{RulesText: `listen.graphite(":0", ` + c.options + `);`})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.options, err, c.want)
		}
	}
	s := serve(t, `listen.graphite("0.0.0.0:0", {protocol: "both", allow: ["192.0.2.0/24"]});`+httpDoor)
	_, port, _ := net.SplitHostPort(s.Addr("graphite").String())
	for _, network := range []string{"tcp", "udp"} {
		c, err := net.Dial(network, "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "a 1 1\n")
	}
	until(t, "both are refused", func() bool { return s.refused("graphite", "not_allowed") == 2 })
}

// FuzzNextLine holds the framing: what is taken is never more than there is, and nothing is lost between.
func FuzzNextLine(f *testing.F) {
	for _, door := range []string{"graphite", "influx", "json", "opentsdb", "statsd", "syslog"} {
		for _, piece := range recorded(f, door) {
			f.Add(piece)
		}
	}
	f.Add([]byte("a\nb\r\n\nc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rest, total := b, 0
		for len(rest) > 0 {
			n, line, err := nextLine(rest)
			if err != nil || n > len(rest) || len(line) > n {
				t.Fatalf("n %d line %q of %q: %v", n, line, rest, err)
			}
			if n == 0 {
				break
			}
			total += n
			rest = rest[n:]
		}
		if want := strings.LastIndexByte(string(b), '\n') + 1; total != want {
			t.Fatalf("%d bytes in lines, want %d", total, want)
		}
	})
}
