package streams

import (
	"errors"

	"zeta/event"
)

// Runtime is what the engine lends to the nodes of one graph. The nil functions of a zero Runtime are
// replaced by ones that do nothing, so that rules run in tests without an engine.
type Runtime struct {
	Clock *Clock

	Index    Indexer
	Publish  func(topic string, e *event.Event) // to websocket, SSE and dashboard subscribers
	Reinject func(e *event.Event, hops int)     // push at the root, after the current value has been dealt with
	Deliver  func(a *Alert)                     // hand over to a sink; never blocks
	Testing  bool                               // io discards, taps record
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
	t := env.rt.Clock.NewTimer(run)
	env.scope.timers = append(env.scope.timers, t)
	return t
}

// Fail says that the node could not deal with v: err is counted and becomes an event on the nearest
// exceptionStream (a throttled log line where there is none). The node then emits nothing for v.
func (env *Env) Fail(v Value, err error) { env.fail(v, err) }

// Overload says that a bound was reached and n things were shed by the operator's stated policy; it is
// counted and becomes one throttled "zeta.overload" event that names the rule's position.
func (env *Env) Overload(bound string, n int) { env.overload(bound, n) }

// Index returns the index, never nil.
func (env *Env) Index() Indexer { return env.rt.Index }

// Runtime returns the engine's services.
func (env *Env) Runtime() *Runtime { return env.rt }

// ErrMissingMetric is the failure of a strict operator on an event without a metric.
var ErrMissingMetric = errors.New("an event has no metric")
