package brokers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"zeta/server"
	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[KafkaOptions]{
		Name:    "kafka",
		Summary: "Take events from topics of Kafka.",
		Doc: "The value of a record holds a JSON event, several behind one another, or an array of them; with format: \"riemann\" a protobuf message as over TCP, without its length. Keys and headers are not read. " +
			"Host, service, time and state stay missing when the sender names none. Topic and group are Riemann's unless they are given, so that zeta goes on where Riemann's consumer stopped. " +
			"Zetas in one group share the partitions. Offsets are committed after the events have run through the rules, once a second and at the end: after a kill some records come again. " +
			"A record that cannot be read is counted and passed over.",
		Defaults: KafkaOptions{Topics: []string{"riemann"}, Group: "riemann", From: "end", Mechanism: "plain", Format: formatJSON, MessageLimits: messageLimits(1 << 20)},
		Check:    checkKafka,
		Examples: []streams.Example{
			{Title: "Riemann's topic and group", Rule: `listen.kafka("127.0.0.1:9092");`},
			{Title: "over TLS, with a password", Rule: `listen.kafka("k1.example.com:9093,k2.example.com:9093", {topics: ["events"], group: "zeta", tls: {ca: "ca.pem"}, user: "zeta", password: env("KAFKA_PASSWORD"), mechanism: "scram-sha-512"});`},
		},
	})
}

// KafkaOptions are the options of listen.kafka.
type KafkaOptions struct {
	Brokers   string         `arg:"1" doc:"HOST:PORT of a broker that names the others; several behind commas"`
	Topics    []string       `opt:"topics" doc:"topics to take"`
	Group     string         `opt:"group" doc:"consumer group, under which Kafka keeps how far zeta has come"`
	From      string         `opt:"from" enum:"start,end" doc:"where to begin in a partition of which the group knows nothing"`
	Format    string         `opt:"format" enum:"json,riemann" doc:"what a record's value holds"`
	User      string         `opt:"user" doc:"user name for SASL"`
	Password  streams.Secret `opt:"password" doc:"password of user"`
	Mechanism string         `opt:"mechanism" enum:"plain,scram-sha-256,scram-sha-512" doc:"how the password is proved"`
	TLS       *TLSOptions    `opt:"tls" doc:"authority and certificate for TLS"`
	MessageLimits
}

// Bounds of what is fetched ahead of the rules.
const (
	kafkaFetchBytes = 16 << 20
	kafkaPoll       = 1000 // records taken at once
	kafkaCommit     = 5 * time.Second
)

func checkKafka(o KafkaOptions) error {
	if len(o.Topics) == 0 || o.Group == "" {
		return errors.New(`topics or group is empty; want e.g. {topics: ["events"], group: "zeta"}`)
	}
	return errors.Join(checkTLS(o.TLS), checkLogin(o.User, o.Password))
}

// kafkaListener is one member of a consumer group.
type kafkaListener struct {
	door   *server.Doorway
	opts   KafkaOptions
	client *kgo.Client
	ctx    context.Context
	close  context.CancelFunc
	open   atomic.Int64 // connections to brokers
}

// OpenListener implements server.Opener. It connects to nobody yet.
func (o KafkaOptions) OpenListener(d *server.Doorway) (server.Listener, error) {
	k := &kafkaListener{door: d, opts: o}
	k.ctx, k.close = context.WithCancel(context.Background())
	opts, err := k.options()
	if err == nil {
		k.client, err = kgo.NewClient(opts...)
	}
	if err != nil {
		return nil, fmt.Errorf("listen.kafka(%q): %w", o.Brokers, err)
	}
	return k, nil
}

