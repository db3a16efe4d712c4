package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
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

var defaultTCP = TCPOptions{ConnLimits: ConnLimits{MaxConnections: 10_000}, MaxFrame: wire.DefaultLimits.Frame, MaxEvents: wire.DefaultLimits.Events, Ack: string(AckSafe)}

// TCPOptions are the options of listen.tcp.
type TCPOptions struct {
	Address  string      `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	TLS      *TLSOptions `opt:"tls" doc:"certificate, key and, to require client certificates, their authority; left out: plain TCP"`
	Allow    []string    `opt:"allow" doc:"networks that may connect, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure bool        `opt:"insecure" doc:"allow an address that is open to the network without TLS or an allow list"`
	Ack      string      `opt:"ack" enum:"processed,safe,durable" doc:"what an answer promises: that the rules have run, that the death of zeta loses nothing of it, or that the loss of power does not"`
	ConnLimits
	RateLimits
	MaxFrame  int `opt:"maxFrame" min:"64" max:"1073741824" doc:"bytes of one message"`
	MaxEvents int `opt:"maxEvents" min:"1" max:"10000000" doc:"events of one message"`
}

// TLSOptions name the PEM files of a TLS listener.
type TLSOptions struct {
	Cert     string `opt:"cert" doc:"certificate file, intermediates after it"`
	Key      string `opt:"key" doc:"file of the certificate's private key, not encrypted"`
	ClientCA string `opt:"clientCA" doc:"file of the authorities that sign client certificates; left out: clients need no certificate"`
}

// certCheck is the time between two looks at the certificate files.
const certCheck = 10 * time.Second

// tcpListener accepts connections that speak Riemann's protocol, plain or over TLS.
type tcpListener struct{ *acceptor }

func openTCP(s *Server, o TCPOptions) (tcpListener, error) {
	if err := checkBind("tcp", o.Address, o.TLS != nil || len(o.Allow) > 0, o.Insecure, `{tls: {cert: "…", key: "…", clientCA: "…"}} or {allow: ["10.0.0.0/8"]}`); err != nil {
		return tcpListener{}, err
	}
	allow, err := networks(o.Allow)
	if err != nil {
		return tcpListener{}, fmt.Errorf("listen.tcp(%q): %w", o.Address, err)
	}
	limits, toll := limitsOf(o.MaxFrame, o.MaxEvents), newToll(o.RateLimits)
	kind := "tcp"
	a, err := accepting(s, kind, o.Address, o.TLS, o.ConnLimits, allow, func(c *session) {
		conn := newConn(s, kind, c, limits, o.Idle, Ack(o.Ack))
		conn.toll = toll
		conn.serve()
	})
	if err != nil {
		return tcpListener{}, err
	}
	if a.secure != nil {
		kind = "tls"
		a.kind = kind
	}
	return tcpListener{a}, nil
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
func (t tcpListener) Kind() string { return t.kind }

// Addr implements listener.
func (t tcpListener) Addr() net.Addr { return t.l.Addr() }

// Connections implements listener.
func (t tcpListener) Connections() int { return t.connections() }

// Serve implements listener.
func (t tcpListener) Serve(ctx context.Context) error { t.serve(ctx); return nil }

// Close implements listener: it accepts no more.
func (t tcpListener) Close() { t.l.Close() }

// Drain implements listener: connections answer what they have read and end; those that have not when ctx is
// done are cut.
func (t tcpListener) Drain(ctx context.Context) { t.drain(ctx) }

// certificate returns what holds the listener's certificate; nil without TLS.
func (t tcpListener) certificate() *tls.Server { return t.secure }

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
