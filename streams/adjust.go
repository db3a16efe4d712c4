package streams

func init() {
	Register(Spec[AdjustOptions]{
		Name:    "adjust",
		Summary: "Change an event with expressions over it.",
		Doc:     "As with, for events only: the field is set to the value of the expression, which may use the field's old value; a missing value removes the field.",
		Source:  "riemann.streams/adjust",
		Differs: "The function and its arguments are written as one expression.",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		Check:   func(o AdjustOptions) error { return checkSetting(o.Patch, o.Field, o.Value) },
		New: func(env *Env, o AdjustOptions, next Stream) (Stream, error) {
			return &adjust{env, with{set: fieldChange{o.Patch, o.Field, o.Value}, next: next}}, nil
		},
		Examples: []Example{{
			Title: "a longer service",
			Rule:  `adjust(service, service + " of " + host, out)`,
			Test:  `at(0, event({host: "web1", service: "cpu"})), expect(out, [{service: "cpu of web1"}])`,
		}},
	})
}

// AdjustOptions are the options of adjust: a patch, or one field and its value.
type AdjustOptions struct {
	Patch Patch     `arg:"1,optional" doc:"a map from fields to values"`
	Field FieldName `arg:"2,optional" doc:"instead of a map: the one field to set"`
	Value Expr      `arg:"3,optional" doc:"the value of the one field"`
}

type adjust struct {
	env *Env
	with
}

// Push implements Stream.
func (n *adjust) Push(v Value) {
	if e := eventIn(n.env, v); e != nil {
		n.with.Push(v)
	}
}
