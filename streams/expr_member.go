package streams

import (
	"fmt"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"zeta/event"
)

// field is a bare field of the input event; the zero field is none.
type field struct {
	name string // host … attributes
	attr string // the one attribute's key
	one  bool   // one attribute
}

func (f field) isField() bool { return f.name != "" }

// isStatic reports whether the field is the same in all events of a series with one set of tags and attributes.
func (f field) isStatic() bool {
	switch f.name {
	case "host", "service", "tags", "attributes":
		return true
	}
	return false
}

// kind returns what the field holds.
func (f field) kind() exprKind {
	switch f.name {
	case "metric", "time", "ttl":
		return kindNumber
	case "tags":
		return kindList
	case "attributes":
		if !f.one {
			return kindMap
		}
	}
	return kindString
}

func fieldByName(name string) (field, bool) {
	for _, f := range eventFields {
		if f == name {
			return field{name: name}, true
		}
	}
	return field{}, false
}

// fieldCode reads a field of the input.
func fieldCode(f field) code {
	x := fieldOf(f, func(in *Input) *event.Event { return in.Event })
	x.field, x.static = f, f.isStatic()
	return x
}

// fieldOf reads a field of the event that get returns, which may be nil.
func fieldOf(f field, get func(in *Input) *event.Event) code {
	name := FieldName{Name: f.name, Attr: f.attr}
	switch f.kind() {
	case kindNumber:
		return numCode(numberField(f.name, get))
	case kindString:
		return strCode(stringField(f, get))
	}
	x := evalCode(f.kind(), func(in *Input) Datum { return name.Get(get(in)) })
	x.elem, x.never = kindString, true
	return x
}

func numberField(name string, get func(in *Input) *event.Event) numFn {
	switch name {
	case "metric":
		return func(in *Input) scalar { return metricScalar(get(in)) }
	case "time":
		return func(in *Input) scalar {
			if e := get(in); e != nil && e.Has&event.HasTime != 0 {
				return floatScalar(event.MicrosToSeconds(e.Time))
			}
			return scalar{}
		}
	}
	return func(in *Input) scalar {
		if e := get(in); e != nil && e.Has&event.HasTTL != 0 {
			return floatScalar(e.TTL)
		}
		return scalar{}
	}
}

func stringField(f field, get func(in *Input) *event.Event) strFn {
	switch f.name {
	case "host":
		return func(in *Input) (string, bool) {
			if e := get(in); e != nil {
				return e.Host, e.Has&event.HasHost != 0
			}
			return "", false
		}
	case "service":
		return func(in *Input) (string, bool) {
			if e := get(in); e != nil {
				return e.Service, e.Has&event.HasService != 0
			}
			return "", false
		}
	case "state":
		return func(in *Input) (string, bool) {
			if e := get(in); e != nil {
				return e.State, e.Has&event.HasState != 0
			}
			return "", false
		}
	case "description":
		return func(in *Input) (string, bool) {
			if e := get(in); e != nil {
				return e.Description, e.Has&event.HasDescription != 0
			}
			return "", false
		}
	}
	key := f.attr
	return func(in *Input) (string, bool) {
		if e := get(in); e != nil && e.Set != nil {
			return e.Set.Attr(key)
		}
		return "", false
	}
}

// compileMember compiles a.b and a[b].
func (c *checker) compileMember(n *ast.MemberNode) code {
	of := c.compile(n.Node)
	if of.failed {
		return of
	}
	name, dotted := n.Property.(*ast.StringNode)
	switch of.kind {
	case kindMap:
		return c.compileMapMember(n, of)
	case kindEvent:
		if !dotted {
			break
		}
		return c.compileEventMember(n, of, name.Value)
	case kindAny:
		if dotted {
			return c.compileEventMember(n, of, name.Value)
		}
		return c.compileIndex(n, of)
	case kindList, kindString, kindWindow:
		return c.compileIndex(n, of)
	}
	what := describe(n.Property)
	if dotted {
		what = name.Value
	}
	return c.fail(n.Property, fmt.Sprintf("%s has no %s", describe(n.Node), what), fmt.Sprintf("%s is %s", describe(n.Node), of.kind), "")
}

// compileMapMember compiles attributes.KEY and attributes[key].
func (c *checker) compileMapMember(n *ast.MemberNode, of code) code {
	key := c.compile(n.Property)
	switch {
	case key.failed:
		return key
	case !key.kind.fits(kindString) || key.kind == kindMissing:
		return c.wrongKind(n.Property, key, "the key of a map", kindString.String())
	case key.konst && of.field.name == "attributes":
		return fieldCode(field{name: "attributes", attr: key.val.Str, one: true})
	}
	eval, str := of.eval, key.asString()
	return strCode(func(in *Input) (string, bool) {
		k, ok := str(in)
		if !ok {
			return "", false
		}
		d := eval(in)
		for _, a := range d.Pairs {
			if a.Key == k {
				return a.Value, true
			}
		}
		return "", false
	}).from(of, key)
}

