package streams

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"

	"zeta/event"
)

// someData are different values, each with the others that are equal to it.
func someData() [][]Datum {
	nan := math.NaN()
	tagged := &event.Event{Host: "a", Has: event.HasHost, Set: event.NewSet([]string{"x"}, nil)}
	same := *tagged
	return [][]Datum{
		{{}, {Kind: Missing, Str: "left over"}},
		{BoolDatum(false)}, {BoolDatum(true)},
		{IntDatum(0), FloatDatum(0), FloatDatum(math.Copysign(0, -1))},
		{IntDatum(1), FloatDatum(1)}, {FloatDatum(1.5)},
		{FloatDatum(nan), FloatDatum(-nan), FloatDatum(math.Float64frombits(0x7ff8000000000123))},
		{FloatDatum(math.Inf(1))}, {FloatDatum(math.Inf(-1))},
		{IntDatum(1 << 53), FloatDatum(1 << 53)}, {IntDatum(1<<53 + 1)},
		{IntDatum(math.MaxInt64)}, {FloatDatum(1 << 63)}, {IntDatum(math.MinInt64), FloatDatum(-1 << 63)},
		{StringDatum("")}, {StringDatum("1")}, {StringDatum("a")}, {StringDatum("a\x00")},
		{{Kind: List}, {Kind: List, List: []Datum{}}},
		{{Kind: List, List: []Datum{StringDatum("a"), StringDatum("b")}}},
		{{Kind: List, List: []Datum{StringDatum("ab")}}},
		{{Kind: List, List: []Datum{{Kind: List, List: []Datum{StringDatum("ab")}}}}},
		{{Kind: Map}}, {{Kind: Map, Pairs: []event.Attr{{Key: "a", Value: "b"}}}}, {{Kind: Map, Pairs: []event.Attr{{Key: "ab", Value: ""}}}},
		{ValueDatum(EventValue(tagged)), ValueDatum(EventValue(&same))},
		{ValueDatum(EventValue(&event.Event{}))},
		{ValueDatum(EventValue(&event.Event{Has: event.HasHost}))},
		{ValueDatum(EventValue(&event.Event{Host: "a", Has: event.HasHost, Set: event.NewSet(nil, []event.Attr{{Key: "x"}})}))},
		{ValueDatum(WindowValue(nil)), ValueDatum(WindowValue([]*event.Event{}))},
		{ValueDatum(WindowValue([]*event.Event{nil}))},
		{ValueDatum(WindowValue([]*event.Event{tagged})), ValueDatum(WindowValue([]*event.Event{&same}))},
	}
}

func TestDatumEqualAndKey(t *testing.T) {
	groups := someData()
	for i, as := range groups {
		for j, bs := range groups {
			for _, a := range as {
				for _, b := range bs {
					want := i == j
					if got := a.Equal(b); got != want {
						t.Errorf("%s (%d) equal %s (%d) = %v", a.Text(), a.Kind, b.Text(), b.Kind, got)
					}
					ka, kb := a.AppendKey(nil), b.AppendKey(nil)
					if got := bytes.Equal(ka, kb); got != want {
						t.Errorf("keys of %s and %s: %x %x", a.Text(), b.Text(), ka, kb)
					}
					if !want && bytes.HasPrefix(ka, kb) {
						t.Errorf("the key of %s begins with that of %s: %x %x", a.Text(), b.Text(), ka, kb)
					}
				}
			}
		}
	}
}

// TestKeysOfStrings: two strings side by side are never taken for two others.
func TestKeysOfStrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.SampledFrom([]rune("ab\x00\x05")), 0, 4, -1)
		a, b, c, d := s.Draw(t, "a"), s.Draw(t, "b"), s.Draw(t, "c"), s.Draw(t, "d")
		one := StringDatum(b).AppendKey(StringDatum(a).AppendKey(nil))
		two := StringDatum(d).AppendKey(StringDatum(c).AppendKey(nil))
		if bytes.Equal(one, two) != (a == c && b == d) {
			t.Fatalf("%q %q and %q %q: %x %x", a, b, c, d, one, two)
		}
	})
}

