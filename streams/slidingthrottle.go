package streams

import "time"

func init() {
	Register(Spec[SlidingThrottleOptions]{
		Name:    "slidingThrottle",
		Summary: "Pass at most limit inputs in any stretch of time; drop the rest.",
		Doc:     "An input is passed if fewer than limit were passed in (t−every, t]. So, unlike throttle, no two stretches meet in a burst of twice the limit, and a first input never waits. A window counts as one; expired events count like others.",
		Clock:   "engine clock",
		Bounds:  "The times of the last limit inputs are kept, 8 bytes each; limit is at most 1 000 000.",
		New: func(env *Env, o SlidingThrottleOptions, next Stream) (Stream, error) {
			return &slidingThrottle{env: env, limit: o.Limit, every: micros(o.Every), next: next}, nil
		},
		Examples: []Example{{
			Title: "two in ten seconds",
			Rule:  `slidingThrottle(2, "10s", out)`,
			Test:  `at(8, event({metric: 1})), at(9, event({metric: 2})), at(11, event({metric: 3})), at(18, event({metric: 4})), at(18.5, event({metric: 5})), expect(out, [{metric: 1}, {metric: 2}, {metric: 4}])`,
		}},
	})
}

// SlidingThrottleOptions are the options of slidingThrottle.
type SlidingThrottleOptions struct {
	Limit int           `arg:"1" min:"1" max:"1000000" doc:"inputs passed in any stretch"`
	Every time.Duration `arg:"2" min:"1ms" doc:"length of a stretch"`
}

type slidingThrottle struct {
	env    *Env
	limit  int
	every  int64
	next   Stream
	passed []int64 // engine times of the last inputs passed, a ring once it holds limit
	oldest int
}

// Push implements Stream.
func (n *slidingThrottle) Push(v Value) {
	if n.take(n.env.Now()) {
		n.next.Push(v)
	}
}

func (n *slidingThrottle) take(now int64) bool {
	if len(n.passed) < n.limit {
		n.passed = append(n.passed, now)
		return true
	}
	if now-n.passed[n.oldest] < n.every {
		return false
	}
	n.passed[n.oldest] = now
	n.oldest = (n.oldest + 1) % n.limit
	return true
}

// Save implements Stateful.
func (n *slidingThrottle) Save(s *Saver) {
	s.Uint(uint64(len(n.passed)))
	for i := range n.passed {
		s.Int(n.passed[(n.oldest+i)%len(n.passed)])
	}
}

// Load implements Stateful.
func (n *slidingThrottle) Load(l *Loader) {
	n.passed, n.oldest = nil, 0
	for range l.Len() {
		n.take(l.Int())
	}
}
