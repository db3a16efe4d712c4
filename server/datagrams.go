package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// datagrams reads the datagrams of one address, drops those that may not come in, and gives the others to take,
// one after another.
type datagrams struct {
	server  *Server
	kind    string
	maxSize int // bytes
	allow   []netip.Prefix
	toll    *toll
	c       *net.UDPConn
	lost    kernelDrops
	take    func(b []byte, from netip.AddrPort) (events int) // b is valid until it returns
	closing atomic.Bool
	done    chan struct{} // closed when serve has returned
}

// packetOptions are what the doors that take datagrams have in common.
type packetOptions struct {
	address   string
	allow     []string
	multicast string // interface on which the group of the address is joined; "": the system's choice
	PacketLimits
	RateLimits
}

// receiving opens an address; one of multicast joins the group.
func receiving(s *Server, kind string, o packetOptions, take func(b []byte, from netip.AddrPort) (events int)) (*datagrams, error) {
	d := &datagrams{server: s, kind: kind, maxSize: o.MaxSize, toll: newToll(o.RateLimits), take: take, done: make(chan struct{})}
	fail := func(err error) (*datagrams, error) { return nil, fmt.Errorf("listen.%s(%q): %w", kind, o.address, err) }
	var err error
	if d.allow, err = networks(o.allow); err != nil {
		return fail(err)
	}
	addr, err := net.ResolveUDPAddr("udp", o.address)
	if err != nil {
		return fail(err)
	}
	if addr.IP.IsMulticast() {
		var on *net.Interface
		if o.multicast != "" {
			if on, err = net.InterfaceByName(o.multicast); err != nil {
				return fail(fmt.Errorf("interface %q: %w", o.multicast, err))
			}
		}
		d.c, err = net.ListenMulticastUDP("udp", on, addr)
	} else {
		d.c, err = net.ListenUDP("udp", addr)
	}
	if err != nil {
		return fail(err)
	}
	if err := d.c.SetReadBuffer(o.Buffer); err != nil {
		s.log.Debug("receive buffer", "listener", kind, "err", err)
	}
	return d, nil
}

// networks parses an allow list.
func networks(texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("allow: %w; want a network such as 10.0.0.0/8", err)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// serve reads until close.
func (d *datagrams) serve() {
	defer close(d.done)
	buf := make([]byte, d.maxSize+1) // one more than allowed shows that a datagram is longer
	for {
		n, from, err := d.c.ReadFromUDPAddrPort(buf)
		if err != nil {
			if d.closing.Load() || errors.Is(err, net.ErrClosed) {
				return
			}
			d.server.refusals.refuse(d.kind, "read", "", err)
			continue
		}
		d.one(buf[:n], from)
	}
}

func (d *datagrams) one(b []byte, from netip.AddrPort) {
	defer func() {
		if p := recover(); p != nil {
			d.server.panicked("datagram of "+from.String(), p)
		}
	}()
	if len(d.allow) > 0 && !allowed(d.allow, from.Addr()) {
		d.server.refusals.refuse(d.kind, "not_allowed", from.String(), errors.New("its address is in no network of allow"))
		return
	}
	if len(b) > d.maxSize {
		d.server.refusals.refuse(d.kind, "oversize", from.String(), fmt.Errorf("a datagram of more than %d bytes; raise maxSize, or send less in one", d.maxSize))
		return
	}
	if d.toll == nil {
		d.take(b, from)
		return
	}
	now, peer := time.Now(), peerOf(from.Addr())
	if wait, option := d.toll.due(peer, now); wait > 0 {
		d.server.refusals.refuse(d.kind, "rate", from.String(), fmt.Errorf("more events a second than %s; raise it to allow more, or use a protocol over TCP, which slows the sender down", option))
		return
	}
	d.toll.pay(peer, d.take(b, from), now)
}

// kernelLost returns how many datagrams the kernel has dropped since the start, the receive buffer being full.
func (d *datagrams) kernelLost() uint64 { return d.lost.total(d.c) }

// close makes serve return. What the kernel holds is lost, as UDP promises nothing.
func (d *datagrams) close() {
	d.closing.Store(true)
	d.c.Close()
}
