package streams

import (
	"math"
	"slices"
	"strings"

	"zeta/event"
)

// The shapes most conditions are made of, each a closure that reads the event directly.

// metricTest compares the metric with a constant: float metrics with the constant as it is, int64 metrics
// with the whole number at or beside it, which is exact. It returns nil for an int64 that no float64 equals.
func metricTest(op string, bound scalar) testFn {
	f := bound.float()
	if bound.kind == Int {
		if c, _ := compareMixed(bound.i, f); c != 0 {
			return nil
		}
	}
	if f != f {
		return func(*Input) bool { return false }
	}
	switch op {
	case "==":
		i, whole := exactInt(f)
		return func(in *Input) bool {
			e := in.Event
			if e == nil {
				return false
			}
			if e.Has&event.HasFloat != 0 {
				return e.Float == f
			}
			return whole && e.Has&event.HasInt != 0 && e.Int == i
		}
	case ">", ">=":
		// The least int64 for which it holds; more than any: least would be 2^63.
		edge := math.Ceil(f)
		if op == ">" {
			edge = math.Floor(f) + 1
			if i, ok := exactInt(math.Floor(f)); ok && i < math.MaxInt64 {
				return atLeast(f, i+1, true, op)
			}
		}
		least, ok := exactInt(edge)
		if edge < -1<<63 {
			least, ok = math.MinInt64, true
		}
		return atLeast(f, least, ok, op)
	}
	edge := math.Floor(f)
	if op == "<" {
		edge = math.Ceil(f) - 1
		if i, ok := exactInt(math.Ceil(f)); ok && i > math.MinInt64 {
			return atMost(f, i-1, true, op)
		}
	}
	most, ok := exactInt(edge)
	if edge >= 1<<63 {
		most, ok = math.MaxInt64, true
	}
	return atMost(f, most, ok, op)
}

func atLeast(f float64, least int64, possible bool, op string) testFn {
	if op == ">" {
		return func(in *Input) bool {
			e := in.Event
			if e == nil {
				return false
			}
			if e.Has&event.HasFloat != 0 {
				return e.Float > f
			}
			return possible && e.Has&event.HasInt != 0 && e.Int >= least
		}
	}
	return func(in *Input) bool {
		e := in.Event
		if e == nil {
			return false
		}
		if e.Has&event.HasFloat != 0 {
			return e.Float >= f
		}
		return possible && e.Has&event.HasInt != 0 && e.Int >= least
	}
}

func atMost(f float64, most int64, possible bool, op string) testFn {
	if op == "<" {
		return func(in *Input) bool {
			e := in.Event
			if e == nil {
				return false
			}
			if e.Has&event.HasFloat != 0 {
				return e.Float < f
			}
			return possible && e.Has&event.HasInt != 0 && e.Int <= most
		}
	}
	return func(in *Input) bool {
		e := in.Event
		if e == nil {
			return false
		}
		if e.Has&event.HasFloat != 0 {
			return e.Float <= f
		}
		return possible && e.Has&event.HasInt != 0 && e.Int <= most
	}
}

// equalsText compares a string with a constant.
func equalsText(x code, s string) testFn {
	if s != "" { // a missing string is "", so only that constant needs the presence bit
		switch x.field.name {
		case "host":
			return func(in *Input) bool { e := in.Event; return e != nil && e.Host == s }
		case "service":
			return func(in *Input) bool { e := in.Event; return e != nil && e.Service == s }
		case "state":
			return func(in *Input) bool { e := in.Event; return e != nil && e.State == s }
		case "description":
			return func(in *Input) bool { e := in.Event; return e != nil && e.Description == s }
		}
	}
	if x.field.one {
		key := x.field.attr
		return func(in *Input) bool {
			e := in.Event
			if e == nil || e.Set == nil {
				return false
			}
			for i := range e.Set.Attrs {
				if a := &e.Set.Attrs[i]; a.Key == key {
					return a.Value == s
				}
			}
			return false
		}
	}
	str := x.str
	return func(in *Input) bool { v, ok := str(in); return ok && v == s }
}

