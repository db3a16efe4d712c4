package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

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

var defaultUDP = UDPOptions{MaxSize: 16 << 10, Buffer: 8 << 20}

// UDPOptions are the options of listen.udp.
type UDPOptions struct {
	Address  string   `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	Allow    []string `opt:"allow" doc:"networks that may send, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure bool     `opt:"insecure" doc:"allow an address that is open to the network without an allow list"`
	MaxSize  int      `opt:"maxSize" min:"64" max:"65507" doc:"bytes of one datagram; longer ones are dropped and counted"`
	Buffer   int      `opt:"buffer" min:"4096" doc:"bytes of the socket's receive buffer, which the kernel may lower"`
}

// udpListener takes one message in each datagram and never answers.
type udpListener struct {
	server  *Server
	opts    UDPOptions
	allow   []netip.Prefix
	c       *net.UDPConn
	closing atomic.Bool
}

func openUDP(s *Server, o UDPOptions) (*udpListener, error) {
	u := &udpListener{server: s, opts: o}
	for _, text := range o.Allow {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("listen.udp(%q): allow: %w; want a network such as 10.0.0.0/8", o.Address, err)
		}
		u.allow = append(u.allow, p.Masked())
	}
	if err := checkBind("udp", o.Address, len(u.allow) > 0, o.Insecure, `{allow: ["10.0.0.0/8"]} with the senders' networks`); err != nil {
		return nil, err
	}
	addr, err := net.ResolveUDPAddr("udp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("listen.udp(%q): %w", o.Address, err)
	}
	if u.c, err = net.ListenUDP("udp", addr); err != nil {
		return nil, fmt.Errorf("listen.udp(%q): %w", o.Address, err)
	}
	if err := u.c.SetReadBuffer(o.Buffer); err != nil {
		s.log.Debug("receive buffer", "listener", "udp", "err", err)
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
func (u *udpListener) Serve(context.Context) error {
	var (
		buf     = make([]byte, u.opts.MaxSize+1) // one more than allowed shows that a datagram is longer
		limits  = limitsOf(u.opts.MaxSize, 0)
		decoder = wire.NewDecoder(limits)
		stats   wire.Stats
		msg     wire.Msg
	)
	for {
		n, from, err := u.c.ReadFromUDPAddrPort(buf)
		if err != nil {
			if u.closing.Load() || errors.Is(err, net.ErrClosed) {
				return nil
			}
			u.server.refusals.refuse("udp", "read", "", err)
			continue
		}
		if reason, err := u.take(decoder, &msg, buf[:n], from); reason != "" {
			u.server.refusals.refuse("udp", reason, from.String(), err)
		}
		if now := decoder.Stats; now != stats {
			u.server.metrics.fixes(stats, now)
			stats = now
		}
	}
}

// take handles one datagram; a reason says why it was dropped. A query is dropped: nobody would get the answer.
func (u *udpListener) take(decoder *wire.Decoder, msg *wire.Msg, b []byte, from netip.AddrPort) (reason string, err error) {
	defer func() {
		if p := recover(); p != nil {
			u.server.panicked("datagram of "+from.String(), p)
		}
	}()
	if len(u.allow) > 0 && !allowed(u.allow, from.Addr()) {
		return "not_allowed", nil
	}
	if len(b) > u.opts.MaxSize {
		return "oversize", fmt.Errorf("a datagram of more than %d bytes; send fewer events in one, or use TCP", u.opts.MaxSize)
	}
	if err := decoder.Decode(msg, b); err != nil {
		return refusalReason(err), err
	}
	if msg.HasQuery {
		reason, err = "query", errors.New("a query over UDP gets no answer; use TCP")
	}
	if len(msg.Events) == 0 {
		return reason, err
	}
	if err := u.server.engine.Ingest(msg.Events); err != nil {
		return "internal", err
	}
	return reason, err
}

// Close implements listener. What the kernel holds is lost, as UDP promises nothing.
func (u *udpListener) Close() {
	u.closing.Store(true)
	u.c.Close()
}

// Drain implements listener: when Serve has returned, nothing is under way.
func (u *udpListener) Drain(context.Context) {}
