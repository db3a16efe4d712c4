package server

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"zeta/tls"
)

// acceptor accepts the connections of one address, as its turnstile lets them in, plain or with TLS, and gives
// each its goroutine. What is said on them is for run, which returns when the connection is done with.
type acceptor struct {
	*turnstile
	secure *tls.Server // nil: plain
	l      net.Listener
	run    func(c *session)

	handshakes turns

	mu       sync.Mutex
	sessions map[*session]struct{}
	ended    sync.WaitGroup
}

// session is one accepted connection.
type session struct {
	net.Conn
	remote string
	ip     netip.Addr    // the zero address where there is none
	quit   chan struct{} // closed when the connection is to end

	mu      sync.Mutex
	closing bool // the server shuts down: no deadline may be moved any more
}

func newSession(c net.Conn) *session {
	return &session{Conn: c, remote: c.RemoteAddr().String(), ip: remoteIP(c), quit: make(chan struct{})}
}

// accepting opens an address; what names the statement in errors.
func accepting(s *Server, kind, address string, o *TLSOptions, limits ConnLimits, allow []netip.Prefix, run func(c *session)) (*acceptor, error) {
	a := &acceptor{
		turnstile:  newTurnstile(s, kind, limits, allow),
		run:        run,
		handshakes: newTurns(),
		sessions:   map[*session]struct{}{},
	}
	var err error
	if a.secure, err = openTLS(o); err == nil {
		a.l, err = net.Listen("tcp", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen.%s(%q): %w", kind, address, err)
	}
	return a, nil
}

// serve accepts until close.
func (a *acceptor) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if a.secure != nil {
		a.ended.Go(func() { watchCert(ctx, a.server, a.kind, a.secure) })
	}
	for {
		nc, err := a.accept(a.l)
		if err != nil {
			return
		}
		a.ended.Go(func() { a.attend(nc) })
	}
}

// attend does all that there is to do with a connection.
func (a *acceptor) attend(nc net.Conn) {
	c := newSession(nc)
	defer func() {
		nc.Close()
		if p := recover(); p != nil {
			a.server.panicked("connection of "+c.remote, p)
		}
		a.leave(c.ip)
	}()
	if a.secure != nil {
		tc, err := a.handshakes.shake(a.server, a.kind, a.secure.Config(), nc)
		if err != nil {
			return
		}
		c.Conn = tc
	}
	a.mu.Lock()
	a.sessions[c] = struct{}{}
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.sessions, c)
		a.mu.Unlock()
	}()
	if a.server.stopping() { // drain may have missed it
		c.shutdown()
	}
	a.run(c)
}

// drain lets the connections take what they have read and end; those that have not when ctx is done are cut.
func (a *acceptor) drain(ctx context.Context) {
	a.each((*session).shutdown)
	cut := context.AfterFunc(ctx, func() { a.each(func(c *session) { c.Close() }) })
	defer cut()
	a.ended.Wait()
}

func (a *acceptor) each(f func(*session)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.sessions {
		f(c)
	}
}

// setReadDeadline bounds the next read, unless the connection is to end; the zero time means no bound.
func (c *session) setReadDeadline(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.SetReadDeadline(t)
	}
}

// shutdown makes the next read fail, and those end who wait for something else.
func (c *session) shutdown() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		close(c.quit)
	}
	c.closing = true
	c.SetReadDeadline(time.Unix(1, 0))
}

// isClosing reports whether shutdown has been called.
func (c *session) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}
