package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// turnstile lets the connections of one listener in: so many at a time, so many from one peer, from the networks
// that may, and never the last descriptors of the process.
type turnstile struct {
	server *Server
	kind   string
	limits ConnLimits
	allow  []netip.Prefix // empty: all

	mu    sync.Mutex
	open  int
	peers map[netip.Addr]int // connections of each; nil: not limited
}

func newTurnstile(s *Server, kind string, limits ConnLimits, allow []netip.Prefix) *turnstile {
	t := &turnstile{server: s, kind: kind, limits: limits, allow: allow}
	if limits.MaxPerPeer > 0 {
		t.peers = map[netip.Addr]int{}
	}
	return t
}

// connections returns how many are in.
func (t *turnstile) connections() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open
}

// accept returns the next connection that may come in; leave is called when it has ended. Those that may not are
// closed and counted. The error is net.ErrClosed.
func (t *turnstile) accept(l net.Listener) (net.Conn, error) {
	var pause time.Duration
	for {
		nc, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case err != nil:
			// Out of descriptors, most likely: wait for some to come back.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			t.server.refusals.refuse(t.kind, "accept", "", err)
			select {
			case <-t.server.ctx.Done():
			case <-time.After(pause):
			}
			continue
		}
		pause = 0
		if reason, err := t.enter(remoteIP(nc)); reason != "" {
			remote := nc.RemoteAddr().String()
			nc.Close()
			t.server.refusals.refuse(t.kind, reason, remote, err)
			continue
		}
		return nc, nil
	}
}

// enter counts a connection in, or says why it may not come in.
func (t *turnstile) enter(ip netip.Addr) (reason string, err error) {
	if len(t.allow) > 0 && !allowed(t.allow, ip) {
		return "not_allowed", errors.New("its address is in no network of allow")
	}
	peer := peerOf(ip)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.server.sparesConnections(); err != nil && t.kind != "http" { // which tells how things are
		return "overloaded", err
	}
	switch {
	case t.open >= t.limits.MaxConnections:
		return "connections", fmt.Errorf("%d connections are open; raise maxConnections to allow more", t.open)
	case t.peers != nil && t.peers[peer] >= t.limits.MaxPerPeer:
		return "peer_connections", fmt.Errorf("%d connections of this peer are open; raise maxPerPeer to allow more", t.peers[peer])
	}
	if most, ok := t.server.descriptors.take(); !ok {
		return "descriptors", fmt.Errorf("all listeners together have %d connections, and the process may have but %d open files more, which files and sinks need; raise the limit (ulimit -n, LimitNOFILE=)", most, t.server.descriptors.reserve)
	}
	t.open++
	if t.peers != nil {
		t.peers[peer]++
	}
	return "", nil
}

// leave counts a connection out.
func (t *turnstile) leave(ip netip.Addr) {
	t.server.descriptors.give()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open--
	if t.peers == nil {
		return
	}
	peer := peerOf(ip)
	if t.peers[peer]--; t.peers[peer] == 0 {
		delete(t.peers, peer)
	}
}

// remoteIP is the peer's address; the zero address where there is none.
func remoteIP(c net.Conn) netip.Addr {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr()
	}
	return netip.Addr{}
}

// descriptors are the open files that connections may use, of all listeners together: a flood of connections
// must leave some for the journal, the rules and the sinks.
type descriptors struct {
	most    int64
	reserve int64
	open    atomic.Int64
}

// reserved is how many open files connections leave to the rest of the program, which has some twenty of its own.
const reserved = 128

func (d *descriptors) init() {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		limit.Cur = 1024
	}
	total := int64(min(limit.Cur, 1<<40))
	d.reserve = min(reserved, total/2)
	d.most = total - d.reserve
}

// take takes one; if there is none, most says how many connections have.
func (d *descriptors) take() (most int64, ok bool) {
	if n := d.open.Add(1); n > d.most {
		d.open.Add(-1)
		return d.most, false
	}
	return 0, true
}

func (d *descriptors) give() { d.open.Add(-1) }
