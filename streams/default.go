package streams

import "zeta/event"

func init() {
	Register(Spec[DefaultOptions]{
		Name:    "default",
		Summary: "Set fields that are missing.",
		Doc:     "Passes each event with the given fields filled in where they are missing; 0, NaN and \"\" are values and stay. The values are expressions over the event as it came.",
		Source:  "riemann.streams/default",
		Clock:   "none",
		In:      Events,
		Out:     Events,
		Check:   func(o DefaultOptions) error { return checkSetting(o.Patch, o.Field, o.Value) },
		New: func(env *Env, o DefaultOptions, next Stream) (Stream, error) {
			return &defaulter{env: env, set: fieldChange{o.Patch, o.Field, o.Value}, next: next}, nil
		},
		Examples: []Example{{
			Title: "a ttl for those that bring none",
			Rule:  `default(ttl, 300, out)`,
			Test:  `at(0, event({service: "a"}), event({service: "b", ttl: 5})), expect(out, [{service: "a", ttl: 300}, {service: "b", ttl: 5}])`,
		}},
	})
}

// DefaultOptions are the options of default: a patch, or one field and its value.
type DefaultOptions struct {
	Patch Patch     `arg:"1,optional" doc:"a map from fields to values"`
	Field FieldName `arg:"2,optional" doc:"instead of a map: the one field to set"`
	Value Expr      `arg:"3,optional" doc:"the value of the one field"`
}

type defaulter struct {
	env           *Env
	set           fieldChange
	next          Stream
	copy, patched event.Event
}

// Push implements Stream.
func (n *defaulter) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	// Fast path: the one field is there already.
	if n.set.field.Name != "" && hasField(e, n.set.field) {
		n.next.Push(v)
		return
	}
	n.set.into(&n.patched, e)
	n.copy = *e
	fillMissing(&n.copy, &n.patched)
	n.next.Push(Value{Event: &n.copy})
}

// hasField reports whether the field is not missing. A missing list of tags and an empty one differ here.
func hasField(e *event.Event, f FieldName) bool {
	switch f.Name {
	case "ttl":
		return e.Has&event.HasTTL != 0
	case "state":
		return e.Has&event.HasState != 0
	case "metric":
		return e.Has&event.HasMetric != 0
	case "host":
		return e.Has&event.HasHost != 0
	case "service":
		return e.Has&event.HasService != 0
	case "description":
		return e.Has&event.HasDescription != 0
	case "time":
		return e.Has&event.HasTime != 0
	case "tags":
		return e.Tags() != nil
	case "attributes":
		if f.Attr == "" {
			return len(e.Attrs()) > 0
		}
		_, ok := e.Attr(f.Attr)
		return ok
	}
	return false
}

// fillMissing sets the fields that dst lacks to those of from.
func fillMissing(dst, from *event.Event) {
	missing := from.Has &^ dst.Has
	if missing&event.HasHost != 0 {
		dst.SetHost(from.Host)
	}
	if missing&event.HasService != 0 {
		dst.SetService(from.Service)
	}
	if missing&event.HasState != 0 {
		dst.SetState(from.State)
	}
	if missing&event.HasDescription != 0 {
		dst.SetDescription(from.Description)
	}
	if missing&event.HasTime != 0 {
		dst.SetTime(from.Time)
	}
	if missing&event.HasTTL != 0 {
		dst.SetTTL(from.TTL)
	}
	if dst.Has&event.HasMetric == 0 && from.Has&event.HasMetric != 0 {
		dst.Int, dst.Float = from.Int, from.Float
		dst.Has |= from.Has & event.HasMetric
	}
	if from.Set != dst.Set && from.Set != nil {
		fillSet(dst, from.Set)
	}
}

func fillSet(dst *event.Event, from *event.Set) {
	if dst.Tags() == nil && from.Tags != nil {
		dst.Set = dst.Set.WithTags(from.Tags)
	}
	for _, a := range from.Attrs {
		if _, has := dst.Attr(a.Key); !has {
			dst.Set = dst.Set.WithAttr(a.Key, a.Value)
		}
	}
}
