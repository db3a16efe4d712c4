package streams

import (
	"time"

	"zeta/event"
)

func init() {
	Register(Spec[ApdexOptions]{
		Name:    "apdex",
		Summary: "Per window of time, give how content users are: satisfied and half of the tolerating over all.",
		Doc: `At the end of each window of time with a live event, the last live event leaves with metric (satisfied + tolerating/2) / all, its other fields as they are. Windows follow one another from the moment the rules are loaded (inside by: from the first event of that key):

    loaded    +every    +2·every
    [---------[---------[---------   an event exactly on an edge is in the window that begins there

satisfied is asked first. Expired events are ignored, whether by state or by age.`,
		Source:   "riemann.streams/apdex",
		Clock:    "engine clock",
		In:       Events,
		Out:      Events,
		Defaults: ApdexOptions{Every: time.Minute},
		New: func(env *Env, o ApdexOptions, next Stream) (Stream, error) {
			a := &apdex{env: env, opts: o, next: next}
			a.time = newParttime(env, o.Every, a.finish)
			return a, nil
		},
		Examples: []Example{{
			Title: "under a second is fine, under four is bearable",
			Rule:  `apdex(10, metric < 1, metric < 4, out)`,
			Test:  `at(0, event({service: "s", metric: 0.5}), event({service: "s", metric: 3})), at(10), expect(out, [{service: "s", metric: 0.75}])`,
		}},
	})
}

// ApdexOptions are the options of apdex.
type ApdexOptions struct {
	Every      time.Duration `arg:"1" min:"1ms" doc:"length of a window of time"`
	Satisfied  Cond          `arg:"2" doc:"holds for an event that satisfies"`
	Tolerating Cond          `arg:"3" doc:"holds for an event that is tolerated, if it does not satisfy"`
}

type apdex struct {
	env  *Env
	opts ApdexOptions
	next Stream

	time                       *parttime
	satisfied, tolerating, all int64
	last                       event.Event
}

// Push implements Stream.
func (a *apdex) Push(v Value) {
	e := eventIn(a.env, v)
	if e == nil || e.IsExpired(a.env.Now()) {
		return
	}
	a.time.enter()
	switch {
	case a.opts.Satisfied.Test(v):
		a.satisfied++
	case a.opts.Tolerating.Test(v):
		a.tolerating++
	}
	a.all++
	a.last = *e
	a.time.keepOpen()
}

func (a *apdex) finish() {
	e := a.last
	e.SetFloat((float64(a.satisfied) + float64(a.tolerating)/2) / float64(a.all))
	a.satisfied, a.tolerating, a.all, a.last = 0, 0, 0, event.Event{}
	a.next.Push(EventValue(&e))
}

// Save implements Stateful.
func (a *apdex) Save(s *Saver) {
	a.time.save(s)
	s.Int(a.satisfied)
	s.Int(a.tolerating)
	s.Int(a.all)
	s.Event(&a.last)
}

// Load implements Stateful.
func (a *apdex) Load(l *Loader) {
	a.time.load(l)
	a.satisfied = l.Int()
	a.tolerating = l.Int()
	a.all = l.Int()
	a.last = loadEvent(l)
}

// loadEvent reads an event that is kept by value; a nil one is the zero Event.
func loadEvent(l *Loader) event.Event {
	if e := l.Event(); e != nil {
		return *e
	}
	return event.Event{}
}
