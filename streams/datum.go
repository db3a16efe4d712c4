package streams

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"

	"zeta/event"
)

// DatumKind is the kind of a Datum.
type DatumKind uint8

// The kinds of data an expression over an event can have.
const (
	Missing DatumKind = iota
	Bool
	Int
	Float
	String
	List
	Map
	EventKind  // an event or nil passed on
	WindowKind // a window
)

// Datum is the value of an expression. The zero Datum is missing.
type Datum struct {
	Kind  DatumKind
	Bool  bool
	Int   int64
	Float float64
	Str   string
	List  []Datum // also the strings of tags
	Pairs []event.Attr
	Value Value // EventKind, WindowKind
}

// BoolDatum, IntDatum, FloatDatum and StringDatum wrap plain values.
func BoolDatum(b bool) Datum     { return Datum{Kind: Bool, Bool: b} }
func IntDatum(i int64) Datum     { return Datum{Kind: Int, Int: i} }
func FloatDatum(f float64) Datum { return Datum{Kind: Float, Float: f} }
func StringDatum(s string) Datum { return Datum{Kind: String, Str: s} }

// ValueDatum wraps a stream value; nothing passed on is missing.
func ValueDatum(v Value) Datum {
	switch {
	case v.Event != nil:
		return Datum{Kind: EventKind, Value: v}
	case v.IsWindow():
		return Datum{Kind: WindowKind, Value: v}
	}
	return Datum{}
}

// IsMissing reports whether there is no value.
func (d Datum) IsMissing() bool { return d.Kind == Missing }

// Number returns d as a float64 if it is a number.
func (d Datum) Number() (float64, bool) {
	switch d.Kind {
	case Int:
		return float64(d.Int), true
	case Float:
		return d.Float, true
	}
	return 0, false
}

// Equal reports whether both are the same value as changed and runs see it: numbers by value (1 equals
// 1.0, NaN equals NaN so that a NaN that stays is no change), missing equals missing. Events are equal
// when all their fields are.
func (d Datum) Equal(o Datum) bool {
	switch d.Kind {
	case Int, Float:
		if o.Kind != Int && o.Kind != Float {
			return false
		}
		if d.Kind == Float && o.Kind == Float && d.Float != d.Float {
			return o.Float != o.Float
		}
		c, ok := compareScalars(d.scalar(), o.scalar())
		return ok && c == 0
	}
	if d.Kind != o.Kind {
		return false
	}
	switch d.Kind {
	case Bool:
		return d.Bool == o.Bool
	case String:
		return d.Str == o.Str
	case List:
		return slices.EqualFunc(d.List, o.List, Datum.Equal)
	case Map:
		return slices.Equal(d.Pairs, o.Pairs)
	case EventKind:
		return sameEvent(d.Value.Event, o.Value.Event)
	case WindowKind:
		return slices.EqualFunc(d.Value.Window, o.Value.Window, sameEvent)
	}
	return true
}

func sameEvent(a, b *event.Event) bool {
	if a == b || a == nil || b == nil {
		return a == b
	}
	am, bm := FieldName{Name: "metric"}.Get(a), FieldName{Name: "metric"}.Get(b)
	return a.Has&^event.HasMetric == b.Has&^event.HasMetric && am.Equal(bm) &&
		a.Host == b.Host && a.Service == b.Service && a.State == b.State && a.Description == b.Description &&
		a.Time == b.Time && (a.TTL == b.TTL || a.TTL != a.TTL && b.TTL != b.TTL) && a.Set.Equal(b.Set)
}

// The first byte of an encoded key.
const (
	keyMissing byte = iota
	keyFalse
	keyTrue
	keyInt
	keyFloat
	keyString
	keyList
	keyMap
	keyEvent
	keyWindow
)

