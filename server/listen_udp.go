package server

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"zeta/event/wire"
	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[UDPOptions]{
		Name:    "udp",
		Summary: "Take Riemann messages over UDP, one in each datagram.",
		Doc: "Nothing is ever answered, so senders never learn of a loss, and a query is refused. " +
			"A datagram over maxSize, or from a network that is not allowed, is dropped and counted.",
		Defaults: defaultUDP,
		Examples: []streams.Example{
			{Title: "for this machine only", Rule: `listen.udp("127.0.0.1:5555");`},
			{Title: "for one network", Rule: `listen.udp(":5555", {allow: ["10.0.0.0/8"]});`},
		},
	})
}

var defaultUDP = UDPOptions{PacketLimits: PacketLimits{MaxSize: 16 << 10, Buffer: receiveBuffer}, MaxEvents: wire.DefaultLimits.Events}

// UDPOptions are the options of listen.udp.
type UDPOptions struct {
	Address  string   `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	Allow    []string `opt:"allow" doc:"networks that may send, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure bool     `opt:"insecure" doc:"allow an address that is open to the network without an allow list"`
	PacketLimits
	RateLimits
	MaxEvents int `opt:"maxEvents" min:"1" max:"10000000" doc:"events of one datagram"`
}

// udpListener takes one message in each datagram and never answers.
type udpListener struct {
	*datagrams
	decoder *wire.Decoder
	stats   wire.Stats // already counted
	msg     wire.Msg
}

func openUDP(s *Server, o UDPOptions) (*udpListener, error) {
	if err := checkBind("udp", o.Address, len(o.Allow) > 0, o.Insecure, `{allow: ["10.0.0.0/8"]} with the senders' networks`); err != nil {
		return nil, err
	}
	u := &udpListener{decoder: wire.NewDecoder(limitsOf(o.MaxSize, o.MaxEvents))}
	var err error
	u.datagrams, err = receiving(s, "udp", packetOptions{address: o.Address, allow: o.Allow, PacketLimits: o.PacketLimits, RateLimits: o.RateLimits}, u.datagram)
	if err != nil {
		return nil, err
	}
	return u, nil
}

// Kind implements listener.
func (u *udpListener) Kind() string { return "udp" }

// Addr implements listener.
func (u *udpListener) Addr() net.Addr { return u.c.LocalAddr() }

// Connections implements listener.
func (u *udpListener) Connections() int { return 0 }

// Serve implements listener.
func (u *udpListener) Serve(context.Context) error { u.serve(); return nil }

// datagram handles one datagram. A query is dropped: nobody would get the answer.
func (u *udpListener) datagram(b []byte, from netip.AddrPort) (events int) {
	refuse := func(reason string, err error) { u.server.refusals.refuse("udp", reason, from.String(), err) }
	err := u.decoder.Decode(&u.msg, b)
	if now := u.decoder.Stats; now != u.stats {
		u.server.metrics.fixes(u.stats, now)
		u.stats = now
	}
	if err != nil {
		refuse(refusalReason(err), err)
		return 1
	}
	if u.msg.HasQuery {
		refuse("query", errors.New("a query over UDP gets no answer; use TCP"))
	}
	if len(u.msg.Events) > 0 {
		if err := u.server.engine.Ingest(u.msg.Events); err != nil {
			u.server.untaken("udp", from.String(), err)
		}
	}
	return max(1, len(u.msg.Events))
}

// Close implements listener. What the kernel holds is lost, as UDP promises nothing.
func (u *udpListener) Close() { u.close() }

// Drain implements listener: when Serve has returned, nothing is under way.
func (u *udpListener) Drain(context.Context) {}
