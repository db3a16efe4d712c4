package server

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/overload"
	"zeta/streams"

	"github.com/gorilla/websocket"
)

// shedOf returns how many events of a listener were shed for a reason.
func (s *testServer) shedOf(listener, class, reason string) (n float64) {
	_, body := s.get("/metrics")
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, fmt.Sprintf("zeta_server_shed_total{class=%q,listener=%q,reason=%q} ", class, listener, reason)); ok {
			fmt.Sscan(rest, &n)
		}
	}
	return n
}

// TestWhatGivesWay asks everything of a server at each level.
func TestWhatGivesWay(t *testing.T) {
	s := serve(t, DefaultRules)
	s.send(ev("h", "s", 1))
	tcp := s.dial("tcp")
	answers := newAnswers(t, tcp)
	ask := func(frame []byte) *wire.Msg {
		t.Helper()
		if _, err := tcp.Write(frame); err != nil {
			t.Fatal(err)
		}
		return answers.want()
	}
	isRefused := func(what string, refused bool, status int, header http.Header, body string) {
		t.Helper()
		is := status == http.StatusServiceUnavailable && header.Get("Retry-After") != "" && strings.Contains(body, "overloaded: memory is at")
		if is != refused || !refused && status != http.StatusOK {
			t.Errorf("%s: status %d, Retry-After %q, %s; want it refused: %v", what, status, header.Get("Retry-After"), body, refused)
		}
	}
	for level := overload.Calm; level <= overload.Closing; level++ {
		s.pressure.Hold(level)
		name := level.String()

		noQueries := level >= overload.Sparing
		if m := ask(queryFrame("true")); m.OK == noQueries || noQueries && !strings.HasPrefix(m.Error, "overloaded: ") {
			t.Errorf("at %s a query is answered %+v", name, m)
		}
		status, header, body := s.do("GET", "/api/v1/query?q=true", "")
		isRefused("at "+name+" a query over HTTP", noQueries, status, header, body)
		if noQueries {
			status, header, body = s.do("GET", "/index?query=true", "", "Accept", "text/event-stream")
			isRefused("at "+name+" server-sent events", true, status, header, body)
			wantClose(t, s.ws("/index?query=true&subscribe=true"), websocket.CloseTryAgainLater, "overloaded")
		} else if readText(t, s.ws("/index?query=true&subscribe=true")) == "" {
			t.Error("no event")
		}
		live := s.ws("/api/v1/live")
		if err := live.WriteMessage(websocket.TextMessage, []byte(`{"op":"subscribe","id":"a","query":"true"}`)); err != nil {
			t.Fatal(err)
		}
		if noQueries {
			if m := next2(t, live, "error"); !strings.HasPrefix(fmt.Sprint(m["error"]), "overloaded: ") {
				t.Errorf("at %s a subscription of a dashboard is answered %v", name, m)
			}
		} else {
			next2(t, live, "events")
		}
		live.Close()

		sheds := level >= overload.Shedding
		status, header, body = s.do("POST", "/api/v1/events", `[{"host":"h","service":"of a level","metric":1,"state":"critical"}]`)
		isRefused("at "+name+" events over HTTP", sheds, status, header, body)
		status, _ = s.get("/readyz")
		if sheds != (status == http.StatusServiceUnavailable) {
			t.Errorf("at %s /readyz says %d", name, status)
		}
		if status, _ := s.get("/healthz"); status != http.StatusOK {
			t.Errorf("at %s /healthz says %d", name, status)
		}

		news, critical := ev("new at "+name, "s", 1), ev("critical at "+name, "s", 1)
		critical.SetState("critical")
		m := ask(frame(news, critical))
		want := map[overload.Level]string{overload.Shedding: "overloaded: 1 of 2 events shed", overload.Closing: "overloaded: 2 of 2 events shed"}[level]
		if m.OK != (want == "") || !strings.HasPrefix(m.Error, want) {
			t.Errorf("at %s events are answered %+v, want %q", name, m, want)
		}

		nc, err := net.Dial("tcp", s.Addr("tcp").String())
		if err != nil {
			t.Fatal(err)
		}
		nc.SetDeadline(time.Now().Add(10 * time.Second))
		nc.Write(frame())
		_, err = newAnswers(t, nc).next()
		nc.Close()
		if closed := level >= overload.Closing; closed != (err != nil) {
			t.Errorf("at %s a new connection: %v", name, err)
		}
	}
	if got := [3]float64{s.shedOf("tcp", "C", "new"), s.shedOf("tcp", "B", "new"), s.refused("tcp", "overloaded")}; got != [3]float64{2, 1, 4 + 1} {
		t.Errorf("shed as new, shed as a change, refused: %v, want [2 1 5]", got)
	}
	s.pressure.Hold(overload.Calm)
	if n := len(s.query("true")); n != 9 {
		t.Errorf("%d events are in the index, want 9", n)
	}
}

