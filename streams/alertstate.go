package streams

import (
	"fmt"

	"zeta/event"
)

const alertVersion = 1

// EncodeAlert writes an alert without its sink, which whatever keeps it names beside it.
func EncodeAlert(a *Alert) []byte {
	var s Saver
	s.Uint(alertVersion)
	s.Uint(a.ID)
	s.String(a.Rule)
	s.String(a.Pos)
	s.String(a.Key)
	s.Int(a.At)
	s.Bool(a.Window)
	s.Uint(uint64(len(a.Events)))
	for i := range a.Events {
		s.Event(&a.Events[i])
	}
	return s.Bytes()
}

// DecodeAlert reads what EncodeAlert wrote.
func DecodeAlert(body []byte) (*Alert, error) {
	l := NewLoader(body)
	if v := l.Uint(); v != alertVersion {
		return nil, fmt.Errorf("alert of version %d, want %d", v, alertVersion)
	}
	a := &Alert{ID: l.Uint(), Rule: l.String(), Pos: l.String(), Key: l.String(), At: l.Int(), Window: l.Bool()}
	for range l.Len() {
		e := l.Event()
		if e == nil {
			e = &event.Event{}
		}
		a.Events = append(a.Events, *e)
	}
	return a, l.Err()
}
