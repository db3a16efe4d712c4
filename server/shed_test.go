package server

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"zeta/event"
	"zeta/index"
	"zeta/overload"
)

func TestLeftOut(t *testing.T) {
	const second = 1_000_000
	now := int64(1000 * second)
	known := func(state string, age time.Duration, ttl int64) index.Glimpse {
		return index.Glimpse{Known: true, Live: true, State: state, Arrival: now - age.Microseconds(), TTL: ttl * second}
	}
	unknown, vacant := index.Glimpse{}, index.Glimpse{Known: true}
	for _, c := range []struct {
		name  string
		state string
		g     index.Glimpse
		want  [3]shedKind // at pacing, shedding and closing
	}{
		{"the same, just said", "ok", known("ok", 0, 60), [3]shedKind{shedRepeat, shedRepeat, shedRepeat}},
		{"the same, without a state", "", known("", 0, 60), [3]shedKind{shedRepeat, shedRepeat, shedRepeat}},
		{"ok and no state are one", "", known("ok", 0, 60), [3]shedKind{shedRepeat, shedRepeat, shedRepeat}},
		{"the same, a second ago", "ok", known("ok", time.Second, 60), [3]shedKind{0, shedRepeat, shedRepeat}},
		{"the same, ten seconds ago", "ok", known("ok", 10*time.Second, 60), [3]shedKind{}},
		{"the same, and soon to expire", "ok", known("ok", 500*time.Millisecond, 2), [3]shedKind{}},
		{"still critical", "critical", known("critical", 0, 60), [3]shedKind{0, 0, shedBad}},
		{"still critical, ten seconds later", "critical", known("critical", 10*time.Second, 60), [3]shedKind{}},
		{"a change", "critical", known("ok", 0, 60), [3]shedKind{}},
		{"a change back", "ok", known("critical", 0, 60), [3]shedKind{}},
		{"new and well", "ok", unknown, [3]shedKind{0, shedNew, shedNew}},
		{"new and ill", "critical", unknown, [3]shedKind{0, 0, shedIll}},
		{"known, but not indexed", "ok", vacant, [3]shedKind{0, 0, shedIll}},
		{"expired", "expired", known("ok", 0, 60), [3]shedKind{}},
	} {
		e := event.Event{}
		if c.state != "" {
			e.SetState(c.state)
		}
		for i, l := range []overload.Level{overload.Pacing, overload.Shedding, overload.Closing} {
			if got := leftOut(&e, c.g, l, now); got != c.want[i] {
				t.Errorf("%s, at %v: %d, want %d", c.name, l, got, c.want[i])
			}
		}
		e.Own = true
		if got := leftOut(&e, c.g, overload.Closing, now); got != shedNothing {
			t.Errorf("%s, told by zeta itself: %d", c.name, got)
		}
	}
}

// batchOf makes events of the form host/state/metric.
func batchOf(texts ...string) (batch []event.Event) {
	for _, text := range texts {
		var host, state string
		var metric int64
		if n, err := fmt.Sscanf(text, "%s %s %d", &host, &state, &metric); n != 3 {
			panic(err)
		}
		e := event.Event{}
		e.SetHost(host)
		e.SetService("s")
		e.SetState(state)
		e.SetInt(metric)
		batch = append(batch, e)
	}
	return batch
}

