package streams

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"zeta/event"
)

// in makes a window of events with the metrics given: nil is an event without a metric, "-" a missing event.
// The service says the place in the window.
func in(metrics ...any) []*event.Event {
	w := []*event.Event{}
	for i, m := range metrics {
		e := &event.Event{}
		e.SetService(fmt.Sprint(i))
		switch m := m.(type) {
		case int:
			e.SetInt(int64(m))
		case float64:
			e.SetFloat(m)
		case string:
			e = nil
		}
		w = append(w, e)
	}
	return w
}

// brief prints an event as service=metric.
func brief(e *event.Event) string {
	switch {
	case e == nil:
		return "nil"
	case e.Has&event.HasInt != 0:
		return fmt.Sprintf("%s=%d", e.Service, e.Int)
	case e.Has&event.HasFloat != 0:
		return fmt.Sprintf("%s=%g", e.Service, e.Float)
	}
	return e.Service + "=none"
}

func foldText(t *testing.T, name string, w []*event.Event, points Points) string {
	t.Helper()
	f, ok := foldByName(name)
	if !ok {
		t.Fatalf("there is no fold %s", name)
	}
	es, err := f.Bind(NewClock(1_600_000), points).apply(w)
	if err != nil {
		return "error: " + err.Error()
	}
	var parts []string
	for _, e := range es {
		parts = append(parts, brief(e))
	}
	return strings.Join(parts, " ")
}

func TestFolds(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		fold string
		in   []*event.Event
		want string
	}{
		{"sum", in(), ""},
		{"sum", in("-"), ""},
		{"sum", in("-", nil, 2, 3), "1=5"},
		{"sum", in(nil), "0=0"},
		{"sum", in(nan, 2, nan), "0=2"},
		{"sum", in(math.MaxInt64, 0), "0=9223372036854775807"},
		{"sum", in(math.MaxInt64, 1), "0=9.223372036854776e+18"},
		{"sum", in(inf, -inf), "0=none"},
		{"sum", in(1, 0.5), "0=1.5"},
		{"product", in(nil), "0=1"},
		{"product", in(3, nil, "-", 4, nan), "0=12"},
		{"product", in(math.MinInt64, -1), "0=9.223372036854776e+18"},
		{"difference", in(), ""},
		{"difference", in("-", 1), ""},
		{"difference", in(nil), "0=none"},
		{"difference", in(5, nan), "0=none"},
		{"difference", in(nil, 5), "0=none"},
		{"difference", in(5, "-"), "0=none"},
		{"difference", in(5, 1, 1), "0=3"},
		{"quotient", in(1, 4), "0=0.25"},
		{"quotient", in(1, 0.0), "0=none"},
		{"quotient", in(0, 0), "0=none"},
		{"quotient", in(1), "0=1"},
		{"quotientSloppy", in(0, 0), "0=0"},
		{"quotientSloppy", in(nil, 0), "0=0"},
		{"quotientSloppy", in(nil, 1), "0=none"},
		{"quotientSloppy", in("-", 0), ""},
		{"quotientSloppy", in(3, 2), "0=1.5"},
		{"mean", in(nil, 1, 2), "0=1.5"},
		{"mean", in(nil, nan), ""},
		{"mean", in(inf, 1), "0=+Inf"},
		{"median", in(), ""},
		{"median", in(4, nan, 1, nil, 3, "-", 2), "4=3"},
		{"median", in(nan, nan, 7), "2=7"},
		{"minimum", in(3, 1, nan, 1, 2), "3=1"},
		{"min", in(1<<53+1, float64(1<<53)), "1=9.007199254740992e+15"},
		{"maximum", in(3, 1, nan, 3, 2), "3=3"},
		{"max", in(nan), ""},
		{"mode", in(1, 1.0, 2), "1=1"},
		{"mode", in(nil, nil, 1), "1=none"},
		{"mode", in(nan, nan, 1), "2=1"},
		{"mode", in(2, 1), "0=2"},
		{"modes", in(), ""},
		{"modes", in(2, 1, 1, 2, 3), "3=2 2=1"},
		{"stdDev", in(nil), ""},
		{"stdDev", in(nil, 1, 3, nan), "0=1"},
		{"stdDev", in(1e9, 1e9+1, 1e9+2), "0=0.816496580927726"},
		{"count", in(), "=0"},
		{"count", in("-", nil, nan, 1), "1=3"},
		{"sumStar", in(), "=0"},
		{"sumStar", in(nil), "0=none"},
		{"sumStar", in("-"), "error: event 1 of 1 is missing"},
		{"sumStar", in(1, nil), "error: an event has no metric: event 2 of 2"},
		{"sumStar", in(1, nan), "error: an event has no metric: event 2 of 2"},
		{"productStar", in(), "=1"},
		{"productStar", in(2, 3), "0=6"},
		{"differenceStar", in(), "error: an empty window has no first event"},
		{"differenceStar", in(1, "-"), "error: event 2 of 2 is missing"},
		{"quotientStar", in(1, 0), "error: division by zero: event 2 of 2"},
		{"quotientStar", in(1, 2), "0=0.5"},
	} {
		if got := foldText(t, c.fold, c.in, nil); got != c.want {
			var w []string
			for _, e := range c.in {
				w = append(w, brief(e))
			}
			t.Errorf("%s of [%s]\n got %s\nwant %s", c.fold, strings.Join(w, " "), got, c.want)
		}
	}
}

