package server

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeta/event"
	"zeta/event/wire"

	"github.com/gorilla/websocket"
)

// Groups within groups, however many, are refused before anything is made of them.
func TestDeepNesting(t *testing.T) {
	s := serve(t, DefaultRules)
	for _, levels := range []int{9, 5000, 1_000_000} {
		payload := strings.Repeat("\x0b", levels) + strings.Repeat("\x0c", levels)
		c := s.dial("tcp")
		c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...))
		a := newAnswers(t, c)
		if m := a.want(); m.OK || !strings.Contains(m.Error, "nested deeper than 8") {
			t.Errorf("%d levels: %+v", levels, m)
		}
		a.wantEnd()
	}
}

// A description of 15 MiB is cut, and what the index holds of it is small; names that are too long are refused.
func TestGiantStrings(t *testing.T) {
	s := serve(t, DefaultRules)
	big := ev("h", "big", 1)
	big.SetDescription(strings.Repeat("x", 15<<20))
	big.Set = event.NewSet(nil, []event.Attr{{Key: "k", Value: strings.Repeat("y", 5<<10)}})
	s.send(big)
	got := s.query(`service = "big"`)
	if len(got) != 1 {
		t.Fatalf("%d events, want 1", len(got))
	}
	value, _ := got[0].Attr("k")
	if n := len(got[0].Description) + len(value); n > 80<<10 {
		t.Errorf("the index holds %d bytes of text, want at most 80 KiB", n)
	}
	if n := s.figure(`zeta_server_fixes_total{kind="truncated"} `); n != 2 {
		t.Errorf("%v texts counted as cut, want 2", n)
	}
	long := ev(strings.Repeat("h", 1<<10+1), "s", 1)
	c := s.dial("tcp")
	c.Write(frame(long))
	if m := newAnswers(t, c).want(); m.OK || !strings.Contains(m.Error, "1025 bytes, limit 1024") {
		t.Errorf("a host of 1025 bytes: %+v", m)
	}
}

