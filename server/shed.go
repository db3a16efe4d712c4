package server

import (
	"fmt"
	"time"

	"zeta/event"
	"zeta/index"
	"zeta/overload"
)

// Shed is the error of a batch of which some events were not evaluated, because memory is scarce. The others were.
type Shed struct {
	Of     int // events of the batch
	counts [shedKinds]int
}

// shedKind says why an event was not evaluated.
type shedKind int

const (
	shedNothing shedKind = iota
	shedRepeat           // its source said the same a moment ago, and all is well
	shedNew              // its source is not known, and all is well
	shedBad              // its source said the same a moment ago, and all is not well
	shedIll              // its source is not in the index, and all is not well or it was known before
	shedKinds
)

// shedLabels are classes and reasons as metrics have them. Class A is never shed: what zeta itself tells, expired
// events, and the alerts that rules made. Class D, queries and subscriptions, holds no events.
var shedLabels = [shedKinds]struct{ class, reason string }{
	shedRepeat: {"C", "repeat"}, shedNew: {"C", "new"}, shedBad: {"B", "not_ok"}, shedIll: {"B", "new"},
}

// Events returns how many events were not evaluated.
func (s *Shed) Events() (n int) {
	for _, c := range s.counts {
		n += c
	}
	return n
}

func (s *Shed) Error() string {
	return fmt.Sprintf("overloaded: %d of %d events shed; memory is scarce, send them again later", s.Events(), s.Of)
}

// leftOut decides about an event of which the index knows g, at a level from Pacing on.
//
// What repeats goes first, but never the last that is heard of a source: from time to time one is let through, so
// that nothing expires that lives, and rules see where a metric went. A source that is new takes memory; one that is
// in the index takes none when it changes its state, which is always heard.
func leftOut(e *event.Event, g index.Glimpse, l overload.Level, now int64) shedKind {
	if e.Own || e.State == event.Expired {
		return shedNothing
	}
	ok := isOK(e.State)
	switch {
	case g.Live && (g.State == e.State || ok && isOK(g.State)):
		fresh := now-g.Arrival < min(spacing(l), g.TTL/4)
		if ok && fresh {
			return shedRepeat
		}
		if fresh && l >= overload.Closing {
			return shedBad
		}
		return shedNothing
	case !g.Known && ok && l >= overload.Shedding:
		return shedNew
	case !g.Live && l >= overload.Closing:
		return shedIll
	}
	return shedNothing
}

func isOK(state string) bool { return state == "" || state == "ok" }

// spacing is how long the same from one source is not heard again, in microseconds.
func spacing(l overload.Level) int64 {
	if l >= overload.Shedding {
		return (10 * time.Second).Microseconds()
	}
	return time.Second.Microseconds()
}

// sieve is what choosing among the events of a batch needs. It belongs to the engine's lock.
type sieve struct {
	kept []event.Event
	seen map[[2]string]index.Glimpse // of host and service: what will be known once the kept ones have run
}

// shed returns the events of a batch that are to be evaluated, and which were left out; nil: none was. What it
// returns is valid until the next call.
func (e *Engine) shed(batch []event.Event, l overload.Level, now int64) ([]event.Event, *Shed) {
	s := &e.sieve
	if s.seen == nil {
		s.seen = map[[2]string]index.Glimpse{}
	}
	defer clear(s.seen)
	clear(s.kept)
	s.kept = s.kept[:0]
	var out [shedKinds]int
	for i := range batch {
		ev := &batch[i]
		key := [2]string{ev.Host, ev.Service}
		g, ok := s.seen[key]
		if !ok {
			g = e.index.Glance(ev)
		}
		if kind := leftOut(ev, g, l, now); kind != shedNothing {
			out[kind]++
			continue
		}
		if g.TTL == 0 {
			g.TTL = event.DefaultTTL * 1_000_000
		}
		s.seen[key] = index.Glimpse{Known: true, Live: true, State: ev.State, Arrival: now, TTL: g.TTL}
		s.kept = append(s.kept, *ev)
	}
	if len(s.kept) == len(batch) {
		return batch, nil
	}
	return s.kept, &Shed{Of: len(batch), counts: out}
}