func TestAppendKeyAllocs(t *testing.T) {
	e := fullEvent()
	buf := make([]byte, 0, 128)
	host, service, metric := FieldName{Name: "host"}, FieldName{Name: "service"}, FieldName{Name: "metric"}
	if n := testing.AllocsPerRun(20, func() {
		buf = metric.Get(e).AppendKey(service.Get(e).AppendKey(host.Get(e).AppendKey(buf[:0])))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFieldGetAndSet(t *testing.T) {
	values := map[string]Datum{
		"host": StringDatum("h"), "service": StringDatum(""), "state": StringDatum("s"), "description": StringDatum("d"),
		"metric": IntDatum(1<<53 + 1), "time": FloatDatum(1.25), "ttl": FloatDatum(math.Inf(1)),
		"tags": {Kind: List, List: []Datum{StringDatum("a"), StringDatum("a")}}, "attributes": {Kind: Map, Pairs: []event.Attr{{Key: "k", Value: "v"}}},
	}
	for _, name := range eventFields {
		f := FieldName{Name: name}
		empty := f.Get(&event.Event{})
		for _, start := range []*event.Event{{}, fullEvent()} {
			e, before := *start, start.Set
			f.Set(&e, values[name])
			if got := f.Get(&e); !got.Equal(values[name]) {
				t.Errorf("%s set to %s is %s", name, values[name].Text(), got.Text())
			}
			for _, other := range eventFields {
				if o := (FieldName{Name: other}); other != name && !o.Get(&e).Equal(o.Get(start)) {
					t.Errorf("setting %s changed %s", name, other)
				}
			}
			f.Set(&e, Datum{})
			if got := f.Get(&e); !got.Equal(empty) {
				t.Errorf("%s removed is %s", name, got.Text())
			}
			if start.Set != before || start.Set != nil && len(start.Set.Tags) != 2 {
				t.Errorf("setting %s changed the original", name)
			}
		}
		if d := f.Get(nil); !d.IsMissing() {
			t.Errorf("%s of no event is %s", name, d.Text())
		}
		e := fullEvent()
		wrong := IntDatum(5)
		if empty.Kind != Missing || name == "metric" || name == "time" || name == "ttl" {
			wrong = StringDatum("5")
		}
		if f.Set(e, wrong); !f.Get(e).Equal(empty) {
			t.Errorf("%s set to a wrong kind is %s", name, f.Get(e).Text())
		}
	}
}

func TestAttributeGetAndSet(t *testing.T) {
	f := FieldName{Name: "attributes", Attr: "dc"}
	e := *fullEvent()
	shared := e.Set
	f.Set(&e, StringDatum("us"))
	if f.Get(&e).Text() != "us" || len(e.Attrs()) != 3 || len(e.Tags()) != 2 {
		t.Errorf("set: %s", eventText(&e))
	}
	f.Set(&e, Datum{})
	if !f.Get(&e).IsMissing() || len(e.Attrs()) != 2 {
		t.Errorf("removed: %s", eventText(&e))
	}
	if v, _ := shared.Attr("dc"); v != "eu" {
		t.Error("the shared set was changed")
	}
	bare := event.Event{}
	if f.Set(&bare, Datum{}); bare.Set != nil {
		t.Error("removing from nothing made a set")
	}
	f.Set(&bare, StringDatum("eu"))
	if v, _ := bare.Attr("dc"); v != "eu" {
		t.Error("not set on an event without a set")
	}
}

func TestTextOfNumbers(t *testing.T) {
	for f, want := range map[float64]string{0.5: "0.5", 1e6: "1000000", 1e20: "100000000000000000000", 1e21: "1e+21", 1e-7: "1e-07", 0.000001: "0.000001", math.Inf(1): "+Inf", 3: "3"} {
		if got := FloatDatum(f).Text(); got != want {
			t.Errorf("%g is written %s, want %s", f, got, want)
		}
	}
}
