package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"zeta/event"
	"zeta/query"

	"github.com/gorilla/websocket"
)

// names are the services of events, sorted.
func names(events []event.Event) []string {
	out := []string{}
	for i := range events {
		out = append(out, events[i].Service)
	}
	slices.Sort(out)
	return out
}

// Sources that fell silent are known for an hour, over a kill, unless they come back.
func TestSilentSourcesAreRemembered(t *testing.T) {
	for _, rules := range []string{`index;`, `notExpired(index);`} {
		l := live(t, t.TempDir(), rules)
		short := func(service string) event.Event {
			e := one(service, 1)
			e.SetTTL(5)
			return e
		}
		l.take(short("a"), short("b"), one("c", 1))
		pass := func(x *Engine, seconds int64) {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.stamp.last += seconds * 1e6 // a moment later
			x.advance(x.stamp.next())
		}
		all := query.MustParse("true")
		if got := l.engine.goneEvents(all); len(got) != 0 {
			t.Errorf("%s: gone %q before anything was", rules, names(got))
		}
		pass(l.engine, 30)
		got := l.engine.goneEvents(all)
		if fmt.Sprint(names(got)) != "[a b]" || got[0].State != event.Expired {
			t.Fatalf("%s: gone %v, want a and b, expired", rules, got)
		}
		if got := l.engine.goneEvents(query.MustParse(`service = "b"`)); len(got) != 1 {
			t.Errorf("%s: the query found %q, want b", rules, names(got))
		}
		l.take(short("a")) // is back
		if got := l.engine.goneEvents(all); fmt.Sprint(names(got)) != "[b]" {
			t.Errorf("%s: gone %q, want b", rules, names(got))
		}
		if err := l.checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := live(t, l.died(), rules)
		if got := second.engine.goneEvents(all); fmt.Sprint(names(got)) != "[b]" {
			t.Errorf("%s: gone %q after a kill, want b", rules, names(got))
		}
		pass(second.engine, 3600)
		if got := second.engine.goneEvents(all); slices.Contains(names(got), "b") {
			t.Errorf("%s: gone %q, want no b an hour later", rules, names(got))
		}
		l.end()
		second.end()
	}
}

func TestSilentSourcesAreBounded(t *testing.T) {
	var g gone
	for i := range 10 * maxGone {
		e := one(fmt.Sprint(i), 1)
		g.note(&e)
	}
	if n := len(g.events); n < maxGone || n > 2*maxGone || g.events[n-1].Service != fmt.Sprint(10*maxGone-1) {
		t.Errorf("%d are kept, want the newest, between %d and %d", n, maxGone, 2*maxGone)
	}
	var again gone
	if err := again.load(g.save()); err != nil || len(again.events) != len(g.events) {
		t.Errorf("%d of %d loaded: %v", len(again.events), len(g.events), err)
	}
	if err := again.load([]byte{9}); err == nil {
		t.Error("a form that is not known: no error")
	}
}

// A dashboard that is opened afterwards is told of them.
func TestLiveTellsOfSilentSources(t *testing.T) {
	s := serve(t, DefaultRules)
	gone := ev("h", "gone", 1)
	gone.SetState(event.Expired)
	s.send(ev("h", "here", 1), ev("h", "gone", 1), gone)
	c := s.ws("/api/v1/live")
	if err := c.WriteMessage(websocket.TextMessage, []byte(`{"op":"subscribe","id":"grid","query":"host = \"h\"","mode":"latest"}`)); err != nil {
		t.Fatal(err)
	}
	for {
		text := readText(t, c)
		if !strings.Contains(text, `"op":"events"`) {
			continue
		}
		var m struct {
			Snapshot bool
			Events   []struct{ Service, State string }
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if !m.Snapshot || len(m.Events) != 2 || m.Events[1].Service != "gone" || m.Events[1].State != "expired" {
			t.Errorf("snapshot %s, want what is here and then what is gone", text)
		}
		return
	}
}
