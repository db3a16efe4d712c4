package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"time"

	"zeta/event"
)

// bodyDoor is the engine of the listeners that take events in the bodies of POST requests, each protocol in its
// own file: it authenticates, bounds, counts and drains; what a body means is for the protocol.
type bodyDoor struct {
	*web
	opts   DoorOptions
	tokens *tokens
	slots  chan struct{} // one for each body that is read and decoded
}

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
func openDoor(s *Server, kind, address string, o DoorOptions, mux *http.ServeMux) (*bodyDoor, error) {
	if err := checkBind(kind, address, o.TLS != nil || o.Token != "" || o.Tokens != "" || len(o.Allow) > 0, o.Insecure, `{tls: {cert: "…", key: "…"}}, {token: "…"}, {tokens: "FILE"} or {allow: ["10.0.0.0/8"]}`); err != nil {
		return nil, err
	}
	d := &bodyDoor{opts: o, slots: make(chan struct{}, 2*runtime.GOMAXPROCS(0))}
	var err error
	if d.tokens, err = openTokens(o.Tokens, s.log); err != nil {
		return nil, fmt.Errorf("listen.%s(%q): %w", kind, address, err)
	}
	if d.web, err = openWeb(s, kind, address, o.TLS, o.Allow, o.ConnLimits, o.RateLimits, "h2", "http/1.1"); err != nil {
		return nil, err
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	d.http.Protocols = protocols
	d.http.WriteTimeout = time.Minute + writeTimeout
	d.http.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 32}
	d.http.Handler = d.gate(mux)
	return d, nil
}

// Drain implements listener: requests that have begun are answered.
func (d *bodyDoor) Drain(ctx context.Context) {
	if d.http.Shutdown(ctx) != nil {
		d.http.Close()
	}
}

// gate refuses requests of web pages, whose visitors do not mean to send events, and those without the token.
func (d *bodyDoor) gate(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived(w, r)
		defer func() {
			if p := recover(); p != nil {
				d.server.panicked("request of "+r.RemoteAddr, p)
				writeError(w, http.StatusInternalServerError, errors.New("internal error; the stack is in the server's log"))
			}
		}()
		if err := d.mayIn(w, r); err != nil {
			d.refuse(w, r, err)
			return
		}
		d.astray(mux, r)
		mux.ServeHTTP(w, r)
	})
}

// astray counts a request that mux refuses, for its path or its method.
func (d *bodyDoor) astray(mux *http.ServeMux, r *http.Request) {
	if _, pattern := mux.Handler(r); pattern == "" {
		d.server.refusals.refuse(d.kind, "path", r.RemoteAddr, fmt.Errorf("nothing is taken by %.10s %.100q; see the paths of listen.%s", r.Method, r.URL.Path, d.kind))
	}
}

// mayIn refuses a request before its body is read.
func (d *bodyDoor) mayIn(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get("Origin") != "" {
		return refuseRequest(http.StatusForbidden, "origin", "web pages may not send events here")
	}
	isToken := d.opts.Token != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+string(d.opts.Token))) == 1
	switch {
	case isToken:
	case d.tokens != nil:
		if err := d.tokens.check(w, r, maySend); err != nil {
			return err
		}
	case d.opts.Token != "":
		w.Header().Set("WWW-Authenticate", "Bearer")
		return refuseRequest(http.StatusUnauthorized, "token", "want the header Authorization: Bearer TOKEN")
	}
	peer, now := peerOfRequest(r), time.Now()
	if wait, option := d.toll.due(peer, now); wait > 0 {
		return tooFast(w, wait, option)
	}
	d.toll.pay(peer, 1, now) // for the first of its events, or for none
	return d.server.sparesRequests()
}

// refuse counts a refusal and answers it as JSON.
func (d *bodyDoor) refuse(w http.ResponseWriter, r *http.Request, err error) {
	writeError(w, statusOf(w, err, d.refused(r, err)), err)
}

// refused counts a refusal and returns its status.
func (d *bodyDoor) refused(r *http.Request, err error) (status int) {
	status, reason := http.StatusInternalServerError, "internal"
	var e *doorError
	switch {
	case errors.As(err, &e):
		status, reason = e.status, e.reason
	case isOverload(err):
		status, reason = http.StatusServiceUnavailable, "overloaded"
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
	raw := newPaced(w, http.MaxBytesReader(w, r.Body, int64(d.opts.MaxBody)))
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
	n, err := b.ReadFrom(io.LimitReader(in, int64(d.opts.MaxBody)+1))
	if err == nil && n > int64(d.opts.MaxBody) {
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
		return refuseRequest(http.StatusRequestEntityTooLarge, "oversize", "the body has more than %d bytes; send less in one request, or raise maxBody", d.opts.MaxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuseRequest(http.StatusRequestTimeout, "slow", "the body did not arrive in time: %s and its share at %d KiB/s", frameGrace, slowRate>>10)
	}
	return refuseRequest(http.StatusBadRequest, "body", "read body: %w", err)
}

// ingest runs events through the rules, some at a time.
func (d *bodyDoor) ingest(events []event.Event) error {
	for len(events) > 0 {
		n := min(len(events), eventsPerRun)
		if err := d.server.ingest(d.kind, events[:n]); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// taker returns what runs the events of a request through the rules, for a reader that gives them some at a time.
func (d *bodyDoor) taker(r *http.Request) func([]event.Event) error {
	paid := 1 // by mayIn
	return func(events []event.Event) error {
		d.toll.pay(peerOfRequest(r), max(0, len(events)-paid), time.Now())
		paid = max(0, paid-len(events))
		if err := d.ingest(events); err != nil {
			return refuseRequest(http.StatusInternalServerError, "internal", "%w", err)
		}
		return nil
	}
}

// decoded says how to refuse a body after what reading it gave; tooMany is the status for too many events.
func (d *bodyDoor) decoded(err error, tooMany int) error {
	var refused *doorError
	switch {
	case err == nil || errors.As(err, &refused):
		return err
	case errors.Is(err, errTooMany):
		return refuseRequest(tooMany, "limit", "the request has more than %d events; send less in one, or raise maxEvents", d.opts.MaxEvents)
	}
	return refuseRequest(http.StatusBadRequest, "decode", "%w", err)
}

// peer is the host of events that name none: the sender's address, for a sender on this machine its name.
func (d *bodyDoor) peer(r *http.Request) string {
	if v := visitorOf(r); v != nil {
		return hostOfPeer(v.ip)
	}
	return "" // not over TCP
}
