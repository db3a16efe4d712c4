package server

import (
	"net/netip"
	"sync"
	"time"
)

// toll holds senders to their rates. Each sender, and all of them together, may send so many events a second and
// as many at once. Events are paid for when it is known how many they are: who sends too much at once is in debt,
// and may go on when that has been paid off. Safe for concurrent use; a nil toll lets all pass.
type toll struct {
	rates RateLimits

	mu     sync.Mutex
	all    allowance
	peers  map[netip.Addr]*allowance
	others allowance // of peers beyond maxPeers, together
	swept  time.Time
}

// allowance is what may still be sent; below 0 it is a debt.
type allowance struct {
	left float64 // as of at
	at   time.Time
}

// maxPeers bounds the peers that are remembered; a flood from more addresses than that shares one allowance.
const maxPeers = 4096

// newToll returns nil where nothing is limited.
func newToll(rates RateLimits) *toll {
	if rates == (RateLimits{}) {
		return nil
	}
	return &toll{rates: rates, peers: map[netip.Addr]*allowance{}}
}

// due returns how long a peer has to wait before it may send; 0: it may now. option names the limit that it is
// beyond.
func (t *toll) due(peer netip.Addr, now time.Time) (wait time.Duration, option string) {
	if t == nil {
		return 0, ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	wait, option = t.all.due(t.rates.MaxRate, now), "maxRate"
	if own := t.of(peer, now).due(t.rates.MaxPeerRate, now); own > wait {
		return own, "maxPeerRate"
	}
	return wait, option
}

// pay takes events off the allowances.
func (t *toll) pay(peer netip.Addr, events int, now time.Time) {
	if t == nil || events == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all.pay(t.rates.MaxRate, events, now)
	t.of(peer, now).pay(t.rates.MaxPeerRate, events, now)
}

// of returns the allowance of a peer, which is remembered if there is room.
func (t *toll) of(peer netip.Addr, now time.Time) *allowance {
	if t.rates.MaxPeerRate == 0 {
		return &t.others // unused
	}
	if a := t.peers[peer]; a != nil {
		return a
	}
	if len(t.peers) >= maxPeers && now.Sub(t.swept) > time.Second {
		for ip, a := range t.peers {
			if a.whole(t.rates.MaxPeerRate, now) {
				delete(t.peers, ip)
			}
		}
		t.swept = now
	}
	if len(t.peers) >= maxPeers {
		return &t.others
	}
	a := &allowance{}
	t.peers[peer] = a
	return a
}

func (a *allowance) due(rate int, now time.Time) time.Duration {
	if rate == 0 {
		return 0
	}
	if left := a.refill(rate, now); left < 1 {
		return time.Duration((1 - left) / float64(rate) * float64(time.Second))
	}
	return 0
}

func (a *allowance) pay(rate, events int, now time.Time) {
	if rate > 0 {
		a.left = a.refill(rate, now) - float64(events)
	}
}

func (a *allowance) whole(rate int, now time.Time) bool { return a.refill(rate, now) >= float64(rate) }

func (a *allowance) refill(rate int, now time.Time) float64 {
	full := float64(rate)
	switch passed := now.Sub(a.at); {
	case a.at.IsZero():
		a.left, a.at = full, now
	case passed > 0:
		a.left, a.at = min(full, a.left+passed.Seconds()*full), now
	}
	return a.left
}

// hold pays for events and waits until their peer may send on, or quit is closed. It returns how long that was.
func (t *toll) hold(quit <-chan struct{}, peer netip.Addr, events int) time.Duration {
	if t == nil || events == 0 {
		return 0
	}
	now := time.Now()
	t.pay(peer, events, now)
	wait, _ := t.due(peer, now)
	if wait == 0 {
		return 0
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-quit:
	case <-timer.C:
	}
	return time.Since(now)
}

// peerOf is the address by which a sender is known: that of IPv4, or the /64 network of IPv6, of which one
// sender has all addresses at will.
func peerOf(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
		if network, err := ip.Prefix(64); err == nil {
			return network.Masked().Addr()
		}
	}
	return ip
}
