package clients

import (
	"strings"
	"testing"
	"time"

	riemanngo "github.com/riemann/riemann-go-client"

	"zeta/internal/rig"
	"zeta/tls"
)

// badQuery is what zeta says to "service =".
const badQuery = "end of the query"

// full is the event with everything that most clients are told to send.
func full(metric float64) map[string]any {
	return map[string]any{"host": "web1", "state": "critical", "metric": metric, "description": "slow", "tags": []string{"http", "slow"},
		"ttl": 20, "foo": "bar", "time": "2023-11-14T22:13:20.000Z"}
}

func testC(t *testing.T, r *bench) {
	rig.Need(t, "riemann-client")
	d := r.recorder(t, "riemann-c-client", "riemann-client "+rig.Debian(t, "riemann-c-client")+" (C): events with each kind of metric, queries, a datagram. It sends no time.")
	send := func(addr string, args ...string) {
		t.Helper()
		rig.Run(t, nil, "riemann-client", append(append([]string{"send", "-h", "web1"}, args...), "127.0.0.1", rig.Port(addr))...)
	}
	send(d.tcp, "-s", "ok", "-S", "c int", "-i", "42")
	send(d.tcp, "-s", "ok", "-S", "c float", "-f", "42.5")
	send(d.tcp, "-s", "critical", "-S", "c full", "-d", "2.53", "-L", "20", "-t", "http", "-t", "slow", "-a", "foo=bar", "-D", "slow")
	send(d.tcp, "-U", "-S", "c udp", "-d", "1")
	if out := rig.Run(t, nil, "riemann-client", "query", seed, "127.0.0.1", rig.Port(d.tcp)); !strings.Contains(out, "sown") {
		t.Errorf("the seed's query gave %s", out)
	}
	if out, err := rig.Attempt(nil, "riemann-client", "query", "service =", "127.0.0.1", rig.Port(d.tcp)); err == nil || !strings.Contains(out, badQuery) {
		t.Errorf("a bad query: %v %s", err, out)
	}
	send(r.mtls, "-G", "-o", "cafile="+r.Path("ca.crt"), "-o", "certfile="+r.Path("client.crt"), "-o", "keyfile="+r.Path("client.key"), "-S", "c tls", "-d", "1")
	r.want(t, "c int", map[string]any{"metric": 42, "state": "ok", "ttl": nil, "x-client": "riemann-c-client"})
	r.want(t, "c float", map[string]any{"metric": 42.5})
	want := full(2.53)
	delete(want, "time")
	r.want(t, "c full", want)
	r.want(t, "c udp", map[string]any{"metric": 1, "state": nil})
	r.want(t, "c tls", map[string]any{"metric": 1})
}

func testRuby(t *testing.T, r *bench) {
	rig.Need(t, "ruby")
	d := r.recorder(t, "ruby", "riemann-client "+rig.Debian(t, "ruby-riemann-client")+" (Ruby): an integer travels as sint64 and float, a float as double and float.")
	if out := rig.Run(t, nil, "ruby", "send.rb", "127.0.0.1", rig.Port(d.tcp)); !strings.Contains(out, badQuery) {
		t.Errorf("a bad query raised %s", out)
	}
	r.want(t, "ruby int", map[string]any{"metric": 7, "state": "ok", "ttl": nil, "tags": nil})
	r.want(t, "ruby full", full(2.53))
	r.want(t, "ruby udp", map[string]any{"metric": -1})
}

