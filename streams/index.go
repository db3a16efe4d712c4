package streams

import (
	"errors"

	"zeta/event"
)

func init() {
	Register(Spec[IndexOptions]{
		Name:    "index",
		Summary: "Keep the event in the index, as the newest of its host and service.",
		Doc: `Subscribers of the index see it. An event with state "expired" removes the entry. When an entry's ttl (60 s if it has none) has passed, the index
forgets it and an expired event goes through the rules.`,
		Source: "riemann.config/index",
		Clock:  "none",
		Bounds: "The index is bounded by its own limits.",
		In:     Events,
		Leaf:   true,
		New: func(env *Env, _ IndexOptions, _ Stream) (Stream, error) {
			return &indexer{env}, nil
		},
		Examples: []Example{{
			Title: "everything, with a ttl for those that bring none",
			Rule:  `default(ttl, 60, index)`,
			Test:  `at(0, event({host: "a", service: "up"})), expect(index, [{host: "a", ttl: 60}])`,
		}},
	})
	Register(Spec[PublishOptions]{
		Name:    "publish",
		Summary: "Send the event to the subscribers of a topic.",
		Doc:     "Websockets and event streams at /pubsub/TOPIC get it.",
		Source:  "riemann.config/publish",
		Clock:   "none",
		In:      Events,
		Leaf:    true,
		New: func(env *Env, o PublishOptions, _ Stream) (Stream, error) {
			return &publisher{env, o.Topic}, nil
		},
		Examples: []Example{{
			Title: "a topic",
			Rule:  `where(state == "critical", publish("alerts"))`,
			Test:  `at(0, event({state: "critical"}), event({state: "ok"})), expect(publish, [{state: "critical"}])`,
		}},
	})
	Register(Spec[ReinjectOptions]{
		Name:    "reinject",
		Summary: "Send the event through all rules again.",
		Doc:     "It reaches the top level after the present event has been dealt with.",
		Source:  "riemann.config/reinject",
		Differs: "An event that has been round 16 times is dropped, which is a failure: rules that reinject their own output do not run for ever.",
		Clock:   "none",
		Bounds:  "100,000 events wait at most; more are dropped, counted as overload.",
		In:      Events,
		Leaf:    true,
		New: func(env *Env, _ ReinjectOptions, _ Stream) (Stream, error) {
			return &reinjector{env}, nil
		},
		Examples: []Example{{
			Title: "a mean that is indexed as an event of its own",
			Rule:  `where(service == "cpu", with({service: "cpu copy"}, reinject)); where(service == "cpu copy", out)`,
			Test:  `at(0, event({service: "cpu", metric: 1})), expect(out, [{service: "cpu copy", metric: 1}])`,
		}},
	})
}

// IndexOptions are the options of index: none.
type IndexOptions struct{}

// PublishOptions are the options of publish.
type PublishOptions struct {
	Topic string `arg:"1" doc:"name of the topic"`
}

// ReinjectOptions are the options of reinject: none.
type ReinjectOptions struct{}

type indexer struct{ env *Env }

// Push implements Stream.
func (n *indexer) Push(v Value) {
	if rec := n.env.scope.graph.rec; rec != nil {
		rec.record("index", v)
	}
	n.env.rt.Index.Put(v.Event)
}

type publisher struct {
	env   *Env
	topic string
}

// Push implements Stream.
func (n *publisher) Push(v Value) {
	if rec := n.env.scope.graph.rec; rec != nil {
		rec.record("publish", v)
	}
	n.env.rt.Publish(n.topic, v.Event)
}

type reinjector struct{ env *Env }

var errHops = errors.New("reinjected too often: the event has been through the rules 16 times, or too many wait")

// Push implements Stream.
func (n *reinjector) Push(v Value) {
	if rec := n.env.scope.graph.rec; rec != nil {
		rec.record("reinject", v)
	}
	if !n.env.scope.graph.reinject(v.Event) {
		n.env.node.shed++
		n.env.Fail(v, errHops)
	}
}

// mapIndex is the index under test: a plain map.
type mapIndex map[[2]string]*event.Event

func (x mapIndex) Put(e *event.Event) {
	key := [2]string{e.Host, e.Service}
	if e.State == event.Expired {
		delete(x, key)
		return
	}
	c := *e
	x[key] = &c
}

func (x mapIndex) Delete(host, service string, _ event.Presence) {
	delete(x, [2]string{host, service})
}

func (x mapIndex) Lookup(host, service string) *event.Event { return x[[2]string{host, service}] }
