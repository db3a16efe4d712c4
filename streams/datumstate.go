package streams

import (
	"errors"

	"zeta/event"
)

// keepDatum returns a copy of d that may be kept after Push has returned.
func keepDatum(d Datum) Datum {
	switch d.Kind {
	case List:
		list := make([]Datum, len(d.List))
		for i, x := range d.List {
			list[i] = keepDatum(x)
		}
		d.List = list
	case Map:
		d.Pairs = append([]event.Attr(nil), d.Pairs...)
	case EventKind, WindowKind:
		d.Value = d.Value.Keep()
	}
	return d
}

// Datum writes d.
func (s *Saver) Datum(d Datum) {
	s.Uint(uint64(d.Kind))
	switch d.Kind {
	case Bool:
		s.Bool(d.Bool)
	case Int:
		s.Int(d.Int)
	case Float:
		s.Float(d.Float)
	case String:
		s.String(d.Str)
	case List:
		s.Uint(uint64(len(d.List)))
		for _, x := range d.List {
			s.Datum(x)
		}
	case Map:
		s.Uint(uint64(len(d.Pairs)))
		for _, a := range d.Pairs {
			s.String(a.Key)
			s.String(a.Value)
		}
	case EventKind, WindowKind:
		s.Value(d.Value)
	}
}

var errStateDatum = errors.New("state holds a value of an unknown kind")

// Datum reads a Datum. Lists nested deeper than any rule can make are an error.
func (l *Loader) Datum() Datum { return l.datum(0) }

func (l *Loader) datum(depth int) Datum {
	d := Datum{Kind: DatumKind(l.Uint())}
	if d.Kind > WindowKind || depth > 512 {
		l.Fail(errStateDatum)
		return Datum{}
	}
	switch d.Kind {
	case Bool:
		d.Bool = l.Bool()
	case Int:
		d.Int = l.Int()
	case Float:
		d.Float = l.Float()
	case String:
		d.Str = l.String()
	case List:
		for range l.Len() {
			d.List = append(d.List, l.datum(depth+1))
		}
	case Map:
		for range l.Len() {
			d.Pairs = append(d.Pairs, event.Attr{Key: l.String(), Value: l.String()})
		}
	case EventKind, WindowKind:
		d.Value = l.Value()
	}
	return d
}