// TestShedLooksAtTheBatchItself: what changes within a batch changes, although the index does not have it yet.
func TestShedLooksAtTheBatchItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testEngine(t, `index; publish("all");`)
		take := published(t, s, "all")
		if err := s.Ingest(batchOf("a ok 1", "b critical 1")); err != nil {
			t.Fatal(err)
		}
		take()
		s.pressure.Hold(overload.Shedding)
		err := s.Ingest(batchOf("a ok 2", "a critical 3", "a ok 4", "a ok 5", "b critical 6", "b ok 7", "c ok 8", "c warning 9"))
		var shed *Shed
		if !errors.As(err, &shed) || shed.Events() != 3 || shed.Of != 8 {
			t.Fatalf("got %v, want 3 of 8 events shed", err)
		}
		if want := (&Shed{Of: 8, counts: [shedKinds]int{shedRepeat: 2, shedNew: 1}}).counts; shed.counts != want {
			t.Errorf("shed %v, want %v", shed.counts, want)
		}
		var got []int64
		for _, e := range take() {
			got = append(got, e.Int)
		}
		if text := fmt.Sprint(got); text != "[3 4 6 7 9]" {
			t.Errorf("evaluated %s, want [3 4 6 7 9]", text)
		}
		if n := s.engine.counts().events; n != 2+5 {
			t.Errorf("%d events are counted as evaluated, want 7", n)
		}
		s.pressure.Hold(overload.Calm)
		if err := s.Ingest(batchOf("a ok 2", "a ok 3", "d ok 4")); err != nil || len(take()) != 3 {
			t.Errorf("when all is calm again: %v", err)
		}
	})
}

// TestNothingExpiresBecauseItsRepeatsAreShed sends every second for ten minutes of scarce memory.
func TestNothingExpiresBecauseItsRepeatsAreShed(t *testing.T) {
	for _, level := range []overload.Level{overload.Pacing, overload.Shedding, overload.Closing} {
		synctest.Test(t, func(t *testing.T) {
			s := testEngine(t, `default(ttl, 15, index); where(state == "expired", publish("expired"));`)
			expired := published(t, s, "expired")
			batch := batchOf("a ok 1", "b critical 1", "gone ok 1")
			if err := s.Ingest(batch); err != nil {
				t.Fatal(err)
			}
			s.pressure.Hold(level)
			evaluated := s.engine.counts().events
			for range 600 {
				time.Sleep(time.Second)
				s.Ingest(batchOf("a ok 1", "b critical 1"))
			}
			var hosts []string
			for _, e := range expired() {
				hosts = append(hosts, e.Host)
			}
			if fmt.Sprint(hosts) != "[gone]" {
				t.Errorf("at %v expired %q, want only what is gone", level, hosts)
			}
			evaluated = s.engine.counts().events - evaluated
			most := map[overload.Level]uint64{overload.Pacing: 1200, overload.Shedding: 600 + 200, overload.Closing: 2 * 200}[level]
			if evaluated > most || evaluated < 2*600/15 {
				t.Errorf("at %v %d of 1,200 events were evaluated", level, evaluated)
			}
		})
	}
}

// TestShedIsNotReplayed: after a kill the journal gives back what was evaluated, and no more.
func TestShedIsNotReplayed(t *testing.T) {
	dir := t.TempDir()
	rules := `index; by(host, counter(with(service, "count", index)));`
	l := live(t, dir, rules)
	_, first := l.engine.Now()
	send := func(batch []event.Event, shed int) {
		t.Helper()
		err := l.Ingest(batch)
		var s *Shed
		if errors.As(err, &s); s == nil && shed > 0 || s != nil && s.Events() != shed {
			t.Fatalf("%v, want %d events shed", err, shed)
		}
	}
	send(batchOf("a ok 1", "b ok 1"), 0)
	l.pressure.Hold(overload.Shedding)
	send(batchOf("a ok 1", "b critical 1", "b critical 1", "new ok 1"), 2)
	send(batchOf("a ok 1", "new ok 1"), 2) // all of it
	l.pressure.Hold(overload.Calm)
	l.take(batchOf("a ok 1")...)
	_, seq := l.engine.Now()
	if seq-first != 5 {
		t.Errorf("%d numbers were given, want 5", seq-first)
	}
	again := live(t, l.died(), rules)
	for host, want := range map[string]float64{"a": 2, "b": 3} {
		e := again.index.Lookup(host, "count")
		if e == nil {
			t.Fatalf("after the kill there is no count of %s", host)
		}
		if got, _ := e.Metric(); got != want {
			t.Errorf("after the kill the count of %s is %v, want %v", host, got, want)
		}
	}
	if e := again.index.Lookup("new", "s"); e != nil {
		t.Error("what was shed is in the index after the kill")
	}
}
