package server

import (
	"context"
	"net/netip"
)

// Pace holds a listener that fetches its messages to a number of events a second. Safe for concurrent use.
type Pace struct {
	door *Doorway
	toll *toll
}

// Pace returns what holds the listener to maxRate events a second, and as many at once; 0: to none.
func (d *Doorway) Pace(maxRate int) *Pace { return &Pace{d, newToll(RateLimits{MaxRate: maxRate})} }

// Hold pays for events that have been taken and waits until the next may be, or ctx is done. The time is counted
// as zeta_server_throttle_seconds_total.
func (p *Pace) Hold(ctx context.Context, events int) {
	if slept := p.toll.hold(ctx.Done(), netip.Addr{}, events); slept > 0 {
		p.door.server.metrics.throttled(p.door.kind, slept)
	}
}
