package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
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

func TestSyslogDoor(t *testing.T) {
	s := serve(t, `listen.syslog("127.0.0.1:0", {protocol: "both"});`+httpDoor)
	one := "<34>1 - web1 one - - - first\nline"
	s.say("syslog", "tcp", fmt.Sprintf("%d %s<28>1 - web1 two - - - second\n", len(one), one))
	s.say("syslog", "udp", "<12>kernel panic")
	s.arrives(`service = "one"`, `"state":"critical"`, `first\nline`, `"host":"web1"`)
	s.arrives(`service = "two"`, `"state":"warning"`, `"second"`)
	s.arrives(`service = "syslog"`, `kernel panic`, `"host":"`+machine()+`"`)
	c := s.say("syslog", "tcp", "999999 <1>x")
	if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("a length beyond the limit: %v, want the connection closed", err)
	}
	until(t, "it is counted", func() bool { return s.refused("syslog", "framing") == 1 })
}

// TestLogger sends with util-linux's logger, in each of its forms.
func TestLogger(t *testing.T) {
	if _, err := exec.LookPath("logger"); err != nil {
		t.Skip("logger is not installed")
	}
	s := serve(t, `listen.syslog("127.0.0.1:0", {protocol: "both"});`+httpDoor)
	_, port, err := net.SplitHostPort(s.Addr("syslog").String())
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"--udp --rfc3164", "--udp --rfc5424", "--tcp --rfc5424", "--tcp --rfc3164", "--tcp --octet-count --rfc5424"} {
		tag := "logger" + strings.ReplaceAll(form, " ", "")
		args := append(strings.Fields(form), "-n", "127.0.0.1", "-P", port, "-t", strings.ReplaceAll(tag, "-", "x"), "-p", "local0.err", "disk on fire")
		if out, err := exec.Command("logger", args...).CombinedOutput(); err != nil {
			t.Fatalf("logger %s: %v\n%s", form, err, out)
		}
		s.arrives(`service = "`+strings.ReplaceAll(tag, "-", "x")+`"`, `"state":"critical"`, `"description":"disk on fire"`, `"facility":"local0"`)
	}
}

func TestInfluxDoor(t *testing.T) {
	s := serve(t, `listen.influx("127.0.0.1:0", {protocol: "both", precision: "s"});`+httpDoor)
	s.say("influx", "tcp", "cpu,host=web1,cpu=0 idle=98.5,n=3i 1700000000\nbad\n")
	s.say("influx", "udp", "mem value=1\nup value=t\n")
	s.arrives(`host = "web1"`, `"service":"cpu/idle"`, `"metric":98.5`, `"service":"cpu/n"`, `"metric":3,`, `"cpu":"0"`)
	s.arrives(`host = "`+machine()+`"`, `"service":"mem"`, `"service":"up"`)
	if n := s.refused("influx", "fields"); n != 1 {
		t.Errorf("%v lines refused, want 1", n)
	}
}
