package streams

import (
	"errors"

	"zeta/event"
)

func init() {
	Register(Spec[WithOptions]{
		Name:    "with",
		Summary: "Set fields.",
		Doc:     "Passes a copy of each event with the fields set to the values of expressions over the event as it came; nil, or a missing value, removes the field. A window is changed event by event; a missing event in it stays missing.",
		Source:  "riemann.streams/with",
		Differs: "A missing event in a window stays missing; in Riemann it becomes an event of the fields set.",
		Clock:   "none",
		Check:   func(o WithOptions) error { return checkSetting(o.Patch, o.Field, o.Value) },
		New: func(_ *Env, o WithOptions, next Stream) (Stream, error) {
			return &with{set: fieldChange{o.Patch, o.Field, o.Value}, next: next}, nil
		},
		Examples: []Example{
			{
				Title: "one field",
				Rule:  `with(state, "critical", out)`,
				Test:  `at(0, event({service: "a", state: "ok"})), expect(out, [{service: "a", state: "critical"}])`,
			},
			{
				Title: "several; values may use the event, nil removes",
				Rule:  `with({service: service + " peak", description: nil}, out)`,
				Test:  `at(0, event({service: "load", description: "x"})), expect(out, [{service: "load peak", description: nil}])`,
			},
		},
	})
}

// WithOptions are the options of with: a patch, or one field and its value.
type WithOptions struct {
	Patch Patch     `arg:"1,optional" doc:"a map from fields to values"`
	Field FieldName `arg:"2,optional" doc:"instead of a map: the one field to set"`
	Value Expr      `arg:"3,optional" doc:"the value of the one field"`
}

func checkSetting(p Patch, f FieldName, value Expr) error {
	switch {
	case p.apply == nil && f.Name == "":
		return errors.New("wants a map of fields, or a field and its value")
	case p.apply != nil && f.Name != "":
		return errors.New("wants a map of fields, or a field and its value, not both")
	case f.Name != "" && value.eval == nil:
		return errors.New("wants a value for the field " + f.Name)
	}
	return nil
}

// fieldChange is a change of fields: a patch, or one field and its value.
type fieldChange struct {
	patch Patch
	field FieldName
	value Expr
}

// into makes dst a changed copy of e.
func (s *fieldChange) into(dst, e *event.Event) {
	if s.field.Name != "" {
		d := s.value.Eval(EventValue(e))
		*dst = *e
		s.field.Set(dst, d)
		return
	}
	*dst = *e
	s.patch.in.Value = EventValue(e)
	s.patch.apply(s.patch.in, dst)
}

// with changes events. It lends its one copy to its children, as events are lent: nothing is allocated.
type with struct {
	set  fieldChange
	next Stream
	copy event.Event
}

// Push implements Stream.
func (n *with) Push(v Value) {
	switch {
	case v.Event != nil:
		n.set.into(&n.copy, v.Event)
		n.next.Push(Value{Event: &n.copy})
	case v.IsWindow():
		n.next.Push(n.window(v.Window))
	default:
		n.next.Push(v)
	}
}

func (n *with) window(w []*event.Event) Value {
	changed := make([]*event.Event, len(w))
	events := make([]event.Event, len(w))
	for i, e := range w {
		if e != nil {
			n.set.into(&events[i], e)
			changed[i] = &events[i]
		}
	}
	return WindowValue(changed)
}
