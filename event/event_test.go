package event_test

import (
	"math"
	"testing"

	"zeta/event"
)

func TestIsExpired(t *testing.T) {
	const now = 1_000_000_000
	tests := []struct {
		name string
		e    event.Event
		want bool
	}{
		{"nothing", event.Event{}, false},
		{"by its state", event.Event{State: "expired", Has: event.HasState}, true},
		{"age equal to the ttl", event.Event{Time: now - 5_000_000, TTL: 5, Has: event.HasTime | event.HasTTL}, false},
		{"a microsecond older", event.Event{Time: now - 5_000_001, TTL: 5, Has: event.HasTime | event.HasTTL}, true},
		{"60 s without a ttl", event.Event{Time: now - 60_000_000, Has: event.HasTime}, false},
		{"more than 60 s without a ttl", event.Event{Time: now - 60_000_001, Has: event.HasTime}, true},
		{"ttl 0, now", event.Event{Time: now, Has: event.HasTime | event.HasTTL}, false},
		{"negative ttl", event.Event{Time: now, TTL: -1, Has: event.HasTime | event.HasTTL}, true},
		{"ttl NaN", event.Event{TTL: math.NaN(), Has: event.HasTime | event.HasTTL}, false},
		{"from the future", event.Event{Time: 2 * now, Has: event.HasTime}, false},
		{"no time", event.Event{TTL: 1, Has: event.HasTTL}, false},
	}
	for _, tt := range tests {
		if got := tt.e.IsExpired(now); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestMetric(t *testing.T) {
	var e event.Event
	if _, ok := e.Metric(); ok {
		t.Error("the zero event has a metric")
	}
	e.SetInt(7)
	e.SetFloat(math.Inf(1))
	if m, ok := e.Metric(); !ok || !math.IsInf(m, 1) || e.Int != 0 || e.Is(event.HasInt) {
		t.Errorf("after SetFloat: %+v", e)
	}
	e.SetInt(-3)
	if m, ok := e.Metric(); !ok || m != -3 || e.Float != 0 || e.Is(event.HasFloat) {
		t.Errorf("after SetInt: %+v", e)
	}
	e.ClearMetric()
	if e != (event.Event{}) {
		t.Errorf("after ClearMetric: %+v", e)
	}
}

func TestSecondsToMicros(t *testing.T) {
	for s, want := range map[float64]int64{
		0: 0, 1.5: 1_500_000, -1.5: -1_500_000, 1795340804.123456: 1795340804123456, 0.1: 100_000,
		math.Inf(1): math.MaxInt64, math.Inf(-1): math.MinInt64, 1e300: math.MaxInt64, math.NaN(): 0,
	} {
		if got := event.SecondsToMicros(s); got != want {
			t.Errorf("SecondsToMicros(%v) = %d, want %d", s, got, want)
		}
	}
	if got := event.MicrosToSeconds(-1_500_000); got != -1.5 {
		t.Errorf("MicrosToSeconds: %v", got)
	}
}

func TestSet(t *testing.T) {
	if event.NewSet(nil, nil) != nil || event.NewSet([]string{}, nil) == nil {
		t.Error("no tags is nil, an empty list of tags is not")
	}
	s := event.NewSet([]string{"b", "a", "b"}, []event.Attr{{Key: "z", Value: "1"}, {Key: "a", Value: "2"}, {Key: "z", Value: "3"}})
	want := &event.Set{Tags: []string{"b", "a", "b"}, Attrs: []event.Attr{{Key: "a", Value: "2"}, {Key: "z", Value: "3"}}}
	if !s.Equal(want) {
		t.Errorf("got %+v, want %+v", s, want)
	}
	if v, ok := s.Attr("z"); v != "3" || !ok {
		t.Errorf("z is %q, %t", v, ok)
	}
	if _, ok := s.Attr("y"); ok {
		t.Error("y is there")
	}
	none := (*event.Set)(nil)
	if !s.HasTag("a") || s.HasTag("z") || none.HasTag("a") {
		t.Error("HasTag")
	}
	before := *s
	derived := []*event.Set{s.WithAttr("m", "x"), s.WithAttr("a", "x"), s.WithoutAttr("a"), s.WithTags([]string{"c"})}
	for i, want := range []*event.Set{
		{Tags: s.Tags, Attrs: []event.Attr{{Key: "a", Value: "2"}, {Key: "m", Value: "x"}, {Key: "z", Value: "3"}}},
		{Tags: s.Tags, Attrs: []event.Attr{{Key: "a", Value: "x"}, {Key: "z", Value: "3"}}},
		{Tags: s.Tags, Attrs: []event.Attr{{Key: "z", Value: "3"}}},
		{Tags: []string{"c"}, Attrs: s.Attrs},
	} {
		if !derived[i].Equal(want) {
			t.Errorf("derived %d: %+v, want %+v", i, derived[i], want)
		}
	}
	if !s.Equal(&before) || !s.Equal(want) {
		t.Errorf("the set changed: %+v", s)
	}
	if s.WithoutAttr("y") != s || none.WithoutAttr("y") != nil || none.WithTags(nil) != nil {
		t.Error("what changes nothing should return what there was")
	}
	if only := event.NewSet(nil, []event.Attr{{Key: "a"}}); only.WithoutAttr("a") != nil || only.Equal(none) || !none.Equal(nil) {
		t.Error("removing the last attribute leaves no set")
	}
}