func (k *kafkaListener) options() ([]kgo.Opt, error) {
	o := k.opts
	config, err := o.TLS.config()
	if err != nil {
		return nil, err
	}
	seeds := strings.Split(o.Brokers, ",")
	for i := range seeds {
		seeds[i] = strings.TrimSpace(seeds[i])
	}
	begin := kgo.NewOffset().AtEnd()
	if o.From == "start" {
		begin = kgo.NewOffset().AtStart()
	}
	opts := []kgo.Opt{
		kgo.ClientID("zeta"),
		kgo.SeedBrokers(seeds...),
		kgo.ConsumeTopics(o.Topics...),
		kgo.ConsumerGroup(o.Group),
		kgo.ConsumeResetOffset(begin),
		kgo.FetchMaxBytes(kafkaFetchBytes),
		kgo.MaxConcurrentFetches(1),
		kgo.AutoCommitMarks(),
		kgo.AutoCommitInterval(time.Second),
		// Partitions are given up between two polls only, after what was polled has been committed.
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsRevoked(func(ctx context.Context, c *kgo.Client, _ map[string][]int32) { k.commit(ctx) }),
		kgo.WithHooks(k),
	}
	if config != nil {
		opts = append(opts, kgo.DialTLSConfig(config))
	}
	if o.User != "" {
		switch o.Mechanism {
		case "scram-sha-256":
			opts = append(opts, kgo.SASL(scram.Auth{User: o.User, Pass: string(o.Password)}.AsSha256Mechanism()))
		case "scram-sha-512":
			opts = append(opts, kgo.SASL(scram.Auth{User: o.User, Pass: string(o.Password)}.AsSha512Mechanism()))
		default:
			opts = append(opts, kgo.SASL(plain.Auth{User: o.User, Pass: string(o.Password)}.AsMechanism()))
		}
	}
	return opts, nil
}

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (k *kafkaListener) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	switch {
	case err == nil:
		k.open.Add(1)
	case k.ctx.Err() == nil:
		k.door.Refuse("broker", k.opts.Brokers, err)
	}
}

// OnBrokerDisconnect implements kgo.HookBrokerDisconnect.
func (k *kafkaListener) OnBrokerDisconnect(kgo.BrokerMetadata, net.Conn) { k.open.Add(-1) }

// Kind implements server.Listener.
func (k *kafkaListener) Kind() string { return "kafka" }

// Addr implements server.Listener: the addresses of the brokers.
func (k *kafkaListener) Addr() net.Addr { return shown("kafka", k.opts.Brokers) }

// Connections implements server.Listener.
func (k *kafkaListener) Connections() int { return int(k.open.Load()) }

// Close implements server.Listener.
func (k *kafkaListener) Close() { k.close() }

// Drain implements server.Listener: Serve has committed.
func (k *kafkaListener) Drain(context.Context) {}

// Serve implements server.Listener.
func (k *kafkaListener) Serve(context.Context) error {
	in := newInbox(k.door, k.opts.Format, k.opts.MessageLimits)
	pace := k.door.Pace(k.opts.MaxRate)
	for k.ctx.Err() == nil {
		fetches := k.client.PollRecords(k.ctx, k.opts.atOnce(kafkaPoll))
		fetches.EachError(func(topic string, partition int32, err error) {
			if k.ctx.Err() == nil {
				k.door.Refuse("broker", k.opts.Brokers, fmt.Errorf("topic %s, partition %d: %w", topic, partition, err))
			}
		})
		var err error
		k.door.Guard("records of Kafka", func() { err = k.take(in, fetches) })
		if err != nil {
			break
		}
		k.client.MarkCommitRecords(fetches.Records()...)
		k.client.AllowRebalance()
		in.rest(k.ctx, pace)
	}
	ctx, cancel := context.WithTimeout(context.Background(), kafkaCommit)
	defer cancel()
	k.commit(ctx)
	k.client.CloseAllowingRebalance()
	return nil
}

// take runs the records of one poll through the rules; after an error, at the end of zeta, they have to come again.
func (k *kafkaListener) take(in *inbox, fetches kgo.Fetches) (err error) {
	fetches.EachRecord(func(r *kgo.Record) {
		if err != nil {
			return
		}
		if in.add(r.Value, "", r.Topic); in.full() {
			err = in.settle(k.ctx)
		}
	})
	if err == nil {
		err = in.settle(k.ctx)
	}
	return err
}

// commit tells Kafka how far zeta has come.
func (k *kafkaListener) commit(ctx context.Context) {
	if err := k.client.CommitMarkedOffsets(ctx); err != nil && !errors.Is(err, context.Canceled) {
		k.door.Refuse("commit", k.opts.Brokers, err)
	}
}
