package server

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"zeta/tls"

	"golang.org/x/net/ipv4"
)

// When connections have taken their share of the open files, new ones are closed, on whatever door they come, and
// those that are in go on.
func TestConnectionsLeaveDescriptors(t *testing.T) {
	s := serve(t, `listen.tcp("127.0.0.1:0"); listen.graphite("127.0.0.1:0"); listen.http("127.0.0.1:0"); index;`)
	if d := &s.descriptors; d.most <= 0 || d.reserve < 1 {
		t.Fatalf("%d for connections and %d for the rest", d.most, d.reserve)
	}
	// The figures are taken from the log: to ask for them needs a connection.
	refused := func(kind string) int { return strings.Count(s.log.String(), "listener="+kind+" reason=descriptors") }
	first := s.dial("tcp")
	first.Write(frame())
	newAnswers(t, first).want()
	others := s.descriptors.most - s.descriptors.open.Load() - 1
	s.descriptors.open.Add(others) // as if others had all but one
	defer s.descriptors.open.Add(-others)
	s.dial("graphite")
	until(t, "graphite has the last one", func() bool { return s.listeners[1].Connections() == 1 })
	for _, kind := range []string{"tcp", "graphite", "http"} {
		if b, err := io.ReadAll(s.dial(kind)); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %q %v, want it closed", kind, b, err)
		}
		until(t, kind+" tells it", func() bool { return refused(kind) == 1 })
	}
	first.Write(frame(ev("h", "s", 1)))
	newAnswers(t, first).want()
	first.Close()
	until(t, "one is free", func() bool { return s.descriptors.open.Load() < s.descriptors.most })
	again := s.dial("tcp")
	again.Write(frame())
	newAnswers(t, again).want()
}

// outOfFiles is a listener that has no descriptor for a while.
type outOfFiles struct {
	net.Listener
	left int
	c    net.Conn
}

func (l *outOfFiles) Accept() (net.Conn, error) {
	if l.left--; l.left >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	if l.left == -1 {
		return l.c, nil
	}
	return nil, net.ErrClosed
}

// A process that is out of open files tries again, ever more slowly, and goes on when there are some.
func TestAcceptBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		s := pipeServer(t, log)
		ours, theirs := net.Pipe()
		defer ours.Close()
		stile := newTurnstile(s, "tcp", ConnLimits{MaxConnections: 10}, nil)
		l := &outOfFiles{left: 12, c: theirs}
		begun := time.Now()
		c, err := stile.accept(l)
		if err != nil || c != theirs || stile.connections() != 1 {
			t.Fatalf("got %v %v", c, err)
		}
		if took := time.Since(begun); took < 5*time.Second || took > 6*time.Second { // 5 ms, doubled up to 1 s
			t.Errorf("12 failures took %v, want between 5 and 6 s", took)
		}
		if n := strings.Count(log.String(), "reason=accept"); n == 0 || n > refusalLines+1 {
			t.Errorf("%d lines in the log, want some and at most %d", n, refusalLines+1)
		}
		if _, err := stile.accept(l); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a closed listener: %v", err)
		}
	})
}

// Peers that never end their handshake, whether they say nothing, half a hello or only a hello, do not keep others
// from theirs.
func TestStuckHandshakes(t *testing.T) {
	p := newPKI(t)
	p.issue(t, p.ca, "web1", tls.Request{Name: "web1", Client: true})
	s := serve(t, p.rules()+httpDoor)
	hello := helloOf(t)
	for _, first := range []string{"", "\x16", "\x16\x03\x01\x02\x00", hello[:len(hello)/2], hello} {
		for range 40 {
			c := s.dial("tls")
			if _, err := io.WriteString(c, first); err != nil {
				t.Fatal(err)
			}
		}
	}
	begun := time.Now()
	for range 5 {
		c, err := p.client(t, s, "web1")
		if err != nil {
			t.Fatal(err)
		}
		c.Write(frame())
		newAnswers(t, c).want()
	}
	// Each of the 40 that said hello may keep its place for turnTime, and there are at least two places.
	if took := time.Since(begun); took > 20*turnTime+5*time.Second {
		t.Errorf("five handshakes beside 200 stuck ones took %v", took)
	}
	if n := s.listeners[0].Connections(); n < 200 {
		t.Errorf("%d connections are open, want the stuck ones among them", n)
	}
}

// helloOf is what a client begins a handshake with.
func helloOf(t *testing.T) string {
	ours, theirs := net.Pipe()
	defer ours.Close()
	config, err := tls.NewClient(tls.ClientFiles{ServerName: "127.0.0.1", Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	go tls.NewClientConn(theirs, config).Handshake()
	b := make([]byte, 16<<10)
	n, err := ours.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// While the rules are busy the kernel drops what its buffer cannot hold; all that was sent is accounted for.
func TestKernelDropsAreCounted(t *testing.T) {
	for _, kind := range []string{"udp", "graphite"} {
		t.Run(kind, func(t *testing.T) {
			options := `{buffer: 4096}`
			datagram := frame(ev("h", "s", 1))[4:]
			if kind == "graphite" {
				options, datagram = `{buffer: 4096, protocol: "udp"}`, []byte("a 1 -1\n")
			}
			s := serve(t, fmt.Sprintf(`listen.%s("127.0.0.1:0", %s); listen.http("127.0.0.1:0"); index;`, kind, options))
			c, err := net.Dial("udp", s.Addr(kind).String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			const sent = 2000
			s.engine.mu.Lock()
			for range sent {
				if _, err := c.Write(datagram); err != nil {
					t.Error(err)
				}
			}
			s.engine.mu.Unlock()
			lost := 0.0
			until(t, "each datagram has been taken or dropped", func() bool {
				lost = s.figure(fmt.Sprintf("zeta_server_datagrams_lost_total{listener=%q} ", kind))
				return float64(s.engine.counts().events)+lost == sent
			})
			if lost < sent/2 {
				t.Errorf("%v of %d datagrams were dropped, want most", lost, sent)
			}
		})
	}
}

// figure returns a value of /metrics by the beginning of its line.
func (s *testServer) figure(prefix string) (v float64) {
	s.t.Helper()
	_, body := s.get("/metrics")
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			fmt.Sscan(rest, &v)
		}
	}
	return v
}

// A door of a multicast group takes what is sent to the group.
func TestMulticastGroup(t *testing.T) {
	loopback, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip("this machine has no interface lo")
	}
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := ipv4.NewPacketConn(c).SetMulticastInterface(loopback); err != nil {
		t.Skipf("nothing can be sent to a group over lo: %v", err)
	}
	port := c.LocalAddr().(*net.UDPAddr).Port // another one than ours, but free on most machines
	s := serve(t, fmt.Sprintf(`listen.collectd("239.192.74.66:%d", {interface: "lo", allow: ["0.0.0.0/0"]});`, port+1)+httpDoor)
	if _, err := c.WriteTo([]byte("nonsense"), &net.UDPAddr{IP: net.IPv4(239, 192, 74, 66), Port: port + 1}); err != nil {
		t.Skipf("nothing can be sent to a group over lo: %v", err)
	}
	until(t, "the packet has come", func() bool { return s.refused("collectd", "decode") == 1 })
}
