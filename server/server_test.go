package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"zeta/event"
	"zeta/event/wire"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// open listeners on any free port, beside the rules of a test.
const listeners = `
listen.tcp("127.0.0.1:0");
listen.udp("127.0.0.1:0");
listen.http("127.0.0.1:0");
`

// testServer is a running server with its log.
type testServer struct {
	*Server
	t   *testing.T
	log *logBuffer
}

// logBuffer is a log that tests can read.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve starts a server with these rules; listeners are added unless the rules have their own.
func serve(t *testing.T, rules string) *testServer {
	t.Helper()
	if !strings.Contains(rules, "listen.") {
		rules += listeners
	}
	return serveOptions(t, Options{RulesText: rules, Quiet: true})
}

func serveOptions(t *testing.T, o Options) *testServer {
	t.Helper()
	log := &logBuffer{}
	o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
		if t.Failed() {
			t.Logf("log of the server:\n%s", log)
		}
	})
	return &testServer{Server: s, t: t, log: log}
}

// dial opens a connection to a listener, with a deadline for everything on it.
func (s *testServer) dial(kind string) net.Conn {
	s.t.Helper()
	a := s.Addr(kind)
	if a == nil {
		s.t.Fatalf("no listener %s", kind)
	}
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		s.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	s.t.Cleanup(func() { c.Close() })
	return c
}

func (s *testServer) url(path string) string { return "http://" + s.Addr("http").String() + path }

// get returns status and body.
func (s *testServer) get(path string) (int, string) {
	s.t.Helper()
	resp, err := http.Get(s.url(path))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// refusals returns how often the listener refused something for this reason.
func (s *testServer) refused(listener, reason string) float64 {
	s.t.Helper()
	_, body := s.get("/metrics")
	var n float64
	prefix := fmt.Sprintf("zeta_server_refusals_total{listener=%q,reason=%q} ", listener, reason)
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			fmt.Sscan(rest, &n)
		}
	}
	return n
}

// until waits for a condition that other goroutines bring about; it polls, since they do not tell.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// ev makes an event.
func ev(host, service string, metric float64) event.Event {
	var e event.Event
	e.SetHost(host)
	e.SetService(service)
	e.SetFloat(metric)
	return e
}

// frame makes the frame of a message of events.
func frame(events ...event.Event) []byte {
	return wire.AppendFrame(nil, &wire.Msg{Events: events})
}

func queryFrame(q string) []byte {
	return wire.AppendFrame(nil, &wire.Msg{Query: q, HasQuery: true})
}

// answers reads answers from a connection.
type answers struct {
	t *testing.T
	r *wire.FrameReader
	d *wire.Decoder
}

func newAnswers(t *testing.T, r io.Reader) *answers {
	limits := wire.Limits{Frame: 64 << 20, Events: 1_000_000}
	return &answers{t: t, r: wire.NewFrameReader(r, limits.Frame), d: wire.NewDecoder(limits)}
}

// next returns the next answer, or the error that ended the connection.
func (a *answers) next() (*wire.Msg, error) {
	for {
		payload, ok, err := a.r.Next()
		if err != nil {
			return nil, err
		}
		if ok {
			m := &wire.Msg{}
			return m, a.d.Decode(m, payload)
		}
		if err := a.r.Fill(); err != nil {
			return nil, err
		}
	}
}

// want returns the next answer, which must be there.
func (a *answers) want() *wire.Msg {
	a.t.Helper()
	m, err := a.next()
	if err != nil {
		a.t.Fatalf("answer: %v", err)
	}
	return m
}

// wantEnd expects the connection to end.
func (a *answers) wantEnd() {
	a.t.Helper()
	if m, err := a.next(); err == nil {
		a.t.Fatalf("got an answer %+v, want the end of the connection", m)
	}
}

// query asks the server over a connection of its own.
func (s *testServer) query(q string) []event.Event {
	s.t.Helper()
	c := s.dial("tcp")
	defer c.Close()
	if _, err := c.Write(queryFrame(q)); err != nil {
		s.t.Fatal(err)
	}
	m := newAnswers(s.t, c).want()
	if !m.OK {
		s.t.Fatalf("query %s: %s", q, m.Error)
	}
	return m.Events
}

// send sends events and waits for the answer.
func (s *testServer) send(events ...event.Event) {
	s.t.Helper()
	c := s.dial("tcp")
	defer c.Close()
	if _, err := c.Write(frame(events...)); err != nil {
		s.t.Fatal(err)
	}
	if m := newAnswers(s.t, c).want(); !m.OK {
		s.t.Fatalf("answer: %+v", m)
	}
}

// A server ends whether it was started, just started, or never.
func TestShutdownAtAnyMoment(t *testing.T) {
	for i := range 40 {
		s, err := New(Options{RulesText: DefaultRules + listeners, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if i%4 != 0 {
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err == nil {
			t.Fatal("a server was started after its shutdown")
		}
	}
}
