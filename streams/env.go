package streams

import (
	"errors"
	"fmt"

	"zeta/event"
)

// Runtime is what the engine lends to the nodes of one graph. The nil functions of a zero Runtime are
// replaced by ones that do nothing, so that rules run in tests without an engine.
type Runtime struct {
	Clock *Clock

	Index    Indexer
	Publish  func(topic string, e *event.Event) // to websocket, SSE and dashboard subscribers
	Reinject func(e *event.Event, hops int)     // have Graph.Reinject called after the current value has been dealt with; e is lent; nil: the graph does it
	Deliver  func(a *Alert)                     // hand over to a sink; never blocks; the alert is the receiver's
	Cause    func() uint64                      // number of what the rules are running for: an event, or a timer's due time
	Log      func(msg string)                   // a failure that no exceptionStream takes, throttled
	Testing  bool                               // io discards, taps and lets record, sinks record instead of delivering

	rec *recorder // of a test, which goes on across restarts
}

// Indexer is what rules need of the index.
type Indexer interface {
	Put(e *event.Event)
	Delete(host, service string, has event.Presence)
	Lookup(host, service string) *event.Event // nil: not there; not to be kept
}

// Env is a node's access to the world. Each instance of an operator gets its own.
type Env struct {
	rt      *Runtime
	node    *node // position, operator name and counters, shared by the instances of one place in the rules
	scope   *scope
	handler Stream // nearest exceptionStream's, nil: none
}

// Now returns the engine's clock, in microseconds.
func (env *Env) Now() int64 { return env.rt.Clock.now }

// Timer returns a timer on the engine's clock. It is stopped when the node goes (reload, an idle fork).
func (env *Env) Timer(run func()) *Timer {
	t := new(Timer)
	env.initTimer(t, run)
	return t
}

// initTimer is Timer for a timer that is part of its node: what belongs together lies together.
func (env *Env) initTimer(t *Timer, run func()) {
	env.rt.Clock.initTimer(t, run)
	env.scope.timers = append(env.scope.timers, t)
}

// Index returns the index, never nil.
func (env *Env) Index() Indexer { return env.rt.Index }

// Runtime returns the engine's services.
func (env *Env) Runtime() *Runtime { return env.rt }

// ErrMissingMetric is the failure of a strict operator on an event without a metric.
var ErrMissingMetric = errors.New("an event has no metric")

var errTakesWindows = errors.New(`takes windows, got an event; put a window before it, e.g. fixedTimeWindow("1m", …)`)

// throttled is how often an overloaded or failing place is told of.
const throttled = 60_000_000 // a minute

// Fail says that the node could not deal with v: err is counted and becomes an event on the nearest
// exceptionStream (a throttled log line where there is none). The node then emits nothing for v.
func (env *Env) Fail(v Value, err error) {
	n := env.node
	n.failures++
	if env.handler != nil {
		env.handler.Push(EventValue(env.exception(v, err)))
		return
	}
	n.unsaid++
	now := env.Now()
	if n.logged == 0 || now-n.logged >= throttled {
		env.rt.Log(fmt.Sprintf("%s: %s: %v (%s)", n.pos, n.name, err, plural(int(n.unsaid), "failure")))
		n.logged, n.unsaid = max(1, now), 0
	}
}

// exception is the event that an exceptionStream gets.
func (env *Env) exception(v Value, err error) *event.Event {
	e := &event.Event{Own: true}
	e.SetService("riemann exception")
	e.SetState("error")
	e.SetTime(env.Now())
	e.SetDescription(fmt.Sprintf("%s: %s: %v", env.node.pos, env.node.name, err))
	attrs := []event.Attr{{Key: "operator", Value: env.node.name}, {Key: "rule", Value: env.node.pos}}
	if v.Event != nil {
		if v.Event.Has&event.HasHost != 0 {
			e.SetHost(v.Event.Host)
		}
		if v.Event.Has&event.HasService != 0 {
			attrs = append(attrs, event.Attr{Key: "event.service", Value: v.Event.Service})
		}
		if v.Event.Has&event.HasState != 0 {
			attrs = append(attrs, event.Attr{Key: "event.state", Value: v.Event.State})
		}
	}
	e.Set = event.NewSet([]string{"exception", env.node.name}, attrs)
	return e
}

// Overload says that a bound was reached and n things were shed by the operator's stated policy; it is
// counted and becomes one throttled "zeta.overload" event that names the rule's position.
func (env *Env) Overload(bound string, n int) {
	place := env.node
	place.shed += uint64(n)
	now := env.Now()
	if place.warned != 0 && now-place.warned < throttled {
		return
	}
	place.warned = max(1, now)
	e := &event.Event{Own: true}
	e.SetService("zeta.overload")
	e.SetState("warning")
	e.SetTime(now)
	e.SetInt(int64(place.shed))
	e.SetDescription(fmt.Sprintf("%s: %s reached %s; %d shed since the rules were loaded", place.pos, place.name, bound, place.shed))
	e.Set = event.NewSet([]string{"zeta"}, []event.Attr{
		{Key: "operator", Value: place.name}, {Key: "rule", Value: place.pos}, {Key: "bound", Value: bound},
	})
	env.scope.graph.reinject(e)
}

// noIndex is the index where there is none.
type noIndex struct{}

func (noIndex) Put(*event.Event)                      {}
func (noIndex) Delete(string, string, event.Presence) {}
func (noIndex) Lookup(string, string) *event.Event    { return nil }

// filled returns rt with its nil functions replaced.
func (rt Runtime) filled() *Runtime {
	if rt.Clock == nil {
		rt.Clock = NewClock(0)
	}
	if rt.Index == nil {
		rt.Index = noIndex{}
	}
	if rt.Publish == nil {
		rt.Publish = func(string, *event.Event) {}
	}
	if rt.Deliver == nil {
		rt.Deliver = func(*Alert) {}
	}
	if rt.Cause == nil {
		rt.Cause = func() uint64 { return 0 }
	}
	if rt.Log == nil {
		rt.Log = func(string) {}
	}
	return &rt
}
