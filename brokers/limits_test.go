package brokers

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"zeta/server"
	"zeta/streams"
)

// Every listener that fetches from a broker has the limits of its kind.
func TestEveryBrokerHasItsLimits(t *testing.T) {
	found := 0
	for _, d := range streams.Listeners() {
		if !slices.Contains([]string{"nats", "kafka", "rabbitmq"}, d.Name) {
			continue
		}
		found++
		for _, want := range []string{"maxSize", "maxEvents", "maxRate"} {
			if !slices.ContainsFunc(d.Args, func(a streams.ArgDoc) bool { return a.Name == want }) {
				t.Errorf("listen.%s has no option %s", d.Name, want)
			}
		}
	}
	if found != 3 {
		t.Errorf("%d listeners for brokers, want 3", found)
	}
}

// held waits until a listener has been held back.
func (z *zeta) held(listener string) {
	z.t.Helper()
	line := fmt.Sprintf("\nzeta_server_throttle_seconds_total{listener=%q} ", listener)
	until(z.t, "the listener was held back", func() bool { return strings.Contains(z.get("/metrics"), line) })
}

// many is an array of n events.
func many(n int) string {
	return "[" + strings.Repeat(`{"service": "x", "metric": 1},`, n-1) + `{"service": "x", "metric": 1}]`
}

// Beyond maxRate the broker waits, and what it has comes all the same.
func TestRateOfBrokers(t *testing.T) {
	t.Run("nats", func(t *testing.T) {
		s := startNATS(t, -1, "")
		nc := connectNATS(t, s)
		before := s.NumSubscriptions()
		z := serve(t, fmt.Sprintf(`listen.nats(%q, {subjects: ["e"], maxRate: 1000});`, s.ClientURL()))
		z.ready(s, before+1)
		for _, payload := range []string{many(1010), `{"service": "y", "metric": 2}`} {
			if err := nc.Publish("e", []byte(payload)); err != nil {
				t.Fatal(err)
			}
		}
		z.want("y", 2)
		z.held("nats")
	})
	t.Run("kafka", func(t *testing.T) {
		addr, produce := startKafka(t, "riemann")
		produce(many(1010))
		produce(`{"service": "y", "metric": 2}`)
		z := serve(t, fmt.Sprintf(`listen.kafka(%q, {from: "start", maxRate: 1000});`, addr))
		z.want("y", 2)
		z.held("kafka")
	})
}

// With a low rate deliveries do not wait for others: they run, are acknowledged, and then zeta rests.
func TestFewAtOnceWithALowRate(t *testing.T) {
	serve(t, `listen.brokertest();`)
	door := <-testDoors
	limits := messageLimits(1 << 20)
	limits.MaxRate = 2
	r := &rabbitListener{door: door, ctx: t.Context(), opts: RabbitMQOptions{Format: formatRiemann}}
	in := newInbox(door, formatRiemann, limits)
	ch := &fakeChannel{}
	for tag := range uint64(5) {
		if err := r.take(in, ch, amqp.Delivery{Body: message("r", 1), Acknowledger: ch, DeliveryTag: tag}, true); err != nil {
			t.Fatal(err)
		}
	}
	if want := []uint64{1, 3}; !slices.Equal(ch.acks, want) || in.taken != 5 {
		t.Errorf("acknowledged %v with %d taken, want %v with 5", ch.acks, in.taken, want)
	}
	var pace *server.Pace // of no use while one waits
	in.rest(t.Context(), pace)
	if in.taken != 5 {
		t.Error("it rested while a delivery waited to be acknowledged")
	}
}
