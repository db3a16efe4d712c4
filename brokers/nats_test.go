package brokers

import (
	"fmt"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"zeta/event/wire"
)

// startNATS runs a NATS server on a port; -1 takes any free one. dir keeps JetStream's files, "" is without.
func startNATS(t *testing.T, port int, dir string) *natsserver.Server {
	t.Helper()
	s, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true, JetStream: dir != "", StoreDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

func connectNATS(t *testing.T, s *natsserver.Server) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// ready waits until zeta's subscriptions have reached the server.
func (z *zeta) ready(s *natsserver.Server, subscriptions uint32) {
	z.t.Helper()
	until(z.t, "zeta has subscribed", func() bool { return s.NumSubscriptions() >= subscriptions })
}

func TestNATS(t *testing.T) {
	s := startNATS(t, -1, "")
	nc := connectNATS(t, s)
	before := s.NumSubscriptions()
	z := serve(t, fmt.Sprintf(`listen.nats(%q, {subjects: ["events.>", "metrics.*"], maxSize: 1000});`, s.ClientURL()))
	z.ready(s, before+2)
	until(t, "the connection is shown", func() bool { return z.counted(`zeta_server_connections{listener="nats"} 1`) })

	publish := func(subject, payload string) {
		t.Helper()
		if err := nc.Publish(subject, []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	publish("events.a", `{"host": "web1", "service": "a", "metric": 1, "rack": "r7"}`)
	publish("metrics.load", `{"metric": 0.5}`)
	publish("events.b", `[{"service": "b1", "metric": 1}, {"service": "b2", "metric": 2}]`)
	if e := z.want("a", 1); e["rack"] != "r7" || e["host"] != "web1" {
		t.Errorf("a is %v", e)
	}
	if e := z.want("metrics.load", 0.5); e["host"] != nil {
		t.Errorf("metrics.load is %v, want no host", e)
	}
	z.want("b1", 1)
	z.want("b2", 2)

	publish("events.bad", `{"service": 1}`)
	publish("events.long", fmt.Sprintf(`{"service": "long", "description": %q}`, make([]byte, 1000)))
	publish("elsewhere", `{"service": "elsewhere"}`)
	z.refused("nats", "json", 1)
	z.refused("nats", "oversize", 1)

	for _, c := range []struct{ payload, want string }{
		{`{"service": "asked", "metric": 3}`, `{}`},
		{`{"service": 1}`, `{"error":"item 1: json: \"service\" at byte 12: found the number 1, want a string or null"}`},
	} {
		m, err := nc.Request("events.ask", []byte(c.payload), 10*time.Second)
		if err != nil || string(m.Data) != c.want {
			t.Errorf("%s: answered %q %v, want %q", c.payload, m.Data, err, c.want)
		}
	}
	z.want("asked", 3) // it had run when the answer came
	if got := z.indexed(`service = "elsewhere"`); len(got) != 0 {
		t.Errorf("another subject was taken: %v", got)
	}
}

func TestNATSRiemann(t *testing.T) {
	s := startNATS(t, -1, "")
	nc := connectNATS(t, s)
	before := s.NumSubscriptions()
	z := serve(t, fmt.Sprintf(`listen.nats(%q, {format: "riemann"});`, s.ClientURL()))
	z.ready(s, before+1)
	ask := func(payload []byte) wire.Msg {
		t.Helper()
		m, err := nc.Request("events.x", payload, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return readAnswer(t, m.Data)
	}
	if m := ask(message("a", 7)); !m.OK || m.HasError {
		t.Errorf("answered %+v, want ok", m)
	}
	if m := ask(wire.AppendMsg(nil, &wire.Msg{Query: `service = "a"`, HasQuery: true})); !m.OK || len(m.Events) != 1 || m.Events[0].Int != 7 {
		t.Errorf("a query was answered %+v", m)
	}
	if m := ask(wire.AppendMsg(nil, &wire.Msg{Query: `service =`, HasQuery: true})); m.OK || !m.HasError {
		t.Errorf("a bad query was answered %+v", m)
	}
	if m := ask([]byte("\xff\xff\xff")); m.OK || !m.HasError {
		t.Errorf("garbage was answered %+v", m)
	}
	z.refused("nats", "query", 1)
	z.refused("nats", "decode", 1)
}

// TestNATSAway holds that zeta starts without the broker and comes back to it.
func TestNATSAway(t *testing.T) {
	s := startNATS(t, -1, "")
	at, url := s.Addr().String(), s.ClientURL()
	port := 0
	if _, err := fmt.Sscanf(at, "127.0.0.1:%d", &port); err != nil {
		t.Fatal(at, err)
	}
	s.Shutdown()
	s.WaitForShutdown()
	z := serve(t, fmt.Sprintf(`listen.nats(%q, {subjects: ["e"]});`, url))
	if !z.counted(`zeta_server_connections{listener="nats"} 0`) {
		t.Error("a connection to nobody is shown")
	}
	s = startNATS(t, port, "")
	nc := connectNATS(t, s)
	until(t, "zeta answers", func() bool {
		_, err := nc.Request("e", []byte(`{"service": "late", "metric": 1}`), 10*time.Second)
		return err == nil // before zeta is back: no responders
	})
	z.want("late", 1)
}

// TestNATSStream holds that what a stream keeps while zeta is away arrives, and that nothing arrives twice after
// an orderly end.
func TestNATSStream(t *testing.T) {
	s := startNATS(t, -1, t.TempDir())
	js, err := jetstream.New(connectNATS(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}}); err != nil {
		t.Fatal(err)
	}
	publish := func(n int) {
		t.Helper()
		if _, err := js.Publish(t.Context(), "events.x", fmt.Appendf(nil, `{"service": "x%d", "metric": %d}`, n, n)); err != nil {
			t.Fatal(err)
		}
	}
	rules := fmt.Sprintf(`listen.nats(%q, {stream: "EVENTS", durable: "z"});`, s.ClientURL())
	publish(1)
	z := serve(t, rules)
	publish(2)
	z.want("x1", 1)
	z.want("x2", 2)
	z.stop()
	publish(3)
	z = serve(t, rules)
	z.want("x3", 3)
	if got := z.indexed("true"); len(got) != 1 {
		t.Errorf("after the restart the stream gave %v, want x3 only", got)
	}
}
