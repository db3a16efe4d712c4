package streams

import (
	"math"

	"zeta/event"
)

func init() {
	Register(Spec[ProjectOptions]{
		Name:    "project",
		Summary: "Give the latest event for each of several conditions, side by side as a window.",
		Doc: `An event that meets one or more of the conditions takes their places, and the window of all places leaves, nothing where no event is yet:

    project([service == "req", service == "err"], …)
    req 10   →  [req 10, nothing]
    err 1    →  [req 10, err 1]

An event that meets none gives nothing. An event that is expired, by state or by age, stands in one window as host, service, state expired and time now, and then its place is empty; so the window also leaves when an event's time + ttl passes. Without conditions nothing leaves.`,
		Source:   "riemann.streams/project",
		Differs:  "A place whose event expires by age gives a window at that moment (Riemann waits for the next event that meets a condition, so that silence is never told).",
		Clock:    "engine clock and event time, for expiry",
		Bounds:   "one event per condition.",
		In:       Events,
		Out:      Windows,
		Defaults: ProjectOptions{},
		New: func(env *Env, o ProjectOptions, next Stream) (Stream, error) {
			n := len(o.Conditions)
			p := &project{env: env, conds: o.Conditions, next: next, places: make([]event.Event, n), taken: make([]bool, n), out: make([]*event.Event, n)}
			p.timer = env.Timer(p.lapse)
			return p, nil
		},
		Examples: []Example{{
			Title: "a ratio of two services",
			Rule:  `project([service == "err", service == "req"], smap(quotientSloppy, with(service, "ratio", out)))`,
			Test:  `at(0, event({service: "req", metric: 8}), event({service: "err", metric: 4})), expect(out, [{service: "ratio", metric: 0.5}])`,
		}},
	})
}

// ProjectOptions are the options of project.
type ProjectOptions struct {
	Conditions []Cond `arg:"1" doc:"one place in the window for each"`
}

type project struct {
	env    *Env
	conds  []Cond
	next   Stream
	timer  *Timer // pending: a place expires
	places []event.Event
	taken  []bool
	out    []*event.Event // the window, lent
}

// Push implements Stream.
func (p *project) Push(v Value) {
	e := eventIn(p.env, v)
	if e == nil {
		return
	}
	met := false
	for i, c := range p.conds {
		if c.Test(v) {
			p.places[i], p.taken[i], met = *e, true, true
		}
	}
	if met {
		p.emit()
	}
}

// lapse runs when a place may have expired.
func (p *project) lapse() {
	now := p.env.Now()
	for i := range p.places {
		if p.taken[i] && p.places[i].IsExpired(now) {
			p.emit()
			return
		}
	}
	p.arm()
}

// emit gives the window. An expired event is told in its bare form, this once.
func (p *project) emit() {
	now := p.env.Now()
	for i := range p.places {
		p.out[i] = nil
		if !p.taken[i] {
			continue
		}
		e := &p.places[i]
		p.out[i] = e
		if e.IsExpired(now) {
			e.Clear(^(event.HasHost | event.HasService))
			e.Set = nil
			e.SetState(event.Expired)
			e.SetTime(now)
			p.taken[i] = false
		}
	}
	p.arm()
	p.next.Push(WindowValue(p.out))
	clear(p.out)
}

// arm sets the timer to the moment after the first place's last one: an age equal to the ttl is alive.
func (p *project) arm() {
	first := int64(math.MaxInt64)
	for i := range p.places {
		e := &p.places[i]
		if !p.taken[i] || e.Has&event.HasTime == 0 {
			continue
		}
		ttl := float64(event.DefaultTTL)
		if e.Has&event.HasTTL != 0 {
			ttl = e.TTL
		}
		first = min(first, addMicros(addMicros(e.Time, event.SecondsToMicros(ttl)), 1))
	}
	p.timer.Stop()
	if first < math.MaxInt64 {
		p.timer.At(max(first, p.env.Now()+1))
	}
}

// Save implements Stateful.
func (p *project) Save(s *Saver) {
	for i := range p.places {
		s.Bool(p.taken[i])
		if p.taken[i] {
			s.Event(&p.places[i])
		}
	}
	s.Timer(p.timer)
}

// Load implements Stateful.
func (p *project) Load(l *Loader) {
	for i := range p.places {
		if p.taken[i] = l.Bool(); p.taken[i] {
			p.places[i] = loadEvent(l)
		}
	}
	l.Timer(p.timer)
}