// TestLinesThatAreShedAreNotAnsweredYes: events over HTTP that arrive while memory becomes scarce.
func TestLinesThatAreShedAreNotAnsweredYes(t *testing.T) {
	s := serve(t, DefaultRules)
	c := s.ws("/events")
	say := func(host string) string {
		t.Helper()
		if err := c.WriteMessage(websocket.TextMessage, []byte(`{"host":"`+host+`","service":"s"}`)); err != nil {
			t.Fatal(err)
		}
		return readText(t, c)
	}
	if answer := say("a"); answer != "{}" {
		t.Errorf("answer %s", answer)
	}
	s.pressure.Hold(overload.Shedding)
	if answer := say("b"); !strings.HasPrefix(answer, `{"error":"overloaded: 1 of 1 events shed`) {
		t.Errorf("answer %s", answer)
	}
	if n := s.shedOf("http", "C", "new"); n != 1 {
		t.Errorf("%v events are counted as shed, want 1", n)
	}
}

// TestDatagramsAreShedAndCounted: nobody is told, so the count has to be right.
func TestDatagramsAreShedAndCounted(t *testing.T) {
	s := serve(t, `index; listen.udp("127.0.0.1:0"); listen.graphite("127.0.0.1:0", {protocol: "udp"}); listen.http("127.0.0.1:0");`)
	s.pressure.Hold(overload.Shedding)
	c := s.dial("udp")
	c.Write(wire.AppendMsg(nil, &wire.Msg{Events: []event.Event{ev("a", "s", 1), ev("b", "s", 1)}}))
	until(t, "the datagram's events are counted", func() bool { return s.shedOf("udp", "C", "new") == 2 })
	c = s.dial("graphite")
	fmt.Fprintf(c, "x.y 1 %d\n", time.Now().Unix())
	until(t, "the line is counted", func() bool { return s.shedOf("graphite", "C", "new") == 1 })
}

// TestMemoryLimit: of what options and rules say the least counts, also after a reload.
func TestMemoryLimit(t *testing.T) {
	s := newServer(Options{RulesText: DefaultRules, Quiet: true, MemoryLimit: 1 << 30})
	defer s.cancel()
	var set []int64
	s.pressure.govern = func(n int64) int64 { set = append(set, n); return 0 }
	rules := func(text string) *streams.Rules {
		r, ps := streams.LoadText("x", text+" index;", streams.LoadOptions{Serve: true})
		if ps.Err() != nil {
			t.Fatal(ps)
		}
		return r
	}
	for _, text := range []string{"", `memory("512 MiB");`, `memory("512 MiB");`, `memory("2 GiB");`} {
		s.limitMemory(rules(text))
	}
	s.opts.MemoryLimit = 0
	s.limitMemory(rules(""))
	want := fmt.Sprint([]int64{1 << 30 / 10 * 9, 512<<20 - 64<<20, 1 << 30 / 10 * 9, math.MaxInt64})
	if fmt.Sprint(set) != want {
		t.Errorf("Go's limit was set to %v, want %s", set, want)
	}
	for text, want := range map[string]string{`memory("x");`: `"x" is no size`, `memory("1 MiB");`: "at least 64 MiB"} {
		_, ps := streams.LoadText("x", text, streams.LoadOptions{Serve: true})
		if err := ps.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want …%s…", text, err, want)
		}
	}
}

// TestLargeMessagesUnderWay: many messages that are not here whole must not take all memory.
func TestLargeMessagesUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pipeServer(t, io.Discard)
		s.pressure.SetLimit(7 << 20)
		limit := s.pressure.Limit() / framesShare
		begin := binary.BigEndian.AppendUint32(nil, 8<<20)
		part := make([]byte, 256<<10)
		var conns []net.Conn
		refused := 0
		for range 8 {
			ours, theirs := net.Pipe()
			conns = append(conns, ours)
			go newConn(s, "tcp", newSession(theirs), wire.DefaultLimits, 0, AckSafe).serve()
			answered := make(chan *wire.Msg, 1)
			go func() {
				m, _ := newAnswers(t, ours).next()
				answered <- m
			}()
			ours.Write(begin)
			ours.Write(part)
			synctest.Wait()
			select {
			case m := <-answered:
				if m == nil || !strings.HasPrefix(m.Error, "overloaded: ") {
					t.Errorf("refused with %+v", m)
				}
				refused++
			default:
			}
		}
		if refused != 8-int(limit)/len(part) {
			t.Errorf("%d of 8 connections with %d bytes under way were refused, of %d that are allowed", refused, len(part), limit)
		}
		for _, c := range conns {
			c.Close()
		}
		synctest.Wait()
		if n := s.pressure.frames.Load(); n != 0 {
			t.Errorf("after all have left %d bytes are under way", n)
		}
	})
}

