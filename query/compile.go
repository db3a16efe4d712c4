package query

import (
	"slices"

	"zeta/event"
)

type predicate = func(e *event.Event) bool

func always(*event.Event) bool { return true }
func never(*event.Event) bool  { return false }

func constant(b bool) predicate {
	if b {
		return always
	}
	return never
}

// compile makes a closure of n.
func compile(n node) predicate {
	switch n := n.(type) {
	case *join:
		return compileJoin(n)
	case *not:
		of := compile(n.of)
		return func(e *event.Event) bool { return !of(e) }
	case *truth:
		return compileTruth(n.of)
	case *compare:
		return compileCompare(n)
	case *like:
		return compileText(n.left, newWildcard(n.pattern).match)
	case *regex:
		re := n.re
		return compileText(n.left, func(s string) bool { return searches(re, s) })
	case *tagged:
		tag := n.tag
		return func(e *event.Event) bool { return e.Set.HasTag(tag) }
	}
	panic("query: unknown node")
}

func compileJoin(n *join) predicate {
	kids := make([]predicate, len(n.kids))
	for i, k := range n.kids {
		kids[i] = compile(k)
	}
	if len(kids) == 2 {
		a, b := kids[0], kids[1]
		if n.or {
			return func(e *event.Event) bool { return a(e) || b(e) }
		}
		return func(e *event.Event) bool { return a(e) && b(e) }
	}
	or := n.or
	return func(e *event.Event) bool {
		for _, k := range kids {
			if k(e) == or {
				return or
			}
		}
		return !or
	}
}

func compileTruth(t term) predicate {
	switch t.kind {
	case kindNil:
		return never
	case kindBool:
		return constant(t.bool)
	case kindField:
		return present(t)
	}
	return always
}

// present reports whether an event has the field.
func present(t term) predicate {
	name := t.str
	switch t.field {
	case fieldTags:
		return func(e *event.Event) bool { return e.Tags() != nil }
	case fieldAttr:
		return func(e *event.Event) bool { _, ok := e.Attr(name); return ok }
	case fieldMetric:
		return func(e *event.Event) bool { return e.Has&event.HasMetric != 0 }
	}
	bit := presence[t.field]
	return func(e *event.Event) bool { return e.Has&bit != 0 }
}

var presence = [...]event.Presence{
	fieldHost: event.HasHost, fieldService: event.HasService, fieldState: event.HasState, fieldDescription: event.HasDescription,
	fieldMetric: event.HasMetric, fieldTags: 0, fieldTime: event.HasTime, fieldTTL: event.HasTTL,
}

// compileText tests a term's string; what is no string fails.
func compileText(t term, test func(s string) bool) predicate {
	switch t.kind {
	case kindString:
		return constant(test(t.str))
	case kindField:
	default:
		return never
	}
	switch t.field {
	case fieldHost:
		return func(e *event.Event) bool { return e.Has&event.HasHost != 0 && test(e.Host) }
	case fieldService:
		return func(e *event.Event) bool { return e.Has&event.HasService != 0 && test(e.Service) }
	case fieldState:
		return func(e *event.Event) bool { return e.Has&event.HasState != 0 && test(e.State) }
	case fieldDescription:
		return func(e *event.Event) bool { return e.Has&event.HasDescription != 0 && test(e.Description) }
	case fieldAttr:
		name := t.str
		return func(e *event.Event) bool { s, ok := e.Attr(name); return ok && test(s) }
	}
	return never
}

func compileCompare(n *compare) predicate {
	switch n.op {
	case opEq:
		return compileEqual(n.left, n.right)
	case opNe:
		equal := compileEqual(n.left, n.right)
		return func(e *event.Event) bool { return !equal(e) }
	}
	return compileOrder(n)
}

func compileEqual(l, r term) predicate {
	if l.kind != kindField {
		l, r = r, l
	}
	if l.kind != kindField {
		return constant(equal(l.value(nil), r.value(nil)))
	}
	switch r.kind {
	case kindNil:
		has := present(l)
		return func(e *event.Event) bool { return !has(e) }
	case kindString:
		return compileEqualString(l, r.str)
	case kindInt:
		if l.field == fieldMetric {
			n := r.int
			return func(e *event.Event) bool { return e.Int == n && e.Has&event.HasInt != 0 }
		}
	case kindFloat:
		if l.field == fieldMetric {
			f := r.float
			return func(e *event.Event) bool { return e.Float == f && e.Has&event.HasFloat != 0 }
		}
	}
	return func(e *event.Event) bool { return equal(l.value(e), r.value(e)) }
}

func compileEqualString(l term, want string) predicate {
	switch l.field {
	case fieldHost:
		return func(e *event.Event) bool { return e.Host == want && e.Has&event.HasHost != 0 }
	case fieldService:
		return func(e *event.Event) bool { return e.Service == want && e.Has&event.HasService != 0 }
	case fieldState:
		return func(e *event.Event) bool { return e.State == want && e.Has&event.HasState != 0 }
	}
	return compileText(l, func(s string) bool { return s == want })
}