func testGo(t *testing.T, r *bench) {
	d := r.recorder(t, "go", "riemann-go-client v0.5.1-0.20211206220514-f58f10cdce16: the length travels in a segment of its own, the time in microseconds.")
	at := time.UnixMicro(1_700_000_000_123_456)
	config, err := tls.NewClient(tls.ClientFiles{CA: r.Path("ca.crt"), Cert: r.Path("client.crt"), Key: r.Path("client.key"), ServerName: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	secure, err := riemanngo.NewTLSClient(r.mtls, config, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	tcp, udp := riemanngo.NewTCPClient(d.tcp, 5*time.Second), riemanngo.NewUDPClient(d.tcp, 5*time.Second)
	for _, s := range []struct {
		c riemanngo.Client
		e riemanngo.Event
	}{
		{tcp, riemanngo.Event{Service: "go int", State: "ok", Metric: 7}},
		{tcp, riemanngo.Event{Service: "go full", State: "critical", Metric: 2.53, Description: "slow", Tags: []string{"http", "slow"},
			TTL: 20 * time.Second, Attributes: map[string]string{"foo": "bar"}}},
		{udp, riemanngo.Event{Service: "go udp", Metric: 1.5}},
		{secure, riemanngo.Event{Service: "go tls", Metric: 1.5}},
	} {
		s.e.Host, s.e.Time = "web1", at
		if err := s.c.Connect(); err != nil {
			t.Fatal(err)
		}
		if m, err := riemanngo.SendEvent(s.c, &s.e); err != nil || (s.c != udp && !m.GetOk()) {
			t.Fatalf("%s: %v %v", s.e.Service, m, err)
		}
	}
	for _, c := range []interface {
		QueryIndex(string) ([]riemanngo.Event, error)
	}{tcp, secure} {
		if got, err := c.QueryIndex(seed); err != nil || len(got) != 1 || got[0].Description != "sown" {
			t.Errorf("the seed's query gave %v %v", got, err)
		}
	}
	tcp.Close()
	udp.Close()
	secure.Close()
	r.want(t, "go int", map[string]any{"metric": 7, "state": "ok", "ttl": nil, "time": "2023-11-14T22:13:20.123Z"})
	want := full(2.53)
	want["time"] = "2023-11-14T22:13:20.123Z"
	r.want(t, "go full", want)
	r.want(t, "go udp", map[string]any{"metric": 1.5})
	r.want(t, "go tls", map[string]any{"metric": 1.5})
}

func testNode(t *testing.T, r *bench) {
	rig.Need(t, "node")
	modules := rig.Cached(t, "node", "node_modules")
	d := r.recorder(t, "node", "npm riemann 2.2.0: every metric travels as a float, integers too.")
	if out := rig.Run(t, []string{"NODE_PATH=" + modules}, "node", "send.js", "127.0.0.1", rig.Port(d.tcp)); !strings.Contains(out, badQuery) {
		t.Errorf("a bad query was answered %s", out)
	}
	r.want(t, "node int", map[string]any{"metric": 7, "state": "ok", "ttl": nil})
	r.want(t, "node full", full(2.5))
	r.want(t, "node udp", map[string]any{"metric": 1.5})
}

func testPython(t *testing.T, r *bench) {
	python := rig.Cached(t, "riemann-client", "bin", "python")
	d := r.recorder(t, "python", "PyPI riemann-client 7.0.0: several events in a message, a negative zero.")
	if out := rig.Run(t, nil, python, "send.py", "127.0.0.1", rig.Port(d.tcp), rig.Port(r.tls), r.Path("ca.crt")); !strings.Contains(out, badQuery) {
		t.Errorf("a bad query raised %s", out)
	}
	r.want(t, "python int", map[string]any{"metric": 7, "state": "ok", "ttl": nil})
	r.want(t, "python full", full(2.5))
	r.want(t, "python queued 1", map[string]any{"metric": 1.25})
	r.want(t, "python queued 2", map[string]any{})
	r.want(t, "python udp", map[string]any{"metric": 1.5})
	r.want(t, "python tls", map[string]any{"metric": 1.5})
}

func testBernhard(t *testing.T, r *bench) {
	python := rig.Cached(t, "bernhard", "bin", "python")
	d := r.recorder(t, "bernhard", "PyPI bernhard 0.2.6: every metric travels as a float. Its TLS ends at version 1.0, which zeta refuses.")
	rig.Run(t, nil, python, "send_bernhard.py", "127.0.0.1", rig.Port(d.tcp))
	r.want(t, "bernhard int", map[string]any{"metric": 7, "state": "ok", "ttl": nil})
	r.want(t, "bernhard a", map[string]any{"metric": 1})
	r.want(t, "bernhard full", full(2.5))
	r.want(t, "bernhard udp", map[string]any{"metric": 1.5})
}
