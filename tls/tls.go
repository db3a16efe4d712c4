// Package tls builds the certificates' side of zeta's connections: configurations for servers and clients
// out of PEM files, reloaded when the files change, and a small certificate authority for tests and for
// installations that have none. It is the only package that names crypto/tls; others use its aliases.
//
// Vocabulary: a pair is a certificate chain with its key; an authority (CA) is what the other side's
// certificate must descend from.
//
//	server, err := tls.NewServer(tls.Files{Cert: "server.pem", Key: "server.key", ClientCA: "ca.pem"})
//	conn := tls.NewServerConn(tcp, server.Config())
//	if err := conn.HandshakeContext(ctx); err != nil { log(tls.Reason(err)) }
//	server.Reload() // after the files changed
//
// Guarantees:
//   - TLS 1.2 and 1.3 only, forward secrecy and authenticated encryption only (Mozilla's intermediate list).
//   - With ClientCA set a client certificate is required and verified, on resumption too.
//   - A reload that fails changes nothing; connections that exist are never touched by a reload.
//   - All exported methods may be called concurrently.
package tls

import (
	"crypto/tls"
	"net"
)

// Aliases, so that a package that holds a configuration or a connection needs no second package named tls.
type (
	Config          = tls.Config
	Conn            = tls.Conn
	ConnectionState = tls.ConnectionState
)

// NewServerConn returns the server side of a TLS connection over conn; the handshake has not run yet.
func NewServerConn(conn net.Conn, c *Config) *Conn { return tls.Server(conn, c) }

// NewClientConn returns the client side of a TLS connection over conn; the handshake has not run yet.
func NewClientConn(conn net.Conn, c *Config) *Conn { return tls.Client(conn, c) }

// NewListener returns a listener whose connections are server sides of TLS connections over those of l.
func NewListener(l net.Listener, c *Config) net.Listener { return tls.NewListener(l, c) }

// suites are the cipher suites for TLS 1.2; those of 1.3 are fixed and all of them good.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

var groups = []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384}

// base returns what every configuration of zeta has in common.
func base() *Config {
	return &Config{
		MinVersion:       tls.VersionTLS12,
		CipherSuites:     suites,
		CurvePreferences: groups,
	}
}
