package brokers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"zeta/event/wire"
	"zeta/server"
	"zeta/streams"
	"zeta/tls"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[RabbitMQOptions]{
		Name:    "rabbitmq",
		Summary: "Take Riemann messages, or JSON, from an exchange of RabbitMQ.",
		Doc: "A message holds a protobuf message as over TCP, without its length; with format: \"json\" an event, several behind one another, or an array of them. " +
			"As in Riemann the exchange is declared (a topic exchange that is not durable), and bound with key to a queue that ends with zeta; with queue it is a durable queue of that name, which keeps what comes while zeta is away. " +
			"A message is acknowledged after its events have run through the rules and are on disk, also when it could not be read. " +
			"One with reply-to is answered to the same exchange with reply-to as the routing key and the same correlation id: a Riemann message, with the events its query asked for, or {} or {\"error\": …}.",
		Defaults: RabbitMQOptions{Exchange: "riemann", Kind: "topic", Key: "#", Prefetch: 1000, Format: formatRiemann, MessageLimits: messageLimits(wire.DefaultLimits.Frame)},
		Check:    checkRabbitMQ,
		Examples: []streams.Example{
			{Title: "Riemann's exchange", Rule: `listen.rabbitmq("amqp://127.0.0.1:5672/");`},
			{Title: "a durable queue of JSON events, over TLS", Rule: `listen.rabbitmq("amqps://mq.example.com/monitoring", {exchange: "events", durable: true, queue: "zeta", format: "json", tls: {ca: "ca.pem"}, user: "zeta", password: env("RABBITMQ_PASSWORD")});`},
		},
	})
}

// RabbitMQOptions are the options of listen.rabbitmq.
type RabbitMQOptions struct {
	URL      string         `arg:"1" doc:"amqp://HOST:PORT/VHOST, or amqps://…; the user is guest unless user, or the URL, names one"`
	Exchange string         `opt:"exchange" doc:"exchange to take from and to answer to"`
	Kind     string         `opt:"kind" enum:"topic,direct,fanout" doc:"kind of the exchange"`
	Durable  bool           `opt:"durable" doc:"the exchange is a durable one"`
	Key      string         `opt:"key" doc:"routing key that the queue is bound with; in a topic exchange * stands for one word, # for any number"`
	Queue    string         `opt:"queue" doc:"durable queue to take from; zetas with the same one share the messages. Left out: a queue of zeta's own, which ends with it"`
	Prefetch int            `opt:"prefetch" min:"1" max:"65535" doc:"messages that RabbitMQ may hand over before they are acknowledged"`
	Format   string         `opt:"format" enum:"json,riemann" doc:"what a message holds"`
	User     string         `opt:"user" doc:"user name"`
	Password streams.Secret `opt:"password" doc:"password of user"`
	TLS      *TLSOptions    `opt:"tls" doc:"authority and certificate for amqps"`
	MessageLimits
}

const (
	rabbitDial      = 10 * time.Second
	rabbitHeartbeat = 10 * time.Second
	rabbitReply     = 5 * time.Second
)

func checkRabbitMQ(o RabbitMQOptions) error {
	if o.Exchange == "" {
		return errors.New("exchange is empty; nothing can be bound to the exchange without a name")
	}
	if _, err := amqp.ParseURI(o.URL); err != nil {
		return errors.New("the address is none; want amqp://HOST:PORT/VHOST") // err may hold a password
	}
	return errors.Join(checkTLS(o.TLS), checkLogin(o.User, o.Password))
}

// rabbitListener takes the deliveries of one queue.
type rabbitListener struct {
	door   *server.Doorway
	opts   RabbitMQOptions
	config *tls.Config
	ctx    context.Context
	close  context.CancelFunc
	there  atomic.Bool
}

// OpenListener implements server.Opener. It connects to nobody yet.
func (o RabbitMQOptions) OpenListener(d *server.Doorway) (server.Listener, error) {
	r := &rabbitListener{door: d, opts: o}
	var err error
	if r.config, err = o.TLS.config(); err != nil {
		return nil, fmt.Errorf("listen.rabbitmq(%q): %w", r.Addr(), err)
	}
	r.ctx, r.close = context.WithCancel(context.Background())
	return r, nil
}

// Kind implements server.Listener.
func (r *rabbitListener) Kind() string { return "rabbitmq" }

// Addr implements server.Listener: the broker's address.
func (r *rabbitListener) Addr() net.Addr { return shown("rabbitmq", r.opts.URL) }

