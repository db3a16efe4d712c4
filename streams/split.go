package streams

import "strings"

func init() {
	Register(Spec[SplitOptions]{
		Name:    "split",
		Summary: "Pass each event to the first stream whose condition holds.",
		Doc:     "Conditions are tried in the order written. A last stream without a condition gets what none holds for; without one that is dropped.",
		Source:  "riemann.streams/split",
		Differs: "A condition over a missing field does not hold, instead of failing.",
		Clock:   "none, unless a condition asks: now(), expired()",
		New:     newSplit,
		Examples: []Example{{
			Title: "three levels",
			Rule:  `split(metric > 10, critical, metric > 5, warning, fine)`,
			Test:  `at(0, event({metric: 11}), event({metric: 6}), event({metric: 1})), expect(critical, [{metric: 11}]), expect(warning, [{metric: 6}]), expect(fine, [{metric: 1}])`,
		}},
	})
	Register(Spec[SplitpOptions]{
		Name:    "splitp",
		Summary: "Pass each event to the first stream whose threshold a value meets.",
		Doc:     `Reads as: value OPERATOR threshold. The value is evaluated once. A last stream without a threshold gets what meets none; without one that is dropped.`,
		Source:  "riemann.streams/splitp",
		Differs: "The order is value, then threshold; Riemann applies the predicate the other way round. Without a default, what matches nothing is dropped instead of failing.",
		Clock:   "none",
		New:     newSplitp,
		Examples: []Example{{
			Title: "three levels",
			Rule:  `splitp(">=", metric, 10, critical, 5, warning, fine)`,
			Test:  `at(0, event({metric: 10}), event({metric: 6}), event({metric: 1})), expect(critical, [{metric: 10}]), expect(warning, [{metric: 6}]), expect(fine, [{metric: 1}])`,
		}},
	})
}

// SplitOptions are the options of split.
type SplitOptions struct {
	Cases   []Case `arg:"1,rest" doc:"conditions, each with the stream it leads to"`
	Default Branch `arg:"2,optional" doc:"gets what no condition holds for"`
}

// SplitpOptions are the options of splitp.
type SplitpOptions struct {
	Operator string `arg:"1" enum:"<,<=,>,>=,==,!=" doc:"how the value is compared with the thresholds"`
	Value    Expr   `arg:"2" doc:"what is compared"`
	Cases    []Case `arg:"3,rest" at:"true" doc:"thresholds, each with the stream it leads to"`
	Default  Branch `arg:"4,optional" doc:"gets what meets no threshold"`
}

type split struct {
	conds []Cond
	to    []Stream
	other Stream
}

func newSplit(env *Env, o SplitOptions, _ Stream) (Stream, error) {
	s := &split{}
	for _, c := range o.Cases {
		s.conds = append(s.conds, c.Cond)
		s.to = append(s.to, c.Then.Build(env))
	}
	s.other = o.Default.Build(env)
	return s, nil
}

// Push implements Stream.
func (s *split) Push(v Value) {
	for i := range s.conds {
		if s.conds[i].Test(v) {
			s.to[i].Push(v)
			return
		}
	}
	s.other.Push(v)
}

type splitp struct {
	value Expr
	meets func(value, threshold Datum) bool
	at    []Expr
	to    []Stream
	other Stream
}

func newSplitp(env *Env, o SplitpOptions, _ Stream) (Stream, error) {
	s := &splitp{value: o.Value, meets: comparisons[o.Operator]}
	for _, c := range o.Cases {
		s.at = append(s.at, c.At)
		s.to = append(s.to, c.Then.Build(env))
	}
	s.other = o.Default.Build(env)
	return s, nil
}

// Push implements Stream.
func (s *splitp) Push(v Value) {
	value := s.value.Eval(v)
	for i := range s.at {
		if s.meets(value, s.at[i].Eval(v)) {
			s.to[i].Push(v)
			return
		}
	}
	s.other.Push(v)
}

// comparisons are the operators of splitp, with the meaning they have in conditions: with a missing value
// none but != holds.
var comparisons = map[string]func(value, threshold Datum) bool{
	"<":  func(a, b Datum) bool { c, ok := compareDatums(&a, &b); return ok && c < 0 },
	"<=": func(a, b Datum) bool { c, ok := compareDatums(&a, &b); return ok && c <= 0 },
	">":  func(a, b Datum) bool { c, ok := compareDatums(&a, &b); return ok && c > 0 },
	">=": func(a, b Datum) bool { c, ok := compareDatums(&a, &b); return ok && c >= 0 },
	"==": func(a, b Datum) bool { return a.Kind != Missing && equalValues(&a, &b) },
	"!=": func(a, b Datum) bool { return a.Kind == Missing || !equalValues(&a, &b) },
}

// compareDatums compares two numbers or two strings; ok is false for anything else, and for NaN.
func compareDatums(a, b *Datum) (c int, ok bool) {
	if a.Kind == String && b.Kind == String {
		return strings.Compare(a.Str, b.Str), true
	}
	return compareScalars(a.scalar(), b.scalar())
}
