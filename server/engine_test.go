package server

import (
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zeta/event"
	"zeta/index"
	"zeta/query"
	"zeta/streams"
)

// recorder is a Sinks that keeps what it gets.
type recorder struct {
	sinks  []*streams.Sink
	alerts []*streams.Alert
}

func (r *recorder) Use(s []*streams.Sink) error { r.sinks = s; return nil }
func (r *recorder) Deliver(a *streams.Alert)    { r.alerts = append(r.alerts, a) }

// testEngine runs rules without listeners on synctest's clock; ends with the bubble.
func testEngine(t *testing.T, rules string) *Server {
	t.Helper()
	s := newServer(Options{RulesText: rules, Quiet: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if _, err := s.load(); err != nil {
		t.Fatal(err)
	}
	s.engine.start()
	t.Cleanup(func() {
		s.cancel()
		s.engine.stop()
		s.hub.Close()
	})
	return s
}

// published subscribes to a topic and returns a function that takes what has been published since.
func published(t *testing.T, s *Server, topic string) func() []event.Event {
	t.Helper()
	sub, _, err := s.engine.subscribe(topic, query.MustParse("true"), index.Format{Name: "events"}, false)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var got []event.Event
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			chunks, err := sub.Next(t.Context())
			if err != nil {
				return
			}
			mu.Lock()
			for _, c := range chunks {
				got = append(got, c.Events...)
			}
			mu.Unlock()
		}
	}()
	t.Cleanup(func() { sub.Close(); <-done })
	return func() []event.Event {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		all := got
		got = nil
		return all
	}
}

// The index may stand in the rules so that it gets expired events, or not; its subscribers see each once.
func TestExpiredEventReachesSubscribersOnce(t *testing.T) {
	for _, rules := range []string{
		`default(ttl, 60, index);`,
		`notExpired(index);`,
		`expired(index); notExpired(index);`,
		`index; index;`,
		`expired(with({description: "gone"}, index)); notExpired(index);`,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := testEngine(t, rules)
			take := published(t, s, topicIndex)
			e := ev("h", "pulse", 1)
			e.SetTTL(5)
			e.Set = event.NewSet([]string{"t"}, []event.Attr{{Key: "k", Value: "v"}})
			if err := s.Ingest([]event.Event{e}); err != nil {
				t.Fatal(err)
			}
			if got := take(); len(got) == 0 || got[0].Float != 1 {
				t.Errorf("%s: published %v, want the event", rules, got)
			}
			time.Sleep(9 * time.Second)
			if got := take(); len(got) != 0 {
				t.Errorf("%s: %v published before the sweep", rules, got)
			}
			time.Sleep(time.Minute)
			got := take()
			if len(got) != 1 {
				t.Fatalf("%s: %d expired events, want 1: %v", rules, len(got), got)
			}
			x := got[0]
			if x.State != event.Expired || x.Host != "h" || x.Service != "pulse" || x.Is(event.HasFloat) ||
				!x.Set.HasTag("t") || len(x.Attrs()) != 1 || x.Time <= e.Time {
				t.Errorf("%s: expired event %+v, want host, service, tags, attributes, a new time and no metric", rules, x)
			}
			if (x.Description == "gone") != strings.Contains(rules, "gone") {
				t.Errorf("%s: subscribers got %q, want what the rules indexed", rules, x.Description)
			}
			if s.index.Len() != 0 {
				t.Errorf("%s: %d events left in the index", rules, s.index.Len())
			}
		})
	}
}

func TestExpireSetting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testEngine(t, `expire({every: "1s", keep: ["description"]}); index;`)
		take := published(t, s, topicIndex)
		e := ev("h", "s", 1)
		e.SetTTL(2)
		e.SetDescription("was here")
		e.Set = event.NewSet([]string{"t"}, nil)
		s.Ingest([]event.Event{e})
		take()
		time.Sleep(2 * time.Second) // an age equal to the ttl is alive
		if got := take(); len(got) != 0 {
			t.Fatalf("expired at its ttl: %v", got)
		}
		time.Sleep(time.Second + time.Millisecond)
		got := take()
		if len(got) != 1 || got[0].Description != "was here" || got[0].Tags() != nil {
			t.Fatalf("got %+v, want one expired event with its description and no tags", got)
		}
	})
	for _, bad := range []string{`expire({every: "1ms"});`, `expire({keep: ["metric"]});`, `expire({keeps: []});`} {
		if _, err := newServer(Options{RulesText: bad, Logger: slog.New(slog.DiscardHandler)}).load(); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

// A client's expired event removes the entry and is published once, whole.
func TestSentExpiredEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testEngine(t, `index;`)
		take := published(t, s, topicIndex)
		e := ev("h", "s", 1)
		s.Ingest([]event.Event{e})
		e = ev("h", "s", 2)
		e.SetState(event.Expired)
		s.Ingest([]event.Event{e})
		got := take()
		if len(got) != 2 || got[1].State != event.Expired || got[1].Float != 2 || s.index.Len() != 0 {
			t.Fatalf("published %v with %d in the index, want the expired event whole and nothing left", got, s.index.Len())
		}
	})
}

