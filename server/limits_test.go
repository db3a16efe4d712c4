package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/streams"
)

// Every listener that has a door of its own has the limits of its kind, under the same names.
func TestEveryListenerHasItsLimits(t *testing.T) {
	sets := map[string][]string{
		"connections": {"maxConnections", "maxPerPeer", "idle", "maxRate", "maxPeerRate", "tls", "allow", "insecure"},
		"datagrams":   {"maxSize", "buffer", "maxRate", "maxPeerRate", "allow", "insecure"},
		"bodies":      {"maxBody", "maxEvents", "token", "tokens"},
		"lines":       {"maxLine", "allow"},
		"frames":      {"maxFrame", "maxEvents", "allow"},
	}
	kinds := map[string]string{
		"tcp": "connections frames", "udp": "datagrams", "http": "connections", "collectd": "datagrams",
		"graphite": "connections datagrams lines", "json": "connections datagrams lines", "influx": "connections datagrams lines",
		"statsd": "connections datagrams lines", "syslog": "connections datagrams lines", "opentsdb": "connections lines",
	}
	for _, d := range streams.Listeners() {
		names := []string{}
		for _, a := range d.Args {
			names = append(names, a.Name)
		}
		kind, ok := kinds[d.Name]
		if !ok {
			kind = "connections bodies" // whatever comes new over HTTP
		}
		for set := range strings.FieldsSeq(kind) {
			for _, want := range sets[set] {
				if !slices.Contains(names, want) {
					t.Errorf("listen.%s takes %s and has no option %s", d.Name, set, want)
				}
			}
		}
	}
}

// A sender of Riemann's protocol that may send 100 events a second, and 100 at once, sends 1,000 in nine seconds;
// all of them are answered ok.
func TestRateSlowsRiemannDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pipeServer(t, io.Discard)
		ours, theirs := net.Pipe()
		c := newConn(s, "tcp", newSession(theirs), wire.DefaultLimits, 0, AckSafe)
		c.toll = newToll(RateLimits{MaxPeerRate: 100})
		done := make(chan struct{})
		go func() { c.serve(); close(done) }()
		begun := time.Now()
		a := newAnswers(t, ours)
		for range 100 {
			batch := frame(ten()...)
			if _, err := ours.Write(batch); err != nil {
				t.Fatal(err)
			}
			if m := a.want(); !m.OK {
				t.Fatalf("answer: %+v", m)
			}
		}
		if took := time.Since(begun); took < 8900*time.Millisecond || took > 9100*time.Millisecond {
			t.Errorf("1,000 events at 100 a second took %v, want 9 s", took)
		}
		ours.Close()
		<-done
	})
}

// The same for lines, in two connections of one peer, which share what it may send.
func TestRateSlowsLinesDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pipeServer(t, io.Discard)
		d := &lineDoor{server: s, kind: "json", opts: lineOptions{LineLimits: lineLimits(1024, 1024, 100)}, protocol: lineProtocol{take: takeJSON, answer: answerJSON, next: nextLine}}
		d.toll = newToll(d.opts.RateLimits)
		begun := time.Now()
		sent, done := make(chan struct{}), make(chan struct{})
		for range 2 {
			go func() {
				defer func() { sent <- struct{}{} }()
				ours, theirs := net.Pipe()
				defer ours.Close()
				go func() { d.converse(newSession(theirs)); done <- struct{}{} }()
				answers := make([]byte, 3)
				for i := range 250 {
					fmt.Fprintf(ours, `{"service":"s%d"}`+"\n", i)
					if _, err := io.ReadFull(ours, answers); err != nil || string(answers) != "{}\n" {
						t.Errorf("answer %q %v", answers, err)
						return
					}
				}
			}()
		}
		for range 2 {
			<-sent
		}
		if took := time.Since(begun); took < 3900*time.Millisecond || took > 4100*time.Millisecond {
			t.Errorf("500 events at 100 a second took %v, want 4 s", took)
		}
		for range 2 {
			<-done
		}
	})
}

