package brokers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// startKafka runs a Kafka of one broker with a topic, and returns its address and what writes a record.
func startKafka(t *testing.T, topic string, o ...kfake.Opt) (addr string, produce func(value string)) {
	t.Helper()
	c, err := kfake.NewCluster(append(o, kfake.NumBrokers(1), kfake.SeedTopics(2, topic))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	addr = c.ListenAddrs()[0]
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return addr, func(value string) {
		t.Helper()
		if err := client.ProduceSync(t.Context(), &kgo.Record{Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKafka holds that records become events, that bad ones hold up nothing, and that a member of the group
// that comes back goes on where it stopped.
func TestKafka(t *testing.T) {
	addr, produce := startKafka(t, "riemann")
	produce(`{"host": "web1", "service": "a", "metric": 1, "time": 1700000000, "rack": "r7"}`)
	produce(`not JSON`)
	produce(`{"service": "long", "description": "` + strings.Repeat("x", 1000) + `"}`)
	produce(`[{"service": "b1", "metric": 1}, {"service": "b2", "metric": 2}]`)
	rules := fmt.Sprintf(`listen.kafka(%q, {from: "start", maxSize: 1000});`, addr)
	z := serve(t, rules)
	if e := z.want("a", 1); e["rack"] != "r7" || e["time"] != "2023-11-14T22:13:20.000Z" {
		t.Errorf("a is %v", e)
	}
	z.want("b1", 1)
	z.want("b2", 2)
	z.refused("kafka", "json", 1)
	z.refused("kafka", "oversize", 1)
	z.stop()
	produce(`{"service": "c", "metric": 3}`)
	z = serve(t, rules)
	z.want("c", 3)
	if got := z.indexed("true"); len(got) != 1 {
		t.Errorf("after the restart Kafka gave %v, want c only", got)
	}
}

func TestKafkaRiemann(t *testing.T) {
	addr, produce := startKafka(t, "events")
	produce(string(message("a", 7)))
	produce("\xff\xff\xff")
	z := serve(t, fmt.Sprintf(`listen.kafka(%q, {topics: ["events"], group: "z", from: "start", format: "riemann"});`, addr))
	z.want("a", 7)
	z.refused("kafka", "decode", 1)
}

// TestKafkaLogin holds that a password is proved, and what is said when it is wrong.
func TestKafkaLogin(t *testing.T) {
	addr, produce := startKafka(t, "riemann")
	produce(`{"service": "a", "metric": 1}`)
	guarded, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "riemann"), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "zeta", "right"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guarded.Close)
	z := serve(t, fmt.Sprintf(`listen.kafka(%q, {from: "start"}); listen.kafka(%q, {user: "zeta", password: "wrong", mechanism: "scram-sha-256"});`,
		addr, guarded.ListenAddrs()[0]))
	z.want("a", 1) // the other listener's trouble is its own
	until(t, "the refusal", func() bool {
		return strings.Contains(z.get("/metrics"), `zeta_server_refusals_total{listener="kafka",reason="broker"}`)
	})
}
