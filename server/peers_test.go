package server

import (
	"bytes"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"zeta/tls"

	riemanngo "github.com/riemann/riemann-go-client"
)

func TestGoClient(t *testing.T) {
	s := serve(t, DefaultRules)
	c := riemanngo.NewTCPClient(s.Addr("tcp").String(), 10*time.Second)
	if err := c.Connect(); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sent := &riemanngo.Event{Host: "web1", Service: "go", State: "ok", Metric: 7, TTL: time.Minute, Tags: []string{"a"},
		Attributes: map[string]string{"k": "v"}, Time: time.UnixMicro(1_700_000_000_123_456)}
	if m, err := riemanngo.SendEvent(c, sent); err != nil || !m.GetOk() {
		t.Fatalf("send: %v %v", m, err)
	}
	got, err := c.QueryIndex(`service = "go"`)
	if err != nil || len(got) != 1 {
		t.Fatalf("query: %v %v", got, err)
	}
	e := got[0]
	if e.Host != "web1" || e.Attributes["k"] != "v" || !e.Time.Equal(sent.Time) || e.TTL != time.Minute || e.Tags[0] != "a" {
		t.Errorf("got %+v, want %+v", e, sent)
	}
	u := riemanngo.NewUDPClient(s.Addr("udp").String(), 10*time.Second)
	if err := u.Connect(); err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := riemanngo.SendEvent(u, &riemanngo.Event{Host: "web1", Service: "udp", Metric: 1.5}); err != nil {
		t.Fatal(err)
	}
	until(t, "the datagram is indexed", func() bool { return s.index.Len() == 2 })
}

func TestGoClientTLS(t *testing.T) {
	p := newPKI(t)
	p.issue(t, p.ca, "web1", tls.Request{Name: "web1", Client: true})
	s := serve(t, p.rules())
	config, err := tls.NewClient(tls.ClientFiles{CA: p.path("ca.pem"), Cert: p.path("web1.pem"), Key: p.path("web1.key"), ServerName: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := riemanngo.NewTLSClient(s.Addr("tls").String(), config, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Connect(); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if m, err := riemanngo.SendEvent(c, &riemanngo.Event{Host: "web1", Service: "tls", Metric: 1}); err != nil || !m.GetOk() {
		t.Fatalf("send: %v %v", m, err)
	}
}

// TestCClient drives Debian's riemann-c-client over TCP, UDP and TLS.
func TestCClient(t *testing.T) {
	program, err := exec.LookPath("riemann-client")
	if err != nil {
		t.Skip("riemann-client is not installed (Debian: riemann-c-client)")
	}
	p := newPKI(t)
	p.issue(t, p.ca, "web1", tls.Request{Name: "web1", Client: true})
	s := serve(t, p.rules()+`listen.tcp("127.0.0.1:0"); listen.udp("127.0.0.1:0");`)
	run := func(a net.Addr, args ...string) (string, error) {
		t.Helper()
		host, port, err := net.SplitHostPort(a.String())
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cmd := exec.CommandContext(t.Context(), program, append(args, host, port)...)
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.WaitDelay = 10 * time.Second
		err = cmd.Run()
		return out.String(), err
	}
	mustRun := func(a net.Addr, args ...string) {
		t.Helper()
		if out, err := run(a, args...); err != nil {
			t.Fatalf("%v: %v %s", args, err, out)
		}
	}
	mustRun(s.Addr("tcp"), "send", "-s", "ok", "-S", "int", "-h", "web1", "-i", "42")
	mustRun(s.Addr("tcp"), "send", "-s", "ok", "-S", "full", "-h", "web1", "-d", "42.5", "-L", "30", "-t", "a", "-t", "b", "-a", "k=v", "-D", "text")
	mustRun(s.Addr("udp"), "send", "-U", "-s", "ok", "-S", "udp", "-h", "web1", "-d", "1")
	mustRun(s.Addr("tls"), "send", "-G", "-o", "cafile="+p.path("ca.pem"), "-o", "certfile="+p.path("web1.pem"), "-o", "keyfile="+p.path("web1.key"),
		"-S", "tls", "-h", "web1", "-d", "1")
	until(t, "the datagram is indexed", func() bool { return s.index.Len() == 4 })
	got := s.query(`service = "full"`)
	if len(got) != 1 || got[0].Float != 42.5 || got[0].TTL != 30 || strings.Join(got[0].Tags(), " ") != "a b" || got[0].Description != "text" {
		t.Errorf("full: %+v", got)
	}
	if v, _ := got[0].Attr("k"); v != "v" {
		t.Errorf("attribute k: %q", v)
	}
	if got := s.query(`metric = 42`); len(got) != 1 || got[0].Service != "int" {
		t.Errorf("metric = 42: %+v", got)
	}
	mustRun(s.Addr("tcp"), "query", `service = "int"`)
	if out, err := run(s.Addr("tcp"), "query", `service =`); err == nil {
		t.Errorf("a bad query succeeded: %s", out)
	}
}
