package streams

import "zeta/event"

// Expr is a compiled expression over the input of an operator, bound to the scope of one instance.
type Expr struct {
	Text   string // as written
	kind   exprKind
	static bool      // depends only on host, service, tags and attributes
	field  FieldName // a bare field of the input; zero: more than that
	eval   func(in *Input) Datum
	in     *Input
}

// Input is what an expression can see. One Input is shared by the expressions of one scope; it is
// filled before each evaluation and never kept.
type Input struct {
	Value          // the operator's input
	Acc   Value    // sreduce's accumulator
	Vars  []Datum  // names bound by byBuilder
	rt    *Runtime // clock and index, for now() and lookup(…)
}

// Eval evaluates the expression on v.
func (x Expr) Eval(v Value) Datum {
	x.in.Value = v
	return x.eval(x.in)
}

// Cond is a compiled condition.
type Cond struct {
	Text string
	test func(in *Input) bool
	in   *Input
}

// Test reports whether the condition holds for v.
func (c Cond) Test(v Value) bool {
	c.in.Value = v
	return c.test(c.in)
}

// Fold makes one event, a list of events, or nothing out of a window.
type Fold struct {
	Name  string
	List  bool // gives a list of events, which travels as a window; else at most one event
	apply func(w []*event.Event) ([]*event.Event, error)
	plain func(values []Datum) (Datum, error) // over plain field values, for foldInterval; nil: not possible
}

// Mapper makes values out of a value: a fold's name, a patch, an expression, or a list of those.
type Mapper struct {
	Text         string
	in           *Input
	ones         []mapping // one for a fold, a patch or an expression
	takes, gives Kind      // what the input has to be, and what the results are
}

// Map returns the one result for v; the zero Value is nil.
func (m Mapper) Map(v Value) (Value, error) {
	if len(m.ones) == 0 {
		return Value{}, nil
	}
	m.in.Value = v
	return m.ones[0](m.in)
}

// MapAll returns every result for v, nil results included, as smapcat wants it. The slice is the caller's.
func (m Mapper) MapAll(v Value) ([]Value, error) {
	all := make([]Value, len(m.ones))
	for i, one := range m.ones {
		m.in.Value = v
		r, err := one(m.in)
		if err != nil {
			return nil, err
		}
		all[i] = r
	}
	return all, nil
}

// Reduce returns the one result for the accumulator and v: a fold sees [acc, v], an expression acc and event.
func (m Mapper) Reduce(acc, v Value) (Value, error) {
	m.in.Acc = acc
	r, err := m.Map(v)
	m.in.Acc = Value{}
	return r, err
}

// Patch sets fields of an event to the values of expressions over it; nil removes a field.
type Patch struct {
	Text  string
	in    *Input
	apply func(in *Input, e *event.Event) // changes the copy e, reading the original from in
}

// Event returns a patched copy of e.
func (p Patch) Event(e *event.Event) *event.Event {
	c := *e
	p.in.Value = EventValue(e)
	p.apply(p.in, &c)
	return &c
}

// Pattern is match's second argument: a string, number or bool (equality), an array (any of), regex("…")
// (found anywhere), a map (every key matches recursively) or nil (missing). It reads nothing of the input.
type Pattern struct {
	Text  string
	match func(d Datum) bool
}

// Match reports whether d fits.
func (p Pattern) Match(d Datum) bool { return p.match(d) }

// Keys is what by takes: one or several expressions.
type Keys []Expr

// Points are the points of percentiles and sortedSample, in the order written.
type Points []Point

// Point is one of Points; Suffix is appended to the service (" 0.95" unless a map names another).
type Point struct {
	At     float64
	Suffix string
}

// Branch is a child stream not yet built.
type Branch struct {
	build func(env *Env) Stream
}

// Build makes an instance of the branch in the scope of env; an empty Branch builds Discard.
func (b Branch) Build(env *Env) Stream {
	if b.build == nil {
		return Discard
	}
	return b.build(env)
}

// IsEmpty reports whether there is nothing to build.
func (b Branch) IsEmpty() bool { return b.build == nil }

// Case is a condition (or splitp's threshold) with its stream.
type Case struct {
	Cond Cond // split
	At   Expr // splitp
	Then Branch
}
