package brokers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/server"
)

// zeta is a server under test.
type zeta struct {
	*server.Server
	t *testing.T
}

// serve runs rules; events are indexed.
func serve(t *testing.T, rules string) *zeta {
	t.Helper()
	s, err := server.New(server.Options{RulesText: rules + ` listen.http("127.0.0.1:0"); index;`, Quiet: true, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	z := &zeta{s, t}
	t.Cleanup(z.stop)
	return z
}

func (z *zeta) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := z.Shutdown(ctx); err != nil {
		z.t.Errorf("shutdown: %v", err)
	}
}

func (z *zeta) get(path string) string {
	z.t.Helper()
	resp, err := http.Get("http://" + z.Addr("http").String() + path)
	if err != nil {
		z.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		z.t.Fatal(err)
	}
	return string(body)
}

// indexed returns the events of the index that match.
func (z *zeta) indexed(q string) []map[string]any {
	z.t.Helper()
	var answer struct{ Events []map[string]any }
	if err := json.Unmarshal([]byte(z.get("/api/v1/query?q="+url.QueryEscape(q))), &answer); err != nil {
		z.t.Fatal(err)
	}
	return answer.Events
}

// want waits for an event of a service with this metric.
func (z *zeta) want(service string, metric any) map[string]any {
	z.t.Helper()
	var found []map[string]any
	until(z.t, fmt.Sprintf("%s with metric %v", service, metric), func() bool {
		found = z.indexed(fmt.Sprintf("service = %q", service))
		return len(found) == 1 && fmt.Sprint(found[0]["metric"]) == fmt.Sprint(metric)
	})
	return found[0]
}

// counted reports whether /metrics has a line.
func (z *zeta) counted(line string) bool {
	z.t.Helper()
	return strings.Contains(z.get("/metrics"), line+"\n")
}

// refused waits for a count of refusals.
func (z *zeta) refused(listener, reason string, n int) {
	z.t.Helper()
	line := fmt.Sprintf("zeta_server_refusals_total{listener=%q,reason=%q} %d", listener, reason, n)
	until(z.t, line, func() bool { return z.counted(line) })
}

// until waits for what other goroutines do.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not seen: %s", what)
		}
	}
}

// message is a Riemann message with one event.
func message(service string, metric int64) []byte {
	var e event.Event
	e.SetHost("web1")
	e.SetService(service)
	e.SetInt(metric)
	return wire.AppendMsg(nil, &wire.Msg{Events: []event.Event{e}})
}

// readAnswer decodes a Riemann answer.
func readAnswer(t *testing.T, b []byte) wire.Msg {
	t.Helper()
	var m wire.Msg
	if err := wire.NewDecoder(wire.DefaultLimits).Decode(&m, b); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestShown holds that no secret of an address is shown.
func TestShown(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"nats://127.0.0.1:4222", "nats://127.0.0.1:4222"},
		{"nats://user:secret@127.0.0.1:4222", "nats://127.0.0.1:4222"},
		{"amqp://user:secret@[::1]:5672/vhost?heartbeat=1", "amqp://[::1]:5672/vhost"},
		{"user:secret@127.0.0.1:4222", "127.0.0.1:4222"},
		{"127.0.0.1:9092", "127.0.0.1:9092"},
		{"nats://u:s@a:1, nats://u:s@b:2", "nats://a:1,nats://b:2"},
	} {
		if got := shown("x", c.in).String(); got != c.want {
			t.Errorf("%s: shown as %s, want %s", c.in, got, c.want)
		}
	}
}

// TestOptions holds what is refused when rules are loaded, and that a secret is not in the error.
func TestOptions(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{`listen.nats("nats://127.0.0.1:4222", {user: "a"});`, "user and password go together"},
		{`listen.nats("nats://127.0.0.1:4222", {subjects: []});`, "subjects is empty"},
		{`listen.nats("nats://127.0.0.1:4222", {stream: "S", queue: "q"});`, "queue is for plain NATS"},
		{`listen.nats("nats://127.0.0.1:4222", {format: "xml"});`, `format`},
		{`listen.nats("nats://127.0.0.1:4222", {tls: {cert: "a.pem"}});`, "cert and key go together"},
		{`listen.nats("nats://u:secret@127.0.0.1:4222", {tls: {ca: "missing.pem"}});`, "missing.pem"},
	} {
		_, err := server.New(server.Options{RulesText: c.rule, Quiet: true, Logger: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.rule, err, c.want)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the password: %v", c.rule, err)
		}
	}
}
