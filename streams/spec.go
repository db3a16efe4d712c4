package streams

// Kind is what an operator takes or gives.
type Kind uint8

// The kinds of values along a stream.
const (
	Either  Kind = iota // in: events or windows; out: the same kind as went in
	Events              // events only
	Windows             // windows only
)

// Spec describes an operator whole: documentation, options, bounds, constructor and examples stand in
// one place, and reference pages, `zeta operators`, completion, error messages and tests all come from it.
//
// O is a struct. Its fields, in order, are the operator's arguments; children come after them:
//
//	arg:"1"            the position of a positional argument
//	arg:"1,optional"   may be left out; told apart from what follows by its type
//	arg:"1,rest"       a slice that takes all that is left (Branch: the children themselves)
//	opt:"init"         a key of the options map, which stands after the positional arguments
//	min:"1" max:"100"  bounds of a number or duration (min:"1ms")
//	doc:"…"            required: unit, default, what zero means
//
// Field types: int, int64, float64, bool, string, Secret, time.Duration, []string, []float64,
// map[string]string, Expr, Cond, []Cond, Fold, Mapper, Patch, Pattern, FieldName, Keys, Points, Datum,
// Branch, []Branch, []Case.
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

// Register makes an operator known. It panics on a duplicate name, a missing summary, an undocumented
// option or no example: such a mistake fails the first test run. Call it from an init function.
func Register[O any](spec Spec[O]) { registry[spec.Name] = spec }

var registry = map[string]any{}
