package streams

import "zeta/event"

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

// Equal reports whether both are the same value as changed and runs see it: numbers by value (1 equals
// 1.0, NaN equals NaN so that a NaN that stays is no change), missing equals missing.
func (d Datum) Equal(o Datum) bool { return datumEqual(d, o) }

// AppendKey appends an unambiguous encoding of d to dst: equal data have equal encodings. by's key.
func (d Datum) AppendKey(dst []byte) []byte { return datumAppendKey(dst, d) }

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

func datumEqual(a, b Datum) bool                    { panic("datumEqual") }
func datumAppendKey(dst []byte, d Datum) []byte     { panic("datumAppendKey") }
func fieldGet(e *event.Event, f FieldName) Datum    { panic("fieldGet") }
func fieldSet(e *event.Event, f FieldName, d Datum) { panic("fieldSet") }
