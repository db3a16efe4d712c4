package streams

func init() {
	Register(Spec[SdoOptions]{
		Name:    "sdo",
		Summary: "Pass the input to every child.",
		Doc:     "Children run one after another, in the order written. A failure of one does not keep the next from running.",
		Source:  "riemann.streams/sdo",
		Clock:   "none",
		New: func(env *Env, _ SdoOptions, next Stream) (Stream, error) {
			return &passer{env.node, next}, nil
		},
		Examples: []Example{{
			Title: "two children",
			Rule:  `sdo(a, b)`,
			Test:  `at(0, event({metric: 1})), expect(a, [{metric: 1}]), expect(b, [{metric: 1}])`,
		}},
	})
}

// SdoOptions are the options of sdo: none.
type SdoOptions struct{}

// passer passes everything on.
type passer struct {
	place *node
	next  Stream
}

// Push implements Stream.
func (n *passer) Push(v Value) {
	n.place.events++
	n.next.Push(v)
}

func (n *passer) counts() {}
