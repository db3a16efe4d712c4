package server

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func testPeer(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

func TestTollOfPeers(t *testing.T) {
	toll := newToll(RateLimits{MaxPeerRate: 10})
	now := time.Unix(1, 0)
	passes := func(peer netip.Addr, now time.Time) bool {
		wait, _ := toll.due(peer, now)
		if wait == 0 {
			toll.pay(peer, 1, now)
		}
		return wait == 0
	}
	passed := 0
	for range 25 {
		if passes(testPeer(1), now) {
			passed++
		}
	}
	if passed != 10 || !passes(testPeer(2), now) || passes(testPeer(1), now) || !passes(testPeer(1), now.Add(100*time.Millisecond)) {
		t.Errorf("%d passed at once, want 10 for each peer and one more after 100 ms", passed)
	}
	passed = 0
	for i := range 100_000 {
		if passes(testPeer(i+10), now) {
			passed++
		}
	}
	if len(toll.peers) > maxPeers || passed > maxPeers+10 {
		t.Errorf("a flood of addresses: %d peers remembered, %d passed", len(toll.peers), passed)
	}
	if !passes(testPeer(200_000), now.Add(time.Minute)) || len(toll.peers) > 2 {
		t.Errorf("%d peers remembered after a minute's silence, want 1", len(toll.peers))
	}
}

// Who sends a thousand events at once pays for all of them before the next one.
func TestTollIsPaidAfterwards(t *testing.T) {
	toll := newToll(RateLimits{MaxRate: 100})
	now := time.Unix(1, 0)
	toll.pay(testPeer(1), 1000, now)
	wait, option := toll.due(testPeer(2), now)
	if want := 9010 * time.Millisecond; wait != want || option != "maxRate" {
		t.Errorf("wait %v for %s, want %v for maxRate, of all peers", wait, option, want)
	}
	if wait, _ := toll.due(testPeer(2), now.Add(wait)); wait != 0 {
		t.Errorf("after that %v more, want none", wait)
	}
}

// The clock may step back: nobody waits for longer because of it, and nothing is given twice.
func TestTollWhenTheClockStepsBack(t *testing.T) {
	toll := newToll(RateLimits{MaxPeerRate: 10})
	now := time.Unix(1000, 0)
	toll.pay(testPeer(1), 10, now)
	if wait, _ := toll.due(testPeer(1), now.Add(-time.Hour)); wait != 100*time.Millisecond {
		t.Errorf("wait %v after a step back, want 100ms", wait)
	}
	if wait, _ := toll.due(testPeer(1), now.Add(100*time.Millisecond)); wait != 0 {
		t.Errorf("wait %v, want none", wait)
	}
}

func TestNoToll(t *testing.T) {
	toll := newToll(RateLimits{})
	toll.pay(testPeer(1), 1_000_000, time.Now())
	if wait, _ := toll.due(testPeer(1), time.Now()); wait != 0 || toll.hold(nil, testPeer(1), 1_000_000) != 0 {
		t.Error("without limits somebody waits")
	}
}

// A connection that is to end does not wait for its peer's debt.
func TestHoldEndsWhenTheConnectionDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		toll := newToll(RateLimits{MaxPeerRate: 1})
		quit := make(chan struct{})
		begun := time.Now()
		time.AfterFunc(3*time.Second, func() { close(quit) })
		if slept := toll.hold(quit, testPeer(1), 1000); slept != 3*time.Second || time.Since(begun) != 3*time.Second {
			t.Errorf("held for %v, want 3s", slept)
		}
	})
}

func TestPeerOf(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":              "192.0.2.1",
		"::ffff:192.0.2.1":       "192.0.2.1",
		"2001:db8:1:2:3:4:5:6":   "2001:db8:1:2::",
		"2001:db8:1:2:ffff::1":   "2001:db8:1:2::",
		"::1":                    "::1",
		"fe80::1%eth0":           "fe80::1",
		"fe80::2":                "fe80::2",
		"2001:db8:1:3:3:4:5:6%a": "2001:db8:1:3::",
	} {
		if got := peerOf(netip.MustParseAddr(in)); got.String() != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	if got := peerOf(netip.Addr{}); got.IsValid() {
		t.Errorf("no address: got %s", got)
	}
}