// differsFromText is the negation of equalsText; nil if there is no hot shape for it.
func differsFromText(f field, s string) testFn {
	if s == "" {
		return nil
	}
	switch f.name {
	case "host":
		return func(in *Input) bool { e := in.Event; return e == nil || e.Host != s }
	case "service":
		return func(in *Input) bool { e := in.Event; return e == nil || e.Service != s }
	case "state":
		return func(in *Input) bool { e := in.Event; return e == nil || e.State != s }
	}
	return nil
}

// startsWithText compares the beginning of a string with a constant.
func startsWithText(x code, s string) testFn {
	if s != "" {
		switch x.field.name {
		case "host":
			return func(in *Input) bool { e := in.Event; return e != nil && strings.HasPrefix(e.Host, s) }
		case "service":
			return func(in *Input) bool { e := in.Event; return e != nil && strings.HasPrefix(e.Service, s) }
		}
	}
	str := x.asString()
	return func(in *Input) bool { v, ok := str(in); return ok && strings.HasPrefix(v, s) }
}

// matchesText matches a string with a constant pattern.
func matchesText(x code, matches matcher) testFn {
	switch x.field.name {
	case "host":
		return func(in *Input) bool { e := in.Event; return e != nil && e.Has&event.HasHost != 0 && matches(e.Host) }
	case "service":
		return func(in *Input) bool {
			e := in.Event
			return e != nil && e.Has&event.HasService != 0 && matches(e.Service)
		}
	}
	str := x.asString()
	return func(in *Input) bool { s, ok := str(in); return ok && matches(s) }
}

// smallSet is the size up to which a set of strings is searched one by one.
const smallSet = 16

// inSet tests for membership in constants.
func inSet(x code, set []Datum) testFn {
	switch elementKind(set) {
	case kindString:
		strs := make([]string, len(set))
		for i := range set {
			strs[i] = set[i].Str
		}
		return inTexts(x, strs)
	case kindNumber:
		if len(set) > smallSet {
			return inNumbers(x, set)
		}
	}
	eval := x.eval
	if x.kind == kindNumber {
		num := x.num
		return func(in *Input) bool {
			v := num(in)
			for i := range set {
				if c, ok := compareScalars(v, set[i].scalar()); ok && c == 0 {
					return true
				}
			}
			return false
		}
	}
	return func(in *Input) bool {
		d := eval(in)
		if d.Kind == Missing {
			return false
		}
		for i := range set {
			if equalValues(&d, &set[i]) {
				return true
			}
		}
		return false
	}
}

func inTexts(x code, strs []string) testFn {
	str := x.asString()
	switch {
	case len(strs) == 1 && x.kind == kindString:
		return equalsText(x, strs[0])
	case len(strs) == 2:
		a, b := strs[0], strs[1]
		if x.field.name == "state" && a != "" && b != "" {
			return func(in *Input) bool { e := in.Event; return e != nil && (e.State == a || e.State == b) }
		}
		return func(in *Input) bool { s, ok := str(in); return ok && (s == a || s == b) }
	case len(strs) <= smallSet:
		return func(in *Input) bool { s, ok := str(in); return ok && slices.Contains(strs, s) }
	}
	set := make(map[string]struct{}, len(strs))
	for _, s := range strs {
		set[s] = struct{}{}
	}
	return func(in *Input) bool {
		s, ok := str(in)
		if !ok {
			return false
		}
		_, ok = set[s]
		return ok
	}
}

// inNumbers looks numbers up by value: whole ones as int64, others as float64.
func inNumbers(x code, set []Datum) testFn {
	ints, floats := map[int64]struct{}{}, map[float64]struct{}{}
	for i := range set {
		n := set[i].scalar()
		if whole, ok := n.whole(); ok {
			ints[whole] = struct{}{}
		} else {
			floats[n.f] = struct{}{}
		}
	}
	num := x.asNumber()
	return func(in *Input) bool {
		n := num(in)
		if n.kind == Missing {
			return false
		}
		whole, ok := n.whole()
		if !ok {
			_, ok = floats[n.f]
			return ok
		}
		_, ok = ints[whole]
		return ok
	}
}

// inTags tests for a tag.
func inTags(x code) testFn {
	if x.konst {
		tag := x.val.Str
		return func(in *Input) bool { e := in.Event; return e != nil && e.Set.HasTag(tag) }
	}
	str := x.asString()
	return func(in *Input) bool {
		if in.Event == nil {
			return false
		}
		tag, ok := str(in)
		return ok && in.Event.Set.HasTag(tag)
	}
}
