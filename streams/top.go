package streams

import (
	"errors"
	"math"

	"zeta/event"
)

func init() {
	Register(Spec[TopOptions]{
		Name:    "top",
		Summary: "Pass the events of the k series with the greatest values to one stream, those of the others to another.",
		Doc: "A series is a host and service, its value that of the expression for its last event. For an event of a member the stream bottom gets its expired form and top the event; for one that is not, top gets its expired form and bottom the event. " +
			"The expired form has host, service, the state \"expired\" and the engine's time. It is sent first. " +
			"While there is room a series with a value becomes a member; then it must exceed the smallest member, which it displaces (of equal ones the one longest a member; a tie displaces nobody). " +
			"The displaced event is moved at once, its expired form to top and itself to bottom, if demote is true; otherwise nobody is told until that series comes again. " +
			"A series whose value is missing, no number or NaN is no member. An expired event goes as it is to both streams and its series is no member any more. A member is dropped when its last event has outlived its ttl.",
		Source:  "riemann.streams/top",
		Differs: "The smallest member is always known; Riemann remembers a stale one after that member has grown, and refuses newcomers wrongly. Members age out by their ttl, and leave with an expired event.",
		Clock:   "engine clock, for ttls and expired forms",
		Bounds:  "k members, at most 10 000.",
		In:      Events,
		Out:     Events,
		Check: func(o TopOptions) error {
			if o.Demote.Kind != Missing && o.Demote.Kind != Bool {
				return errors.New("wants true or false for demote")
			}
			return nil
		},
		New: newTop,
		Examples: []Example{
			{
				Title: "the busiest host",
				Rule:  `top(1, metric, out)`,
				Test:  `at(0, event({host: "a", metric: 1}), event({host: "b", metric: 2}), event({host: "a", metric: 1})), expect(out, [{host: "a", metric: 1}, {host: "b", metric: 2}, {host: "a", state: "expired"}])`,
			},
			{
				Title: "and the rest",
				Rule:  `top(1, metric, out, rest)`,
				Test:  `at(0, event({host: "a", metric: 1}), event({host: "b", metric: 2})), expect(rest, [{host: "a", state: "expired"}, {host: "a", metric: 1}, {host: "b", state: "expired"}])`,
			},
		},
	})
	Register(Spec[DualOptions]{
		Name:    "dual",
		Summary: "Pass an event to one of two streams, and its expired form to the other.",
		Doc:     "Where the condition holds, no gets the expired form of the event, then yes the event; where it does not, yes gets the expired form, then no the event. The expired form has host, service, the state \"expired\" and the engine's time. An event that counts as expired, by state or age, goes as it is to both.",
		Source:  "riemann.streams/dual",
		Clock:   "engine clock, for ttls and expired forms",
		In:      Events,
		Out:     Events,
		New: func(env *Env, o DualOptions, _ Stream) (Stream, error) {
			return &dual{env: env, cond: o.Cond, yes: o.Yes.Build(env), no: o.No.Build(env)}, nil
		},
		Examples: []Example{{
			Title: "each side knows when the other took over",
			Rule:  `dual(metric > 5, high, low)`,
			Test:  `at(0, event({service: "s", metric: 7}), event({service: "s", metric: 3})), expect(high, [{metric: 7}, {state: "expired"}]), expect(low, [{state: "expired"}, {metric: 3}])`,
		}},
	})
}

// TopOptions are the options of top.
type TopOptions struct {
	K      int    `arg:"1" min:"1" max:"10000" doc:"how many members"`
	Value  Expr   `arg:"2" doc:"the value of an event, a number"`
	Top    Branch `arg:"3" doc:"stream of the members"`
	Bottom Branch `arg:"4,optional" doc:"stream of the others; none if left out"`
	Demote Datum  `arg:"5,optional" doc:"whether a displaced member is moved at once; default: if there is a bottom"`
}

// DualOptions are the options of dual.
type DualOptions struct {
	Cond Cond   `arg:"1" doc:"which stream gets the event"`
	Yes  Branch `arg:"2" doc:"where the condition holds"`
	No   Branch `arg:"3" doc:"where it does not"`
}

// expiredForm is the scratch event by which a stream hears that a series is not its own any more.
type expiredForm struct{ e event.Event }

// of returns the expired form of e at now, lent until the next call.
func (x *expiredForm) of(e *event.Event, now int64) Value {
	x.e = event.Event{Host: e.Host, Service: e.Service, Series: e.Series, Has: e.Has & (event.HasHost | event.HasService)}
	x.e.SetState(event.Expired)
	x.e.SetTime(now)
	return Value{Event: &x.e}
}

type dual struct {
	env     *Env
	cond    Cond
	yes, no Stream
	form    expiredForm
}

// Push implements Stream.
func (n *dual) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	now := n.env.Now()
	switch {
	case e.IsExpired(now):
		n.yes.Push(v)
		n.no.Push(v)
	case n.cond.Test(v):
		n.no.Push(n.form.of(e, now))
		n.yes.Push(v)
	default:
		n.yes.Push(n.form.of(e, now))
		n.no.Push(v)
	}
}

