package streams

import (
	"errors"
	"fmt"
	"time"

	"zeta/event"
)

// The states of the events by which flapping tells.
const (
	stateFlapping = "flapping"
	stateSettled  = "settled"
)

func init() {
	Register(Spec[FlappingOptions]{
		Name:    "flapping",
		Summary: "Tell when a source's state starts and stops changing all the time; hold back its events meanwhile.",
		Doc: "Per host and service. A source flaps from the moment when its state has changed high times within the window (t−window, t], until no more than low changes are left in it: the gap between the two keeps the verdict itself from flapping. " +
			"The children get two events, copies of the source's last event with the engine's time: one with the state \"flapping\" and the number of changes as metric when it starts, one with the state \"settled\" when it stops, the state it settled in being told in the description. " +
			"Inside else(…) are the streams that get the events of sources that do not flap; they get the last event of a source again when it has settled. " +
			"The first state of a source is no change; a missing state is a state like any other.",
		Clock:    "engine clock",
		Bounds:   "max sources, 100 000 unless set; the one unheard of longest gives way. Sources unheard of for idle, an hour unless set, are forgotten. high times are kept for each.",
		In:       Events,
		Out:      Events,
		Defaults: FlappingOptions{Max: 100_000, Idle: time.Hour},
		Check: func(o FlappingOptions) error {
			if o.Low >= o.High {
				return errors.New("wants a low below high")
			}
			return nil
		},
		New: newFlapping,
		Examples: []Example{{
			Title: "three changes in ten seconds",
			Rule:  `flapping("10s", 3, 1, out, else(steady))`,
			Test: `at(0, event({host: "a", state: "ok"})), at(1, event({host: "a", state: "down"})), at(2, event({host: "a", state: "ok"})), at(3, event({host: "a", state: "down"})), at(5, event({host: "a", state: "down"})), at(20),
expect(out, [{host: "a", state: "flapping", metric: 3, time: 3}, {host: "a", state: "settled", metric: 1, time: 12}]),
expect(steady, [{state: "ok", time: 0}, {state: "down", time: 1}, {state: "ok", time: 2}, {state: "down", time: 5}])`,
		}},
	})
}

// FlappingOptions are the options of flapping.
type FlappingOptions struct {
	Window time.Duration `arg:"1" min:"1ms" doc:"the time over which changes are counted"`
	High   int           `arg:"2" min:"1" max:"1000" doc:"changes in the window from which on a source flaps"`
	Low    int           `arg:"3" min:"0" max:"999" doc:"changes in the window at which it has settled; less than high"`
	Steady Branch        `arg:"else" doc:"what gets the events of sources that do not flap"`
	Max    int           `opt:"max" min:"1" max:"10000000" doc:"most sources remembered"`
	Idle   time.Duration `opt:"idle" min:"1s" doc:"how long a silent source is remembered"`
}

type flapping struct {
	env       *Env
	window    int64
	high, low int
	next      Stream
	steady    Stream
	sources   *perSeries[flapper]
	alarms    *alarms
	copy      event.Event
}

// flapper is one source.
type flapper struct {
	state   string
	has     bool
	flaps   bool
	changes []int64 // engine times of the last high changes, oldest first
	last    event.Event
	settle  *Timer // when enough changes have left the window; nil until the source first flaps
}

func newFlapping(env *Env, o FlappingOptions, next Stream) (Stream, error) {
	n := &flapping{
		env: env, window: micros(o.Window), high: o.High, low: o.Low, next: next, steady: o.Steady.Build(env),
		alarms: newAlarms(env),
	}
	n.sources = newPerSeries(env, o.Max, max(micros(o.Idle), micros(o.Window)), func(f *flapper) {
		if f.settle != nil {
			f.settle.Stop()
		}
	})
	return n, nil
}

// Push implements Stream.
func (n *flapping) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	f, fresh := n.sources.useSeries(e)
	state, has := e.State, e.Has&event.HasState != 0
	changed := !fresh && (f.state != state || f.has != has)
	f.state, f.has = state, has
	if changed {
		n.change(f)
	}
	switch {
	case f.flaps:
		f.last = *e
	case changed && n.count(f) >= n.high:
		f.flaps, f.last = true, *e
		n.start(f)
		n.alarms.arm()
		n.tell(f, stateFlapping, fmt.Sprintf("%s within %s", plural(n.count(f), "state change"), duration(n.window)))
	default:
		n.steady.Push(v)
	}
	n.alarms.arm()
}

// change notes a change of state now.
func (n *flapping) change(f *flapper) {
	if len(f.changes) == n.high {
		copy(f.changes, f.changes[1:])
		f.changes[n.high-1] = n.env.Now()
	} else {
		f.changes = append(f.changes, n.env.Now())
	}
	if f.flaps {
		f.settle.At(n.settles(f))
	}
}

// count returns how many changes lie in the window that ends now.
func (n *flapping) count(f *flapper) int {
	for i, t := range f.changes {
		if n.env.Now()-t < n.window {
			return len(f.changes) - i
		}
	}
	return 0
}

// settles returns when no more than low changes will be left in the window.
func (n *flapping) settles(f *flapper) int64 {
	return addMicros(f.changes[len(f.changes)-1-n.low], n.window)
}

// start sets the alarm for the end of flapping. A source's alarm lives as long as the source, so that alarms
// due at one time run in one order, also after a restart.
func (n *flapping) start(f *flapper) {
	if f.settle == nil {
		f.settle = n.alarms.alarm(func() { n.settled(f) })
	}
	f.settle.At(n.settles(f))
}

func (n *flapping) settled(f *flapper) {
	f.flaps = false
	state := "no state"
	if f.has {
		state = f.state
	}
	n.tell(f, stateSettled, fmt.Sprintf("settled in %s: %s within %s", state, plural(n.count(f), "state change"), duration(n.window)))
	last := f.last
	f.last = event.Event{}
	n.steady.Push(Value{Event: &last})
}

func (n *flapping) tell(f *flapper, state, why string) {
	n.copy = f.last
	n.copy.SetState(state)
	n.copy.SetDescription(why)
	n.copy.SetInt(int64(n.count(f)))
	n.copy.SetTime(n.env.Now())
	n.next.Push(Value{Event: &n.copy})
}

// duration returns microseconds as texts show them: 10s, 1m30s.
func duration(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// Save implements Stateful.
func (n *flapping) Save(s *Saver) {
	n.sources.save(s, func(s *Saver, f *flapper) {
		s.String(f.state)
		s.Bool(f.has)
		s.Bool(f.flaps)
		s.Uint(uint64(len(f.changes)))
		for _, t := range f.changes {
			s.Int(t)
		}
		if f.flaps {
			s.Event(&f.last)
		}
		s.Bool(f.settle != nil)
		if f.settle != nil {
			s.Timer(f.settle)
		}
	})
	s.Timer(n.alarms.timer)
}

// Load implements Stateful.
func (n *flapping) Load(l *Loader) {
	n.sources.load(l, func(l *Loader, f *flapper) {
		f.state, f.has, f.flaps = l.String(), l.Bool(), l.Bool()
		for range l.Len() {
			f.changes = append(f.changes, l.Int())
		}
		if f.flaps {
			if last := l.Event(); last != nil {
				f.last = *last
			}
		}
		if l.Bool() {
			f.settle = n.alarms.alarm(func() { n.settled(f) })
			l.Timer(f.settle)
		}
	})
	l.Timer(n.alarms.timer)
}
