package index

import (
	"errors"
	"fmt"
	"time"

	"zeta/event"
	"zeta/query"
)

// Limits bound a search. Zero fields take the defaults.
type Limits struct {
	Events int           // results; default 200,000
	Time   time.Duration // default 500 ms
}

// Errors of a search that reached a limit; they are wrapped with the limit's value.
var (
	ErrTooLarge = errors.New("too many results")
	ErrTooSlow  = errors.New("the query takes too long")
)

// Search returns copies of the events that match q, in no particular order; nil if there are none. An event
// past its ttl is returned until Expire has removed it. When a limit is reached the error is ErrTooLarge or
// ErrTooSlow and nothing is returned. Safe for concurrent use.
func (x *Index) Search(q *query.Query, l Limits) ([]event.Event, error) {
	var all []event.Event
	err := x.Scan(q, l, func(batch []event.Event) error {
		all = append(all, batch...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Scan calls fn with the events that match q, up to 256 at a time, outside all locks. The batch is lent to
// fn, whose error ends the scan. Otherwise as Search, but what was found before a limit has been given to fn.
func (x *Index) Scan(q *query.Query, l Limits, fn func(batch []event.Event) error) error {
	return x.scan(q, l, nil, fn)
}

// Each calls fn with every event until it returns false. The event is lent to fn.
func (x *Index) Each(fn func(e *event.Event) bool) {
	x.Records(func(r *Record) bool { return fn(&r.Event) })
}

func (x *Index) scan(q *query.Query, l Limits, w *watch, fn func(batch []event.Event) error) error {
	if l.Events <= 0 {
		l.Events = 200_000
	}
	if l.Time <= 0 {
		l.Time = 500 * time.Millisecond
	}
	if host, service, ok := q.HostService(); ok && w == nil {
		if e, ok := x.Get(host, service, identity); ok {
			return fn([]event.Event{e})
		}
		return nil
	}
	s := &search{x: x, q: q, plan: q.Plan(), limits: l, watch: w, fn: fn, start: time.Now()}
	s.x.walk(s, s.take)
	return s.err
}

// search is one scan under way.
type search struct {
	x      *Index
	q      *query.Query
	plan   query.Plan
	limits Limits
	watch  *watch // leaves out what it marks; nil: nothing
	start  time.Time
	fn     func(batch []event.Event) error

	decided []verdict // by service number
	probe   event.Event
	found   int
	spent   int // cost since the clock was looked at
	err     error
}

// verdict is what a search has decided about a service.
type verdict uint8

const (
	undecided verdict = iota
	notWanted
	isWanted
)

// clockEvery is the cost after which a search looks at its clock, about 50 µs.
const clockEvery = 4096

// wantsHost decides about all series of a host.
func (s *search) wantsHost(b *block) bool {
	s.spend(s.q.Cost())
	s.probe = event.Event{Host: b.host, Has: event.HasHost}
	if b.missing {
		s.probe.Has = 0
	}
	return s.plan.Host(&s.probe)
}

// decide decides about a service, for the whole search. A number that passes to another service meanwhile
// may carry the wrong verdict: a wrong yes does no harm, as the event is matched whole, and a wrong no only
// hides a series made after the search began.
func (s *search) decide(of *event.Series, number uint32) verdict {
	if int(number) >= len(s.decided) {
		s.decided = append(s.decided, make([]verdict, int(number)+1)...)
	}
	s.spend(s.q.Cost())
	s.probe = event.Event{Service: of.Service, Has: of.Has & event.HasService}
	s.decided[number] = notWanted
	if s.plan.Service(&s.probe) {
		s.decided[number] = isWanted
	}
	return s.decided[number]
}

// take matches the candidates of a page and hands over what fits.
func (s *search) take(c *candidates) bool {
	c.matches = c.matches[:0]
	for i := range c.entries {
		n := &c.entries[i]
		if s.fits(n, c.series[i]) {
			c.matches = append(c.matches, event.Event{})
			e := &c.matches[len(c.matches)-1]
			if n.load(e, c.series[i]); !s.q.Match(e) { // see decide
				c.matches = c.matches[:len(c.matches)-1]
			}
		}
		if !s.spend(s.q.Cost()) {
			return false
		}
	}
	if len(c.matches) == 0 {
		return true
	}
	if s.found += len(c.matches); s.found > s.limits.Events {
		s.x.tooLarge.Add(1)
		s.err = fmt.Errorf("%w: more than %d events", ErrTooLarge, s.limits.Events)
		return false
	}
	s.err = s.fn(c.matches)
	return s.err == nil
}

// fits matches what the host and the service have not decided.
func (s *search) fits(n *entry, of *event.Series) bool {
	if s.plan.Rest == nil {
		return true
	}
	n.view(&s.probe, of, s.plan.Fields, s.plan.Set)
	return s.plan.Rest(&s.probe)
}

// spend counts cost; false when the time is over.
func (s *search) spend(cost int) bool {
	if s.spent += cost; s.spent < clockEvery {
		return s.err == nil
	}
	s.spent = 0
	if s.err == nil && time.Since(s.start) > s.limits.Time {
		s.x.tooSlow.Add(1)
		s.err = fmt.Errorf("%w: more than %v", ErrTooSlow, s.limits.Time)
	}
	return s.err == nil
}