func compileOrder(n *compare) predicate {
	l, r := n.left, n.right.value(nil)
	holds := [...]func(c int) bool{
		opLt: func(c int) bool { return c < 0 },
		opLe: func(c int) bool { return c <= 0 },
		opGt: func(c int) bool { return c > 0 },
		opGe: func(c int) bool { return c >= 0 },
	}[n.op]
	if l.kind != kindField {
		c, ok := order(l.value(nil), r)
		return constant(ok && holds(c))
	}
	if l.field == fieldMetric && (r.kind == kindFloat || r.kind == kindInt) {
		return compileMetricOrder(n.op, r)
	}
	return func(e *event.Event) bool {
		c, ok := order(l.value(e), r)
		return ok && holds(c)
	}
}

// compileMetricOrder is the fast path for metric against a number of the usual size.
func compileMetricOrder(o op, r value) predicate {
	if r.kind == kindInt {
		n, f := r.int, float64(r.int)
		return func(e *event.Event) bool {
			switch {
			case e.Has&event.HasInt != 0:
				return ordered(o, e.Int, n)
			case e.Has&event.HasFloat != 0:
				return ordered(o, e.Float, f)
			}
			return false
		}
	}
	f := r.float
	return func(e *event.Event) bool {
		m, ok := e.Metric()
		return ok && ordered(o, m, f)
	}
}

func ordered[N int64 | float64](o op, a, b N) bool {
	switch o {
	case opLt:
		return a < b
	case opLe:
		return a <= b
	case opGt:
		return a > b
	}
	return a >= b
}

// value is a term's value for one event.
type value struct {
	kind  kind
	bool  bool
	term  *term // for a big integer
	int   int64
	float float64
	str   string
	tags  []string
}

// value returns the value of t for e, which may be nil when t is a literal.
func (t *term) value(e *event.Event) value {
	switch t.kind {
	case kindField:
		return t.read(e)
	case kindBig:
		return value{kind: kindBig, term: t}
	}
	return value{kind: t.kind, bool: t.bool, int: t.int, float: t.float, str: t.str}
}

// read returns the field's value. A time of whole seconds is an integer, any other a float.
func (t *term) read(e *event.Event) value {
	switch t.field {
	case fieldMetric:
		switch {
		case e.Has&event.HasInt != 0:
			return value{kind: kindInt, int: e.Int}
		case e.Has&event.HasFloat != 0:
			return value{kind: kindFloat, float: e.Float}
		}
		return value{}
	case fieldTime:
		switch {
		case e.Has&event.HasTime == 0:
			return value{}
		case e.Time%1e6 == 0:
			return value{kind: kindInt, int: e.Time / 1e6}
		}
		return value{kind: kindFloat, float: event.MicrosToSeconds(e.Time)}
	case fieldTTL:
		if e.Has&event.HasTTL == 0 {
			return value{}
		}
		return value{kind: kindFloat, float: e.TTL}
	case fieldTags:
		if tags := e.Tags(); tags != nil {
			return value{kind: kindTags, tags: tags}
		}
		return value{}
	case fieldAttr:
		if s, ok := e.Attr(t.str); ok {
			return value{kind: kindString, str: s}
		}
		return value{}
	}
	if e.Has&presence[t.field] == 0 {
		return value{}
	}
	s := ""
	switch t.field {
	case fieldHost:
		s = e.Host
	case fieldService:
		s = e.Service
	case fieldState:
		s = e.State
	case fieldDescription:
		s = e.Description
	}
	return value{kind: kindString, str: s}
}

// equal is Clojure's =: integers never equal floats, nil equals nil, NaN equals nothing.
func equal(a, b value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case kindBool:
		return a.bool == b.bool
	case kindInt:
		return a.int == b.int
	case kindBig:
		return a.term.big.Cmp(b.term.big) == 0
	case kindFloat:
		return a.float == b.float
	case kindString:
		return a.str == b.str
	case kindTags:
		return slices.Equal(a.tags, b.tags)
	}
	return true
}

// order compares two numbers: integers exactly, all else as float64. ok is false unless both are
// numbers other than NaN.
func order(a, b value) (c int, ok bool) {
	if a.kind == kindInt && b.kind == kindInt {
		return sign(a.int, b.int), true
	}
	if a.kind == kindBig && b.kind == kindBig {
		return a.term.big.Cmp(b.term.big), true
	}
	if a.kind == kindBig && b.kind == kindInt { // a big integer is beyond every int64
		return a.term.big.Sign(), true
	}
	if a.kind == kindInt && b.kind == kindBig {
		return -b.term.big.Sign(), true
	}
	x, ok1 := a.number()
	y, ok2 := b.number()
	if !ok1 || !ok2 || x != x || y != y {
		return 0, false
	}
	return sign(x, y), true
}

func sign[N int64 | float64](a, b N) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (v value) number() (float64, bool) {
	switch v.kind {
	case kindInt:
		return float64(v.int), true
	case kindBig:
		return v.term.bigFloat(), true
	case kindFloat:
		return v.float, true
	}
	return 0, false
}
