package sinks_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"zeta/event/wire"
	"zeta/sinks"
	"zeta/sinks/sinktest"
	"zeta/streams"
	"zeta/tls"
)

// peer plays a Riemann server on connections of l: it answers each message with what answer says, "" for silence
// and a closed connection, and tells of the hosts of its events.
func peer(t *testing.T, l net.Listener, answer func(nth int) string) <-chan string {
	t.Helper()
	heard := make(chan string, 100)
	t.Cleanup(func() { l.Close() })
	var nth atomic.Int64
	serve := func(conn net.Conn) {
		defer conn.Close()
		frames := wire.NewFrameReader(bufio.NewReader(conn), 1<<20)
		decoder := wire.NewDecoder(wire.DefaultLimits)
		for {
			payload, ok, err := frames.Next()
			if err == nil && !ok {
				if err = frames.Fill(); err == nil {
					continue
				}
			}
			var m wire.Msg
			if err != nil || decoder.Decode(&m, payload) != nil {
				return
			}
			var hosts []string
			for i := range m.Events {
				hosts = append(hosts, strings.Clone(m.Events[i].Host))
			}
			heard <- strings.Join(hosts, " ")
			say := answer(int(nth.Add(1)))
			if say == "" {
				return
			}
			conn.Write(wire.AppendFrame(nil, &wire.Msg{HasOK: true, OK: say == "ok", HasError: say != "ok", Error: say}))
		}
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return heard
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func host(name string) *streams.Alert { return sinktest.Alert(sinktest.Event(name, "s", "ok", 1)) }

func TestForward(t *testing.T) {
	l := listen(t)
	heard := peer(t, l, func(nth int) string { return []string{"ok", "", "ok", "no such thing", "ok"}[nth-1] })
	sink := openSink(t, fmt.Sprintf(`forward({to: %q});`, l.Addr()))
	send(t, sink, host("a"), sinktest.Alert(sinktest.Event("b", "s", "ok", 1), sinktest.Event("c", "s", "ok", 1)))
	if got := <-heard; got != "a b c" {
		t.Errorf("heard %q", got)
	}
	if err := sink.Send(t.Context(), []*streams.Alert{host("d")}); err == nil || sinks.IsPermanent(err) || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("a connection closed without an answer: %v, want a passing error", err)
	}
	<-heard
	send(t, sink, host("d")) // over a new connection
	<-heard
	if err := sink.Send(t.Context(), []*streams.Alert{host("e")}); !sinks.IsPermanent(err) || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("a refusal: %v, want a permanent error with its text", err)
	}
	<-heard
	send(t, sink, host("f"))
	if got := <-heard; got != "f" {
		t.Errorf("heard %q after a refusal", got)
	}
	send(t, sink, &streams.Alert{Window: true}) // nothing to say
	l.Close()
}

func TestForwardOverTLS(t *testing.T) {
	ca, err := tls.NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key, err := ca.Issue(tls.Request{Name: "server", Hosts: []string{"127.0.0.1"}, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	caFile := file("ca.pem", ca.PEM())
	server, err := tls.NewServer(tls.Files{Cert: file("s.pem", cert), Key: file("s.key", key)})
	if err != nil {
		t.Fatal(err)
	}
	plain := listen(t)
	heard := peer(t, tls.NewListener(plain, server.Config()), func(int) string { return "ok" })
	send(t, openSink(t, fmt.Sprintf(`forward({to: %q, ca: %q});`, plain.Addr(), caFile)), host("a"))
	if got := <-heard; got != "a" {
		t.Errorf("heard %q", got)
	}
	// A certificate of somebody else's is never good enough, and plain text is no way out.
	err = openSink(t, fmt.Sprintf(`forward({to: %q, tls: true});`, plain.Addr())).Send(t.Context(), []*streams.Alert{host("b")})
	if err == nil || sinks.IsPermanent(err) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate nobody vouches for: %v, want a passing error that says so", err)
	}
}

func TestGraphiteLines(t *testing.T) {
	l := listen(t)
	lines := make(chan string, 100)
	conns := make(chan net.Conn, 10)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns <- conn
			go func() {
				s := bufio.NewScanner(conn)
				for s.Scan() {
					lines <- s.Text()
				}
			}()
		}
	}()
	sink := openSink(t, fmt.Sprintf(`graphite({to: %q, prefix: "servers"});`, l.Addr()))
	e := sinktest.Event("web1.example.com", "disk /var used", "ok", 0.25)
	whole := sinktest.Event("db", "rows", "ok", 0)
	whole.SetInt(1 << 62)
	none := sinktest.Event("db", "log", "ok", 0)
	none.Has &^= none.Has // no field at all
	send(t, sink, sinktest.Alert(e, none, whole))
	for _, want := range []string{
		"servers.com.example.web1.disk./var.used 0.25 1700000000",
		"servers.db.rows 4611686018427387904 1700000000",
	} {
		if got := <-lines; got != want {
			t.Errorf("line %q, want %q", got, want)
		}
	}
	(<-conns).Close() // as a restart of Graphite does
	for len(conns) == 0 {
		send(t, sink, sinktest.Alert(e)) // until the closing has arrived here, lines go nowhere: the protocol has no answers
	}
	if got := <-lines; !strings.HasPrefix(got, "servers.com.example.web1") {
		t.Errorf("line %q after a new connection", got)
	}
	l.Close()
	io.Closer(<-conns).Close()
}
