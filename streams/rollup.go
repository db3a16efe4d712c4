package streams

import (
	"time"

	"zeta/event"
)

func init() {
	Register(Spec[RollupOptions]{
		Name:    "rollup",
		Summary: "Pass the first limit events per window of time at once, each as a window of one; give the rest together when the time is over.",
		Doc: `Windows of time follow one another from the moment the rules are loaded (inside by: from the first event of that key):

    loaded    +every    +2·every
    [---------[---------[---------   an event exactly on an edge is in the window that begins there

What is left over at an edge leaves there as one window and uses one of the limit of the window of time that begins; so with limit 1 and a steady flow everything after the first event leaves rolled up. With limit 0 everything does. An expired event is an event like any other.`,
		Source:   "riemann.streams/rollup",
		Differs:  "A window of time that saw nothing gives the full limit back (Riemann keeps it reduced until the next window with events, so that an alert after a quiet week is late). What is held is bounded. Takes events only.",
		Clock:    "engine clock",
		Bounds:   "max events are held (default 10000), and 64 MiB; the newest beyond are dropped and counted.",
		In:       Events,
		Out:      Windows,
		Defaults: RollupOptions{Limit: 1, Every: time.Minute, Max: 10_000},
		New:      newRollup,
		Examples: []Example{{
			Title: "one mail at once, then one an hour",
			Rule:  `rollup(1, "1h", smap(count, out))`,
			Test:  `at(0, event({service: "a"}), event({service: "b"}), event({service: "c"})), at(3600), expect(out, [{metric: 1}, {metric: 2}])`,
		}},
	})
}

// RollupOptions are the options of rollup.
type RollupOptions struct {
	Limit int           `arg:"1" min:"0" doc:"events passed at once per window of time; 0 holds all"`
	Every time.Duration `arg:"2" min:"1ms" doc:"length of a window of time"`
	Max   int           `opt:"max" min:"1" doc:"events held; default 10000"`
}

type rollup struct {
	env  *Env
	opts RollupOptions
	next Stream

	time    *parttime
	used    int   // of the limit, in the window of time entered last
	carried int64 // the edge at which something was left over last
	held    queue
	one     [1]*event.Event // the window of one, lent
}

func newRollup(env *Env, o RollupOptions, next Stream) (Stream, error) {
	r := &rollup{env: env, opts: o, next: next, carried: noEdge}
	r.time = newParttime(env, o.Every, r.carry)
	return r, nil
}

// noEdge is a time no window ends at.
const noEdge = -1 << 63

// Push implements Stream.
func (r *rollup) Push(v Value) {
	e := eventIn(r.env, v)
	if v.IsWindow() {
		return
	}
	if r.time.enter() {
		r.used = 0
		if r.carried == r.time.start() {
			r.used = 1
		}
	}
	if r.used < r.opts.Limit {
		r.used++
		r.one[0] = e
		r.next.Push(WindowValue(r.one[:]))
		r.one[0] = nil
		return
	}
	if r.held.full(r.opts.Max) {
		r.env.Overload("max", 1)
		return
	}
	r.held.add(e)
	r.time.keepOpen()
}

func (r *rollup) carry() {
	r.carried = r.time.end
	r.next.Push(WindowValue(r.held.events()))
	r.held.clear()
}

// Save implements Stateful.
func (r *rollup) Save(s *Saver) {
	r.time.save(s)
	s.Int(int64(r.used))
	s.Int(r.carried)
	r.held.save(s)
}

// Load implements Stateful.
func (r *rollup) Load(l *Loader) {
	r.time.load(l)
	r.used = int(l.Int())
	r.carried = l.Int()
	r.held.load(l)
}
