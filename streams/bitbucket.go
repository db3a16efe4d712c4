package streams

func init() {
	Register(Spec[struct{}]{
		Name:    "bitBucket",
		Summary: "Drop everything.",
		Doc:     "Stands, without parentheses, where a stream is wanted and nothing is to happen.",
		Source:  "riemann.streams/bit-bucket",
		Clock:   "none",
		Leaf:    true,
		New:     func(*Env, struct{}, Stream) (Stream, error) { return Discard, nil },
		Examples: []Example{{
			Title: "only the others",
			Rule:  `where(state == "ok", bitBucket, else(out))`,
			Test:  `at(0, event({state: "ok"}), event({state: "critical"})), expect(out, [{state: "critical"}])`,
		}},
	})
}
