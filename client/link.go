package client

import (
	"errors"
	"fmt"
	"net"
	"time"

	"zeta/tls"

	riemanngo "github.com/riemann/riemann-go-client"
	"github.com/riemann/riemann-go-client/proto"
)

// errStopped ends what the sender is doing when the client is closed and its time is up.
var errStopped = errors.New("client: closed")

// link is the connection to the server, made when it is needed. It belongs to the sender.
type link struct {
	addr    string
	tls     *tls.Config
	timeout time.Duration

	conn    *riemanngo.TCPClient
	dialing chan dialled // an attempt that is still under way; nil: none
}

type dialled struct {
	conn *riemanngo.TCPClient
	err  error
}

// send sends m and returns the answer. After an error the connection is closed.
func (l *link) send(m *proto.Msg) (*proto.Msg, error) {
	answer, err := l.conn.Send(m)
	if err != nil {
		l.close()
		return nil, fmt.Errorf("client: send to %s: %w", l.addr, err)
	}
	return answer, nil
}

// connect makes a connection unless there is one. riemann-go-client sets no deadline for a TLS handshake,
// so an attempt runs in a goroutine of its own; there is never more than one.
func (l *link) connect(stop <-chan struct{}) error {
	if l.conn != nil {
		return nil
	}
	if l.dialing == nil {
		ch := make(chan dialled, 1)
		l.dialing = ch
		go func() {
			conn, err := l.dial()
			ch <- dialled{conn, err}
		}()
	}
	timer := time.NewTimer(l.timeout)
	defer timer.Stop()
	select {
	case d := <-l.dialing:
		l.dialing = nil
		if d.err != nil {
			return fmt.Errorf("client: connect to %s: %w", l.addr, d.err)
		}
		l.conn = d.conn
		return nil
	case <-timer.C:
		return fmt.Errorf("client: connect to %s: no connection after %v", l.addr, l.timeout)
	case <-stop:
		return errStopped
	}
}

func (l *link) dial() (*riemanngo.TCPClient, error) {
	var conn *riemanngo.TCPClient
	if l.tls == nil {
		conn = riemanngo.NewTCPClient(l.addr, l.timeout)
	} else {
		config := l.tls
		if config.ServerName == "" && !config.InsecureSkipVerify {
			host, _, err := net.SplitHostPort(l.addr)
			if err != nil {
				return nil, err
			}
			config = config.Clone()
			config.ServerName = host
		}
		var err error
		if conn, err = riemanngo.NewTLSClient(l.addr, config, l.timeout); err != nil {
			return nil, err
		}
	}
	if err := conn.Connect(); err != nil {
		hangUp(conn)
		return nil, err
	}
	return conn, nil
}

// close ends the connection, and whatever becomes of an attempt that is under way.
func (l *link) close() {
	if l.conn != nil {
		hangUp(l.conn)
		l.conn = nil
	}
	if ch := l.dialing; ch != nil {
		l.dialing = nil
		go func() {
			if d := <-ch; d.conn != nil {
				hangUp(d.conn)
			}
		}()
	}
}

// hangUp closes conn and its goroutine. A client of riemann-go-client that failed to connect has started
// its goroutine but has no connection, and panics when it comes to closing that.
func hangUp(conn *riemanngo.TCPClient) {
	defer func() { _ = recover() }()
	_ = conn.Close()
}
