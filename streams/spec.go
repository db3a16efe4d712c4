package streams

// Kind is what an operator takes or gives.
type Kind uint8

// The kinds of values along a stream.
const (
	Either  Kind = iota // in: events or windows; out: the same kind as went in
	Events              // events only
	Windows             // windows only
	Unknown             // out only: events or windows, as the data has it
)

// String names the kind as messages do.
func (k Kind) String() string {
	return [...]string{"events or windows", "events", "windows", "events or windows"}[k]
}

// Spec describes an operator whole: documentation, options, bounds, constructor and examples stand in
// one place, and reference pages, `zeta operators`, completion, error messages and tests all come from it.
//
// O is a struct. Its fields, in order, are the operator's arguments; children come after them:
//
//	arg:"1"            the position of a positional argument
//	arg:"1,optional"   may be left out; told apart from what follows by its type
//	arg:"1,rest"       a slice that takes all that is left (Branch: the children themselves)
//	arg:"else"         a Branch: the streams that stand inside else(…) among the children
//	opt:"init"         a key of the options map, which stands after the positional arguments
//	min:"1" max:"100"  bounds of a number or duration (min:"1ms")
//	enum:"a,b"         the strings allowed
//	takes:"events"     what reaches a Branch, where it is not what the operator gives
//	acc:"true"         a Mapper that may read the accumulator acc
//	doc:"…"            required: unit, default, what zero means
//
// Field types: int, int64, float64, bool, string, Secret, time.Duration, []string, []float64,
// map[string]string, Table, Expr, Cond, []Cond, Fold, Mapper, Patch, Pattern, FieldName, Keys, Points, Datum,
// Branch, []Branch, []Case. Options may also be structs with opt tags of their own, or pointers to such,
// which are nil unless the key is there.
//
// An operator with a positional Branch, []Branch or []Case takes no other children.
type Spec[O any] struct {
	Name    string
	Summary string // one sentence
	Doc     string // semantics: windows, edges, missing fields, expired events
	Source  string // e.g. "riemann.streams/throttle"; "" for an operator of zeta's own
	Differs string // from Riemann, and why; "" for the same semantics
	Clock   string // "none", "engine clock", "event time", or both with the reason
	Bounds  string // what grows, its limit and default, and what is shed on reaching it; "" if nothing grows
	In, Out Kind
	Leaf    bool // takes no children (index, sinks)

	// Takes, where In depends on the arguments, returns what the operator takes. It is asked when rules are loaded.
	Takes func(o O) Kind

	// Gives, where Out depends on the arguments, returns what the operator gives when it is given in.
	Gives func(o O, in Kind) Kind

	Defaults O
	Check    func(o O) error // optional: what tags cannot say; an error is a load error at the call
	// New makes one instance. next is the fan-out of the children (Discard for a Leaf).
	// An operator that builds children of its own (by, split) takes Branches and gets next == Discard.
	New func(env *Env, o O, next Stream) (Stream, error)

	Examples []Example
}

// Example is run by the tests and printed in the reference.
type Example struct {
	Title string
	Rule  string // one or more statements of the rule language
	Test  string // the arguments of test(…) after its name
}

// Secret is a string that prints as [secret].
type Secret string

// String implements fmt.Stringer.
func (Secret) String() string { return "[secret]" }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return "[secret]" }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// SinkSpec describes a sink whole. A sink is called like an operator without children: slack({…}).
type SinkSpec[O any] struct {
	Name     string
	Summary  string
	Doc      string
	Differs  string
	Delivery Delivery
	Deliver  func(o O) Delivery // where the options decide; nil: always Delivery
	Defaults O
	Check    func(o O) error
	// Open makes what delivers (see package sinks). It is called when the rules are put to work, never by a check.
	Open     func(o O) (any, error)
	Examples []Example
}

// ListenerSpec describes what listen.NAME(address, {…}) takes. The server opens the listener.
type ListenerSpec[O any] struct {
	Name     string
	Summary  string
	Doc      string
	Defaults O
	Check    func(o O) error
	Examples []Example // with Rule only
}

// SettingSpec describes a setting: a statement such as expire({every: "10s"}), at most once in all files.
type SettingSpec[O any] struct {
	Name     string
	Summary  string
	Doc      string
	Defaults O
	Check    func(o O) error
	Examples []Example // with Rule only
}
