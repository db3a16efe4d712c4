package streams

func init() {
	Register(Spec[MatchOptions]{
		Name:    "match",
		Summary: "Pass what an expression's value matches a pattern for.",
		Doc:     "The pattern is a text or a number (equal), an array (any of), regex(\"…\") (found anywhere in a text), a map (every key matches its pattern, to any depth; keys are fields of the event), or nil (missing). A missing value matches nil only. Numbers match by value.",
		Source:  "riemann.streams/match",
		Differs: "Numbers match by value, 1 matches 1.0. A function as pattern is where's business.",
		Clock:   "none",
		New: func(_ *Env, o MatchOptions, next Stream) (Stream, error) {
			return &match{value: o.Value, pattern: o.Pattern, next: next}, nil
		},
		Examples: []Example{
			{
				Title: "a pattern over the event",
				Rule:  `match(event, {service: regex("^disk "), state: ["warning", "critical"]}, out)`,
				Test:  `at(0, event({service: "disk /", state: "ok"}), event({service: "disk /home", state: "warning"}), event({service: "cpu", state: "critical"})), expect(out, [{service: "disk /home"}])`,
			},
			{
				Title: "a missing field",
				Rule:  `match(host, nil, out)`,
				Test:  `at(0, event({service: "a", host: "web1"}), event({service: "b"})), expect(out, [{service: "b"}])`,
			},
		},
	})
}

// MatchOptions are the options of match.
type MatchOptions struct {
	Value   Expr    `arg:"1" doc:"the expression whose value is matched; event is the whole event"`
	Pattern Pattern `arg:"2" doc:"what it must match"`
}

type match struct {
	value   Expr
	pattern Pattern
	next    Stream
}

// Push implements Stream.
func (n *match) Push(v Value) {
	if !v.IsNil() && n.pattern.Match(n.value.Eval(v)) {
		n.next.Push(v)
	}
}
