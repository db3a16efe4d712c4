package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"time"

	"zeta/tls"
)

// acceptor accepts the connections of one address, at most so many at a time, plain or with TLS, and gives each
// its goroutine. What is said on them is for run, which returns when the connection is done with.
type acceptor struct {
	server *Server
	kind   string
	most   int         // connections at a time
	secure *tls.Server // nil: plain
	l      net.Listener
	run    func(c *session)

	handshakes chan struct{} // one costs about a millisecond of CPU

	mu       sync.Mutex
	sessions map[*session]struct{}
	open     int // those that shake hands included
	ended    sync.WaitGroup
}

// session is one accepted connection.
type session struct {
	net.Conn
	remote string

	mu      sync.Mutex
	closing bool // the server shuts down: no deadline may be moved any more
}

// accepting opens an address; what names the statement in errors.
func accepting(s *Server, kind, address string, o *TLSOptions, most int, run func(c *session)) (*acceptor, error) {
	a := &acceptor{
		server: s, kind: kind, most: most, run: run,
		handshakes: make(chan struct{}, 2*runtime.GOMAXPROCS(0)),
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

// connections returns how many are open.
func (a *acceptor) connections() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.open
}

// serve accepts until close.
func (a *acceptor) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if a.secure != nil {
		a.ended.Go(func() { watchCert(ctx, a.server, a.kind, a.secure) })
	}
	var pause time.Duration
	for {
		nc, err := a.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of descriptors, most likely: wait for some to come back.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			a.server.refusals.refuse(a.kind, "accept", "", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			continue
		}
		pause = 0
		a.accept(nc)
	}
}

func (a *acceptor) accept(nc net.Conn) {
	remote := nc.RemoteAddr().String()
	a.mu.Lock()
	if a.open >= a.most {
		a.mu.Unlock()
		nc.Close()
		a.server.refusals.refuse(a.kind, "connections", remote, fmt.Errorf("%d connections are open; raise maxConnections to allow more", a.most))
		return
	}
	a.open++
	a.mu.Unlock()
	a.ended.Go(func() {
		defer func() {
			nc.Close()
			if p := recover(); p != nil {
				a.server.panicked("connection of "+remote, p)
			}
			a.mu.Lock()
			a.open--
			a.mu.Unlock()
		}()
		c := &session{Conn: nc, remote: remote}
		if a.secure != nil {
			tc, err := a.handshake(nc)
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
	})
}

func (a *acceptor) handshake(nc net.Conn) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(a.server.ctx, handshakeTimeout)
	defer cancel()
	tc := tls.NewServerConn(nc, a.secure.Config())
	err := error(nil)
	select {
	case a.handshakes <- struct{}{}:
		err = tc.HandshakeContext(ctx)
		<-a.handshakes
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil && !a.server.stopping() {
		reason := tls.Reason(err)
		if advice := tls.Advice(reason); advice != "" {
			err = fmt.Errorf("%w; %s", err, advice)
		}
		a.server.refusals.refuse(a.kind, "tls_"+reason, nc.RemoteAddr().String(), err)
	}
	return tc, err
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

// shutdown makes the next read fail.
func (c *session) shutdown() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	c.SetReadDeadline(time.Unix(1, 0))
}

// isClosing reports whether shutdown has been called.
func (c *session) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}
