package streams

func init() {
	Register(Spec[WhereOptions]{
		Name:    "where",
		Summary: "Pass what a condition holds for; the rest goes to else(…).",
		Doc: `The condition is an expression over the event. A comparison with a missing field does not hold, so that the event goes to
else(…); x == nil asks whether x is missing. Several else(…) parts are one.`,
		Source:  "riemann.streams/where",
		Differs: "A comparison with a missing field is false instead of an error. Numbers compare by value.",
		Clock:   "none, unless the condition asks: now(), expired()",
		New:     newWhere,
		Examples: []Example{
			{
				Title: "a threshold",
				Rule:  `where(metric > 0.9 and state != "ok", out)`,
				Test:  `at(0, event({metric: 0.5, state: "bad"}), event({metric: 0.95, state: "bad"}), event({state: "bad"})), expect(out, [{metric: 0.95}])`,
			},
			{
				Title: "the others",
				Rule:  `where(service startsWith "disk ", disks, else(others))`,
				Test:  `at(0, event({service: "disk /"}), event({service: "cpu"})), expect(disks, [{service: "disk /"}]), expect(others, [{service: "cpu"}])`,
			},
		},
	})
}

// WhereOptions are the options of where.
type WhereOptions struct {
	Cond Cond   `arg:"1" doc:"the condition"`
	Else Branch `arg:"else" doc:"gets what the condition does not hold for"`
}

type where struct {
	place *node
	cond  Cond
	next  Stream
	other Stream
	alone bool // there is no other
}

func newWhere(env *Env, o WhereOptions, next Stream) (Stream, error) {
	return &where{place: env.node, cond: o.Cond, next: next, other: o.Else.Build(env), alone: o.Else.IsEmpty()}, nil
}

// Push implements Stream.
func (n *where) Push(v Value) {
	n.place.events++
	if n.cond.Test(v) {
		n.next.Push(v)
	} else {
		n.other.Push(v)
	}
}

func (n *where) counts() {}