// AppendKey appends an unambiguous encoding of d to dst: equal data have equal encodings, different data
// different ones, and no encoding is the beginning of another. It allocates only to grow dst. It is by's key.
func (d Datum) AppendKey(dst []byte) []byte {
	switch d.Kind {
	case Bool:
		if d.Bool {
			return append(dst, keyTrue)
		}
		return append(dst, keyFalse)
	case Int:
		return binary.BigEndian.AppendUint64(append(dst, keyInt), uint64(d.Int))
	case Float:
		if i, ok := exactInt(d.Float); ok {
			return binary.BigEndian.AppendUint64(append(dst, keyInt), uint64(i))
		}
		bits := math.Float64bits(d.Float)
		if d.Float != d.Float {
			bits = math.Float64bits(math.NaN())
		}
		return binary.BigEndian.AppendUint64(append(dst, keyFloat), bits)
	case String:
		return appendKeyString(append(dst, keyString), d.Str)
	case List:
		dst = binary.AppendUvarint(append(dst, keyList), uint64(len(d.List)))
		for i := range d.List {
			dst = d.List[i].AppendKey(dst)
		}
		return dst
	case Map:
		return appendKeyAttrs(append(dst, keyMap), d.Pairs)
	case EventKind:
		return appendKeyEvent(dst, d.Value.Event)
	case WindowKind:
		dst = binary.AppendUvarint(append(dst, keyWindow), uint64(len(d.Value.Window)))
		for _, e := range d.Value.Window {
			dst = appendKeyEvent(dst, e)
		}
		return dst
	}
	return append(dst, keyMissing)
}

func appendKeyString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendKeyAttrs(dst []byte, attrs []event.Attr) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(attrs)))
	for _, a := range attrs {
		dst = appendKeyString(appendKeyString(dst, a.Key), a.Value)
	}
	return dst
}

func appendKeyEvent(dst []byte, e *event.Event) []byte {
	if e == nil {
		return append(dst, keyMissing)
	}
	dst = append(dst, keyEvent)
	for _, f := range eventFields[:len(eventFields)-2] {
		dst = FieldName{Name: f}.Get(e).AppendKey(dst)
	}
	tags := e.Tags()
	if tags == nil {
		dst = append(dst, keyMissing)
	} else {
		dst = binary.AppendUvarint(append(dst, keyList), uint64(len(tags)))
		for _, t := range tags {
			dst = appendKeyString(dst, t)
		}
	}
	return appendKeyAttrs(dst, e.Attrs())
}

// Text returns d as text, as string(…) in rules and sinks show it: strings as they are, numbers in their
// shortest exact form, missing as "".
func (d Datum) Text() string {
	if d.Kind == String {
		return d.Str
	}
	return string(d.AppendText(nil))
}

// AppendText appends Text to dst.
func (d Datum) AppendText(dst []byte) []byte {
	switch d.Kind {
	case Bool:
		return strconv.AppendBool(dst, d.Bool)
	case Int:
		return strconv.AppendInt(dst, d.Int, 10)
	case Float:
		return appendFloatText(dst, d.Float)
	case String:
		return append(dst, d.Str...)
	case List:
		dst = append(dst, '[')
		for i, x := range d.List {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = x.AppendText(dst)
		}
		return append(dst, ']')
	case Map:
		dst = append(dst, '{')
		for i, a := range d.Pairs {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = append(append(append(dst, a.Key...), ':'), a.Value...)
		}
		return append(dst, '}')
	case EventKind:
		return appendEventText(dst, d.Value.Event)
	case WindowKind:
		dst = append(dst, '[')
		for i, e := range d.Value.Window {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = appendEventText(dst, e)
		}
		return append(dst, ']')
	}
	return dst
}

// appendFloatText writes f as JSON does, with an exponent only below 1e-6 and from 1e21 on.
func appendFloatText(dst []byte, f float64) []byte {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

func appendEventText(dst []byte, e *event.Event) []byte {
	if e == nil {
		return append(dst, "nil"...)
	}
	var parts []string
	for _, f := range eventFields {
		if d := (FieldName{Name: f}).Get(e); !d.IsMissing() && (d.Kind != List || len(d.List) > 0) && (d.Kind != Map || len(d.Pairs) > 0) {
			parts = append(parts, f+":"+d.Text())
		}
	}
	return append(append(append(dst, '{'), strings.Join(parts, " ")...), '}')
}
