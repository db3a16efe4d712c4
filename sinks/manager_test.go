package sinks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterSink(streams.SinkSpec[noteOptions]{
		Name:     "note",
		Summary:  "Take notes, for tests.",
		Open:     func(o noteOptions) (any, error) { return openNote(o) },
		Examples: []streams.Example{{Title: "all", Rule: `note({book: "a"})`, Test: `at(0, event({metric: 1})), expect(note, [{metric: 1}])`}},
	})
}

type noteOptions struct {
	Book string         `opt:"book" doc:"where it is written"`
	Key  streams.Secret `opt:"key" doc:"opens the book"`
}

// notes are what the sinks of a test have delivered: key of the sink and host of the event.
var notes struct {
	sync.Mutex
	taken []string
	block map[string]chan struct{} // by book: deliveries wait for it
}

func openNote(o noteOptions) (any, error) {
	if o.Book == "" {
		return nil, errors.New("no book")
	}
	return Opened{Sender: note{o}}, nil
}

type note struct{ o noteOptions }

func (n note) Send(ctx context.Context, alerts []*streams.Alert) error {
	notes.Lock()
	block := notes.block[n.o.Book]
	notes.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	notes.Lock()
	defer notes.Unlock()
	for _, a := range alerts {
		notes.taken = append(notes.taken, string(n.o.Key)+" "+a.Events[0].Host)
	}
	return nil
}

func takenNotes() []string {
	notes.Lock()
	defer notes.Unlock()
	return slices.Clone(notes.taken)
}

// noteSinks loads the sinks of rules that name these books, each with a key.
func noteSinks(t *testing.T, books ...string) []*streams.Sink {
	t.Helper()
	text := ""
	for _, b := range books {
		book, key, _ := strings.Cut(b, "/")
		text += `note({book: "` + book + `", key: "` + key + `"});`
	}
	rules, problems := streams.LoadText("x", text, streams.LoadOptions{})
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	return rules.Sinks
}

// TestUse changes the sinks under alerts that wait: a changed secret counts from the next request on, a sink that
// is no longer named delivers what it has and is forgotten, and one that is named again goes on.
func TestUse(t *testing.T) {
	synctest.Test(t, testUse)
}

func testUse(t *testing.T) {
	block := make(chan struct{})
	notes.taken, notes.block = nil, map[string]chan struct{}{"a": block}
	m := NewManager(Options{Logger: quiet()})
	defer m.Close(context.Background())
	use := func(books ...string) []*streams.Sink {
		t.Helper()
		sinks := noteSinks(t, books...)
		if err := m.Use(sinks); err != nil {
			t.Fatal(err)
		}
		return sinks
	}
	send := func(s *streams.Sink, host string) {
		m.Deliver(&streams.Alert{Sink: s, Events: []event.Event{{Host: host, Has: event.HasHost}}})
	}
	names := func() []string {
		var names []string
		for _, s := range m.Status() {
			names = append(names, s.ID)
		}
		slices.Sort(names)
		return names
	}
	first := use("a/one", "b/one")
	a, b := first[0], first[1]
	send(a, "1") // hangs
	send(a, "2")

	old := m.queues[a.ID]
	again := use("a/one", "b/one")
	if m.queues[a.ID] != old {
		t.Error("an equal sink has another queue")
	}
	use("a/two", "b/one")
	send(again[0], "3")
	synctest.Wait() // the request with the old key has been given up
	close(block)
	synctest.Wait()
	equal(t, takenNotes(), "two 1", "two 2", "two 3")

	notes.Lock()
	notes.block["b"] = make(chan struct{})
	notes.Unlock()
	send(b, "4")
	use("a/two") // b is named no more
	if got := names(); len(got) != 2 {
		t.Errorf("sinks %q, want two: b still has an alert", got)
	}
	use("b/one") // and again, before it was through
	notes.Lock()
	close(notes.block["b"])
	notes.Unlock()
	send(b, "5")
	synctest.Wait()
	equal(t, takenNotes()[3:], "one 4", "one 5")
	equal(t, names(), b.ID)

	if err := m.Use(noteSinks(t, "c", "")); err == nil || !strings.Contains(err.Error(), "open sink note: no book") {
		t.Errorf("a sink that does not open: %v", err)
	}
	equal(t, names(), b.ID)
}
