package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/journal"
	"zeta/sinks"
	"zeta/streams"
)

// life is one run of a server on a data directory.
type life struct {
	t     *testing.T
	dir   string
	store *Store
	sinks *sinks.Manager
	*Server
}

// live starts a server on dir with rules, which listen nowhere that matters.
func live(t *testing.T, dir, rules string) *life {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	store, err := OpenStore(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	m := sinks.NewManager(sinks.Options{Outbox: store.Outbox, Logger: log})
	s, err := New(Options{RulesText: `listen.tcp("127.0.0.1:0"); ` + rules, Store: store, Sinks: m, Logger: log, Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	l := &life{t: t, dir: dir, store: store, sinks: m, Server: s}
	t.Cleanup(l.end)
	return l
}

// end shuts down in order.
func (l *life) end() {
	if l.Server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	l.Shutdown(ctx)
	short, stop := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer stop()
	l.sinks.Close(short)
	l.store.Close(ctx)
	l.Server = nil
}

// died returns a copy of the data directory as kill -9 would leave it now.
func (l *life) died() string {
	l.t.Helper()
	to := l.t.TempDir()
	if err := os.CopyFS(filepath.Join(to, "data"), os.DirFS(l.dir)); err != nil {
		l.t.Fatal(err)
	}
	return filepath.Join(to, "data")
}

// take sends events as a connection does and waits for what the answer waits for.
func (l *life) take(events ...event.Event) {
	l.t.Helper()
	payload := wire.AppendMsg(nil, &wire.Msg{Events: events})
	p, err := l.engine.take(events, payload)
	if err == nil {
		err = l.engine.await(l.t.Context(), p, AckSafe)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) search(q string) (found []event.Event, err error) {
	err = l.scan(q, func(batch []event.Event) error {
		found = append(found, batch...)
		return nil
	})
	return found, err
}

func (l *life) metric(service string) float64 {
	l.t.Helper()
	found, err := l.search(fmt.Sprintf("service = %q", service))
	if err != nil || len(found) != 1 {
		l.t.Fatalf("service %s: %d events, %v", service, len(found), err)
	}
	m, _ := found[0].Metric()
	return m
}

func one(service string, metric float64) event.Event {
	var e event.Event
	e.SetHost("h")
	e.SetService(service)
	e.SetFloat(metric)
	return e
}

const countingRules = `default(ttl, 60, index); where(service == "c", counter(with(service, "total", index)));`

func TestKilledServerComesBack(t *testing.T) {
	a := live(t, t.TempDir(), countingRules)
	for range 3 {
		a.take(one("c", 1))
	}
	b := live(t, a.died(), countingRules)
	if got := b.metric("total"); got != 3 {
		t.Errorf("the counter is %v after the restart, want 3", got)
	}
	b.take(one("c", 1))
	if got := b.metric("total"); got != 4 {
		t.Errorf("the counter goes on with %v, want 4", got)
	}
	if err := b.checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.take(one("c", 1)) // after the checkpoint: in the tail
	c := live(t, b.died(), countingRules)
	if got := c.metric("total"); got != 5 {
		t.Errorf("after a checkpoint and a tail the counter is %v, want 5", got)
	}
}

func TestOrderlyEndNeedsNoReplay(t *testing.T) {
	dir := t.TempDir()
	a := live(t, dir, countingRules)
	for i := range 100 {
		a.take(one(fmt.Sprint("s", i), 1), one("c", 1))
	}
	a.end()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	store, err := OpenStore(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close(t.Context())
	s := newServer(Options{RulesText: countingRules, Store: store, Logger: log})
	defer s.hub.Close()
	rules, err := s.load()
	if err != nil || rules == nil {
		t.Fatal(err)
	}
	if n := s.index.Len(); n != 102 {
		t.Errorf("%d entries, want 102", n)
	}
	if n := store.log.Stats().Next; n < 100 {
		t.Errorf("the journal is at %d, want more than the 100 batches", n)
	}
}

// TestRulesOfThenReplayTheJournal changes the rules while zeta is down after a kill.
func TestRulesOfThenReplayTheJournal(t *testing.T) {
	a := live(t, t.TempDir(), countingRules)
	a.take(one("c", 1), one("c", 1))
	b := live(t, a.died(), `default(ttl, 60, index); where(service == "c", counter(with(service, "sum", index)));`)
	if got := b.metric("total"); got != 2 {
		t.Errorf("the old rules made %v of the journal, want 2", got)
	}
	b.take(one("c", 1))
	// Renaming what follows the counter keeps the counter.
	if got := b.metric("sum"); got != 3 {
		t.Errorf("the new rules count %v, want 3", got)
	}
}

// target is a webhook that hangs until it is told to answer.
type target struct {
	*httptest.Server
	mu   sync.Mutex
	open bool
	got  []string
}

func newTarget(t *testing.T) *target {
	g := &target{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if !g.open {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body, _ := io.ReadAll(r.Body)
		g.got = append(g.got, string(body))
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *target) set(open bool) {
	g.mu.Lock()
	g.open = open
	g.mu.Unlock()
}

func (g *target) requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.got...)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not seen within 10 s: %s", what)
		}
	}
}

func TestAlertsOutliveAKill(t *testing.T) {
	g := newTarget(t)
	rules := fmt.Sprintf(`where(service == "up", webhook({url: %q, wait: 0, batch: 1}));`, g.URL)
	a := live(t, t.TempDir(), rules)
	g.set(true)
	a.take(one("up", 1))
	eventually(t, "the first alert", func() bool { return len(g.requests()) == 1 })
	eventually(t, "the note of it", func() bool { return a.sinks.Status()[0].Queued == 0 })
	g.set(false)
	a.take(one("up", 2)) // acknowledged, not delivered
	dir := a.died()
	a.end()
	g.set(true)
	b := live(t, dir, rules)
	eventually(t, "the second alert", func() bool { return len(g.requests()) == 2 })
	b.take(one("up", 3))
	eventually(t, "the third alert", func() bool { return len(g.requests()) == 3 })
	for i, r := range g.requests() {
		if want := fmt.Sprintf(`"metric":%d.0`, i+1); !strings.Contains(r, want) {
			t.Errorf("request %d is %s, want %s in it", i, r, want)
		}
	}
}

// TestNothingExpiresBecauseZetaWasDown replays a journal that ended an hour ago.
func TestNothingExpiresBecauseZetaWasDown(t *testing.T) {
	dir := t.TempDir()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	store, err := OpenStore(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	const rules = `default(ttl, 60, index); expired(with(service, "gone", index));`
	then := time.Now().Add(-time.Hour).UnixMicro()
	e := one("s", 1)
	e.SetTTL(5)
	text := rulesText(mustLoad(t, rules), Options{RulesText: rules})
	if _, err := store.log.Append(journal.KindRules, then, []byte(text)); err != nil {
		t.Fatal(err)
	}
	head := []byte{batchEvents, 1, 0, 0, 0, 0, 0, 0, 0}
	if _, err := store.log.Append(journal.KindBatch, then+1, head, encodeEvents([]event.Event{e})); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	l := live(t, dir, rules)
	if got := l.metric("s"); got != 1 {
		t.Errorf("the entry is %v", got)
	}
	x := l.engine
	x.mu.Lock()
	x.advance(x.stamp.next() + 4e6) // its ttl of 5 s is not over yet, counted from the restart
	x.expiry.sweep()
	x.mu.Unlock()
	l.metric("s")
	x.mu.Lock()
	x.advance(x.clock.Now() + 3e6)
	x.expiry.sweep()
	x.mu.Unlock()
	if found, _ := l.search(`service = "s"`); len(found) != 0 {
		t.Errorf("the entry is still there 7 s after the restart: %v", found)
	}
}

func TestStoreIsForOneProcess(t *testing.T) {
	a := live(t, t.TempDir(), countingRules)
	if s, err := OpenStore(a.dir, a.log); err == nil {
		s.Close(t.Context())
		t.Error("a data directory in use was opened again")
	}
}

func mustLoad(t *testing.T, text string) *streams.Rules {
	t.Helper()
	rules, problems := streams.LoadText("rules", text, streams.LoadOptions{})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return rules
}