// Connections implements server.Listener.
func (r *rabbitListener) Connections() int {
	if r.there.Load() {
		return 1
	}
	return 0
}

// Close implements server.Listener.
func (r *rabbitListener) Close() { r.close() }

// Drain implements server.Listener: Serve has acknowledged what it took, and the rest is delivered again.
func (r *rabbitListener) Drain(context.Context) {}

// Serve implements server.Listener.
func (r *rabbitListener) Serve(context.Context) error {
	var wait pauses
	for {
		err := r.session(&wait)
		r.there.Store(false)
		if r.ctx.Err() != nil {
			return nil
		}
		r.door.Refuse("broker", r.Addr().String(), err)
		if !wait.wait(r.ctx) {
			return nil
		}
	}
}

// session takes deliveries over one connection until it breaks or Close.
func (r *rabbitListener) session(wait *pauses) error {
	config := amqp.Config{
		TLSClientConfig: r.config,
		Heartbeat:       rabbitHeartbeat,
		Locale:          "en_US",
		Properties:      amqp.Table{"product": "zeta", "connection_name": "zeta"},
		Dial:            amqp.DefaultDial(rabbitDial),
	}
	if r.opts.User != "" {
		config.SASL = []amqp.Authentication{&amqp.PlainAuth{Username: r.opts.User, Password: string(r.opts.Password)}}
	}
	conn, err := amqp.DialConfig(r.opts.URL, config)
	if err != nil {
		return err
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	deliveries, err := r.declare(ch)
	if err != nil {
		return err
	}
	wait.reset()
	r.there.Store(true)
	in := newInbox(r.door, r.opts.Format, r.opts.MessageLimits)
	pace := r.door.Pace(r.opts.MaxRate)
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	for {
		select {
		case <-r.ctx.Done():
			return nil
		case d, ok := <-deliveries:
			if !ok {
				select {
				case cause := <-closed:
					if cause != nil {
						return cause
					}
				default:
				}
				return amqp.ErrClosed
			}
			r.door.Guard("message of RabbitMQ", func() { err = r.take(in, ch, d, len(deliveries) > 0) })
			if err != nil {
				return err
			}
			in.rest(r.ctx, pace)
		}
	}
}

// declare makes the exchange and the queue, where they are not there yet, and begins to take.
func (r *rabbitListener) declare(ch *amqp.Channel) (<-chan amqp.Delivery, error) {
	o := r.opts
	if err := ch.Qos(o.Prefetch, 0, false); err != nil {
		return nil, err
	}
	if err := ch.ExchangeDeclare(o.Exchange, o.Kind, o.Durable, false, false, false, nil); err != nil {
		return nil, fmt.Errorf("exchange %s: %w", o.Exchange, err)
	}
	own := o.Queue == ""
	q, err := ch.QueueDeclare(o.Queue, !own, own, own, false, nil)
	if err != nil {
		return nil, fmt.Errorf("queue %s: %w", o.Queue, err)
	}
	if err := ch.QueueBind(q.Name, o.Key, o.Exchange, false, nil); err != nil {
		return nil, fmt.Errorf("bind queue %s with key %s: %w", q.Name, o.Key, err)
	}
	return ch.Consume(q.Name, "", false, own, false, false, nil)
}

// publisher is the part of a channel that answers.
type publisher interface {
	PublishWithContext(ctx context.Context, exchange, key string, mandatory, immediate bool, msg amqp.Publishing) error
}

// take reads a delivery; its events run at once, or with those of the deliveries that wait. It is acknowledged
// after that, with those before it.
func (r *rabbitListener) take(in *inbox, ch publisher, d amqp.Delivery, more bool) error {
	if d.ReplyTo != "" {
		answer := in.answer(r.ctx, d.Body, "", d.RoutingKey)
		ctx, cancel := context.WithTimeout(context.Background(), rabbitReply)
		defer cancel()
		kind := "application/octet-stream"
		if r.opts.Format == formatJSON {
			kind = "application/json"
		}
		if err := ch.PublishWithContext(ctx, r.opts.Exchange, d.ReplyTo, false, false, amqp.Publishing{ContentType: kind, CorrelationId: d.CorrelationId, Body: answer}); err != nil {
			r.door.Refuse("reply", d.RoutingKey, err)
		}
		return d.Ack(true)
	}
	in.add(d.Body, "", d.RoutingKey)
	if more && !in.full() {
		return nil
	}
	if err := in.settle(r.ctx); err != nil {
		return err
	}
	return d.Ack(true)
}
