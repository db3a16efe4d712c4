package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"net"
	"time"

	"zeta/event/wire"
	"zeta/tls"
)

// serverFlags say how to reach a server that speaks Riemann's protocol.
type serverFlags struct {
	addr         string
	udp, secure  bool
	ca           string
	cert, key    string
	timeout      time.Duration
	serverName   string
	skipVerify   bool
	withDatagram bool
}

func (f *serverFlags) declare(fs *flag.FlagSet) {
	if f.addr == "" {
		f.addr = "127.0.0.1:5555"
	}
	fs.StringVar(&f.addr, "addr", f.addr, "`HOST:PORT` of the server")
	if f.withDatagram {
		fs.BoolVar(&f.udp, "udp", false, "send one datagram; nothing is answered")
	}
	fs.BoolVar(&f.secure, "tls", false, "use TLS; implied by --ca and --cert")
	fs.StringVar(&f.ca, "ca", "", "PEM `FILE` of the authorities that sign the server's certificate (default the system's)")
	fs.StringVar(&f.cert, "cert", "", "PEM `FILE` of the client's certificate")
	fs.StringVar(&f.key, "key", "", "PEM `FILE` of the client's key")
	fs.StringVar(&f.serverName, "server-name", "", "`NAME` the server's certificate must have (default the host of --addr)")
	fs.BoolVar(&f.skipVerify, "insecure", false, "accept any server certificate")
	fs.DurationVar(&f.timeout, "timeout", 5*time.Second, "longest `DURATION` of the whole exchange")
}

// dial connects; every read and write ends at the timeout.
func (f *serverFlags) dial() (net.Conn, error) {
	network := "tcp"
	if f.udp {
		network = "udp"
	}
	if f.ca != "" || f.cert != "" || f.skipVerify {
		f.secure = true
	}
	if f.secure && f.udp {
		return nil, usagef("--udp and TLS exclude each other")
	}
	host, _, err := net.SplitHostPort(f.addr)
	if err != nil {
		return nil, usagef("--addr %q: want HOST:PORT, such as 127.0.0.1:5555", f.addr)
	}
	conn, err := net.DialTimeout(network, f.addr, f.timeout)
	if err != nil {
		return nil, fmt.Errorf("%w; is zeta serve running there?", err)
	}
	conn.SetDeadline(time.Now().Add(f.timeout))
	if !f.secure {
		return conn, nil
	}
	if f.serverName == "" {
		f.serverName = host
	}
	config, err := tls.NewClient(tls.ClientFiles{CA: f.ca, Cert: f.cert, Key: f.key, ServerName: f.serverName, Insecure: f.skipVerify})
	if err != nil {
		conn.Close()
		return nil, err
	}
	secure := tls.NewClientConn(conn, config)
	if err := secure.Handshake(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS with %s: %w", f.addr, err)
	}
	return secure, nil
}

// ask sends one message and reads its answer.
func ask(conn net.Conn, m *wire.Msg) (*wire.Msg, error) {
	if _, err := conn.Write(wire.AppendFrame(nil, m)); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	limits := wire.DefaultLimits
	limits.Events = 10_000_000 // an answer may hold the whole index
	limits.Frame = 1 << 30
	frames := wire.NewFrameReader(bufio.NewReader(conn), limits.Frame)
	for {
		payload, ok, err := frames.Next()
		if err != nil {
			return nil, fmt.Errorf("the answer: %w", err)
		}
		if ok {
			var answer wire.Msg
			if err := wire.NewDecoder(limits).Decode(&answer, payload); err != nil {
				return nil, fmt.Errorf("the answer: %w", err)
			}
			if answer.HasOK && !answer.OK {
				return nil, errors.New(answer.Error)
			}
			return &answer, nil
		}
		if err := frames.Fill(); err != nil {
			return nil, fmt.Errorf("the server closed the connection without an answer: %w", err)
		}
	}
}
