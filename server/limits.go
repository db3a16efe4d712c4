package server

import (
	"time"

	"zeta/streams"
)

// ConnLimits are the options about connections that all listeners have that take any. Most senders to Riemann
// keep a connection and say nothing for long, and many of them may come through one proxy: there, what is not
// needed for zeta's own sake is off.
type ConnLimits struct {
	MaxConnections int           `opt:"maxConnections" min:"1" max:"1000000" doc:"connections at a time; those beyond are closed and counted"`
	MaxPerPeer     int           `opt:"maxPerPeer" min:"0" max:"1000000" doc:"connections at a time from one address, of IPv6 from one /64 network; 0: no limit"`
	Idle           time.Duration `opt:"idle" doc:"a connection that sends nothing for so long is closed; 0: never"`
}

// RateLimits are the options about the speed of senders, common to all listeners. A sender may send what it is
// allowed in a second at once.
type RateLimits struct {
	MaxRate     int `opt:"maxRate" min:"0" doc:"events a second of all senders together; beyond it connections are read more slowly, requests are answered 429 and datagrams dropped; 0: no limit"`
	MaxPeerRate int `opt:"maxPeerRate" min:"0" doc:"events a second from one address, of IPv6 from one /64 network; beyond it as for maxRate; 0: no limit"`
}

// PacketLimits are the options of listeners that take datagrams.
type PacketLimits struct {
	MaxSize int `opt:"maxSize" min:"64" max:"65507" doc:"bytes of one datagram; longer ones are dropped and counted"`
	Buffer  int `opt:"buffer" min:"4096" doc:"bytes of the socket's receive buffer, which the kernel may lower (net.core.rmem_max); what does not fit is lost and counted as zeta_server_datagrams_lost_total"`
}

// LineLimits are the limits of listeners that take lines over TCP, UDP or both.
type LineLimits struct {
	ConnLimits
	RateLimits
	PacketLimits
	MaxLine int `opt:"maxLine" min:"64" max:"1048576" doc:"bytes of one line or message over TCP; a longer one closes the connection"`
}

// BodyLimits are the limits of listeners that take events in the bodies of HTTP requests.
type BodyLimits struct {
	ConnLimits
	RateLimits
	MaxBody   int `opt:"maxBody" min:"64" max:"268435456" doc:"bytes of one request, decompressed"`
	MaxEvents int `opt:"maxEvents" min:"1" max:"10000000" doc:"events of one request; one with more is refused"`
}

// DoorOptions are the options that all listeners have that take events in the bodies of HTTP requests.
type DoorOptions struct {
	TLS      *TLSOptions    `opt:"tls" doc:"certificate, key and, to require client certificates, their authority; left out: plain"`
	Token    streams.Secret `opt:"token" doc:"what senders must send as Authorization: Bearer TOKEN; left out: nothing"`
	Tokens   string         `opt:"tokens" doc:"file of tokens, of which senders must send one with the right send, each a line: its SHA-256, a name, rights; left out: none"`
	Allow    []string       `opt:"allow" doc:"networks that may connect, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure bool           `opt:"insecure" doc:"allow an address that is open to the network without TLS, token or an allow list"`
	BodyLimits
}

// check finds what is missing among the options.
func (o DoorOptions) check() error { return checkTLS(o.TLS) }

// peerRate is the default of maxPeerRate where senders are not slowed down by what they are told: over UDP.
const peerRate = 100_000

// doorOptions are the defaults of listeners that take bodies of at most maxEvents events.
func doorOptions(maxEvents int) DoorOptions {
	return DoorOptions{BodyLimits: BodyLimits{ConnLimits: ConnLimits{MaxConnections: 1000, Idle: idleTimeout}, MaxBody: 4 << 20, MaxEvents: maxEvents}}
}

// lineLimits are the defaults of listeners that take lines.
func lineLimits(maxLine, maxSize, maxPeerRate int) LineLimits {
	return LineLimits{
		ConnLimits:   ConnLimits{MaxConnections: 10_000},
		RateLimits:   RateLimits{MaxPeerRate: maxPeerRate},
		PacketLimits: PacketLimits{MaxSize: maxSize, Buffer: receiveBuffer},
		MaxLine:      maxLine,
	}
}

// receiveBuffer is the default of buffer.
const receiveBuffer = 8 << 20
