package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"zeta/tls"
)

// web is what the listeners that speak HTTP have in common: it opens the address, lets connections in as its
// turnstile says, shakes hands, and counts those that never came to ask for anything.
type web struct {
	*turnstile
	secure     *tls.Server // nil: plain
	protocols  []string    // for ALPN
	l          net.Listener
	http       *http.Server
	toll       *toll
	handshakes turns
	accepted   chan net.Conn // ready for requests
	closed     chan struct{}
	closing    sync.Once
}

// Bounds of HTTP requests.
const (
	headerTimeout  = 5 * time.Second
	idleTimeout    = 2 * time.Minute // between two requests
	maxHeaderBytes = 64 << 10
)

// openWeb opens an address. The server's handler is set by the caller, before serve.
func openWeb(s *Server, kind, address string, o *TLSOptions, allow []string, limits ConnLimits, rates RateLimits, protocols ...string) (*web, error) {
	allowed, err := networks(allow)
	if err != nil {
		return nil, fmt.Errorf("listen.%s(%q): %w", kind, address, err)
	}
	w := &web{
		turnstile: newTurnstile(s, kind, limits, allowed), protocols: protocols, toll: newToll(rates),
		handshakes: newTurns(), accepted: make(chan net.Conn), closed: make(chan struct{}),
	}
	if w.secure, err = openTLS(o); err == nil {
		w.l, err = net.Listen("tcp", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen.%s(%q): %w", kind, address, err)
	}
	idle := limits.Idle
	if idle == 0 {
		idle = -1 // for net/http, 0 is the time for a request
	}
	w.http = &http.Server{
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idle,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if tc, ok := c.(*tls.Conn); ok {
				c = tc.NetConn().(*greeted).Conn
			}
			return context.WithValue(ctx, visitorKey{}, c)
		},
	}
	return w, nil
}

// Kind implements listener.
func (w *web) Kind() string { return w.kind }

// Addr implements listener and net.Listener.
func (w *web) Addr() net.Addr { return w.l.Addr() }

// Connections implements listener.
func (w *web) Connections() int { return w.connections() }

// certificate returns what holds the listener's certificate; nil without TLS.
func (w *web) certificate() *tls.Server { return w.secure }

// Serve implements listener.
func (w *web) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	config := (*tls.Config)(nil)
	if w.secure != nil {
		running.Go(func() { watchCert(ctx, w.server, w.kind, w.secure) })
		config = w.secure.ConfigFor(w.protocols...)
	}
	running.Go(func() { w.admit(config, &running) })
	err := w.http.Serve((*webListener)(w))
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// admit accepts until Close; connections that are ready go to net/http.
func (w *web) admit(config *tls.Config, running *sync.WaitGroup) {
	for {
		nc, err := w.accept(w.l)
		if err != nil {
			return
		}
		v := &visitor{Conn: nc, web: w, ip: remoteIP(nc)}
		if config == nil {
			w.pass(v)
			continue
		}
		running.Go(func() {
			tc, err := w.handshakes.shake(w.server, w.kind, config, v)
			if err != nil {
				v.silent.Store(true) // the failure has been counted
				v.Close()
				return
			}
			w.pass(tc)
		})
	}
}

func (w *web) pass(c net.Conn) {
	select {
	case w.accepted <- c:
	case <-w.closed:
		c.Close()
	}
}

// Close implements listener: it accepts no more.
func (w *web) Close() {
	w.closing.Do(func() { close(w.closed) })
	w.l.Close()
}

// webListener is the listener as net/http sees it.
type webListener web

// Accept implements net.Listener.
func (l *webListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *webListener) Close() error { (*web)(l).Close(); return nil }

// Addr implements net.Listener.
func (l *webListener) Addr() net.Addr { return l.l.Addr() }

// visitor is a connection for requests, below TLS if there is any. It is in until it is closed.
type visitor struct {
	net.Conn
	web    *web
	ip     netip.Addr
	begun  atomic.Bool // something has come
	late   atomic.Bool // what was to come did not come in time
	asked  atomic.Bool // a request has come to its handler
	silent atomic.Bool // nothing need be said about its end
	closed sync.Once
}

