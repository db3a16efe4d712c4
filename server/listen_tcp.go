package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"zeta/event/wire"
	"zeta/streams"
	"zeta/tls"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[TCPOptions]{
		Name:    "tcp",
		Summary: "Take Riemann messages over TCP, plain or with TLS, and answer them.",
		Doc: "Every message is answered once, in order, after its events have run through the rules; a query is answered with the events of the index that match. " +
			"A message that cannot be read is answered ok = false with the reason, and the connection is closed; a query that cannot be read leaves it open. " +
			"With tls and a clientCA every client needs a certificate. Changed certificate files are loaded within ten seconds.",
		Defaults: defaultTCP,
		Check:    func(o TCPOptions) error { return checkTLS(o.TLS) },
		Examples: []streams.Example{
			{Title: "plain, for this machine only", Rule: `listen.tcp("127.0.0.1:5555");`},
			{Title: "for everyone with a certificate", Rule: `listen.tcp(":5554", {tls: {cert: "server.pem", key: "server.key", clientCA: "ca.pem"}});`},
		},
	})
}

var defaultTCP = TCPOptions{MaxConnections: 10_000, MaxFrame: wire.DefaultLimits.Frame, MaxEvents: wire.DefaultLimits.Events, Ack: string(AckSafe)}

// TCPOptions are the options of listen.tcp.
type TCPOptions struct {
	Address        string        `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	TLS            *TLSOptions   `opt:"tls" doc:"certificate, key and, to require client certificates, their authority; left out: plain TCP"`
	Insecure       bool          `opt:"insecure" doc:"allow an address that is open to the network without TLS"`
	MaxConnections int           `opt:"maxConnections" min:"1" max:"1000000" doc:"connections at a time; those beyond are closed and counted"`
	MaxFrame       int           `opt:"maxFrame" min:"64" max:"1073741824" doc:"bytes of one message"`
	MaxEvents      int           `opt:"maxEvents" min:"1" max:"10000000" doc:"events of one message"`
	Ack            string        `opt:"ack" enum:"processed,safe,durable" doc:"what an answer promises: that the rules have run, that the death of zeta loses nothing of it, or that the loss of power does not"`
	Idle           time.Duration `opt:"idle" doc:"a connection that sends nothing for so long is closed; 0: never"`
}

// TLSOptions name the PEM files of a TLS listener.
type TLSOptions struct {
	Cert     string `opt:"cert" doc:"certificate file, intermediates after it"`
	Key      string `opt:"key" doc:"file of the certificate's private key, not encrypted"`
	ClientCA string `opt:"clientCA" doc:"file of the authorities that sign client certificates; left out: clients need no certificate"`
}

const (
	handshakeTimeout = 10 * time.Second
	certCheck        = 10 * time.Second // between two looks at the certificate files
)

// tcpListener accepts connections that speak Riemann's protocol, plain or over TLS.
type tcpListener struct {
	server *Server
	opts   TCPOptions
	limits wire.Limits
	secure *tls.Server // nil: plain
	l      net.Listener

	// handshakes limits how many run at once: one costs about a millisecond of CPU.
	handshakes chan struct{}

	mu    sync.Mutex
	conns map[*conn]struct{}
	open  int // connections, those that shake hands included
	ended sync.WaitGroup
}

func openTCP(s *Server, o TCPOptions) (*tcpListener, error) {
	t := &tcpListener{
		server:     s,
		opts:       o,
		limits:     limitsOf(o.MaxFrame, o.MaxEvents),
		handshakes: make(chan struct{}, 2*runtime.GOMAXPROCS(0)),
		conns:      map[*conn]struct{}{},
	}
	if err := checkBind("tcp", o.Address, o.TLS != nil, o.Insecure, `{tls: {cert: "…", key: "…", clientCA: "…"}}`); err != nil {
		return nil, err
	}
	var err error
	if t.secure, err = openTLS(o.TLS); err != nil {
		return nil, fmt.Errorf("listen.tcp(%q): %w", o.Address, err)
	}
	if t.l, err = net.Listen("tcp", o.Address); err != nil {
		return nil, fmt.Errorf("listen.tcp(%q): %w", o.Address, err)
	}
	return t, nil
}

// checkTLS finds what is missing among the options of tls.
func checkTLS(o *TLSOptions) error {
	if o != nil && (o.Cert == "" || o.Key == "") {
		return errors.New(`tls needs cert and key, e.g. {tls: {cert: "server.pem", key: "server.key"}}`)
	}
	return nil
}

// openTLS loads the files of o; nil for nil.
func openTLS(o *TLSOptions) (*tls.Server, error) {
	if o == nil {
		return nil, nil
	}
	return tls.NewServer(tls.Files{Cert: o.Cert, Key: o.Key, ClientCA: o.ClientCA})
}

// limitsOf returns the default limits with those of the listener; 0 stands for the default.
func limitsOf(frame, events int) wire.Limits {
	l := wire.DefaultLimits
	if frame > 0 {
		l.Frame = frame
	}
	if events > 0 {
		l.Events = events
	}
	return l
}

// Kind implements listener.
func (t *tcpListener) Kind() string {
	if t.secure != nil {
		return "tls"
	}
	return "tcp"
}

// Addr implements listener.
func (t *tcpListener) Addr() net.Addr { return t.l.Addr() }

// Connections implements listener.
func (t *tcpListener) Connections() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open
}

// Serve implements listener.
func (t *tcpListener) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if t.secure != nil {
		t.ended.Go(func() { watchCert(ctx, t.server, t.Kind(), t.secure) })
	}
	var pause time.Duration
	for {
		nc, err := t.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			// Out of descriptors, most likely: wait for some to come back.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			t.server.refusals.refuse(t.Kind(), "accept", "", err)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(pause):
			}
			continue
		}
		pause = 0
		t.accept(nc)
	}
}

// accept starts a connection's goroutine, or closes the connection when there are too many.
func (t *tcpListener) accept(nc net.Conn) {
	t.mu.Lock()
	if t.open >= t.opts.MaxConnections {
		t.mu.Unlock()
		nc.Close()
		t.server.refusals.refuse(t.Kind(), "connections", nc.RemoteAddr().String(),
			fmt.Errorf("%d connections are open; raise maxConnections to allow more", t.opts.MaxConnections))
		return
	}
	t.open++
	t.mu.Unlock()
	t.ended.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				nc.Close()
				t.server.panicked("connection of "+nc.RemoteAddr().String(), p)
			}
			t.mu.Lock()
			t.open--
			t.mu.Unlock()
		}()
		t.run(nc)
	})
}

func (t *tcpListener) run(nc net.Conn) {
	if t.secure != nil {
		tc, err := t.handshake(nc)
		if err != nil {
			nc.Close()
			return
		}
		nc = tc
	}
	c := newConn(t.server, t.Kind(), nc, t.limits, t.opts.Idle, Ack(t.opts.Ack))
	t.mu.Lock()
	t.conns[c] = struct{}{}
	t.mu.Unlock()
	if t.server.stopping() { // Shutdown may have missed it
		c.shutdown()
	}
	defer func() {
		t.mu.Lock()
		delete(t.conns, c)
		t.mu.Unlock()
	}()
	c.serve()
}

func (t *tcpListener) handshake(nc net.Conn) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(t.server.ctx, handshakeTimeout)
	defer cancel()
	tc, err := (*tls.Conn)(nil), error(nil)
	select {
	case t.handshakes <- struct{}{}:
		tc = tls.NewServerConn(nc, t.secure.Config())
		err = tc.HandshakeContext(ctx)
		<-t.handshakes
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil && !t.server.stopping() {
		reason := tls.Reason(err)
		if advice := tls.Advice(reason); advice != "" {
			err = fmt.Errorf("%w; %s", err, advice)
		}
		t.server.refusals.refuse(t.Kind(), "tls_"+reason, nc.RemoteAddr().String(), err)
	}
	return tc, err
}

// Close implements listener: it accepts no more.
func (t *tcpListener) Close() { t.l.Close() }

// Drain implements listener: connections answer what they have read and end; those that have not when ctx is
// done are cut.
func (t *tcpListener) Drain(ctx context.Context) {
	t.each((*conn).shutdown)
	cut := context.AfterFunc(ctx, func() { t.each(func(c *conn) { c.net.Close() }) })
	defer cut()
	t.ended.Wait()
}

func (t *tcpListener) each(f func(*conn)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.conns {
		f(c)
	}
}

// watchCert reloads a listener's certificate when its files change.
func watchCert(ctx context.Context, s *Server, kind string, secure *tls.Server) {
	secure.Watch(ctx, certCheck, func(err error) {
		if err != nil {
			s.metrics.certReloads.WithLabelValues("failed").Inc()
			s.log.Error("the changed certificate is refused; the old one stays", "listener", kind, "err", err)
			return
		}
		s.metrics.certReloads.WithLabelValues("ok").Inc()
		s.log.Info("certificate reloaded", "listener", kind, "until", secure.NotAfter())
	})
}

// allowed reports whether a peer's address is in one of the networks.
func allowed(networks []netip.Prefix, ip netip.Addr) bool {
	ip = ip.Unmap()
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}