// TestPlacesSayWhatTheyHold fills each of the places that grow.
func TestPlacesSayWhatTheyHold(t *testing.T) {
	s := serve(t, `index; by([host, service], movingEventWindow(10, smap(count, publish("none"))));`+listeners)
	places := func() map[string]int64 {
		m := map[string]int64{}
		for _, p := range s.held() {
			m[p.Name] = p.Bytes
		}
		return m
	}
	before := places()
	var batch []event.Event
	for i := range 5000 {
		batch = append(batch, ev(fmt.Sprint("host", i%50), fmt.Sprint("service", i), 1))
	}
	s.send(batch...)
	c := s.dial("tcp")
	c.Write(append(binary.BigEndian.AppendUint32(nil, 1<<20), make([]byte, 100_000)...))
	until(t, "the frame is under way, and no other any more", func() bool {
		n := places()["frames"]
		return n >= 100_000 && n < 101_000
	})
	after := places()
	for place, least := range map[string]int64{"index": 5000 * 150, "operators": 5000 * 400} {
		if grown := after[place] - before[place]; grown < least || grown > 8*least {
			t.Errorf("%s has grown by %d bytes, want %d or some more", place, grown, least)
		}
	}
	if _, body := s.get("/metrics"); !strings.Contains(body, `zeta_memory_bytes{place="operators"}`) || !strings.Contains(body, "zeta_memory_level 0") {
		t.Error("the figures are not in /metrics")
	}
	if _, body := s.get("/api/v1/stats"); !strings.Contains(body, `"memory":{"limit":0,"used":0,"percent":0,"level":"calm","places":{"frames":100`) {
		t.Errorf("status: %s", body)
	}
}

// TestLevelsAreTold as events and in the log, rising at once and falling once a second.
func TestLevelsAreTold(t *testing.T) {
	s := serveOptions(t, Options{RulesText: `index; where(service == "zeta.overload", publish("told"));` + listeners})
	c := s.ws("/pubsub/told?query=true")
	until(t, "the subscription is there", func() bool { return s.hub.Stats().Subscriptions == 1 })
	host, _ := os.Hostname()
	now := time.Now()
	for _, step := range []struct {
		after   time.Duration
		level   overload.Level
		percent float64
		want    string // "": not told
	}{
		{0, overload.Sparing, 71, `"state":"warning"`},
		{0, overload.Closing, 96, `"state":"critical"`},
		{time.Millisecond, overload.Pacing, 78, ""},
		{time.Second, overload.Calm, 20, `"state":"ok"`},
	} {
		now = now.Add(step.after)
		s.tellPressure(now, step.level, overload.Status{Limit: 100, Used: int64(step.percent), Percent: step.percent})
		if step.want == "" {
			continue
		}
		text := readText(t, c)
		for _, want := range []string{step.want, fmt.Sprintf(`"metric":%v`, step.percent), fmt.Sprintf(`"host":%q`, host), step.level.String()} {
			if !strings.Contains(text, want) {
				t.Errorf("at %v told %s, want %s", step.level, text, want)
			}
		}
	}
	for line, want := range map[string]int{"from=calm to=sparing": 1, "from=sparing to=closing": 1, "from=closing to=pacing": 0, "from=closing to=calm": 1} {
		if n := strings.Count(s.log.String(), line); n != want {
			t.Errorf("%d times %s in the log, want %d", n, line, want)
		}
	}
}

// TestCalmCostsNothing: looking at the level allocates nothing and takes no lock.
func TestCalmCostsNothing(t *testing.T) {
	s := pipeServer(t, io.Discard)
	quit := make(chan struct{})
	if n := testing.AllocsPerRun(100, func() {
		if s.pressure.Turn(quit, 1) != 0 || s.overloaded(overload.Sparing, "") != nil {
			t.Error("something waits")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
