package streams

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"zeta/event"
)

// Tests and the corpus write events as maps and windows as lists: an any is a map[string]any, a []any,
// a string, a json.Number, a float64, an int64, a bool or nil.

// defaultTolerance is how far numbers may be from what is expected.
const defaultTolerance = 1e-9

// eventOf makes an event of a map of fields.
func eventOf(fields map[string]any) (*event.Event, error) {
	e := &event.Event{}
	var tags []string
	var attrs []event.Attr
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		v := fields[key]
		if v == nil {
			continue
		}
		bad := func(want string) error { return fmt.Errorf("%s is %s, want %s", key, anyText(v), want) }
		switch key {
		case "host", "service", "state", "description":
			s, ok := v.(string)
			if !ok {
				return nil, bad("a string")
			}
			FieldName{Name: key}.Set(e, StringDatum(s))
		case "metric", "time", "ttl":
			n, ok := anyNumber(v)
			if !ok {
				return nil, bad("a number")
			}
			FieldName{Name: key}.Set(e, n)
		case "tags":
			list, ok := v.([]any)
			if !ok {
				return nil, bad("a list of strings")
			}
			tags = []string{}
			for _, t := range list {
				s, ok := t.(string)
				if !ok {
					return nil, bad("a list of strings")
				}
				tags = append(tags, s)
			}
		case "attributes":
			m, ok := v.(map[string]any)
			if !ok {
				return nil, bad("a map of strings")
			}
			for k, a := range m {
				s, ok := a.(string)
				if !ok {
					return nil, bad("a map of strings")
				}
				attrs = append(attrs, event.Attr{Key: k, Value: s})
			}
		default:
			return nil, unknownField(key)
		}
	}
	e.Set = event.NewSet(tags, attrs)
	return e, nil
}

func unknownField(key string) error {
	hint := didYouMean(key, eventFields)
	if hint == "" {
		hint = "an event has " + strings.Join(eventFields, ", ")
	}
	return fmt.Errorf("an event has no field %s; %s", key, hint)
}

// anyNumber returns v as a number: exact if it is written as a whole one.
func anyNumber(v any) (Datum, bool) {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return IntDatum(i), true
		}
		f, err := v.Float64()
		return FloatDatum(f), err == nil
	case int64:
		return IntDatum(v), true
	case float64:
		return FloatDatum(v), true
	}
	return Datum{}, false
}

// fits reports whether got is what want says: an event on the keys given, a window element by element, nil.
func fits(want any, got Value, tolerance float64) bool {
	switch want := want.(type) {
	case nil:
		return got.IsNil()
	case map[string]any:
		return got.Event != nil && eventFits(want, got.Event, tolerance)
	case []any:
		if !got.IsWindow() || len(got.Window) != len(want) {
			return false
		}
		for i, w := range want {
			if !fits(w, EventValue(got.Window[i]), tolerance) {
				return false
			}
		}
		return true
	}
	return false
}

func eventFits(want map[string]any, e *event.Event, tolerance float64) bool {
	for key, w := range want {
		if m, ok := w.(map[string]any); ok && key == "attributes" {
			for k, v := range m {
				got, has := e.Attr(k)
				if s, isText := v.(string); has != (v != nil) || isText && s != got {
					return false
				}
			}
			continue
		}
		if list, ok := w.([]any); ok && key == "tags" {
			if !slices.EqualFunc(list, e.Tags(), func(w any, tag string) bool { return w == any(tag) }) {
				return false
			}
			continue
		}
		if w == nil && (key == "tags" || key == "attributes") {
			if key == "tags" && len(e.Tags()) > 0 || key == "attributes" && len(e.Attrs()) > 0 {
				return false
			}
			continue
		}
		if !fieldFits(w, FieldName{Name: key}.Get(e), tolerance) {
			return false
		}
	}
	return true
}

func fieldFits(want any, got Datum, tolerance float64) bool {
	switch want := want.(type) {
	case nil:
		return got.Kind == Missing
	case string:
		return got.Kind == String && got.Str == want
	}
	w, ok := anyNumber(want)
	if !ok {
		return false
	}
	if w.Kind == Int && got.Kind == Int {
		return w.Int == got.Int
	}
	a, _ := w.Number()
	b, ok := got.Number()
	return ok && (a == b || math.Abs(a-b) <= tolerance || math.IsNaN(a) && math.IsNaN(b))
}