// Over HTTP whoever has sent too much is told when to come back.
func TestRateOverHTTP(t *testing.T) {
	s := serve(t, `listen.http("127.0.0.1:0", {maxPeerRate: 1}); listen.alertmanager("127.0.0.1:0", {maxRate: 1}); listen.influxHTTP("127.0.0.1:0", {maxRate: 1}); index;`)
	alerts := `[{"labels":{"alertname":"a"}},{"labels":{"alertname":"b"}},{"labels":{"alertname":"c"}},{"labels":{"alertname":"d"}}]`
	for _, c := range []struct{ method, url, body string }{
		{"POST", s.url("/api/v1/events"), strings.Repeat(`{"service":"a"}`, 20)},
		{"PUT", s.url("/events"), strings.Repeat(`{"service":"a"}`+"\n", 20)},
		{"POST", "http://" + s.Addr("alertmanager").String() + "/", alerts},
		{"POST", "http://" + s.Addr("influxHTTP").String() + "/write", strings.Repeat("a value=1\n", 20)},
	} {
		req := func() *http.Response {
			r, err := http.NewRequest(c.method, c.url, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			return resp
		}
		if !strings.HasSuffix(c.url, "/events") || c.method == "POST" { // PUT shares the debt of POST
			if resp := req(); resp.StatusCode/100 != 2 {
				t.Errorf("%s %s: %s, want it taken", c.method, c.url, resp.Status)
			}
		}
		resp := req()
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		if resp.StatusCode != http.StatusTooManyRequests || seconds < 1 || seconds > 20 {
			t.Errorf("%s %s again: %s, Retry-After %q, want 429 and some seconds", c.method, c.url, resp.Status, resp.Header.Get("Retry-After"))
		}
	}
	if status, _ := s.get("/api/v1/query?q=true"); status != 200 {
		t.Errorf("a query after too many events: %d, want 200", status)
	}
	for listener, want := range map[string]float64{"http": 2, "alertmanager": 1, "influxHTTP": 1} {
		if n := s.refused(listener, "rate"); n != want {
			t.Errorf("%s refused %v for their rate, want %v", listener, n, want)
		}
	}
}

// A body for listen.http that is compressed is refused as that, not line by line as JSON that cannot be read.
func TestCompressedEventsAreRefused(t *testing.T) {
	s := serve(t, httpDoor)
	for i, c := range []struct{ method, path string }{{"PUT", "/events"}, {"POST", "/api/v1/events"}} {
		req, err := http.NewRequest(c.method, s.url(c.path), strings.NewReader("\x1f\x8b\n\n"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Encoding", "gzip")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := `{"error":"Content-Encoding is \"gzip\"; want none"}`; resp.StatusCode != 415 || string(answer) != want || s.refused("http", "encoding") != float64(i+1) {
			t.Errorf("%s %s: %s %s, want 415 %s", c.method, c.path, resp.Status, answer, want)
		}
	}
}

// A request pays as much as one event, whatever it holds: nothing, or what cannot be read.
func TestRateOfRequestsWithoutEvents(t *testing.T) {
	s := serve(t, `listen.http("127.0.0.1:0", {maxPeerRate: 1}); listen.collectdHTTP("127.0.0.1:0", {maxPeerRate: 1}); listen.alertmanager("127.0.0.1:0", {maxPeerRate: 1}); listen.influxHTTP("127.0.0.1:0", {maxPeerRate: 1}); index;`)
	for _, c := range []struct {
		kind, path, body string
		status           int
	}{
		{"http", "/api/v1/events", "[]", 200},
		{"collectdHTTP", "/", "[]", 200},
		{"alertmanager", "/", "garbage", 400},
		{"influxHTTP", "/write", "a value=1", 204},
	} {
		for _, want := range []int{c.status, http.StatusTooManyRequests} {
			resp, err := http.Post("http://"+s.Addr(c.kind).String()+c.path, "", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s: %s, want %d", c.kind, resp.Status, want)
			}
		}
	}
	d := &bodyDoor{web: &web{turnstile: &turnstile{server: s.Server, kind: "otlp"}, toll: newToll(RateLimits{MaxRate: 100})}}
	r := httptest.NewRequest("POST", "/", nil)
	if err := d.mayIn(httptest.NewRecorder(), r); err != nil {
		t.Fatal(err)
	}
	take := d.taker(r)
	take(make([]event.Event, 30))
	take(make([]event.Event, 30))
	if left := d.toll.all.left; left < 39.5 || left > 40.5 {
		t.Errorf("60 events of one request leave %v of 100, want 40", left)
	}
}

// Datagrams beyond the rate are dropped and counted, whatever they hold.
func TestRateOfDatagrams(t *testing.T) {
	s := serve(t, `listen.udp("127.0.0.1:0", {maxPeerRate: 1}); listen.statsd("127.0.0.1:0", {maxPeerRate: 10}); listen.http("127.0.0.1:0"); index;`)
	c := s.dial("udp")
	for range 20 {
		c.Write(wire.AppendMsg(nil, &wire.Msg{Events: append(ten(), ten()...)}))
	}
	until(t, "all but the first are refused", func() bool { return s.refused("udp", "rate") == 19 })
	if n := s.engine.counts().events; n != 20 {
		t.Errorf("%d events were taken, want the 20 of the first datagram", n)
	}
	s.say("statsd", "udp", strings.Repeat("a:1|c\n", 50)) // it is only added up, and is paid for all the same
	until(t, "statsd refuses, too", func() bool {
		s.say("statsd", "udp", "a:1|c")
		return s.refused("statsd", "rate") > 0
	})
}

// One peer has its connections, and gets a place again when one ends; the others are not told of it.
func TestConnectionsOfOnePeer(t *testing.T) {
	for _, kind := range []string{"tcp", "graphite", "http", "alertmanager"} {
		t.Run(kind, func(t *testing.T) {
			s := serve(t, fmt.Sprintf(`listen.%s("127.0.0.1:0", {maxPerPeer: 2}); index;`, kind))
			held := func() int { return s.listeners[0].Connections() }
			a, _ := s.dial(kind), s.dial(kind)
			until(t, "two are in", func() bool { return held() == 2 })
			if b, err := io.ReadAll(s.dial(kind)); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("the third: %q %v, want it closed", b, err)
			}
			a.Close()
			until(t, "a place is free", func() bool { return held() == 1 })
			s.dial(kind)
			until(t, "it is taken", func() bool { return held() == 2 })
			if !strings.Contains(s.log.String(), "raise maxPerPeer") || strings.Count(s.log.String(), "peer_connections") != 1 {
				t.Error("the refusal is not in the log, once and with what to do")
			}
		})
	}
}

// Who comes from another network is closed before anything is read.
func TestAllowLists(t *testing.T) {
	s := serve(t, `listen.tcp("0.0.0.0:0", {allow: ["192.0.2.0/24"]}); listen.alertmanager("0.0.0.0:0", {allow: ["192.0.2.0/24"]}); listen.graphite("0.0.0.0:0", {allow: ["192.0.2.0/24"]});`+httpDoor)
	for _, kind := range []string{"tcp", "alertmanager", "graphite"} {
		if b, err := io.ReadAll(s.dial(kind)); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: got %q %v, want it closed", kind, b, err)
		}
		until(t, "it is counted", func() bool { return s.refused(kind, "not_allowed") == 1 })
	}
	if _, err := New(Options{RulesText: `listen.http(":0", {allow: ["10.0.0.0"]});`}); err == nil || !strings.Contains(err.Error(), "want a network such as 10.0.0.0/8") {
		t.Errorf("a list that is none: %v", err)
	}
}

// ten are ten events of one host.
func ten() (events []event.Event) {
	for i := range 10 {
		events = append(events, ev("h", strconv.Itoa(i), 1))
	}
	return events
}
