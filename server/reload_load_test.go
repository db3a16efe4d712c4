package server

import (
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterSink(streams.SinkSpec[ledgerOptions]{
		Name:     "ledger",
		Summary:  "Keep a sum of what comes, for tests.",
		Open:     func(o ledgerOptions) (any, error) { return nil, nil },
		Examples: []streams.Example{{Title: "all", Rule: `ledger("all")`, Test: `at(0, event({metric: 1})), expect(ledger, [{metric: 1}])`}},
	})
}

type ledgerOptions struct {
	Name string `arg:"1" doc:"what it is called"`
}

// ledgers keeps, for each ledger and host, the number of events and a sum over their metrics in their order.
type ledgers struct {
	mu  sync.Mutex
	sum map[string]ledgerSum
}

type ledgerSum struct {
	events int
	order  uint64 // of the metrics as they came
	total  float64
}

func (l *ledgers) Use([]*streams.Sink) error { return nil }

func (l *ledgers) Deliver(a *streams.Alert) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range a.Events {
		key := a.Sink.Options.(ledgerOptions).Name + " " + e.Host
		s := l.sum[key]
		h := fnv.New64a()
		fmt.Fprint(h, s.order, e.Int, e.Float)
		l.sum[key] = ledgerSum{s.events + 1, h.Sum64(), s.total + e.Float + float64(e.Int)}
	}
}

func (l *ledgers) read() map[string]ledgerSum {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.sum)
}

// What each host's ledgers hold follows from the order of its own events, which come over one connection, and not
// from when they come; but for timed, of which only the sum does. Each variant has thresholds, a door and rules of
// its own, so that every reload has something to change.
func reloadRules(variant int) string {
	rules := fmt.Sprintf(`
		listen.tcp("127.0.0.1:0");
		where(metric >= -%d, ledger("all"));
		by(host, where(metric > -%d,
			counter(ledger("counter")),
			fixedEventWindow(7, smap(sum, ledger("seven"))),
			fixedTimeWindow("50ms", smap(count, ledger("event time"))),
			movingEventWindow(5, smap(mean, ledger("moving"))),
			batch(1000, "20ms", smap(count, ledger("timed"))),
			changedState(ledger("changes")),
			by(service, ewmaTimeless(0.5, ledger("ewma"))),
			runs(3, state, ledger("runs"))));
		let shared = counter(ledger("shared"));
		by([host, service], where(service == "s1" or variant == %d, shared));`, 1+variant, 2+variant, variant)
	rules += fmt.Sprintf("\nlet variant = %d;", variant)
	if variant%2 == 1 {
		rules += `listen.udp("127.0.0.1:0"); by(state, throttle(1, "1h", publish("some")));`
	}
	if variant%3 == 1 {
		rules = "/* " + fmt.Sprint(variant) + " */ fixedEventWindow(10, smap(sum, publish(\"x\")));" + rules
	}
	return rules
}

// TestReloadUnderLoad reloads rules while events come in over TCP, and wants what comes out to be what comes out
// without a reload: nothing lost, nothing twice, no state forgotten, no connection closed.
func TestReloadUnderLoad(t *testing.T) {
	const connections, perBatch = 4, 100
	reloads, every, perSecond := 25, time.Duration(0), 0
	if *long {
		reloads, every, perSecond = 200, 300*time.Millisecond, 50_000
	}
	file := filepath.Join(t.TempDir(), "zeta.expr")
	run := func(batches func(conn, sent int) bool, during func(s *testServer)) (map[string]ledgerSum, [connections]int) {
		if err := os.WriteFile(file, []byte(reloadRules(0)), 0o600); err != nil {
			t.Fatal(err)
		}
		out := &ledgers{sum: map[string]ledgerSum{}}
		s := serveOptions(t, Options{RulesFiles: []string{file}, Sinks: out, Quiet: true})
		var sent [connections]int
		var wg sync.WaitGroup
		for c := range connections {
			conn := s.dial("tcp")
			conn.SetDeadline(time.Now().Add(3 * time.Minute))
			const unanswered = 20
			slots := make(chan struct{}, unanswered)
			sending := make(chan struct{})
			wg.Go(func() {
				defer close(sending)
				for ; batches(c, sent[c]); sent[c]++ {
					slots <- struct{}{}
					if _, err := conn.Write(frame(reloadBatch(c, sent[c], perBatch)...)); err != nil {
						t.Errorf("connection %d: batch %d: %v", c, sent[c], err)
						return
					}
				}
			})
			wg.Go(func() {
				in := newAnswers(t, conn)
				for n := 0; ; n++ {
					select {
					case <-slots:
					case <-sending:
						select {
						case <-slots:
						default:
							return
						}
					}
					if m, err := in.next(); err != nil || !m.OK {
						t.Errorf("connection %d: answer %d: %+v, %v", c, n, m, err)
						conn.Close() // ends the sender
						for range slots {
						}
					}
				}
			})
		}
		during(s)
		wg.Wait()
		var events [connections]int
		for c := range events {
			events[c] = sent[c] * perBatch
		}
		until(t, "the timed batches have left", func() bool {
			sum := out.read()
			for c, n := range events {
				if int(sum[fmt.Sprintf("timed h%d", c)].total) != n {
					return false
				}
			}
			return true
		})
		return out.read(), sent
	}

	var stop atomic.Bool
	pace := newPace(connections, perSecond/perBatch)
	got, sent := run(func(c, n int) bool {
		pace.wait(c, n)
		return !stop.Load()
	}, func(s *testServer) {
		defer stop.Store(true)
		for i := 1; i <= reloads && !t.Failed(); i++ {
			before := s.engine.counts().events
			if err := os.WriteFile(file, []byte(reloadRules(i)), 0o600); err != nil {
				t.Error(err)
			}
			r, err := s.Reload()
			if err != nil {
				t.Errorf("reload %d: %v", i, err)
				return
			}
			// by, its seven, by service with its one, the let, the other by.
			if len(r.Keeps) < 12 || slices.ContainsFunc(r.Loses, func(path string) bool { return path[0] == 'l' }) {
				t.Errorf("reload %d keeps %q, loses %q", i, r.Keeps, r.Loses)
			}
			until(t, "events come in after a reload", func() bool { return s.engine.counts().events > before+perBatch })
			time.Sleep(every)
		}
		if n := s.metric("zeta_server_reload_lock_seconds"); n != float64(reloads) {
			t.Errorf("%v reloads are measured, want %d", n, reloads)
		}
	})
	want, _ := run(func(c, n int) bool { return n < sent[c] }, func(*testServer) {})
	for key := range want {
		g, w := got[key], want[key]
		if key[:5] == "timed" {
			g.order, w.order, g.events, w.events = 0, 0, 0, 0
		}
		if key[:6] == "shared" {
			g.order, w.order, g.total, w.total = 0, 0, 0, 0 // its total goes over all hosts
		}
		if g != w {
			t.Errorf("%s: with reloads %+v, without %+v", key, g, w)
		}
	}
	if len(got) != len(want) || len(want) < 10*connections {
		t.Errorf("%d ledgers with reloads, %d without", len(got), len(want))
	}
	t.Logf("%d reloads, %v batches of %d events", reloads, sent, perBatch)
}

