// Package regress pins what an event costs in figures that no other load on the machine can change: allocations
// and bytes per event on the way from a message's bytes through rules, index and subscriptions. CI runs it with
// the other tests; time is measured by the command bench and never decides here.
package regress

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/server"
)

const index = "listen.tcp(\"127.0.0.1:0\");\ndefault(ttl, 60, index);\n"

// message is what a host sends: its services, with a metric that changes from round to round.
func message(host, services, round int) []byte {
	events := make([]event.Event, services)
	for i := range events {
		e := &events[i]
		e.SetHost(fmt.Sprintf("web-%03d.prod1", host))
		e.SetService(fmt.Sprintf("http latency p%02d", i))
		e.SetState("ok")
		if (i+round)%7 == 0 {
			e.SetState("warning")
		}
		e.SetFloat(float64(i*7919%1000+round) / 7)
		e.SetTime(time.Now().UnixMicro())
		e.SetTTL(60)
		e.Set = event.NewSet([]string{"prod"}, []event.Attr{{Key: "dc", Value: "eu"}})
	}
	return wire.AppendMsg(nil, &wire.Msg{Events: events})
}

func TestAllocations(t *testing.T) {
	many := index
	for i := range 200 {
		many += fmt.Sprintf("where(service == \"http latency p%02d\" and metric > 1e6 and state != \"x%d\", counter(0));\n", i, i)
	}
	for _, c := range []struct {
		name, rules string
		bytes       float64 // allowed an event, for what grows now and then
	}{
		{"index only", index, 0.5},
		{"five predicates", index + `
			where(service startsWith "df-" and metric > 0.9, counter(0));
			where(state in ["critical", "warning"], counter(0));
			where("prod" in tags and metric > 1e9, counter(0));
			where(host matches "^db-[0-9]+", counter(0));
			where(attributes.dc == "eu" and state == "ok", counter(0));`, 0.5},
		{"200 rules", many, 0.5},
		{"state changes by host and service", index + `by([host, service], changed(state, {init: "ok"}, counter(0)));`, 0.5},
		{"changedState", index + `changedState({init: "ok"}, counter(0));`, 0.5},
		{"rate by host and service", index + `by([host, service], rate(3600, counter(0)));`, 0.5},
		{"throttle by service", index + `where(state == "warning", by(service, throttle(10, 5, counter(0))));`, 0.5},
		{"published, nobody listens", index + `publish("all");`, 0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := server.New(server.Options{RulesText: c.rules, Quiet: true, HistorySeries: -1, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Shutdown(t.Context())
			d, m, i := wire.NewDecoder(wire.DefaultLimits), wire.Msg{}, 0
			var messages [][]byte
			for round := range 3 {
				for host := range 40 {
					messages = append(messages, message(host, 50, round))
				}
			}
			all := func() {
				for range messages {
					if err := d.Decode(&m, messages[i%len(messages)]); err != nil {
						t.Fatal(err)
					}
					if err := s.Ingest(m.Events); err != nil {
						t.Fatal(err)
					}
					i++
				}
			}
			all() // from here on every series is known
			all()
			events := float64(50 * len(messages))
			if n := testing.AllocsPerRun(5, all) / events; n > 0.001 {
				t.Errorf("%.4f allocations an event, want none", n)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			all()
			runtime.ReadMemStats(&after)
			if b := float64(after.TotalAlloc-before.TotalAlloc) / events; b > c.bytes {
				t.Errorf("%.2f bytes allocated an event, want at most %.2f", b, c.bytes)
			}
		})
	}
}
