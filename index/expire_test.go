package index

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"zeta/event"
)

// expire returns the services that expire at now µs.
func expire(x *Index, now int64) []string {
	var got []string
	x.Advance(now)
	x.Expire(now, func(last *event.Event) { got = append(got, last.Service) })
	return got
}

func TestExpiryIsStrict(t *testing.T) {
	none := math.Inf(-1)
	for _, c := range []struct {
		name      string
		time, ttl float64 // seconds; the event arrives at 1000
		alive     int64   // the last µs at which it is alive
	}{
		{"ttl 5", 1000, 5, 1005 * second},
		{"no ttl", 1000, none, 1060 * second},
		{"older than its arrival", 970, 50, 1020 * second},
		{"newer than its arrival", 1030, 50, 1080 * second},
		{"a fraction", 1000, 0.25, 1000*second + 250_000},
		{"less than a microsecond", 1000, 1e-9, 1000 * second},
		{"a float32's fraction", 1000, float64(float32(0.1)), 1000*second + 100_000},
		{"zero counts as none", 1000, 0, 1060 * second},
		{"negative counts as none", 1000, -1, 1060 * second},
		{"NaN counts as none", 1000, math.NaN(), 1060 * second},
		{"time at the skew limit", 700, 400, 1100 * second},
		{"time beyond the skew limit", 699.999999, 400, 1400 * second},
		{"time 0", 0, 5, 1005 * second},
		{"time far ahead", 1e9, 5, 1005 * second},
		{"already past its ttl", 900, 60, 960 * second},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := New(Options{})
			x.Advance(1000 * second)
			e := at("h", "s", c.time)
			if c.ttl != none {
				e.SetTTL(c.ttl)
			}
			x.Put(e)
			if got := expire(x, c.alive); got != nil {
				t.Errorf("expired at %d µs, its last moment", c.alive)
			}
			if got := expire(x, c.alive+1); len(got) != 1 {
				t.Errorf("alive at %d µs, just past its last moment", c.alive+1)
			}
			if x.Len() != 0 {
				t.Error("still counted")
			}
		})
	}
}

func TestEndlessTTL(t *testing.T) {
	x := New(Options{})
	x.Advance(1000 * second)
	for i, ttl := range []float64{math.Inf(1), 1e300, math.MaxInt64 / 1e6} {
		e := at("h", fmt.Sprint(i), 1000)
		e.SetTTL(ttl)
		x.Put(e)
	}
	if got := expire(x, math.MaxInt64); got != nil {
		t.Errorf("%v expired", got)
	}
}

// After years the coarse deadlines reach the end of their range; the exact ones go on.
func TestTicksRunOut(t *testing.T) {
	x := New(Options{})
	x.Advance(0)
	years := int64(10 * 365 * 86400 * second)
	e := at("h", "s", 0)
	e.SetTTL(float64(years / second))
	x.Put(e)
	if got := expire(x, years); got != nil {
		t.Error("expired at its last moment")
	}
	x.Put(at("h", "late", float64(years/second)))
	if got := expire(x, years+60*second); !slices.Equal(got, []string{"s"}) {
		t.Errorf("%v expired, want s", got)
	}
	if got := expire(x, years+60*second+1); !slices.Equal(got, []string{"late"}) {
		t.Errorf("%v expired, want late", got)
	}
}

func TestExpiryInOrderOfCreation(t *testing.T) {
	x := New(Options{})
	x.Advance(0)
	x.Put(at("b", "1", 0))
	x.Put(at("a", "2", 0))
	x.Put(at("b", "gone", 0))
	x.Put(at("c", "4", 0))
	x.Put(at("b", "3", 0))
	x.Delete("b", "gone", identity)
	x.Put(at("a", "5", 0))
	x.Put(at("b", "gone", 0)) // created anew
	x.Put(at("b", "1", 1))    // only changed
	want := []string{"1", "2", "4", "3", "5", "gone"}
	if got := expire(x, 100*second); !slices.Equal(got, want) {
		t.Errorf("expired %v, want %v", got, want)
	}
}

func TestExpireMayUseTheIndex(t *testing.T) {
	x := New(Options{})
	x.Advance(0)
	for i := range 20 {
		x.Put(at("h", fmt.Sprint(i), 0))
	}
	var got []string
	x.Advance(100 * second)
	n := x.Expire(100*second, func(last *event.Event) {
		got = append(got, last.Service)
		if x.Lookup("h", last.Service) != nil {
			t.Errorf("%s is still there when it is told", last.Service)
		}
		if last.Service == "0" { // revives one, ends one, adds one
			x.Put(at("h", "5", 100))
			x.Delete("h", "6", identity)
			x.Put(at("new", "new", 100))
			x.Put(at("h", "0", 100))
		}
	})
	if n != 18 || len(got) != 18 || slices.Contains(got, "5") || slices.Contains(got, "6") {
		t.Errorf("%d expired: %v, want all of 0..19 but 5 and 6", n, got)
	}
	if x.Len() != 3 {
		t.Errorf("%d entries, want 3", x.Len())
	}
	check(t, x)
}

func TestShift(t *testing.T) {
	x := New(Options{})
	x.Advance(1000 * second)
	e := at("h", "before", 990)
	x.Put(e)
	x.Shift(3600 * second)
	x.Advance(4600 * second)
	x.Put(at("h", "after", 4600))
	if got := expire(x, 4650*second); got != nil {
		t.Errorf("%v expired because of the time down", got)
	}
	if got := expire(x, 4650*second+1); !slices.Equal(got, []string{"before"}) {
		t.Errorf("%v expired, want before", got)
	}
	if got := expire(x, 4660*second+1); !slices.Equal(got, []string{"after"}) {
		t.Errorf("%v expired, want after", got)
	}
}

func TestIdleSeriesAreForgotten(t *testing.T) {
	x := New(Options{})
	x.Advance(0)
	used := at("h", "used", 0)
	old := x.Resolve(at("h", "idle", 0))
	x.Resolve(used)
	x.Put(at("h", "kept", 0))
	for i := range 5 {
		expire(x, int64(i)*second)
		x.Resolve(used)
	}
	if st := x.Stats(); st.Series != 2 || st.Forgotten != 1 {
		t.Fatalf("%+v, want the idle series forgotten and only that", st)
	}
	again := x.Resolve(at("h", "idle", 0))
	if again == old {
		t.Error("a forgotten identity came back")
	}
	e := at("h", "idle", 0)
	e.Series = old // stale
	x.Put(e)
	if got := x.Lookup("h", "idle"); got == nil || got.Series != again {
		t.Errorf("an event with a forgotten series was put as %+v", got)
	}
	for i := range 5 {
		expire(x, int64(1000+i)*second)
	}
	if st := x.Stats(); st.Series != 0 || st.Hosts != 0 {
		t.Errorf("%+v, want an empty index", st)
	}
	check(t, x)
}
