package index

import (
	"fmt"
	"testing"

	"zeta/event"
	"zeta/query"
)

const second = 1_000_000

// at returns an event of host and service at t seconds.
func at(host, service string, t float64) *event.Event {
	e := &event.Event{}
	e.SetHost(host)
	e.SetService(service)
	e.SetTime(event.SecondsToMicros(t))
	return e
}

func with(e *event.Event, state string, metric float64) *event.Event {
	e.SetState(state)
	e.SetFloat(metric)
	return e
}

func find(t *testing.T, x *Index, q string) []event.Event {
	t.Helper()
	got, err := x.Search(query.MustParse(q), Limits{})
	if err != nil {
		t.Fatalf("Search(%s): %v", q, err)
	}
	return got
}

func TestNewestWins(t *testing.T) {
	x := New(Options{})
	x.Advance(100 * second)
	x.Put(with(at("a", "cpu", 100), "ok", 1))
	x.Put(with(at("a", "cpu", 90), "warning", 2)) // older, but newer here
	got := x.Lookup("a", "cpu")
	if got == nil || got.State != "warning" || got.Float != 2 || got.Time != 90*second || got.Host != "a" || got.Service != "cpu" {
		t.Fatalf("Lookup = %+v, want the event put last", got)
	}
	if x.Len() != 1 {
		t.Errorf("Len = %d, want 1", x.Len())
	}
	if x.Lookup("a", "mem") != nil || x.Lookup("b", "cpu") != nil {
		t.Error("Lookup found what was never put")
	}
}

func TestMissingIsNotEmpty(t *testing.T) {
	x := New(Options{})
	x.Advance(0)
	for i, has := range []event.Presence{0, event.HasHost, event.HasService, event.HasHost | event.HasService} {
		e := &event.Event{Has: has}
		e.SetInt(int64(i))
		x.Put(e)
	}
	if x.Len() != 4 {
		t.Fatalf("Len = %d, want 4: missing and empty differ", x.Len())
	}
	for i, has := range []event.Presence{0, event.HasHost, event.HasService, event.HasHost | event.HasService} {
		if e, ok := x.Get("", "", has); !ok || e.Int != int64(i) {
			t.Errorf("Get(%b) = %v %v, want metric %d", has, e, ok, i)
		}
	}
	if got := find(t, x, "host = nil"); len(got) != 2 {
		t.Errorf("host = nil found %d, want 2", len(got))
	}
	if got := find(t, x, `host = "" and service = nil`); len(got) != 1 || got[0].Int != 1 {
		t.Errorf("found %v, want the one with an empty host and no service", got)
	}
}

// A rule may change a copy's host or service and leave the series that no longer fits.
func TestSeriesThatDoesNotFit(t *testing.T) {
	x := New(Options{})
	x.Advance(0)
	e := numbered("a", 1)
	e.Series = x.Resolve(e)
	x.Put(e)
	c := *e
	c.Service, c.Int = "b", 2
	if s := x.Resolve(&c); s == nil || s.Service != "b" {
		t.Errorf("Resolve = %+v, want the series of b", s)
	}
	x.Put(&c)
	other := New(Options{})
	other.Advance(0)
	other.Put(e) // a series of another index
	for i, got := range []*event.Event{x.Lookup("h", "a"), x.Lookup("h", "b"), other.Lookup("h", "a")} {
		if want := []int64{1, 2, 1}[i]; got == nil || got.Int != want {
			t.Errorf("%d: found %+v, want metric %d", i, got, want)
		}
	}
}

func TestExpiredStateRemoves(t *testing.T) {
	x := New(Options{})
	x.Advance(0)
	x.Put(at("a", "cpu", 0))
	x.Put(with(at("a", "cpu", 1), event.Expired, 1))
	x.Put(with(at("b", "cpu", 1), event.Expired, 1))
	if x.Len() != 0 || x.Lookup("a", "cpu") != nil {
		t.Errorf("Len = %d, want 0", x.Len())
	}
	if n := x.Stats().Series; n != 1 {
		t.Errorf("%d series, want 1: an expired event makes none", n)
	}
}

func TestSearchPlans(t *testing.T) {
	x := New(Options{})
	x.Advance(0)
	for h := range 30 {
		for s := range 300 { // two pages a host
			e := with(at(fmt.Sprintf("h%d", h), fmt.Sprintf("s%d", s), 0), []string{"ok", "bad"}[s%2], float64(s))
			if s%3 == 0 {
				e.Set = event.NewSet([]string{"third"}, []event.Attr{{Key: "rack", Value: fmt.Sprint(h % 4)}})
			}
			x.Put(e)
		}
	}
	for _, c := range []struct {
		query string
		want  int
	}{
		{`true`, 9000},
		{`nil`, 0},
		{`host = "h3" and service = "s5"`, 1},
		{`service = "s5" and host = "h3"`, 1},
		{`service = "s5" and host = "none"`, 0},
		{`host = "h3"`, 300},
		{`host = "h3" or "h4" = host`, 600},
		{`(host = "h3" or host = "h4") and service = "s5"`, 2},
		{`host =~ "h1%"`, 11 * 300},
		{`service =~ "s29%"`, 11 * 30},
		{`service =~ "s29%" and state = "bad"`, 6 * 30},
		{`service =~ "s29%" or state = "bad"`, (11 + 150 - 6) * 30},
		{`host =~ "h1%" and service ~= "^s1$"`, 11},
		{`tagged "third"`, 100 * 30},
		{`rack = "1" and metric >= 297`, 8},
		{`host = "h3" and host = "h4"`, 0},
		{`not host = "h3"`, 29 * 300},
	} {
		got := find(t, x, c.query)
		if len(got) != c.want {
			t.Errorf("%s found %d, want %d", c.query, len(got), c.want)
		}
		q := query.MustParse(c.query)
		for i := range got {
			if !q.Match(&got[i]) {
				t.Errorf("%s found %v, which it does not match", c.query, got[i])
				break
			}
		}
	}
}
