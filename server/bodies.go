package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"time"

	"zeta/event"
	"zeta/streams"
	"zeta/tls"
)

// bodyDoor is the engine of the listeners that take events in the bodies of POST requests, each protocol in its
// own file: it opens, authenticates, bounds, counts and drains; what a body means is for the protocol.
type bodyDoor struct {
	server *Server
	kind   string
	opts   doorOptions
	secure *tls.Server // nil: plain
	l      net.Listener
	http   *http.Server
	slots  chan struct{} // one for each body that is read and decoded

	mu   sync.Mutex
	open int
}

// doorOptions are the options that these listeners have in common.
type doorOptions struct {
	address        string
	tls            *TLSOptions
	insecure       bool
	token          streams.Secret
	maxConnections int
	maxBody        int // bytes, decompressed
	maxEvents      int // of one request
}

// requestTime is the longest time that a request may take to arrive.
const requestTime = 30 * time.Second

// doorError refuses a request.
type doorError struct {
	status int
	reason string
	err    error
}

func (e *doorError) Error() string { return e.err.Error() }
func (e *doorError) Unwrap() error { return e.err }

func refuseRequest(status int, reason, format string, args ...any) *doorError {
	return &doorError{status, reason, fmt.Errorf(format, args...)}
}

// openDoor opens the address. Handlers are added to the mux by the caller, before Serve.
func openDoor(s *Server, kind string, o doorOptions, mux *http.ServeMux) (*bodyDoor, error) {
	if err := checkBind(kind, o.address, o.tls != nil || o.token != "", o.insecure, `{tls: {cert: "…", key: "…"}} or {token: "…"}`); err != nil {
		return nil, err
	}
	d := &bodyDoor{server: s, kind: kind, opts: o, slots: make(chan struct{}, 2*runtime.GOMAXPROCS(0))}
	var err error
	if d.secure, err = openTLS(o.tls); err == nil {
		d.l, err = net.Listen("tcp", o.address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen.%s(%q): %w", kind, o.address, err)
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	d.http = &http.Server{
		Handler:           d.gate(mux),
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 32},
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTime,
		WriteTimeout:      requestTime + writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return d, nil
}

// Kind implements listener.
func (d *bodyDoor) Kind() string { return d.kind }

// Addr implements listener.
func (d *bodyDoor) Addr() net.Addr { return d.l.Addr() }

// Connections implements listener.
func (d *bodyDoor) Connections() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}

// certificate returns what holds the listener's certificate; nil without TLS.
func (d *bodyDoor) certificate() *tls.Server { return d.secure }

// Serve implements listener.
func (d *bodyDoor) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var l net.Listener = doorListener{d.l, d}
	if d.secure != nil {
		go watchCert(ctx, d.server, d.kind, d.secure)
		l = tls.NewListener(l, d.secure.ConfigFor("h2", "http/1.1"))
	}
	err := d.http.Serve(l)
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Close implements listener.
func (d *bodyDoor) Close() { d.l.Close() }

// Drain implements listener: requests that have begun are answered.
func (d *bodyDoor) Drain(ctx context.Context) {
	if d.http.Shutdown(ctx) != nil {
		d.http.Close()
	}
}

// doorListener closes connections beyond the limit and counts the others.
type doorListener struct {
	net.Listener
	d *bodyDoor
}

// Accept implements net.Listener.
func (l doorListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		d := l.d
		d.mu.Lock()
		full := d.open >= d.opts.maxConnections
		if !full {
			d.open++
		}
		d.mu.Unlock()
		if !full {
			return &doorConn{Conn: c, d: d}, nil
		}
		c.Close()
		d.server.refusals.refuse(d.kind, "connections", c.RemoteAddr().String(),
			fmt.Errorf("%d connections are open; raise maxConnections to allow more", d.opts.maxConnections))
	}
}

// doorConn is a connection that is counted until it is closed.
type doorConn struct {
	net.Conn
	d    *bodyDoor
	once sync.Once
}

