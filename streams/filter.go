package streams

import (
	"errors"
	"slices"

	"zeta/event"
)

var errTakesEvents = errors.New("takes events, got a window; put a fold between them, e.g. smap(mean, …)")

// eventIn returns the event of v for an operator that takes events: nil for nothing passed on, and for a
// window, which is a failure.
func eventIn(env *Env, v Value) *event.Event {
	if v.IsWindow() {
		env.Fail(v, errTakesEvents)
	}
	return v.Event
}

func init() {
	const taggedDoc = "The empty list of tags passes every event."
	all := func(env *Env, o TaggedOptions, next Stream) (Stream, error) {
		return newFilter(env, next, func(e *event.Event) bool { return hasAllTags(e, o.Tags) }), nil
	}
	Register(Spec[TaggedOptions]{
		Name:    "tagged",
		Summary: "Pass events that carry every one of the tags.",
		Doc:     taggedDoc + " The same as taggedAll.",
		Source:  "riemann.streams/tagged",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		New:     all,
		Examples: []Example{{
			Title: "both tags",
			Rule:  `tagged(["web", "prod"], out)`,
			Test:  `at(0, event({service: "a", tags: ["prod", "web"]}), event({service: "b", tags: ["web"]})), expect(out, [{service: "a"}])`,
		}},
	})
	Register(Spec[TaggedOptions]{
		Name:    "taggedAll",
		Summary: "Pass events that carry every one of the tags.",
		Doc:     taggedDoc,
		Source:  "riemann.streams/tagged-all",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		New:     all,
		Examples: []Example{{
			Title: "one tag",
			Rule:  `taggedAll("web", out)`,
			Test:  `at(0, event({service: "a", tags: ["web"]}), event({service: "b"})), expect(out, [{service: "a"}])`,
		}},
	})
	Register(Spec[TaggedOptions]{
		Name:    "taggedAny",
		Summary: "Pass events that carry at least one of the tags.",
		Doc:     "The empty list of tags passes nothing.",
		Source:  "riemann.streams/tagged-any",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		New: func(env *Env, o TaggedOptions, next Stream) (Stream, error) {
			return newFilter(env, next, func(e *event.Event) bool { return hasAnyTag(e, o.Tags) }), nil
		},
		Examples: []Example{{
			Title: "either tag",
			Rule:  `taggedAny(["web", "db"], out)`,
			Test:  `at(0, event({service: "a", tags: ["db"]}), event({service: "b", tags: ["mail"]})), expect(out, [{service: "a"}])`,
		}},
	})
	Register(Spec[struct{}]{
		Name:    "expired",
		Summary: "Pass events that count as expired.",
		Doc:     "An event counts as expired when its state is \"expired\", or when its age (the engine's clock minus its time) exceeds its ttl, 60 s if it has none. An age equal to the ttl is alive; an event without a time expires by its state only. So an event that arrives with an old time is expired at once.",
		Source:  "riemann.streams/expired",
		Clock:   "engine clock, against the event's time",
		In:      Events,
		Out:     Events,
		New: func(env *Env, _ struct{}, next Stream) (Stream, error) {
			return newFilter(env, next, func(e *event.Event) bool { return e.IsExpired(env.Now()) }), nil
		},
		Examples: []Example{{
			Title: "by state and by age",
			Rule:  `expired(out)`,
			Test:  `at(100, event({service: "a", state: "expired"}), event({service: "b", time: 39}), event({service: "c", time: 40})), expect(out, [{service: "a"}, {service: "b"}])`,
		}},
	})
	Register(Spec[struct{}]{
		Name:    "notExpired",
		Summary: "Pass events that do not count as expired.",
		Doc:     "The opposite of expired: the state is not \"expired\", and the age of the event (the engine's clock minus its time) does not exceed its ttl, 60 s if it has none. Events from the future are alive.",
		Source:  "riemann.streams/not-expired",
		Clock:   "engine clock, against the event's time",
		In:      Events,
		Out:     Events,
		New: func(env *Env, _ struct{}, next Stream) (Stream, error) {
			return newFilter(env, next, func(e *event.Event) bool { return !e.IsExpired(env.Now()) }), nil
		},
		Examples: []Example{{
			Title: "an old event is dropped",
			Rule:  `notExpired(out)`,
			Test:  `at(100, event({service: "a", state: "ok"}), event({service: "b", time: 10, ttl: 20})), expect(out, [{service: "a"}])`,
		}},
	})
	Register(Spec[ThresholdOptions]{
		Name:    "over",
		Summary: "Pass events whose metric is greater than a number.",
		Doc:     "Strictly greater. An event without a metric, or with NaN for one, is dropped. An int64 and a float64 compare exactly.",
		Source:  "riemann.streams/over",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		Check:   ThresholdOptions.check,
		New: func(env *Env, o ThresholdOptions, next Stream) (Stream, error) {
			x, _ := numberOf(o.X)
			return newFilter(env, next, func(e *event.Event) bool {
				m, ok := metricOf(e)
				return ok && m.compare(x) > 0
			}), nil
		},
		Examples: []Example{{
			Title: "a limit",
			Rule:  `over(0.9, out)`,
			Test:  `at(0, event({metric: 0.9}), event({metric: 1}), event({service: "none"})), expect(out, [{metric: 1}])`,
		}},
	})
	Register(Spec[ThresholdOptions]{
		Name:    "under",
		Summary: "Pass events whose metric is smaller than a number.",
		Doc:     "Strictly smaller. An event without a metric, or with NaN for one, is dropped. An int64 and a float64 compare exactly.",
		Source:  "riemann.streams/under",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		Check:   ThresholdOptions.check,
		New: func(env *Env, o ThresholdOptions, next Stream) (Stream, error) {
			x, _ := numberOf(o.X)
			return newFilter(env, next, func(e *event.Event) bool {
				m, ok := metricOf(e)
				return ok && m.compare(x) < 0
			}), nil
		},
		Examples: []Example{{
			Title: "a disk fills up",
			Rule:  `under(10, out)`,
			Test:  `at(0, event({metric: 9.5}), event({metric: 10}), event({service: "none"})), expect(out, [{metric: 9.5}])`,
		}},
	})
}

// TaggedOptions are the options of tagged, taggedAll and taggedAny.
type TaggedOptions struct {
	Tags []string `arg:"1" doc:"a tag or a list of tags"`
}

// ThresholdOptions are the options of over and under.
type ThresholdOptions struct {
	X Datum `arg:"1" doc:"the number to compare with"`
}

func (o ThresholdOptions) check() error {
	if _, ok := numberOf(o.X); !ok {
		return errors.New("wants a number to compare with")
	}
	return nil
}

// filter passes the events that a test holds for.
type filter struct {
	env  *Env
	next Stream
	test func(e *event.Event) bool
}

func newFilter(env *Env, next Stream, test func(e *event.Event) bool) Stream {
	return &filter{env, next, test}
}

// Push implements Stream.
func (n *filter) Push(v Value) {
	if e := eventIn(n.env, v); e != nil && n.test(e) {
		n.next.Push(v)
	}
}

func hasAllTags(e *event.Event, tags []string) bool {
	for _, t := range tags {
		if !e.Set.HasTag(t) {
			return false
		}
	}
	return true
}

func hasAnyTag(e *event.Event, tags []string) bool { return slices.ContainsFunc(tags, e.Set.HasTag) }
