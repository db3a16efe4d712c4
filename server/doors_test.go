package server

import (
	"bufio"
	"io"
	"testing"
)

func TestStatsdDoor(t *testing.T) {
	s := serve(t, `listen.statsd("127.0.0.1:0", {protocol: "both", interval: "100ms", counts: true, host: "", percentiles: [0.5]});`+httpDoor)
	s.say("statsd", "udp", "a:1|c\na:2|c\ng:5|g\nbad\n_sc|db.up|1|m:slow")
	s.say("statsd", "tcp", "t:3|ms|#host:web1\n")
	s.arrives(`service = "g"`, `"metric":5.0`, `"host":null`)
	s.arrives(`service = "a"`, `"metric":`)
	s.arrives(`service = "t 0.5"`, `"metric":3.0`, `"host":"web1"`)
	s.arrives(`service = "db.up"`, `"state":"warning"`, `"description":"slow"`)
	until(t, "the bad line is counted", func() bool { return s.refused("statsd", "fields") == 1 })
}

func TestOpenTSDBDoor(t *testing.T) {
	s := serve(t, `listen.opentsdb("127.0.0.1:0");`+httpDoor)
	c := s.say("opentsdb", "tcp", "version\nput a.b 1700000000 1 host=web1 k=v\nget x\nexit\nput never 1 1\n")
	b, err := io.ReadAll(c)
	if want := "net.opentsdb\nBuilt on ... (zeta)\nput: unknown command \"get\"; want put\n"; string(b) != want {
		t.Errorf("answers %q %v, want %q", b, err, want)
	}
	s.arrives(`service = "a.b k=v"`, `"host":"web1"`, `"description":"a.b"`, `"k":"v"`)
	if n := s.index.Len(); n != 1 {
		t.Errorf("%d series, want 1: exit ends the connection", n)
	}
}

func TestJSONDoor(t *testing.T) {
	s := serve(t, `listen.json("127.0.0.1:0", {protocol: "both", answers: true});`+httpDoor)
	c := s.say("json", "tcp", `{"service":"tcp","metric":1,"k":"v"}`+"\r\n\n[1]\n")
	in := bufio.NewReader(c)
	if line, err := in.ReadString('\n'); line != "{}\n" {
		t.Errorf("first answer %q %v", line, err)
	}
	if line, err := in.ReadString('\n'); len(line) < 10 || line[:9] != `{"error":` {
		t.Errorf("second answer %q %v", line, err)
	}
	s.say("json", "udp", `{"host":"web1","service":"udp"}`)
	s.arrives(`service = "tcp"`, `"metric":1`, `"k":"v"`, `"host":"`+machine()+`"`)
	s.arrives(`service = "udp"`, `"host":"web1"`)
	if n := s.refused("json", "json"); n != 1 {
		t.Errorf("%v lines refused, want 1", n)
	}
}