// Close implements net.Conn.
func (c *doorConn) Close() error {
	c.once.Do(func() {
		c.d.mu.Lock()
		c.d.open--
		c.d.mu.Unlock()
	})
	return c.Conn.Close()
}

// gate refuses requests of web pages, whose visitors do not mean to send events, and those without the token.
func (d *bodyDoor) gate(next http.Handler) http.Handler {
	want := []byte("Bearer " + string(d.opts.token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				d.server.panicked("request of "+r.RemoteAddr, p)
				writeError(w, http.StatusInternalServerError, errors.New("internal error; the stack is in the server's log"))
			}
		}()
		switch {
		case r.Header.Get("Origin") != "":
			d.refuse(w, r, refuseRequest(http.StatusForbidden, "origin", "web pages may not send events here"))
		case d.opts.token != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1:
			w.Header().Set("WWW-Authenticate", "Bearer")
			d.refuse(w, r, refuseRequest(http.StatusUnauthorized, "token", "want the header Authorization: Bearer TOKEN"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// refuse counts a refusal and answers it as JSON.
func (d *bodyDoor) refuse(w http.ResponseWriter, r *http.Request, err error) {
	writeError(w, d.refused(r, err), err)
}

// refused counts a refusal and returns its status.
func (d *bodyDoor) refused(r *http.Request, err error) (status int) {
	status, reason := http.StatusInternalServerError, "internal"
	var e *doorError
	if errors.As(err, &e) {
		status, reason = e.status, e.reason
	}
	d.server.refusals.refuse(d.kind, reason, r.RemoteAddr, err)
	return status
}

// enter waits until a body may be read; the caller calls leave.
func (d *bodyDoor) enter(ctx context.Context) error {
	select {
	case d.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return refuseRequest(http.StatusServiceUnavailable, "busy", "the client left before it was its turn")
	}
}

func (d *bodyDoor) leave() { <-d.slots }

// body reads a request's body, out of gzip if it says so.
func (d *bodyDoor) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	raw := http.MaxBytesReader(w, r.Body, int64(d.opts.maxBody))
	var in io.Reader = raw
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity", "snappy": // snappy is for the protocol that has it
	case "gzip":
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, d.readError(err)
		}
		in = z
	default:
		return nil, refuseRequest(http.StatusUnsupportedMediaType, "encoding", "Content-Encoding is %.40q; want gzip or none", encoding)
	}
	b, err := d.readAll(in)
	if err != nil {
		return nil, d.readError(err)
	}
	return b, nil
}

var errTooLarge = errors.New("too large")

// readAll reads all of in, up to maxBody.
func (d *bodyDoor) readAll(in io.Reader) ([]byte, error) {
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(in, int64(d.opts.maxBody)+1))
	if err == nil && n > int64(d.opts.maxBody) {
		err = errTooLarge
	}
	return b.Bytes(), err
}

// gunzip unpacks b, up to maxBody.
func (d *bodyDoor) gunzip(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return d.readAll(z)
}

func (d *bodyDoor) readError(err error) error {
	var limit *http.MaxBytesError
	switch {
	case errors.As(err, &limit), errors.Is(err, errTooLarge):
		return refuseRequest(http.StatusRequestEntityTooLarge, "oversize", "the body has more than %d bytes; send less in one request, or raise maxBody", d.opts.maxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuseRequest(http.StatusRequestTimeout, "slow", "the body did not arrive within %s", requestTime)
	}
	return refuseRequest(http.StatusBadRequest, "body", "read body: %w", err)
}

// ingest runs events through the rules, some at a time.
func (d *bodyDoor) ingest(events []event.Event) error {
	for len(events) > 0 {
		n := min(len(events), eventsPerRun)
		if err := d.server.Ingest(events[:n]); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// peer is the host of events that name none: the sender's address, for a sender on this machine its name.
func (d *bodyDoor) peer(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "" // not over TCP
	}
	return hostOfPeer(from.Addr())
}
