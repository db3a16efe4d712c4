package client

import (
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/tls"
)

// fakeServer takes messages and answers as it is told.
type fakeServer struct {
	tb     testing.TB
	ln     net.Listener
	answer func(n int, m *wire.Msg) *wire.Msg // of message n, from 0; nil: close the connection
	gate   chan struct{}                      // if not nil, each answer waits for a receive or its closing

	mu       sync.Mutex
	conns    map[net.Conn]bool
	messages int
	events   []event.Event
	wg       sync.WaitGroup
}

func ackAll(int, *wire.Msg) *wire.Msg { return &wire.Msg{OK: true, HasOK: true} }

// listen starts a server at addr; "" is any port of the loopback.
func listen(tb testing.TB, addr string, config *tls.Config, answer func(int, *wire.Msg) *wire.Msg) *fakeServer {
	tb.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	if config != nil {
		ln = tls.NewListener(ln, config)
	}
	s := &fakeServer{tb: tb, ln: ln, answer: answer, conns: map[net.Conn]bool{}}
	s.wg.Add(1)
	go s.accept()
	tb.Cleanup(s.stop)
	return s
}

func (s *fakeServer) addr() string { return s.ln.Addr().String() }

func (s *fakeServer) accept() {
	defer s.wg.Done()
	for {
		conn, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = true
		s.wg.Add(1)
		s.mu.Unlock()
		go s.serve(conn)
	}
}

func (s *fakeServer) serve(conn net.Conn) {
	defer s.wg.Done()
	defer conn.Close()
	frames := wire.NewFrameReader(conn, wire.DefaultLimits.Frame)
	dec := wire.NewDecoder(wire.Limits{})
	var m wire.Msg
	for {
		payload, ok, err := frames.Next()
		if err != nil {
			s.tb.Error(err)
			return
		}
		if !ok {
			if frames.Fill() != nil {
				return
			}
			continue
		}
		if err := dec.Decode(&m, payload); err != nil {
			s.tb.Error(err)
			return
		}
		if s.gate != nil {
			<-s.gate
		}
		s.mu.Lock()
		n := s.messages
		s.messages++
		answer := s.answer(n, &m)
		if answer != nil {
			s.events = append(s.events, m.Events...)
		}
		s.mu.Unlock()
		if answer == nil {
			return
		}
		if _, err := conn.Write(wire.AppendFrame(nil, answer)); err != nil {
			return
		}
	}
}

// stop closes the listener and all connections and waits until they are done with.
func (s *fakeServer) stop() {
	s.ln.Close()
	s.mu.Lock()
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// received are the events answered so far.
func (s *fakeServer) received() []event.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]event.Event(nil), s.events...)
}

// errorLog collects what OnError is told.
type errorLog struct {
	mu   sync.Mutex
	errs []error
	some chan struct{} // capacity 1: an error came
}

func newErrorLog() *errorLog { return &errorLog{some: make(chan struct{}, 1)} }

func (l *errorLog) add(err error) {
	l.mu.Lock()
	l.errs = append(l.errs, err)
	l.mu.Unlock()
	select {
	case l.some <- struct{}{}:
	default:
	}
}

func (l *errorLog) all() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]error(nil), l.errs...)
}

// quick are options that do not make tests wait.
func quick(l *errorLog) Options {
	return Options{Host: "test", FlushEvery: time.Millisecond, MinBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond, Timeout: 10 * time.Second, OnError: l.add}
}

// numbered is event n of a test.
func numbered(n int) event.Event {
	var e event.Event
	e.SetService("s")
	e.SetInt(int64(n))
	return e
}

// certificates makes an authority, a server's configuration that demands a client certificate, and the
// files of a client that has one.
func certificates(t *testing.T, dir string) (*tls.Config, tls.ClientFiles) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ca, err := tls.NewAuthority("test")
	must(err)
	path := func(name string) string { return filepath.Join(dir, name) }
	must(tls.WriteFile(path("ca.pem"), ca.PEM(), false))
	for name, r := range map[string]tls.Request{
		"server": {Name: "server", Hosts: []string{"127.0.0.1"}, Server: true},
		"client": {Name: "client", Client: true},
	} {
		cert, key, err := ca.Issue(r)
		must(err)
		must(tls.WriteFile(path(name+".pem"), cert, false))
		must(tls.WriteFile(path(name+".key"), key, true))
	}
	server, err := tls.NewServer(tls.Files{Cert: path("server.pem"), Key: path("server.key"), ClientCA: path("ca.pem")})
	must(err)
	return server.Config(), tls.ClientFiles{CA: path("ca.pem"), Cert: path("client.pem"), Key: path("client.key")}
}