// anyText prints an expectation as rules write it.
func anyText(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		return strconv.Quote(v)
	case map[string]any:
		var parts []string
		for _, k := range sortedFields(v) {
			key := k
			if !isName(k) {
				key = strconv.Quote(k)
			}
			parts = append(parts, key+": "+anyText(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		return list(v, anyText)
	}
	return fmt.Sprint(v)
}

// sortedFields lists the keys of m, an event's fields in their usual order.
func sortedFields(m map[string]any) []string {
	keys := slices.Sorted(maps.Keys(m))
	rank := func(k string) int {
		if i := slices.Index(eventFields, k); i >= 0 {
			return i
		}
		return len(eventFields)
	}
	slices.SortStableFunc(keys, func(a, b string) int { return rank(a) - rank(b) })
	return keys
}

// seenText prints what was seen as rules write it, with the fields of the event that are there.
func seenText(v Value) string {
	if v.IsWindow() {
		return list(v.Window, func(e *event.Event) string { return seenText(EventValue(e)) })
	}
	if v.Event == nil {
		return "nil"
	}
	m := map[string]any{}
	for _, name := range eventFields {
		switch d := (FieldName{Name: name}).Get(v.Event); d.Kind {
		case Int:
			m[name] = d.Int
		case Float:
			m[name] = d.Float
		case String:
			m[name] = d.Str
		case List:
			if tags := v.Event.Tags(); len(tags) > 0 {
				var l []any
				for _, t := range tags {
					l = append(l, t)
				}
				m[name] = l
			}
		case Map:
			if attrs := v.Event.Attrs(); len(attrs) > 0 {
				a := map[string]any{}
				for _, x := range attrs {
					a[x.Key] = x.Value
				}
				m[name] = a
			}
		}
	}
	return anyText(m)
}

// maxAligned bounds the lists that are aligned; longer ones are compared place by place.
const maxAligned = 500

// diff compares what a name saw with what was expected: "" if they fit, else lines that show what fits (=),
// what is missing (-) and what was not expected (+).
func diff(name string, want []any, got []Value, tolerance float64) string {
	same := len(want) == len(got)
	for i := 0; same && i < len(want); i++ {
		same = fits(want[i], got[i], tolerance)
	}
	if same {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: want %s, got %d\n", name, plural(len(want), "value"), len(got))
	lines := 0
	line := func(mark string, n int, text string) {
		if lines++; lines <= 200 {
			fmt.Fprintf(&b, "  %s %3d  %s\n", mark, n, text)
		}
	}
	i, j := 0, 0
	common := alignment(want, got, tolerance)
	for i < len(want) || j < len(got) {
		switch {
		case i < len(want) && j < len(got) && fits(want[i], got[j], tolerance) && (common == nil || common[i][j] == common[i+1][j+1]+1):
			line("=", j+1, seenText(got[j]))
			i, j = i+1, j+1
		case j >= len(got) || i < len(want) && (common == nil || common[i+1][j] >= common[i][j+1]):
			line("-", i+1, anyText(want[i])+"   missing")
			if i++; common == nil && j < len(got) {
				line("+", j+1, seenText(got[j])+"   unexpected")
				j++
			}
		default:
			line("+", j+1, seenText(got[j])+"   unexpected")
			j++
		}
	}
	if lines > 200 {
		fmt.Fprintf(&b, "  … and %d lines more\n", lines-200)
	}
	return strings.TrimRight(b.String(), "\n")
}

// alignment is the table of longest common subsequences of the ends of both lists; nil if they are long.
func alignment(want []any, got []Value, tolerance float64) [][]int {
	if len(want) > maxAligned || len(got) > maxAligned {
		return nil
	}
	t := make([][]int, len(want)+1)
	for i := range t {
		t[i] = make([]int, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			t[i][j] = max(t[i+1][j], t[i][j+1])
			if fits(want[i], got[j], tolerance) {
				t[i][j] = max(t[i][j], t[i+1][j+1]+1)
			}
		}
	}
	return t
}
