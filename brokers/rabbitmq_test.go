package brokers

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"zeta/event"
	"zeta/event/wire"
	"zeta/server"
	"zeta/streams"
)

var realBroker = flag.Bool("real", false, "run against a real RabbitMQ (Debian: rabbitmq-server)")

// testOptions are those of a listener that only hands its doorway to a test.
type testOptions struct{}

var testDoors = make(chan *server.Doorway, 1)

func init() {
	streams.RegisterListener(streams.ListenerSpec[testOptions]{
		Name: "brokertest", Summary: "For tests.", Examples: []streams.Example{{Title: "none", Rule: "listen.brokertest();"}},
	})
}

func (testOptions) OpenListener(d *server.Doorway) (server.Listener, error) {
	testDoors <- d
	return &idleListener{done: make(chan struct{})}, nil
}

type idleListener struct{ done chan struct{} }

func (*idleListener) Kind() string                  { return "brokertest" }
func (*idleListener) Addr() net.Addr                { return address{"test", "test"} }
func (*idleListener) Connections() int              { return 0 }
func (l *idleListener) Serve(context.Context) error { <-l.done; return nil }
func (l *idleListener) Close()                      { close(l.done) }
func (*idleListener) Drain(context.Context)         {}

// fakeChannel notes what is answered and acknowledged.
type fakeChannel struct {
	answers []string // routing key, correlation id, body
	acks    []uint64
	err     error
}

func (c *fakeChannel) PublishWithContext(_ context.Context, exchange, key string, _, _ bool, m amqp.Publishing) error {
	c.answers = append(c.answers, fmt.Sprintf("%s %s %s %q", exchange, key, m.CorrelationId, m.Body))
	return c.err
}

func (c *fakeChannel) Ack(tag uint64, multiple bool) error {
	c.acks = append(c.acks, tag)
	return nil
}

func (c *fakeChannel) Nack(uint64, bool, bool) error { return errors.New("a message was refused") }
func (c *fakeChannel) Reject(uint64, bool) error     { return errors.New("a message was refused") }

