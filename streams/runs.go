package streams

func init() {
	Register(Spec[RunsOptions]{
		Name:    "runs",
		Summary: "Pass an input when the last n inputs have equal values of an expression.",
		Doc:     "A run longer than n passes each further input: a run of n+2 passes three. Missing equals missing, NaN equals NaN. Times do not matter. With n = 0 nothing passes, with n = 1 everything.",
		Source:  "riemann.streams/runs",
		Differs: "1 and 1.0 are equal.",
		Clock:   "none",
		New: func(env *Env, o RunsOptions, next Stream) (Stream, error) {
			return &runs{opts: o, next: next}, nil
		},
		Examples: []Example{{
			Title: "three in a row",
			Rule:  `runs(3, state, out)`,
			Test:  `at(0, event({state: "bad"}), event({state: "bad"}), event({state: "ok"}), event({state: "bad"}), event({state: "bad"}), event({state: "bad", metric: 6}), event({state: "bad", metric: 7})), expect(out, [{metric: 6}, {metric: 7}])`,
		}},
	})
}

// RunsOptions are the options of runs.
type RunsOptions struct {
	N     int  `arg:"1" min:"0" doc:"length of a run; 0 passes nothing"`
	Value Expr `arg:"2" doc:"what must stay equal"`
}

type runs struct {
	opts   RunsOptions
	next   Stream
	last   Datum
	length int // of the present run, held at n
}

// Push implements Stream.
func (r *runs) Push(v Value) {
	if r.reach(r.opts.Value.Eval(v)) {
		r.next.Push(v)
	}
}

// reach takes the next value and reports whether the run is n long.
func (r *runs) reach(d Datum) bool {
	if r.length == 0 || !d.Equal(r.last) {
		r.last, r.length = keepDatum(d), 0
	}
	if r.length < r.opts.N {
		r.length++
	}
	return r.length == r.opts.N && r.length > 0
}

// Save implements Stateful.
func (r *runs) Save(s *Saver) {
	s.Datum(r.last)
	s.Int(int64(r.length))
}

// Load implements Stateful.
func (r *runs) Load(l *Loader) {
	r.last = l.Datum()
	r.length = int(l.Int())
}
