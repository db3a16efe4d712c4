package streams

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"zeta/event"
)

func init() {
	Register(Spec[DeadmanOptions]{
		Name:    "deadman",
		Summary: "Tell when one of an expected set of hosts falls silent, even one that was never heard, and when it is back.",
		Doc: "Each expected key has within to send an event, beginning when the rules are loaded. One that does not is told once, by an event with the key in the field by, the state \"expired\", the engine's time and a description. " +
			"Its next live event is passed, so that a state change is seen. Other events are not passed. An event with the state \"expired\" is no sign of life; neither is one of a key that is not expected. After a down-time of zeta every key that was not silent before has its time anew.",
		Clock:    "engine clock",
		Bounds:   "The keys are those written in the rule.",
		In:       Events,
		Out:      Events,
		Defaults: DeadmanOptions{By: FieldName{Name: "host"}},
		Check: func(o DeadmanOptions) error {
			switch o.By.Name {
			case "host", "service", "attributes":
			default:
				return errors.New("by wants host, service or an attribute")
			}
			if len(o.Keys) == 0 {
				return errors.New("wants at least one key to expect")
			}
			return nil
		},
		New: newDeadman,
		Examples: []Example{{
			Title: "web2 never came up",
			Rule:  `deadman(["web1", "web2"], "1m", out)`,
			Test: `at(50, event({host: "web1", state: "ok"})), at(61), at(70, event({host: "web2", state: "ok"}), event({host: "web2", state: "ok"})),
expect(out, [{host: "web2", state: "expired", time: 60}, {host: "web2", state: "ok", time: 70}])`,
		}},
	})
}

// DeadmanOptions are the options of deadman.
type DeadmanOptions struct {
	Keys   []string      `arg:"1" doc:"the hosts, or values of by, that must be heard"`
	Within time.Duration `arg:"2" min:"1s" doc:"the longest silence"`
	By     FieldName     `opt:"by" doc:"the field that holds the key: host, service or attributes.NAME; default host"`
}

type deadman struct {
	env      *Env
	by       FieldName
	within   int64
	next     Stream
	expected []string
	living   *keyed[int] // the key's place in expected; the one unused longest is due first
	timer    *Timer
	copy     event.Event
}

func newDeadman(env *Env, o DeadmanOptions, next Stream) (Stream, error) {
	expected := slices.Clone(o.Keys)
	slices.Sort(expected)
	expected = slices.Compact(expected)
	n := &deadman{env: env, by: o.By, within: micros(o.Within), next: next, expected: expected}
	n.living = newKeyed[int](env, len(expected), 0, nil)
	n.timer = env.Timer(n.due)
	for i := range expected {
		n.hear(i)
	}
	n.arm()
	return n, nil
}

// Push implements Stream.
func (n *deadman) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil || e.State == event.Expired {
		return
	}
	key := n.by.Get(e)
	if key.Kind != String {
		return
	}
	i, ok := slices.BinarySearch(n.expected, key.Str)
	if !ok {
		return
	}
	n.fire() // one that another timer brings exactly when its time is up was silent all the same
	back := n.hear(i)
	n.arm()
	if back {
		n.next.Push(v)
	}
}

// hear notes a sign of life; back is true if the key had been given up.
func (n *deadman) hear(i int) (back bool) {
	at, fresh := n.living.use([]byte(n.expected[i]))
	*at = i
	return fresh
}

// due runs when a key's time is up. Later than that it runs only after a down-time, in which nobody could be
// heard: then every key has its time anew.
func (n *deadman) due() {
	if _, heard := n.living.oldest(); addMicros(heard, n.within) < n.env.Now() {
		n.living.refresh()
	}
	n.fire()
}

func (n *deadman) fire() {
	for {
		i, heard := n.living.oldest()
		if i == nil || addMicros(heard, n.within) > n.env.Now() {
			break
		}
		key := n.expected[*i]
		n.living.removeOldest()
		n.copy = event.Event{}
		n.by.Set(&n.copy, Datum{Kind: String, Str: key})
		n.copy.SetState(event.Expired)
		n.copy.SetDescription(fmt.Sprintf("no event of %s for %s", key, duration(n.within)))
		n.copy.SetTime(n.env.Now())
		n.next.Push(Value{Event: &n.copy})
	}
	n.arm()
}

func (n *deadman) arm() {
	i, heard := n.living.oldest()
	if i == nil {
		n.timer.Stop()
		return
	}
	due := addMicros(heard, n.within)
	if at, pending := n.timer.Pending(); !pending || at != due {
		n.timer.At(due)
	}
}

// Save implements Stateful.
func (n *deadman) Save(s *Saver) {
	n.living.save(s, func(s *Saver, i *int) { s.Uint(uint64(*i)) })
	s.Timer(n.timer)
}

// Load implements Stateful.
func (n *deadman) Load(l *Loader) {
	n.living.each(func(*int) bool { return false })
	n.living.load(l, func(l *Loader, i *int) {
		if *i = int(l.Uint()); *i >= len(n.expected) {
			l.Fail(errors.New("deadman: state of other keys"))
		}
	})
	l.Timer(n.timer)
}
