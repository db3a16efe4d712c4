package streams

import "time"

func init() {
	Register(Spec[DedupOptions]{
		Name:    "dedup",
		Summary: "Drop an event that is like one passed a short time ago.",
		Doc:     "Two events are alike when all the key expressions have equal values; numbers are equal by value, missing values are equal. An event is dropped while less than within has passed since one like it was passed; dropped ones do not prolong that time.",
		Clock:   "engine clock",
		Bounds:  "max keys, 100 000 unless set; the one passed longest ago gives way, its next event is passed. A key is forgotten after within.",
		In:      Events,
		Out:     Events,
		Defaults: DedupOptions{
			Max: 100_000,
		},
		New: func(env *Env, o DedupOptions, next Stream) (Stream, error) {
			return &dedup{env: env, by: o.By, next: next, within: micros(o.Within), passed: newKeyed[struct{}](env, o.Max, micros(o.Within), nil)}, nil
		},
		Examples: []Example{{
			Title: "the same state again",
			Rule:  `dedup([host, service, state], "1m", out)`,
			Test: `at(0, event({host: "a", state: "down"})), at(30, event({host: "a", state: "down"}), event({host: "a", state: "ok"})), at(60, event({host: "a", state: "down"})),
expect(out, [{state: "down", time: 0}, {state: "ok", time: 30}, {state: "down", time: 60}])`,
		}},
	})
}

// DedupOptions are the options of dedup.
type DedupOptions struct {
	By     Keys          `arg:"1" doc:"an expression or a list of them; events with equal values are alike"`
	Within time.Duration `arg:"2" min:"1ms" doc:"how long like events are dropped"`
	Max    int           `opt:"max" min:"1" max:"10000000" doc:"most keys remembered"`
}

type dedup struct {
	env    *Env
	by     Keys
	within int64
	passed *keyed[struct{}] // used when passed, so their order is that of age
	key    []byte
	next   Stream
}

// Push implements Stream.
func (n *dedup) Push(v Value) {
	if eventIn(n.env, v) == nil {
		return
	}
	n.key = appendKeys(n.key[:0], n.by, v)
	for _, passed := n.passed.oldest(); n.passed.len() > 0 && n.env.Now()-passed >= n.within; _, passed = n.passed.oldest() {
		n.passed.removeOldest()
	}
	if n.passed.find(n.key) != nil {
		return
	}
	n.passed.use(n.key)
	n.next.Push(v)
}

// Save implements Stateful.
func (n *dedup) Save(s *Saver) { n.passed.save(s, func(*Saver, *struct{}) {}) }

// Load implements Stateful.
func (n *dedup) Load(l *Loader) { n.passed.load(l, func(*Loader, *struct{}) {}) }