// reloadBatch makes the n-th batch of a connection, whose events follow from the numbers alone.
func reloadBatch(conn, n, size int) []event.Event {
	events := make([]event.Event, size)
	for i := range events {
		k := n*size + i
		e := ev(fmt.Sprintf("h%d", conn), fmt.Sprintf("s%d", k%5), float64(k%101))
		e.SetState([]string{"ok", "ok", "ok", "warning", "critical"}[k*k%5])
		e.SetTime(int64(k) * 1000)
		events[i] = e
	}
	return events
}

// pace lets each connection send so many batches a second in all.
type pace struct {
	began time.Time
	gap   time.Duration // between two batches of one connection; 0: none
}

func newPace(connections, batches int) *pace {
	p := &pace{began: time.Now()}
	if batches > 0 {
		p.gap = time.Second * time.Duration(connections) / time.Duration(batches)
	}
	return p
}

func (p *pace) wait(_, n int) { time.Sleep(time.Until(p.began.Add(time.Duration(n) * p.gap))) }

// TestMutatedRules tries to reload files with mistakes in them. What runs goes on as it was.
func TestMutatedRules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "zeta.expr")
	good := reloadRules(0)
	if err := os.WriteFile(file, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	out := &ledgers{sum: map[string]ledgerSum{}}
	s := newServer(Options{RulesFiles: []string{file}, Sinks: out, Quiet: true, Logger: slog.New(slog.DiscardHandler)})
	defer func() { s.cancel(); s.hub.Close() }()
	next, err := s.read(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.use(next); err != nil {
		t.Fatal(err)
	}
	defer s.closeDoors(t.Context())
	doors, rules, graph := s.open(), s.rules, s.engine.graph
	rng := rand.New(rand.NewPCG(1, 2))
	refused := 0
	count := 250
	if *long {
		count = 1000
	}
	for i := range count {
		bad := mistaken(rng, good)
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		s.Ingest(reloadBatch(0, i, 3))
		if _, err := s.Reload(); err == nil {
			t.Fatalf("mutation %d is accepted:\n%s", i, bad)
		}
		refused++
		if st := s.Rules(); !st.Refused || len(st.Problems) == 0 {
			t.Fatalf("mutation %d: status %+v", i, st)
		}
	}
	if s.rules != rules || s.engine.graph != graph || !slices.Equal(s.open(), doors) || len(s.doors) != len(doors) {
		t.Error("rules or listeners have changed")
	}
	if got := out.read()["counter h0"].events; got != 3*refused {
		t.Errorf("%d events went through the rules, want %d", got, 3*refused)
	}
}

// mistaken damages rules until they have a problem.
func mistaken(rng *rand.Rand, rules string) string {
	scraps := []string{"(", ")", "\"", ";", ",", "where(", "nonsense", "/*", "listen.udp(5);", "by(", "\x00", "let", "99999999999", "nil"}
	for bad := rules; ; {
		from := rng.IntN(len(bad))
		to := min(from+rng.IntN(12), len(bad))
		bad = bad[:from] + scraps[rng.IntN(len(scraps))] + bad[to:]
		if _, problems := streams.LoadText("x", bad, streams.LoadOptions{Serve: true}); problems.Err() != nil {
			return bad
		}
	}
}
