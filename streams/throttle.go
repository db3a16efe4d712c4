package streams

import "time"

func init() {
	Register(Spec[ThrottleOptions]{
		Name:    "throttle",
		Summary: "Pass at most limit inputs per window of time, drop the rest.",
		Doc: `Windows follow one another from the moment the rules are loaded (inside by: from the first event of that key):

    loaded    +every    +2·every
    [---------[---------[---------   an input exactly on an edge is in the window that begins there

The first limit inputs of a window pass at once. Twice the limit may pass around an edge. A window of events counts as one input, an expired event as any other.`,
		Source:   "riemann.streams/throttle",
		Clock:    "engine clock",
		Defaults: ThrottleOptions{Limit: 1, Every: time.Minute},
		New: func(env *Env, o ThrottleOptions, next Stream) (Stream, error) {
			g := grid{env.Now(), micros(o.Every)}
			return &throttle{env: env, limit: o.Limit, grid: g, end: g.next(env.Now()), next: next}, nil
		},
		Examples: []Example{{
			Title: "two a second",
			Rule:  `throttle(2, "1s", out)`,
			Test:  `at(0, event({metric: 1})), at(0.3, event({metric: 2})), at(0.9, event({metric: 3})), at(1, event({metric: 4})), expect(out, [{metric: 1}, {metric: 2}, {metric: 4}])`,
		}},
	})
}

// ThrottleOptions are the options of throttle.
type ThrottleOptions struct {
	Limit int           `arg:"1" min:"1" doc:"inputs passed per window"`
	Every time.Duration `arg:"2" min:"1ms" doc:"length of a window"`
}

type throttle struct {
	env    *Env
	limit  int
	grid   grid
	end    int64 // of the window the last input was in
	passed int   // in that window
	next   Stream
}

// Push implements Stream.
func (t *throttle) Push(v Value) {
	if t.take(t.env.Now()) {
		t.next.Push(v)
	}
}

// take counts one input at now and reports whether it passes.
func (t *throttle) take(now int64) bool {
	if now >= t.end {
		t.end, t.passed = t.grid.next(now), 0
	}
	if t.passed >= t.limit {
		return false
	}
	t.passed++
	return true
}

// Save implements Stateful.
func (t *throttle) Save(s *Saver) {
	s.Int(t.grid.anchor)
	s.Int(t.end)
	s.Int(int64(t.passed))
}

// Load implements Stateful.
func (t *throttle) Load(l *Loader) {
	t.grid.anchor = l.Int()
	t.end = l.Int()
	t.passed = int(l.Int())
}