type visitorKey struct{}

// visitorOf returns the connection of a request; nil if it did not come over one of ours, as in a test.
func visitorOf(r *http.Request) *visitor {
	v, _ := r.Context().Value(visitorKey{}).(*visitor)
	return v
}

// peerOfRequest is who sends a request.
func peerOfRequest(r *http.Request) netip.Addr {
	if v := visitorOf(r); v != nil {
		return peerOf(v.ip)
	}
	return netip.Addr{}
}

// arrived notes that a request has come to its handler, and bounds the time for its body, which handlers that
// read one move on.
func arrived(w http.ResponseWriter, r *http.Request) {
	if v := visitorOf(r); v != nil {
		v.asked.Store(true)
	}
	if r.ContentLength != 0 {
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(frameGrace)) // an error means no deadlines here
	}
}

// paced reads a body that must arrive at slowRate.
type paced struct {
	io.Reader
	control *http.ResponseController
	begun   time.Time
	n       int64
}

func newPaced(w http.ResponseWriter, body io.Reader) *paced {
	return &paced{Reader: body, control: http.NewResponseController(w), begun: time.Now()}
}

// Read implements io.Reader.
func (p *paced) Read(b []byte) (int, error) {
	p.control.SetReadDeadline(p.begun.Add(frameGrace + time.Duration(p.n)*time.Second/slowRate))
	n, err := p.Reader.Read(b)
	p.n += int64(n)
	if err == io.EOF {
		p.control.SetReadDeadline(time.Time{}) // the handler may take its time
	}
	return n, err
}

// tooFast refuses a request of a peer that has sent more than it may, and says when it may send again.
func tooFast(w http.ResponseWriter, wait time.Duration, option string) *doorError {
	seconds := int64((wait + time.Second - 1) / time.Second)
	w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	return refuseRequest(http.StatusTooManyRequests, "rate", "more events a second than %s; come back in %d s", option, seconds)
}

// Read implements net.Conn. The first bytes must be those of a request; with TLS, shake has looked at them.
func (v *visitor) Read(b []byte) (int, error) {
	n, err := v.Conn.Read(b)
	if n > 0 && !v.begun.Swap(true) {
		if c := b[0]; v.web.secure == nil && (c < 'A' || c > 'Z') && c != '\r' && c != '\n' {
			v.silent.Store(true)
			v.web.server.refusals.refuse(v.web.kind, "wrong_protocol", v.RemoteAddr().String(),
				fmt.Errorf("the connection begins with %s, want HTTP; %s", spoken(b[:n]), adviceOn(b[:n])))
			v.Close() // an answer would not be understood
			return 0, errForeign
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		v.late.Store(true)
	}
	return n, err
}

var errForeign = errors.New("the peer does not speak HTTP")

// Close implements net.Conn.
func (v *visitor) Close() error {
	err := v.Conn.Close()
	v.closed.Do(func() {
		v.web.leave(v.ip)
		if !v.begun.Load() || v.silent.Load() || v.asked.Load() || v.web.server.stopping() {
			return
		}
		reason, why := "request", "what came is no request that can be read, or its header is longer than the limit"
		if v.late.Load() {
			reason, why = "slow", fmt.Sprintf("the header of its request did not arrive within %s", headerTimeout)
		}
		v.web.server.refusals.refuse(v.web.kind, reason, v.RemoteAddr().String(), errors.New(why))
	})
	return err
}

// adviceOn says where a peer should go that speaks the wrong protocol.
func adviceOn(b []byte) string {
	switch spoken(b) {
	case "TLS":
		return "this port has no TLS; switch it off in the client, or give the listener a certificate with {tls: …}"
	case "HTTP":
		return "use the port of a listener for HTTP"
	case "Riemann's protocol":
		return "use the port of listen.tcp"
	}
	return "use the port of a listener for that protocol"
}
