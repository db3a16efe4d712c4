package streams

func init() {
	Register(Spec[TapOptions]{
		Name:    "tap",
		Summary: "Record what passes, for tests; otherwise pass it.",
		Doc:     `Under test the values are recorded under the name, for expect("name", …), and passed on; otherwise tap is sdo. Several taps may share a name.`,
		Source:  "riemann.test/tap",
		Differs: "A name may be used more than once: the values are recorded together.",
		Clock:   "none",
		New: func(env *Env, o TapOptions, next Stream) (Stream, error) {
			if rec := env.scope.graph.rec; rec != nil {
				return &tap{rec, o.Name, next}, nil
			}
			return &passer{env.node, next}, nil
		},
		Examples: []Example{{
			Title: "see what comes between",
			Rule:  `scale(2, tap("doubled", scale(2, out)))`,
			Test:  `at(0, event({metric: 1})), expect("doubled", [{metric: 2}]), expect(out, [{metric: 4}])`,
		}},
	})
	Register(Spec[IOOptions]{
		Name:    "io",
		Summary: "Pass everything, except under test.",
		Doc:     "Under test it drops everything, so that nothing below has effects outside. Sinks need no io: under test they only record.",
		Source:  "riemann.test/io",
		Clock:   "none",
		New: func(env *Env, _ IOOptions, next Stream) (Stream, error) {
			if env.rt.Testing {
				return &passer{env.node, Discard}, nil
			}
			return &passer{env.node, next}, nil
		},
		Examples: []Example{{
			Title: "nothing passes under test",
			Rule:  `sdo(io(a), b)`,
			Test:  `at(0, event({metric: 1})), expect(a, []), expect(b, [{metric: 1}])`,
		}},
	})
}

// TapOptions are the options of tap.
type TapOptions struct {
	Name string `arg:"1" doc:"what expect calls it"`
}

// IOOptions are the options of io: none.
type IOOptions struct{}

// tap records and passes on.
type tap struct {
	rec  *recorder
	name string
	next Stream
}

// Push implements Stream.
func (t *tap) Push(v Value) {
	t.rec.record(t.name, v)
	t.next.Push(v)
}

// maxRecorded bounds what one test records.
const maxRecorded = 1_000_000

// recorder holds what taps, lets and sinks saw in a test.
type recorder struct {
	seen  map[string][]Value
	count int

	at  map[string][]int64 // when, beside seen, if a property asks for it
	now func() int64

	counts map[string]int  // if asked for: how many values each has seen
	only   map[string]bool // then only these are kept
}

func newRecorder() *recorder { return &recorder{seen: map[string][]Value{}} }

func (r *recorder) record(name string, v Value) {
	if r.counts != nil {
		if r.counts[name]++; !r.only[name] {
			return
		}
	}
	if r.count++; r.count <= maxRecorded {
		r.seen[name] = append(r.seen[name], v.Keep())
		if r.at != nil {
			r.at[name] = append(r.at[name], r.now())
		}
	}
}
