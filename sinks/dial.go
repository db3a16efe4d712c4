package sinks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"zeta/tls"
)

// Target is the address of a sink that speaks over TCP.
type Target struct {
	To         string        `opt:"to"         doc:"HOST:PORT of the target"`
	TLS        bool          `opt:"tls"        doc:"use TLS; implied by ca and cert"`
	CA         string        `opt:"ca"         doc:"PEM file of the authorities that sign the target's certificate, instead of the system's"`
	Cert       string        `opt:"cert"       doc:"PEM file of zeta's own certificate"`
	Key        string        `opt:"key"        doc:"PEM file of the key of cert"`
	ServerName string        `opt:"serverName" doc:"name that the target's certificate must have, instead of the host in to"`
	Timeout    time.Duration `opt:"timeout"    min:"100ms" max:"5m" doc:"longest duration of one exchange"`
}

func (t Target) check(example string) error {
	if t.To == "" {
		return fmt.Errorf("to is missing, e.g. %s", example)
	}
	if _, port, err := net.SplitHostPort(t.To); err != nil || port == "" {
		return fmt.Errorf("to %q: want HOST:PORT, e.g. %s", t.To, example)
	}
	if (t.Cert == "") != (t.Key == "") {
		return errors.New("cert and key belong together")
	}
	return nil
}

// line is a connection to a target, made when it is needed. It belongs to the sink's worker.
type line struct {
	Target
	config *tls.Config // nil: plain
	conn   net.Conn
}

func newLine(t Target) (*line, error) {
	l := &line{Target: t}
	if !t.TLS && t.CA == "" && t.Cert == "" {
		return l, nil
	}
	if t.ServerName == "" {
		t.ServerName, _, _ = net.SplitHostPort(t.To)
	}
	var err error
	l.config, err = tls.NewClient(tls.ClientFiles{CA: t.CA, Cert: t.Cert, Key: t.Key, ServerName: t.ServerName})
	return l, err
}

// open connects unless it is connected, and sets the deadline of an exchange.
func (l *line) open(ctx context.Context) error {
	deadline := time.Now().Add(l.Timeout)
	if l.conn == nil {
		ctx, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.To)
		if err != nil {
			return err
		}
		if l.config != nil {
			secure := tls.NewClientConn(conn, l.config)
			if err := secure.HandshakeContext(ctx); err != nil {
				conn.Close()
				return fmt.Errorf("TLS with %s: %w", l.To, err)
			}
			conn = secure
		}
		l.conn = conn
	}
	return l.conn.SetDeadline(deadline)
}

// close ends the connection; the next open makes another.
func (l *line) close() {
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}
