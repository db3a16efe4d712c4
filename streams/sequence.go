package streams

import (
	"time"

	"zeta/event"
)

const perKey = "The key is the host, or what the option by says; a missing key is a key of its own. "

func init() {
	Register(Spec[SequenceOptions]{
		Name:    "sequence",
		Summary: "Pass the two events when one that matches b follows one that matches a within a time.",
		Doc: "Per key. " + perKey + "A pair leaves as a window of the newest event that matched a and the first that matched b after it, at most within later (an event exactly within later still counts). A pair uses up both. " +
			"An event that matches both ends a pair if one is open, and opens the next. Expired events are events like any other.",
		Clock:    "engine clock",
		Bounds:   "max open pairs, 100 000 unless set; the oldest gives way. A pair that is too old is forgotten.",
		In:       Events,
		Out:      Windows,
		Defaults: SequenceOptions{Max: 100_000},
		New:      newSequence,
		Examples: []Example{{
			Title: "errors soon after a deployment",
			Rule:  `sequence(service == "deploy", service == "errors" and metric > 0, "5m", out)`,
			Test: `at(0, event({host: "a", service: "deploy", metric: 7})), at(60, event({host: "b", service: "errors", metric: 1}), event({host: "a", service: "errors", metric: 2})), at(61, event({host: "a", service: "errors", metric: 3})),
expect(out, [[{host: "a", service: "deploy"}, {host: "a", service: "errors", metric: 2}]])`,
		}},
	})
	Register(Spec[SequenceOptions]{
		Name:    "absentAfter",
		Summary: "Pass an event that matches a when none that matches b followed within a time.",
		Doc: "Per key. " + perKey + "The event that matched a leaves with the engine's time when within has passed without an event that matches b; one that comes exactly then is too late. While it waits, further events that match a change nothing. " +
			"An event that matches both answers the one that waits, and waits itself. After a down-time of zeta all that wait do so anew.",
		Clock:    "engine clock",
		Bounds:   "max waiting events, 100 000 unless set; the oldest gives way and is not passed.",
		In:       Events,
		Out:      Events,
		Defaults: SequenceOptions{Max: 100_000},
		New:      newAbsentAfter,
		Examples: []Example{{
			Title: "a backup that does not end",
			Rule:  `absentAfter(service == "backup start", service == "backup end", "1h", out)`,
			Test: `at(0, event({host: "a", service: "backup start"}), event({host: "b", service: "backup start"})), at(1800, event({host: "b", service: "backup end"})), at(4000),
expect(out, [{host: "a", service: "backup start", time: 3600}])`,
		}},
	})
}

// SequenceOptions are the options of sequence and absentAfter.
type SequenceOptions struct {
	A      Cond          `arg:"1" doc:"the first event"`
	B      Cond          `arg:"2" doc:"the event that follows"`
	Within time.Duration `arg:"3" min:"1ms" doc:"how long after the first event the other counts"`
	By     Keys          `opt:"by" doc:"an expression or a list of them whose events belong together; default the host"`
	Max    int           `opt:"max" min:"1" max:"10000000" doc:"most keys remembered"`
}

// appendKeys appends the values of keys for v to dst; without keys the host.
func appendKeys(dst []byte, keys Keys, v Value) []byte {
	if len(keys) == 0 {
		return appendHostKey(dst, v.Event)
	}
	for _, k := range keys {
		dst = k.Eval(v).AppendKey(dst)
	}
	return dst
}

// waiting holds the event that matched a.
type waiting struct{ a event.Event }

func (w *waiting) save(s *Saver) { s.Event(&w.a) }

func (w *waiting) load(l *Loader) {
	if e := l.Event(); e != nil {
		w.a = *e
	}
}

type sequence struct {
	env  *Env
	o    SequenceOptions
	open *keyed[waiting]
	key  []byte
	next Stream
}

func newSequence(env *Env, o SequenceOptions, next Stream) (Stream, error) {
	return &sequence{env: env, o: o, next: next, open: newKeyed[waiting](env, o.Max, micros(o.Within), nil)}, nil
}

// Push implements Stream.
func (n *sequence) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	isA, isB := n.o.A.Test(v), n.o.B.Test(v)
	if !isA && !isB {
		return
	}
	n.key = appendKeys(n.key[:0], n.o.By, v)
	var first *event.Event
	n.open.sweep()
	if isB {
		if w := n.open.find(n.key); w != nil {
			a := w.a
			first = &a
			n.open.remove(n.key)
		}
	}
	if isA {
		w, _ := n.open.use(n.key)
		w.a = *e
	}
	if first != nil {
		n.next.Push(WindowValue([]*event.Event{first, e}))
	}
}

// Save implements Stateful.
func (n *sequence) Save(s *Saver) {
	n.open.save(s, func(s *Saver, w *waiting) { w.save(s) })
}

// Load implements Stateful.
func (n *sequence) Load(l *Loader) {
	n.open.load(l, func(l *Loader, w *waiting) { w.load(l) })
}

type absentAfter struct {
	env    *Env
	o      SequenceOptions
	within int64
	waits  *keyed[waiting] // used once each, so the one unused longest is due first
	timer  *Timer
	key    []byte
	next   Stream
}

func newAbsentAfter(env *Env, o SequenceOptions, next Stream) (Stream, error) {
	n := &absentAfter{env: env, o: o, within: micros(o.Within), next: next, waits: newKeyed[waiting](env, o.Max, 0, nil)}
	n.timer = env.Timer(n.fire)
	return n, nil
}

// Push implements Stream.
func (n *absentAfter) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	isA, isB := n.o.A.Test(v), n.o.B.Test(v)
	if !isA && !isB {
		return
	}
	n.fireDue() // an event that another timer brings exactly at the due time is too late
	n.key = appendKeys(n.key[:0], n.o.By, v)
	if isB {
		n.waits.remove(n.key)
	}
	if isA && n.waits.find(n.key) == nil {
		w, _ := n.waits.use(n.key)
		w.a = *e
	}
	n.arm()
}

// fire runs when the oldest event's time is up. Later than that it runs only after a down-time, in which
// what is waited for could not arrive: then every event waits anew.
func (n *absentAfter) fire() {
	if _, since := n.waits.oldest(); addMicros(since, n.within) < n.env.Now() {
		n.waits.refresh()
	}
	n.fireDue()
	n.arm()
}

func (n *absentAfter) fireDue() {
	for {
		w, since := n.waits.oldest()
		if w == nil || addMicros(since, n.within) > n.env.Now() {
			return
		}
		a := w.a
		n.waits.removeOldest()
		a.SetTime(n.env.Now())
		n.next.Push(Value{Event: &a})
	}
}

func (n *absentAfter) arm() {
	w, since := n.waits.oldest()
	if w == nil {
		n.timer.Stop()
		return
	}
	due := addMicros(since, n.within)
	if at, pending := n.timer.Pending(); !pending || at != due {
		n.timer.At(due)
	}
}

// Save implements Stateful.
func (n *absentAfter) Save(s *Saver) {
	n.waits.save(s, func(s *Saver, w *waiting) { w.save(s) })
	s.Timer(n.timer)
}

// Load implements Stateful.
func (n *absentAfter) Load(l *Loader) {
	n.waits.load(l, func(l *Loader, w *waiting) { w.load(l) })
	l.Timer(n.timer)
}
