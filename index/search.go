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
	s := &search{x: x, q: q, plan: q.Plan(), limits: l, fn: fn, start: time.Now()}
	if host, service, ok := q.HostService(); ok && w == nil {
		if e, ok := x.Get(host, service, identity); ok {
			return fn([]event.Event{e})
		}
		return nil
	}
	if s.plan.Service != nil {
		s.decided = make([]uint8, 256)
	}
	s.cand.watch = w
	s.run()
	return s.err
}

// search is one scan under way.
type search struct {
	x      *Index
	q      *query.Query
	plan   query.Plan
	limits Limits
	start  time.Time
	fn     func(batch []event.Event) error

	cand    candidates
	decided []uint8 // per service number: 0 not yet, 1 no, 2 yes
	probe   event.Event
	batch   []event.Event
	found   int
	spent   int // cost since the clock was looked at
	err     error
}

// clockEvery is the cost after which a search looks at its clock, about 50 µs.
const clockEvery = 4096

func (s *search) run() {
	if s.plan.Host != nil {
		s.cand.host = s.wantsHost
	}
	if s.plan.Service != nil {
		s.cand.service = s.wantsService
	}
	s.cand.spend = s.spend
	s.x.pages(s, s.take)
}

func (s *search) wantsHost(b *block) bool {
	s.spend(s.q.Cost())
	s.probe = event.Event{Host: b.host, Has: event.HasHost}
	if b.missing {
		s.probe.Has = 0
	}
	return s.plan.Host(&s.probe)
}

// wantsService decides once for each service. A number that has passed to another service meanwhile may
// be decided wrongly, which hides a series made after the search began at worst: take checks again.
func (s *search) wantsService(of *event.Series, number uint32) bool {
	if int(number) >= len(s.decided) {
		s.decided = append(s.decided, make([]uint8, int(number)+1)...)
	}
	if s.decided[number] == 0 {
		s.spend(s.q.Cost())
		s.probe = event.Event{Service: of.Service, Has: of.Has & event.HasService}
		s.decided[number] = 1
		if s.plan.Service(&s.probe) {
			s.decided[number] = 2
		}
	}
	return s.decided[number] == 2
}

// take matches the candidates of a page and hands over what fits.
func (s *search) take(c *candidates) bool {
	s.batch = s.batch[:0]
	for i := range c.entries {
		n := &c.entries[i]
		n.view(&s.probe, c.series[i], s.plan.Fields, s.plan.Set)
		if s.q.Match(&s.probe) {
			s.batch = append(s.batch, event.Event{})
			n.load(&s.batch[len(s.batch)-1], c.series[i])
		}
		if !s.spend(s.q.Cost()) {
			return false
		}
	}
	if len(s.batch) == 0 {
		return true
	}
	if s.found += len(s.batch); s.found > s.limits.Events {
		s.x.tooLarge.Add(1)
		s.err = fmt.Errorf("%w: more than %d events", ErrTooLarge, s.limits.Events)
		return false
	}
	s.err = s.fn(s.batch)
	return s.err == nil
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