// TestRabbitMQDeliveries holds what becomes of deliveries: one acknowledgement for those that wait behind one
// another, after the rules; answers in the message's terms; none for a message that asks for none.
func TestRabbitMQDeliveries(t *testing.T) {
	z := serve(t, `listen.brokertest();`)
	door := <-testDoors
	for _, c := range []struct {
		name, format string
		deliveries   []amqp.Delivery
		acks         []uint64
		answers      []string
	}{
		{"behind one another", formatRiemann, []amqp.Delivery{{Body: message("r1", 1)}, {Body: message("r2", 2)}, {Body: message("r3", 3)}}, []uint64{3}, nil},
		{"one cannot be read", formatRiemann, []amqp.Delivery{{Body: []byte("\xff\xff")}, {Body: message("r4", 4)}}, []uint64{2}, nil},
		{"answered", formatRiemann, []amqp.Delivery{{Body: message("r5", 5)}, {Body: message("r6", 6), ReplyTo: "back", CorrelationId: "c1"}}, []uint64{2},
			[]string{`riemann back c1 "\x10\x01"`}},
		{"answered in JSON", formatJSON, []amqp.Delivery{{Body: []byte(`{"service": "r7", "metric": 7}`), ReplyTo: "back", CorrelationId: "c2"}}, []uint64{1}, []string{`riemann back c2 "{}"`}},
	} {
		r := &rabbitListener{door: door, ctx: t.Context(), opts: RabbitMQOptions{Exchange: "riemann", Format: c.format}}
		in := newInbox(door, c.format, messageLimits(1<<20))
		ch := &fakeChannel{}
		for i, d := range c.deliveries {
			d.Acknowledger, d.DeliveryTag = ch, uint64(i+1)
			if err := r.take(in, ch, d, i < len(c.deliveries)-1); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if !reflect.DeepEqual(ch.acks, c.acks) || !reflect.DeepEqual(ch.answers, c.answers) {
			t.Errorf("%s: acknowledged %v, answered %q; want %v, %q", c.name, ch.acks, ch.answers, c.acks, c.answers)
		}
	}
	for n := 1; n <= 7; n++ {
		z.want(fmt.Sprintf("r%d", n), n)
	}
}

// What could not be kept is not acknowledged: the broker delivers it again.
func TestNothingIsAcknowledgedThatIsNotKept(t *testing.T) {
	serve(t, `listen.brokertest();`)
	door := <-testDoors
	r := &rabbitListener{door: door, ctx: t.Context(), opts: RabbitMQOptions{Format: formatRiemann}}
	in := newInbox(door, formatRiemann, messageLimits(1<<20))
	refused := errors.New("zeta ends while the disk fails")
	in.keep = func(context.Context, []event.Event) error { return refused }
	ch := &fakeChannel{}
	err := r.take(in, ch, amqp.Delivery{Body: message("r", 1), Acknowledger: ch, DeliveryTag: 1}, false)
	if !errors.Is(err, refused) || len(ch.acks) > 0 {
		t.Errorf("RabbitMQ: error %v, %d acknowledgements, want the refusal and none", err, len(ch.acks))
	}
	k := &kafkaListener{ctx: t.Context()}
	record := kgo.Fetches{{Topics: []kgo.FetchTopic{{Partitions: []kgo.FetchPartition{{Records: []*kgo.Record{{Value: message("r", 1)}}}}}}}}
	if err := k.take(in, record); !errors.Is(err, refused) {
		t.Errorf("Kafka: error %v, want the refusal", err)
	}
}

// TestRabbitMQ drives a real broker: Riemann's exchange, an answer to a query, a durable queue over an absence.
func TestRabbitMQ(t *testing.T) {
	if !*realBroker {
		t.Skip("drives a real RabbitMQ; install Debian's rabbitmq-server and then: go test ./brokers -real")
	}
	url := startRabbitMQ(t)
	rules := fmt.Sprintf(`listen.rabbitmq(%q); listen.rabbitmq(%q, {exchange: "events", durable: true, queue: "zeta", format: "json"});`, url, url)
	z := serve(t, rules)
	until(t, "both are connected", func() bool { return z.counted(`zeta_server_connections{listener="rabbitmq"} 2`) })
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	publish := func(exchange string, m amqp.Publishing) {
		t.Helper()
		if err := ch.PublishWithContext(t.Context(), exchange, "web1.load", false, false, m); err != nil {
			t.Fatal(err)
		}
	}
	publish("riemann", amqp.Publishing{Body: message("a", 1)})
	publish("riemann", amqp.Publishing{Body: []byte("\xff\xff")})
	z.want("a", 1)
	z.refused("rabbitmq", "decode", 1)

	back, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.QueueBind(back.Name, back.Name, "riemann", false, nil); err != nil {
		t.Fatal(err)
	}
	answers, err := ch.Consume(back.Name, "", true, true, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	publish("riemann", amqp.Publishing{ReplyTo: back.Name, CorrelationId: "q1", Body: wire.AppendMsg(nil, &wire.Msg{Query: `service = "a"`, HasQuery: true})})
	select {
	case d := <-answers:
		if m := readAnswer(t, d.Body); !m.OK || len(m.Events) != 1 || m.Events[0].Int != 1 || d.CorrelationId != "q1" {
			t.Errorf("answered %+v %+v", d.CorrelationId, m)
		}
	case <-time.After(15 * time.Second):
		t.Error("no answer")
	}

	publish("events", amqp.Publishing{Body: []byte(`{"service": "b", "metric": 2}`)})
	z.want("b", 2)
	z.stop()
	publish("events", amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(`{"service": "c", "metric": 3}`)})
	z = serve(t, rules)
	z.want("c", 3)
	if got := z.indexed("true"); len(got) != 1 {
		t.Errorf("after the restart RabbitMQ gave %v, want c only", got)
	}
}

// startRabbitMQ runs a broker of its own in a directory of the test, and returns its address.
func startRabbitMQ(t *testing.T) string {
	t.Helper()
	program := "/usr/lib/rabbitmq/bin/rabbitmq-server"
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v; install Debian's rabbitmq-server", err)
	}
	dir := t.TempDir()
	port, dist, epmd := freePort(t), freePort(t), freePort(t)
	conf := filepath.Join(dir, "rabbitmq.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "listeners.tcp.1 = 127.0.0.1:%s\n", port), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "HOME="+dir, "RABBITMQ_NODENAME=zeta"+port+"@localhost", "RABBITMQ_CONFIG_FILE="+conf, "RABBITMQ_MNESIA_BASE="+dir,
		"RABBITMQ_LOG_BASE="+dir, "RABBITMQ_DIST_PORT="+dist, "RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(dir, "plugins"), "ERL_EPMD_ADDRESS=127.0.0.1", "ERL_EPMD_PORT="+epmd,
		"RABBITMQ_PID_FILE="+filepath.Join(dir, "pid"))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the server is a tree of processes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		if out, err := exec.Command("epmd", "-port", epmd, "-kill").CombinedOutput(); err != nil { // Erlang's name server left the group
			t.Logf("end epmd: %v %s", err, out)
		}
		if t.Failed() {
			t.Logf("RabbitMQ said:\n%s", out.String())
		}
	})
	addr := "127.0.0.1:" + port
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return "amqp://" + addr + "/"
		}
		if time.Now().After(end) {
			t.Fatal("RabbitMQ does not start")
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
