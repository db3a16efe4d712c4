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
	rates   *peerRates // nil: no limit
	c       *net.UDPConn
	take    func(b []byte, from netip.AddrPort) // b is valid until it returns
	closing atomic.Bool
	done    chan struct{} // closed when serve has returned
}

// packetOptions are what the doors that take datagrams have in common.
type packetOptions struct {
	address   string
	allow     []string
	maxSize   int    // bytes of a datagram
	maxRate   int    // datagrams a second from one peer; 0: no limit
	buffer    int    // bytes of the socket's receive buffer
	multicast string // interface on which the group of the address is joined; "": the system's choice
}

// receiving opens an address; one of multicast joins the group.
func receiving(s *Server, kind string, o packetOptions, take func(b []byte, from netip.AddrPort)) (*datagrams, error) {
	d := &datagrams{server: s, kind: kind, maxSize: o.maxSize, take: take, done: make(chan struct{})}
	fail := func(err error) (*datagrams, error) { return nil, fmt.Errorf("listen.%s(%q): %w", kind, o.address, err) }
	var err error
	if d.allow, err = networks(o.allow); err != nil {
		return fail(err)
	}
	if o.maxRate > 0 {
		d.rates = newPeerRates(o.maxRate)
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
	if err := d.c.SetReadBuffer(o.buffer); err != nil {
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
	switch {
	case len(d.allow) > 0 && !allowed(d.allow, from.Addr()):
		d.server.refusals.refuse(d.kind, "not_allowed", from.String(), nil)
	case len(b) > d.maxSize:
		d.server.refusals.refuse(d.kind, "oversize", from.String(), fmt.Errorf("a datagram of more than %d bytes; raise maxSize, or send less in one", d.maxSize))
	case d.rates != nil && !d.rates.pass(from.Addr(), time.Now()):
		d.server.refusals.refuse(d.kind, "rate", from.String(), fmt.Errorf("more than %d datagrams a second from one peer; raise maxRate to allow more", d.rates.perSecond))
	default:
		d.take(b, from)
	}
}

// close makes serve return. What the kernel holds is lost, as UDP promises nothing.
func (d *datagrams) close() {
	d.closing.Store(true)
	d.c.Close()
}

// peerRates lets each peer send so many datagrams a second, and as many at once. It remembers at most
// maxPeers; a flood from more addresses than that shares one allowance. It belongs to the goroutine that reads.
type peerRates struct {
	perSecond int
	peers     map[netip.Addr]*allowance
	others    allowance
	swept     time.Time
}

// allowance is what a peer may still send.
type allowance struct {
	left float64
	at   time.Time
}

const maxPeers = 4096

func newPeerRates(perSecond int) *peerRates {
	return &peerRates{perSecond: perSecond, peers: map[netip.Addr]*allowance{}}
}

// pass reports whether a datagram of ip may come in at now, and takes it off the allowance.
func (r *peerRates) pass(ip netip.Addr, now time.Time) bool {
	a := r.peers[ip]
	if a == nil && len(r.peers) >= maxPeers && now.Sub(r.swept) > time.Second {
		for ip, a := range r.peers {
			if now.Sub(a.at) > time.Second { // its allowance is whole again
				delete(r.peers, ip)
			}
		}
		r.swept = now
	}
	switch {
	case a != nil:
	case len(r.peers) < maxPeers:
		a = &allowance{}
		r.peers[ip] = a
	default:
		a = &r.others
	}
	full := float64(r.perSecond)
	if a.at.IsZero() {
		a.left = full
	} else {
		a.left = min(full, a.left+now.Sub(a.at).Seconds()*full)
	}
	a.at = now
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}