// Strange times and ttls neither make an event expire at once nor stop the others from expiring.
func TestStrangeTimesAndTTLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pipeServer(t, io.Discard)
		s.engine.start()
		defer s.engine.stop()
		var events []event.Event
		for i, ttl := range []float64{math.NaN(), -1, 0, math.Inf(-1), math.Inf(1), 1e300, math.SmallestNonzeroFloat64} {
			e := ev("ttl", fmt.Sprint(i), 1)
			e.SetTTL(ttl)
			events = append(events, e)
		}
		for i, at := range []int64{0, -1, math.MinInt64, math.MaxInt64, 9_223_372_036_854_000_000, time.Now().UnixMicro() - 86400e6} {
			e := ev("time", fmt.Sprint(i), 1)
			e.SetTime(at)
			e.SetTTL(600)
			events = append(events, e)
		}
		if err := s.Ingest(events); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second) // a sweep and more
		there := map[string]int{}
		count := func() {
			clear(there)
			err := s.scan("true", func(batch []event.Event) error {
				for _, e := range batch {
					there[e.Host]++
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if count(); there["ttl"] < 6 || there["time"] != 6 {
			t.Errorf("after 15 s there are %v; want all but the one whose ttl is all but nothing", there)
		}
		if n := s.index.Stats().BadTTL; n != 4 {
			t.Errorf("%d bad ttls counted, want 4", n)
		}
		time.Sleep(time.Hour)
		if count(); there["ttl"] != 2 || there["time"] != 0 {
			t.Errorf("after an hour there are %v; want the two without an end", there)
		}
	})
}

// A tenth of the senders live a day ahead. What the rules make of the others is the same as without them.
func TestSendersADayAhead(t *testing.T) {
	rules := `let seen = publish("seen");
		by([host, service], changed("state", {init: "ok"}, seen), rate(5, seen), fixedTimeWindow(10, smap(mean, seen)), movingTimeWindow(7, smap(maximum, seen)), throttle(2, 5, seen), ddt(seen), stable(3, "state", seen), coalesce(smap(sum, seen)), index);`
	run := func(ahead bool) string {
		var out strings.Builder
		synctest.Test(t, func(t *testing.T) {
			log := &logBuffer{}
			s := newServer(Options{RulesText: rules, Quiet: true, Logger: slog.New(slog.NewTextHandler(log, nil))})
			if _, err := s.load(); err != nil {
				t.Fatal(err)
			}
			defer s.cancel()
			defer s.hub.Close()
			s.engine.start()
			defer s.engine.stop()
			begun := time.Now()
			for step := range 120 {
				for host := range 20 {
					odd := host%10 == 9
					if odd && !ahead {
						continue
					}
					e := ev(fmt.Sprint("host", host), "load", float64((step*7+host*13)%50))
					e.SetState([]string{"ok", "warning", "critical"}[(step/7+host)%3])
					e.SetTTL(5)
					at := time.Now()
					if odd {
						at = at.Add(24 * time.Hour)
					}
					e.SetTime(at.UnixMicro())
					if err := s.Ingest([]event.Event{e}); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Second)
				err := s.scan("true", func(batch []event.Event) error {
					for _, e := range batch {
						if !strings.HasSuffix(e.Host, "9") {
							e.Time -= begun.UnixMicro()
							fmt.Fprintf(&out, "%d %s\n", step, event.AppendJSON(nil, &e))
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		})
		return out.String()
	}
	without, with := run(false), run(true)
	if len(without) < 100_000 {
		t.Fatalf("only %d bytes came out", len(without))
	}
	if without != with {
		t.Error("senders that live a day ahead change what the rules make of others")
	}
}

// A websocket's message has a limit, and no peer can have one grow by unpacking it.
func TestWebsocketBombs(t *testing.T) {
	s := serve(t, DefaultRules)
	dialer := *websocket.DefaultDialer
	dialer.EnableCompression = true
	for path, limit := range map[string]int{"/events": event.MaxJSONBytes, "/index?query=true&subscribe=true": 1 << 10, "/api/v1/live": 1 << 20} {
		c, resp, err := dialer.Dial("ws"+strings.TrimPrefix(s.url(path), "http"), nil)
		if err != nil {
			t.Fatal(path, err)
		}
		defer c.Close()
		if x := resp.Header.Get("Sec-WebSocket-Extensions"); x != "" {
			t.Errorf("%s: agreed on %q, want no compression", path, x)
		}
		c.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", limit+(1<<20))))
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		for err == nil {
			_, _, err = c.ReadMessage()
		}
		if !websocket.IsCloseError(err, websocket.CloseMessageTooBig) && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %v, want it closed with 1009", path, err)
		}
	}
	until(t, "all are counted", func() bool { return s.refused("http", "websocket_limit") == 3 })
}

// Bodies beyond maxBody are not read on.
func TestHugeBodies(t *testing.T) {
	s := serve(t, `listen.http("127.0.0.1:0", {maxBody: 1000}); index;`)
	line := `{"service":"a","description":"` + strings.Repeat("x", 300) + `"}` + "\n"
	for _, c := range []struct {
		method, path string
		status       int
	}{{"POST", "/api/v1/events", http.StatusBadRequest}, {"PUT", "/events", http.StatusOK}} {
		status, body := s.with("", c.method, s.url(c.path), strings.Repeat(line, 100))
		if status != c.status || !strings.Contains(body, "too large") {
			t.Errorf("%s %s: %d %s, want %d and what is too large", c.method, c.path, status, body, c.status)
		}
	}
	until(t, "both are counted", func() bool { return s.refused("http", "json") >= 2 })
	if n := s.engine.counts().events; n == 0 || n > 6 {
		t.Errorf("%d events were taken, want those before the limit", n)
	}
}

// The answer to nothing is nothing: a datagram is never answered, so that nobody can have zeta answer somebody else.
func TestDatagramsAreNeverAnswered(t *testing.T) {
	s := serve(t, `listen.udp("127.0.0.1:0"); listen.statsd("127.0.0.1:0"); listen.syslog("127.0.0.1:0"); listen.collectd("127.0.0.1:0"); listen.json("127.0.0.1:0", {protocol: "both", answers: true}); listen.http("127.0.0.1:0"); index;`)
	for kind, text := range map[string]string{
		"udp": string(wire.AppendMsg(nil, &wire.Msg{Query: "true", HasQuery: true})), "statsd": "nonsense", "syslog": "<1>x", "collectd": "nonsense", "json": `{"service":"a"}`,
	} {
		c := s.say(kind, "udp", text)
		s.say(kind, "udp", text)
		until(t, kind+" has taken it", func() bool {
			_, metrics := s.get("/metrics")
			return strings.Contains(metrics, fmt.Sprintf("zeta_server_refusals_total{listener=%q", kind)) || kind != "udp" && s.engine.counts().events > 0
		})
		c.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
		if n, err := c.Read(make([]byte, 100)); err == nil {
			t.Errorf("%s answers a datagram with %d bytes", kind, n)
		}
	}
}
