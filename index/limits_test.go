package index

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"zeta/event"
	"zeta/query"
)

func TestCaps(t *testing.T) {
	x := New(Options{MaxSeries: 100, MaxPerHost: 60})
	x.Advance(0)
	for i := range 100 {
		x.Put(at("a", fmt.Sprint(i), 0))
		x.Put(at("b", fmt.Sprint(i), 0))
	}
	st := x.Stats()
	if st.Series != 100 || st.Refused != 100 || st.Unresolved != 100 {
		t.Errorf("%+v, want 100 series, 100 refused", st)
	}
	if x.Resolve(at("c", "1", 0)) != nil {
		t.Error("a series beyond the cap")
	}
	for i := range 50 {
		e := at("a", fmt.Sprint(i), 1)
		if e.Series = x.Resolve(e); e.Series == nil {
			t.Fatalf("known series %d is refused", i)
		}
		x.Put(e)
	}
	if got := find(t, x, `host = "a" and time = 1`); len(got) != 50 {
		t.Errorf("%d known series were updated, want 50", len(got))
	}
	check(t, x)
}

// A host of many services grows without long pauses and shrinks again.
func TestManyServices(t *testing.T) {
	const n = 20_000
	x := New(Options{})
	x.Advance(0)
	for i := range n {
		x.Put(at("h", fmt.Sprint("service ", i), 0))
	}
	check(t, x)
	for i := range n {
		if e := x.Lookup("h", fmt.Sprint("service ", i)); e == nil {
			t.Fatalf("service %d is lost", i)
		}
	}
	for i := range n {
		if i%5 != 0 {
			x.Delete("h", fmt.Sprint("service ", i), identity)
		}
	}
	for range 3 {
		x.Expire(0, nil)
	}
	check(t, x)
	if st := x.Stats(); st.Series != n/5 || st.Entries != n/5 {
		t.Errorf("%+v, want %d", st, n/5)
	}
	for i := range n / 2 {
		x.Put(at("h", fmt.Sprint("another ", i), 0))
	}
	check(t, x)
	if p := x.hosts["h"].pages(); p > (n+pageSize-1)/pageSize {
		t.Errorf("%d pages: the places of forgotten series are not used again", p)
	}
	if got := find(t, x, `service =~ "another %"`); len(got) != n/2 {
		t.Errorf("found %d, want %d", len(got), n/2)
	}
}

func TestSearchLimits(t *testing.T) {
	x := New(Options{})
	fill(x, fleet(100))
	if _, err := x.Search(query.MustParse("true"), Limits{Events: 5000}); err != nil {
		t.Errorf("5000 results, limit 5000: %v", err)
	}
	got, err := x.Search(query.MustParse("true"), Limits{Events: 4999})
	if !errors.Is(err, ErrTooLarge) || got != nil || err.Error() != "too many results: more than 4999 events" {
		t.Errorf("5000 results, limit 4999: %d results, %v", len(got), err)
	}
	_, err = x.Search(query.MustParse(`description ~= "x" or true`), Limits{Time: 1})
	if !errors.Is(err, ErrTooSlow) {
		t.Errorf("a search of 1 ns: %v", err)
	}
	if st := x.Stats(); st.TooLarge != 1 || st.TooSlow != 1 {
		t.Errorf("%+v, want one of each counted", st)
	}
	stop := errors.New("enough")
	calls := 0
	err = x.Scan(query.MustParse("true"), Limits{}, func([]event.Event) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Errorf("Scan called %d times and returned %v, want once and the function's error", calls, err)
	}
}

// A costly expression over long texts must end when its time is over.
func TestCostlySearchEnds(t *testing.T) {
	x := New(Options{})
	x.Advance(0)
	long := make([]byte, 64<<10)
	for i := range long {
		long[i] = 'a'
	}
	for i := range 300 {
		e := at("h", fmt.Sprint(i), 0)
		e.SetDescription(string(long))
		x.Put(e)
	}
	q := query.MustParse(`description ~= "(.*a){20}b"`)
	start := time.Now()
	_, err := x.Search(q, Limits{Time: 20 * time.Millisecond})
	if took := time.Since(start); !errors.Is(err, ErrTooSlow) || took > 5*time.Second {
		t.Errorf("took %v, error %v", took, err)
	}
}

func TestAllocs(t *testing.T) {
	x := New(Options{})
	events := fleet(40)
	fill(x, events)
	h := NewHub(HubOptions{})
	defer h.Close()
	if _, err := h.Subscribe("index", query.MustParse(`state = "no such"`), lines); err != nil {
		t.Fatal(err)
	}
	i := 0
	for _, c := range []struct {
		name  string
		index func() int
	}{{"in order", func() int { i++; return i % len(events) }}, {"out of order", func() int { i += 617; return i % len(events) }}} {
		if n := testing.AllocsPerRun(5000, func() {
			e := &events[c.index()]
			e.Series = nil
			e.Series = x.Resolve(e)
			x.Put(e)
			h.Publish("index", e)
		}); n != 0 {
			t.Errorf("%s: %v allocations per known event, want 0", c.name, n)
		}
	}
}