// compileEventMember compiles event.metric, acc.state, lookup(…).attributes.
func (c *checker) compileEventMember(n *ast.MemberNode, of code, name string) code {
	f, ok := fieldByName(name)
	if !ok {
		return c.fail(n.Property, "an event has no "+name,
			"an event has host, service, state, metric, description, tags, time, ttl; attributes are attributes.NAME", didYouMean(name, eventFields))
	}
	if id, ok := n.Node.(*ast.IdentifierNode); ok && id.Value == "event" && of.kind == kindEvent {
		return fieldCode(f)
	}
	eval := of.eval
	x := fieldOf(f, func(in *Input) *event.Event {
		d := eval(in)
		return d.Value.Event
	})
	x.never = false
	return x.from(of)
}

// compileIndex compiles list[i], string[i] and window[i]; a negative index counts from the end, and one out
// of range gives missing. A string's items are its characters.
func (c *checker) compileIndex(n *ast.MemberNode, of code) code {
	i := c.compile(n.Property)
	if i.failed {
		return i
	}
	if !i.kind.fits(kindNumber) || i.kind == kindMissing {
		return c.wrongKind(n.Property, i, "an index", kindNumber.String())
	}
	eval, index := of.eval, i.asNumber()
	if of.field.name == "tags" {
		return tagAt(index).from(of, i)
	}
	kind := of.elem
	switch of.kind {
	case kindString:
		kind = kindString
	case kindWindow:
		kind = kindEvent
	}
	return evalCode(kind, func(in *Input) Datum {
		at, ok := index(in).whole()
		if !ok {
			return Datum{}
		}
		d := eval(in)
		return itemAt(&d, at)
	}).from(of, i)
}

// tagAt is compileIndex of tags, which does not make a list of them first.
func tagAt(index numFn) code {
	return strCode(func(in *Input) (string, bool) {
		at, ok := index(in).whole()
		if !ok || in.Event == nil {
			return "", false
		}
		tags := in.Event.Tags()
		if at < 0 {
			at += int64(len(tags))
		}
		if at < 0 || at >= int64(len(tags)) {
			return "", false
		}
		return tags[at], true
	})
}

// itemAt returns the item of a list, string or window.
func itemAt(d *Datum, i int64) Datum {
	n := int64(lengthOf(d))
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return Datum{}
	}
	switch d.Kind {
	case List:
		return d.List[i]
	case WindowKind:
		return ValueDatum(EventValue(d.Value.Window[i]))
	}
	s := sliceText(d.Str, int(i), int(i)+1)
	return Datum{Kind: String, Str: s}
}

// lengthOf counts items: the characters of a string, the keys of a map; -1 for what has none.
func lengthOf(d *Datum) int {
	switch d.Kind {
	case String:
		return utf8.RuneCountInString(d.Str)
	case List:
		return len(d.List)
	case Map:
		return len(d.Pairs)
	case WindowKind:
		return len(d.Value.Window)
	}
	return -1
}

// sliceText returns the characters from..to of s; both are in range.
func sliceText(s string, from, to int) string {
	start, count := len(s), 0
	for at := range s {
		if count == from {
			start = at
		}
		if count == to {
			return s[start:at]
		}
		count++
	}
	return s[start:]
}

// compileSlice compiles list[from:to] and string[from:to]; what is out of range is cut off.
func (c *checker) compileSlice(n *ast.SliceNode) code {
	of := c.compile(n.Node)
	if of.failed {
		return of
	}
	switch of.kind {
	case kindString, kindList, kindWindow, kindAny:
	default:
		return c.wrongKind(n.Node, of, "[from:to]", "a string, a list or a window")
	}
	parts := []code{of}
	bound := func(b ast.Node) numFn {
		if b == nil {
			return nil
		}
		x := c.compile(b)
		if !x.failed && (!x.kind.fits(kindNumber) || x.kind == kindMissing) {
			x = c.wrongKind(b, x, "a slice", kindNumber.String())
		}
		parts = append(parts, x)
		return x.asNumber()
	}
	from, to := bound(n.From), bound(n.To)
	for _, p := range parts {
		if p.failed {
			return failedCode()
		}
	}
	eval := of.eval
	x := evalCode(of.kind, func(in *Input) Datum {
		d := eval(in)
		size := lengthOf(&d)
		if size < 0 {
			return Datum{}
		}
		a, b := 0, size
		ok := true
		if from != nil {
			a, ok = sliceBound(from(in), size)
		}
		if to != nil && ok {
			b, ok = sliceBound(to(in), size)
		}
		if !ok {
			return Datum{}
		}
		return sliceOf(&d, min(a, b), b)
	}).from(parts...)
	x.elem = of.elem
	return x
}

// sliceBound brings a bound into 0..size; ok is false if it is missing or no whole number.
func sliceBound(n scalar, size int) (int, bool) {
	i, ok := n.whole()
	if !ok {
		return 0, false
	}
	if i < 0 {
		i += int64(size)
	}
	return int(min(max(i, 0), int64(size))), true
}

func sliceOf(d *Datum, from, to int) Datum {
	switch d.Kind {
	case String:
		return Datum{Kind: String, Str: sliceText(d.Str, from, to)}
	case List:
		return Datum{Kind: List, List: d.List[from:to:to]}
	case WindowKind:
		return ValueDatum(WindowValue(d.Value.Window[from:to:to]))
	}
	return Datum{}
}