// What spoils a demanding fold is told in the description, and the window's own event stays as it was.
func TestSpoiledFoldsSayWhy(t *testing.T) {
	for _, c := range []struct {
		fold string
		in   []*event.Event
		want string
	}{
		{"difference", in(nil, 1), "difference: event 1 of 2 has no metric"},
		{"difference", in(1, 2, "-"), "difference: event 3 of 3 has no metric"},
		{"quotient", in(1, 2, 0), "quotient: the metric of event 3 of 3 is 0: division by zero"},
		{"quotient", in(1, 0, nil), "quotient: event 3 of 3 has no metric"},
		{"quotientSloppy", in(1, nil), "quotientSloppy: event 2 of 2 has no metric"},
	} {
		f, _ := foldByName(c.fold)
		e, err := f.One(0, c.in)
		if err != nil || e.Description != c.want || e.Has&event.HasMetric != 0 {
			t.Errorf("%s: got %q, %v, want %q", c.fold, e.Description, err, c.want)
		}
		if c.in[0].Has&event.HasDescription != 0 {
			t.Errorf("%s changed the window's event", c.fold)
		}
	}
}

func TestCountOfNothingHasWholeSeconds(t *testing.T) {
	f, _ := foldByName("count")
	for now, want := range map[int64]int64{1_600_000: 2_000_000, 1_499_999: 1_000_000, 0: 0} {
		if e, _ := f.One(now, nil); e.Time != want || e.Has != event.HasTime|event.HasInt {
			t.Errorf("at %d: time %d, want %d", now, e.Time, want)
		}
	}
}

func TestSortedSample(t *testing.T) {
	points := Points{{0, " 0"}, {0.5, " 0.5"}, {1, ".max"}, {-1, " low"}, {7, " high"}, {math.NaN(), " nan"}}
	w := in(6, 1, nan(), 2, nil, 1, "-", 1)
	if got, want := foldText(t, "sortedSample", w, points), "1 0=1 7 0.5=1 0.max=6 1 low=1 0 high=6 1 nan=1"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got, want := foldText(t, "sortedSampleExtract", w, points), "1=1 7=1 0=6 1=1 0=6 1=1"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got := foldText(t, "sortedSample", in(nil), points); got != "" {
		t.Errorf("of no metrics: got %s, want nothing", got)
	}
}

func nan() float64 { return math.NaN() }

// The index is ⌊n·p⌋ of float64 arithmetic, as in Riemann: 100·0.29 is 28.999….
func TestSampleIndex(t *testing.T) {
	for _, c := range []struct {
		n    int
		p    float64
		want int
	}{{1, 0, 0}, {1, 1, 0}, {2, 0.5, 1}, {4, 0.5, 2}, {100, 0.29, 28}, {100, 0.99, 99}, {1000, 0.999, 999}, {10, math.Inf(1), 9}, {10, math.Inf(-1), 0}} {
		if got := sampleIndex(c.n, c.p); got != c.want {
			t.Errorf("%d things at %g: index %d, want %d", c.n, c.p, got, c.want)
		}
	}
}

func TestPlainFolds(t *testing.T) {
	num := func(xs ...any) (ds []Datum) {
		for _, x := range xs {
			switch x := x.(type) {
			case int:
				ds = append(ds, Datum{Kind: Int, Int: int64(x)})
			case float64:
				ds = append(ds, Datum{Kind: Float, Float: x})
			case string:
				ds = append(ds, Datum{Kind: String, Str: x})
			}
		}
		return ds
	}
	for _, c := range []struct {
		fold string
		in   []Datum
		want string
	}{
		{"sum", num(1, 2, nan()), "{int 3}"},
		{"sum", num(1, 2.5, "x"), "{float 3.5}"},
		{"sum", num(), "{missing}"},
		{"product", num(2, 3), "{int 6}"},
		{"difference", num(5, 2, 1), "{int 2}"},
		{"difference", num(5, "x"), "{missing}"},
		{"quotient", num(1, 0), "{missing}"},
		{"quotientSloppy", num(1, 0), "{int 0}"},
		{"mean", num(1, 2), "{float 1.5}"},
		{"median", num(5, 1, 3, 2), "{int 3}"},
		{"max", num(1, nan(), 3), "{int 3}"},
		{"min", num("x"), "{missing}"},
		{"mode", num("a", "b", "b"), "{string b}"},
		{"mode", num(1, 1.0, 2, 2, 2), "{int 2}"},
		{"mode", num(nan()), "{missing}"},
		{"stdDev", num(1, 3), "{float 1}"},
		{"count", num("a", 1), "{int 2}"},
		{"sumStar", num(1, "x"), "error: value 2 of 2 is not a number"},
		{"quotientStar", num(1, 0), "error: division by zero: value 2 of 2"},
	} {
		f, _ := foldByName(c.fold)
		d, err := f.Plain(c.in)
		got := "{missing}"
		switch {
		case err != nil:
			got = "error: " + err.Error()
		case d.Kind == Int:
			got = fmt.Sprintf("{int %d}", d.Int)
		case d.Kind == Float:
			got = fmt.Sprintf("{float %g}", d.Float)
		case d.Kind == String:
			got = fmt.Sprintf("{string %s}", d.Str)
		}
		if got != c.want {
			t.Errorf("%s of %v: got %s, want %s", c.fold, c.in, got, c.want)
		}
	}
}

// The table documents itself: every fold is found by each of its names and has one function and an example.
func TestFoldTable(t *testing.T) {
	for _, f := range Folds() {
		for _, name := range []string{f.Name, f.Alias} {
			if found, ok := foldByName(name); name != "" && (!ok || found.Name != f.Name) {
				t.Errorf("%s is not found", name)
			}
		}
		if f.Summary == "" || f.Doc == "" || f.Source == "" || len(f.Examples) == 0 || (f.One == nil) == (f.List == nil) || f.Points && f.List == nil {
			t.Errorf("%s is described incompletely", f.Name)
		}
	}
	if _, ok := foldByName(""); ok {
		t.Error("a fold goes by the empty name")
	}
}
