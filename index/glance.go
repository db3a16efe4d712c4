package index

import "zeta/event"

// Glimpse is what Glance finds.
type Glimpse struct {
	Known   bool   // the host and service have a series
	Live    bool   // and an entry; the fields below are its
	State   string // "" also if it has none
	Arrival int64  // engine's clock when it was put, µs
	TTL     int64  // µs; the default if it has none
}

// Glance looks at the entry of e's host and service, and makes nothing known that is not. For the engine.
func (x *Index) Glance(e *event.Event) (g Glimpse) {
	s := e.Series
	if s == nil || !x.owns(s) || !identifies(s, e) {
		b := x.block(e.Host, e.Has)
		if b == nil {
			return g
		}
		if s = b.find(x, e.Service, e.Has); s == nil {
			return g
		}
	}
	g.Known = true
	p, i := x.blocks[s.HostID].locate(s)
	n := &p.entries[i]
	if !n.live() {
		return g
	}
	g.Live, g.State, g.Arrival = true, n.state, n.arrival
	g.TTL = x.deadline(0, n.ttl, event.Presence(n.meta))
	return g
}

// Sizes by which Bytes reckons, in bytes: what a million series of 1,000 hosts were measured to take, strings
// of the usual length included.
const (
	seriesBytes = 200 // with its entry and its share of the tables
	hostBytes   = 600
)

// Bytes returns about how much memory the index takes, tags and attributes not included: events share those.
// For the engine.
func (x *Index) Bytes() int64 {
	return x.series.Load()*seriesBytes + x.hostCount.Load()*hostBytes + x.texts
}