// Timers run in time without any event, and before the first event that arrives after they were due.
func TestTimersRunWithoutEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testEngine(t, `where(service == "r", rate(5, publish("rates")));`)
		take := published(t, s, "rates")
		for range 10 {
			s.Ingest([]event.Event{ev("h", "r", 1)})
		}
		if got := take(); len(got) != 0 {
			t.Fatalf("a rate before its interval: %v", got)
		}
		time.Sleep(5*time.Second + time.Millisecond)
		got := take()
		if len(got) != 1 || got[0].Float != 2 {
			t.Fatalf("after 5 s: %v, want one rate of 2", got)
		}
	})
}

// Hours of silence with a timer every second: none is left out.
func TestTimersKeepUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testEngine(t, `expire({every: "1s"}); index;`)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := s.engine.counts().sweeps; n < 3599 || n > 3600 {
			t.Fatalf("%d sweeps in an hour, want one a second", n)
		}
	})
}

func TestStampsFillMissingTimesAndNeverGoBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testEngine(t, `publish("all");`)
		take := published(t, s, "all")
		var last int64
		for range 100 {
			s.Ingest([]event.Event{ev("h", "s", 1)})
			time.Sleep(time.Microsecond)
		}
		for _, e := range take() {
			if !e.Is(event.HasTime) || e.Time <= last {
				t.Fatalf("time %d after %d", e.Time, last)
			}
			last = e.Time
		}
	})
}

func TestReinjectedEventsRunAfterThePresentOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testEngine(t, `
			where(service == "a", with({service: "b"}, reinject));
			where(service == "loop", with({service: "lo" + "op"}, reinject));
			publish("all");`)
		take := published(t, s, "all")
		s.Ingest([]event.Event{ev("h", "a", 1), ev("h", "c", 2)})
		var order []string
		for _, e := range take() {
			order = append(order, e.Service)
		}
		if got := strings.Join(order, " "); got != "a b c" {
			t.Fatalf("order %q, want a, then what it reinjected, then the next event", got)
		}
		s.Ingest([]event.Event{ev("h", "loop", 1)})
		if got := take(); len(got) < 2 || len(got) > streams.MaxHops+1 {
			t.Fatalf("a loop ran %d times, want at most %d", len(got), streams.MaxHops+1)
		}
	})
}

// panicking is an index that fails for one service.
type panicking struct{ indexer }

func (p panicking) Put(e *event.Event) {
	if e.Service == "bomb" {
		panic("boom")
	}
	p.indexer.Put(e)
}

func TestPanicInARuleCostsOneEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		s := newServer(Options{RulesText: "index;", Logger: slog.New(slog.NewTextHandler(log, nil))})
		defer func() { s.cancel(); s.hub.Close() }()
		s.engine.rt.Index = panicking{indexer{s.engine}}
		if _, err := s.load(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			err := s.Ingest([]event.Event{ev("h", "a", 1), ev("h", "bomb", 2), ev("h", "b", 3), ev("h", "bomb", 4)})
			if err != errPanic {
				t.Fatalf("got %v, want %v", err, errPanic)
			}
		}
		if s.index.Len() != 2 {
			t.Errorf("%d events in the index, want the two others", s.index.Len())
		}
		if err := s.Ingest([]event.Event{ev("h", "a", 1)}); err != nil {
			t.Errorf("the batch after: %v", err)
		}
		if c := s.engine.counts(); c.panics != 6 || c.events != 13 {
			t.Errorf("%d panics, %d events counted, want 6 and 13", c.panics, c.events)
		}
		if n := strings.Count(log.String(), "boom"); n < 1 || strings.Count(log.String(), "a rule panicked") != 1 {
			t.Errorf("the stack was logged %d times, want once", strings.Count(log.String(), "a rule panicked"))
		}
	})
}

// State moves to equal rules; a swap that fails changes nothing.
func TestSwapKeepsState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rules = `publish("all"); changedState({init: "ok"}, publish("changes"));`
		s := testEngine(t, rules)
		take := published(t, s, "changes")
		bad := ev("h", "s", 1)
		bad.SetState("critical")
		s.Ingest([]event.Event{bad})
		if got := take(); len(got) != 1 {
			t.Fatalf("%d changes, want 1", len(got))
		}
		next, problems := streams.LoadText("next", `where(metric > 0, publish("other")); `+rules, streams.LoadOptions{})
		if problems.Err() != nil {
			t.Fatal(problems)
		}
		if _, err := s.engine.Swap(next); err != nil {
			t.Fatal(err)
		}
		s.Ingest([]event.Event{bad})
		if got := take(); len(got) != 0 {
			t.Fatalf("after the swap the same state counts as a change: %v", got)
		}
	})
}

func TestAlertsReachTheSinks(t *testing.T) {
	r := &recorder{}
	s := newServer(Options{RulesText: "index;", Sinks: r, Logger: slog.New(slog.DiscardHandler)})
	defer func() { s.cancel(); s.hub.Close() }()
	s.engine.rt.Deliver(&streams.Alert{ID: 7})
	if len(r.alerts) != 1 || r.alerts[0].ID != 7 {
		t.Fatalf("alerts: %v", r.alerts)
	}
}

func TestEngineAllocates(t *testing.T) {
	s := newServer(Options{RulesText: benchRules, Logger: slog.New(slog.DiscardHandler)})
	defer func() { s.cancel(); s.hub.Close() }()
	if _, err := s.load(); err != nil {
		t.Fatal(err)
	}
	c := newBenchConn(s)
	batch := appBatch(100, 0)
	if n := testing.AllocsPerRun(100, func() { c.take(t, batch) }); n != 0 {
		t.Errorf("%v allocations for a message of 100 known events, want none", n)
	}
}
