package server

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"zeta/event"
	"zeta/query"
	"zeta/streams"
)

// Silence holds back the alerts about events that match a query, for a time: a maintenance, a fault everybody
// knows of. Rules, index and subscribers see the events as ever; only sinks that alert are kept quiet.
//
// What is held is not lost: when a silence ends, the newest alert of each rule and series is sent after all, unless
// it says that all is well by then, or another silence holds it too.
type Silence struct {
	ID      string    `json:"id"`
	Query   string    `json:"query"` // in Riemann's query language
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	By      string    `json:"by,omitempty"`
	Comment string    `json:"comment,omitempty"`
	Held    uint64    `json:"held"`    // alerts held back so far
	Waiting int       `json:"waiting"` // those of them that are sent at its end if nothing changes

	query *query.Query
	until int64 // microseconds
}

// Bounds of silences. A window counts as many as it has events.
const (
	maxSilences    = 1_000
	maxHeld        = 20_000 // events of the alerts that are held; more are not sent at the end, and counted
	maxSilenceText = 1 << 10
	maxSilenceFor  = 366 * 24 * time.Hour
)

// errSilence says that a silence is wanted that cannot be.
var errSilence = errors.New("not a silence")

// silences are those in force and what they hold. They belong to the engine, under its lock.
type silences struct {
	clock *streams.Clock
	send  func(*streams.Alert)
	all   []*Silence // in the order of their making
	held  map[heldKey]*heldAlert
	size  int    // events in held
	nth   uint64 // of the next one held
	timer *streams.Timer

	total   uint64 // alerts held back since the start
	dropped uint64 // of those, alerts left out because too many were held
}

// heldAlert is the newest alert of a rule and a series, held by a silence.
type heldAlert struct {
	nth     uint64
	alert   *streams.Alert
	silence *Silence
}

type heldKey struct{ sink, rule, key string }

// init begins on a clock.
func (s *silences) init(clock *streams.Clock) {
	s.clock = clock
	s.held = map[heldKey]*heldAlert{}
	s.timer = clock.NewTimer(s.expire)
}

// deliver is the rules' way to the sinks.
func (s *silences) deliver(a *streams.Alert) {
	if len(s.all) != 0 && a.Sink.Delivery == streams.AlertDelivery {
		if by := s.match(a); by != nil {
			s.total++
			by.Held++
			s.hold(a, by)
			return
		}
		s.forget(a) // its sink is told something newer
	}
	s.send(a)
}

// match returns the silence that holds an alert: the first that matches each of its events.
func (s *silences) match(a *streams.Alert) *Silence {
next:
	for _, by := range s.all {
		for i := range a.Events {
			if !by.query.Match(&a.Events[i]) {
				continue next
			}
		}
		if len(a.Events) > 0 {
			return by
		}
	}
	return nil
}

// hold keeps an alert in the place of an older one.
func (s *silences) hold(a *streams.Alert, by *Silence) {
	s.forget(a)
	if s.size+len(a.Events) > maxHeld {
		s.dropped++
		return
	}
	s.nth++
	by.Waiting++
	s.size += len(a.Events)
	s.held[keyOf(a)] = &heldAlert{s.nth, a, by}
}

// forget removes an alert that a newer one replaces.
func (s *silences) forget(a *streams.Alert) {
	if h := s.held[keyOf(a)]; h != nil {
		h.silence.Waiting--
		s.size -= len(h.alert.Events)
		delete(s.held, keyOf(a))
	}
}

func keyOf(a *streams.Alert) heldKey { return heldKey{a.Sink.ID, a.Rule, a.Key} }

// put begins a silence, or changes the one with its id.
func (s *silences) put(v Silence) error {
	if err := v.compile(); err != nil {
		return err
	}
	i := slices.IndexFunc(s.all, func(o *Silence) bool { return o.ID == v.ID })
	switch {
	case i >= 0:
		v.Held, v.Waiting = s.all[i].Held, s.all[i].Waiting
		*s.all[i] = v
	case len(s.all) >= maxSilences:
		return fmt.Errorf("%w: there are %d, as many as may be; end some", errSilence, len(s.all))
	default:
		v.Waiting = 0
		s.all = append(s.all, &v)
	}
	s.arm()
	return nil
}

// end ends a silence; false: there is none with that id.
func (s *silences) end(id string) bool {
	return s.remove(func(o *Silence) bool { return o.ID == id })
}

// expire ends the silences whose time has come.
func (s *silences) expire() {
	now := s.clock.Now()
	s.remove(func(o *Silence) bool { return o.until <= now })
}

// remove ends silences and sends what they held, in the order in which it came.
func (s *silences) remove(over func(*Silence) bool) bool {
	before := len(s.all)
	s.all = slices.DeleteFunc(s.all, over)
	var out []*heldAlert
	for _, h := range s.held {
		if over(h.silence) {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b *heldAlert) int { return int(int64(a.nth - b.nth)) })
	for _, h := range out {
		s.forget(h.alert)
		if fine(h.alert) {
			continue
		}
		if by := s.match(h.alert); by != nil {
			s.hold(h.alert, by)
			continue
		}
		s.send(h.alert)
	}
	s.arm()
	return len(s.all) < before
}

// fine says that an alert tells of nothing but what is well.
func fine(a *streams.Alert) bool {
	return !slices.ContainsFunc(a.Events, func(e event.Event) bool {
		return e.State == "" || event.SeverityOf(e.State) > event.Fine
	})
}

// arm sets the timer to the next end.
func (s *silences) arm() {
	s.timer.Stop()
	if len(s.all) > 0 {
		s.timer.At(slices.MinFunc(s.all, func(a, b *Silence) int { return a.Until.Compare(b.Until) }).until)
	}
}

// compile checks a silence and makes its query ready.
func (v *Silence) compile() (err error) {
	v.until = v.Until.UnixMicro()
	switch {
	case v.ID == "":
		return fmt.Errorf("%w: it has no id", errSilence)
	case len(v.By) > maxSilenceText || len(v.Comment) > maxSilenceText:
		return fmt.Errorf("%w: by and comment may have %d bytes each, these have %d and %d", errSilence, maxSilenceText, len(v.By), len(v.Comment))
	case v.Until.Sub(v.From) <= 0:
		return fmt.Errorf("%w: it would end before it begins; say for how long, as in 2h", errSilence)
	case v.Until.Sub(v.From) > maxSilenceFor:
		return fmt.Errorf("%w: it would last %v, at most %v is allowed", errSilence, v.Until.Sub(v.From), maxSilenceFor)
	}
	v.query, err = query.Parse(v.Query)
	return err
}

// list returns copies, for others to read.
func (s *silences) list() []Silence {
	all := make([]Silence, 0, len(s.all))
	for _, v := range s.all {
		all = append(all, *v)
	}
	return all
}
