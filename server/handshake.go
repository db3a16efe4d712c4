package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"time"

	"zeta/tls"
)

// turns are the places of handshakes that run at once. One costs about a millisecond of CPU, so that after a
// restart, when everybody comes at once, a few at a time are done sooner than all together.
type turns chan struct{}

const (
	handshakeTimeout = 10 * time.Second
	turnTime         = 50 * time.Millisecond // a handshake that waits for its peer for longer gives its place away
)

func newTurns() turns { return make(turns, 2*runtime.GOMAXPROCS(0)) }

// shake makes a connection secure when it is its turn; it has none before the peer has said hello, so that those
// who say nothing keep nobody waiting. A failure has been counted and logged.
func (t turns) shake(s *Server, kind string, config *tls.Config, nc net.Conn) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, handshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { nc.SetReadDeadline(time.Unix(1, 0)) })
	first, err := readHello(nc)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		tc := tls.NewServerConn(&greeted{nc, first}, config)
		select {
		case t <- struct{}{}:
			leave := sync.OnceFunc(func() { <-t })
			late := time.AfterFunc(turnTime, leave)
			err = tc.HandshakeContext(ctx)
			late.Stop()
			leave()
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err == nil {
			return tc, nil
		}
	}
	if !s.stopping() {
		reason := tls.Reason(err)
		var foreign *notTLS
		if errors.As(err, &foreign) {
			reason = "not_tls"
		}
		if advice := tls.Advice(reason); advice != "" {
			err = fmt.Errorf("%w; %s", err, advice)
		}
		s.refusals.refuse(kind, "tls_"+reason, nc.RemoteAddr().String(), err)
	}
	return nil, err
}

// readHello reads the first record, which holds the client's hello or its beginning.
func readHello(nc net.Conn) ([]byte, error) {
	var header [5]byte
	n, err := io.ReadAtLeast(nc, header[:], 1)
	if n > 0 && header[0] != 0x16 {
		return nil, &notTLS{spoken(header[:n])}
	}
	if err == nil && n < len(header) {
		_, err = io.ReadFull(nc, header[n:])
	}
	if err != nil {
		return nil, err
	}
	length := int(header[3])<<8 | int(header[4])
	if length > 1<<14 {
		return nil, &notTLS{"a record that is too long"}
	}
	record := make([]byte, 5+length)
	copy(record, header[:])
	_, err = io.ReadFull(nc, record[5:])
	return record, err
}

// notTLS is the error of a peer that speaks something else on a port for TLS.
type notTLS struct{ found string }

func (e *notTLS) Error() string { return "the connection begins with " + e.found + ", want TLS" }

// greeted is a connection of which the first bytes have been read.
type greeted struct {
	net.Conn
	first []byte
}

// Read implements net.Conn.
func (c *greeted) Read(b []byte) (int, error) {
	if len(c.first) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.first)
	if c.first = c.first[n:]; len(c.first) == 0 {
		c.first = nil
	}
	return n, nil
}

// spoken says what a connection seems to speak by its first bytes, for the log.
func spoken(b []byte) string {
	switch {
	case startsLikeHTTP(b):
		return "HTTP"
	case len(b) > 1 && b[0] == 0x16 && b[1] == 3:
		return "TLS"
	case len(b) > 3 && string(b[:4]) == "SSH-":
		return "SSH"
	case len(b) > 1 && b[0] == 0 && b[1] < 0x10:
		return "Riemann's protocol"
	}
	return fmt.Sprintf("%.16q", b)
}

// startsLikeHTTP reports whether b begins with a method and a space, or as much of them as there is of b.
func startsLikeHTTP(b []byte) bool {
	for _, method := range [...]string{"GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "PRI * HTTP/2"} {
		if n := min(len(b), len(method)); n >= 4 && string(b[:n]) == method[:n] {
			return true
		}
	}
	return false
}