func newTop(env *Env, o TopOptions, _ Stream) (Stream, error) {
	demote := !o.Bottom.IsEmpty()
	if o.Demote.Kind == Bool {
		demote = o.Demote.Bool
	}
	n := &top{env: env, value: o.Value, demote: demote, top: o.Top.Build(env), bottom: o.Bottom.Build(env)}
	n.members.init(o.K)
	return n, nil
}

type top struct {
	env         *Env
	value       Expr
	demote      bool
	top, bottom Stream
	form        expiredForm
	key         []byte
	members     members
}

// Push implements Stream.
func (n *top) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	now := n.env.Now()
	n.members.age(now)
	n.key = appendSeriesKey(n.key[:0], e)
	if e.IsExpired(now) {
		n.members.remove(n.key)
		n.top.Push(v)
		n.bottom.Push(v)
		return
	}
	d := n.value.Eval(v)
	value, ok := numberOf(d)
	if !ok {
		n.members.remove(n.key)
		n.outsider(v, now)
		return
	}
	displaced, in := n.members.put(n.key, value, e)
	if displaced != nil && n.demote {
		n.outsider(Value{Event: displaced}, now)
	}
	if in {
		n.bottom.Push(n.form.of(e, now))
		n.top.Push(v)
	} else {
		n.outsider(v, now)
	}
}

func (n *top) outsider(v Value, now int64) {
	n.top.Push(n.form.of(v.Event, now))
	n.bottom.Push(v)
}

// Save implements Stateful.
func (n *top) Save(s *Saver) { n.members.save(s) }

// Load implements Stateful.
func (n *top) Load(l *Loader) { n.members.load(l) }

// members are the k series with the greatest values.
type members struct {
	k       int
	at      map[string]*member
	list    []*member // in the order they became members
	least   *member   // nil: to be looked for
	soonest int64     // no member outlives its ttl before this
}

type member struct {
	key   string
	value number
	last  event.Event
	dies  int64 // engine clock after which the last event has outlived its ttl
}

func (m *members) init(k int) {
	*m = members{k: k, at: make(map[string]*member), soonest: math.MaxInt64}
}

// put makes the series a member if its value suffices. It returns the event of the member that had to go,
// valid until the next call.
func (m *members) put(key []byte, value number, e *event.Event) (displaced *event.Event, in bool) {
	x := m.at[string(key)]
	switch {
	case x != nil:
		// A member that grows may cease to be the least, one that shrinks may become it.
		if least := m.smallest(); x == least || value.compare(least.value) <= 0 {
			m.least = nil
		}
	case len(m.list) < m.k:
		x = &member{key: string(key)}
		m.add(x)
	default:
		least := m.smallest()
		if value.compare(least.value) <= 0 {
			return nil, false
		}
		displaced = &least.last
		m.remove([]byte(least.key))
		x = &member{key: string(key)}
		m.add(x)
	}
	x.value, x.last, x.dies = value, *e, math.MaxInt64
	if e.Has&event.HasTime != 0 {
		x.dies = outlives(e)
		m.soonest = min(m.soonest, x.dies)
	}
	return displaced, true
}

func (m *members) add(x *member) {
	m.at[x.key] = x
	m.list = append(m.list, x)
	m.least = nil
}

// smallest returns the member with the smallest value, the one longest a member of equal ones.
func (m *members) smallest() *member {
	if m.least == nil {
		for _, x := range m.list {
			if m.least == nil || x.value.compare(m.least.value) < 0 {
				m.least = x
			}
		}
	}
	return m.least
}

func (m *members) remove(key []byte) {
	x := m.at[string(key)]
	if x == nil {
		return
	}
	delete(m.at, x.key)
	m.drop(func(y *member) bool { return y == x })
}

// age drops the members whose last event has outlived its ttl.
func (m *members) age(now int64) {
	if now <= m.soonest {
		return
	}
	m.soonest = math.MaxInt64
	m.drop(func(x *member) bool {
		if x.dies < now {
			delete(m.at, x.key)
			return true
		}
		m.soonest = min(m.soonest, x.dies)
		return false
	})
}

func (m *members) drop(gone func(*member) bool) {
	kept := m.list[:0]
	for _, x := range m.list {
		if !gone(x) {
			kept = append(kept, x)
		}
	}
	clear(m.list[len(kept):])
	m.list, m.least = kept, nil
}

func (m *members) save(s *Saver) {
	s.Uint(uint64(len(m.list)))
	for _, x := range m.list {
		s.String(x.key)
		x.value.save(s)
		s.Event(&x.last)
		s.Int(x.dies)
	}
}

func (m *members) load(l *Loader) {
	m.init(m.k)
	for range l.Len() {
		x := &member{key: l.String(), value: loadNumber(l)}
		e := l.Event()
		x.dies = l.Int()
		if e == nil {
			return
		}
		x.last = *e
		m.add(x)
		m.soonest = min(m.soonest, x.dies)
	}
}
