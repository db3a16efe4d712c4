package brokers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"zeta/server"
	"zeta/streams"
	"zeta/tls"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[NATSOptions]{
		Name:    "nats",
		Summary: "Take events from subjects of a NATS server.",
		Doc: "A message holds a JSON event, several behind one another, or an array of them; with format: \"riemann\" a protobuf message as over TCP, without its length. " +
			"An event without a service has the message's subject as service; host, time and state stay missing when the sender names none. " +
			"A message with a reply subject is answered after its events have run through the rules: {} or {\"error\": …}, or a Riemann message with the events its query asked for. " +
			"Zetas with the same queue share the messages. Plain NATS keeps nothing: what is published while zeta is away, or faster than it can take, is lost; the latter is counted with the reason slow. " +
			"With stream the messages come from a durable JetStream consumer and are acknowledged after they have run through the rules and are on disk.",
		Defaults: NATSOptions{Subjects: []string{"events.>"}, Durable: "zeta", Format: formatJSON, MessageLimits: messageLimits(1 << 20)},
		Check:    checkNATS,
		Examples: []streams.Example{
			{Title: "every subject below events", Rule: `listen.nats("nats://127.0.0.1:4222", {subjects: ["events.>"]});`},
			{Title: "from a JetStream stream, over TLS", Rule: `listen.nats("tls://nats.example.com:4222", {stream: "EVENTS", subjects: ["events.>"], tls: {ca: "ca.pem"}, user: "zeta", password: env("NATS_PASSWORD")});`},
		},
	})
}

// NATSOptions are the options of listen.nats.
type NATSOptions struct {
	URL         string         `arg:"1" doc:"nats://HOST:PORT of a server, or tls://…; several behind commas"`
	Subjects    []string       `opt:"subjects" doc:"subjects to take; * stands for one word, > for all that follow"`
	Queue       string         `opt:"queue" doc:"queue group: each message goes to one of its members; left out: to every zeta"`
	Stream      string         `opt:"stream" doc:"JetStream stream to take the subjects from; left out: plain NATS"`
	Durable     string         `opt:"durable" doc:"name of the consumer in the stream, where NATS keeps how far zeta has come"`
	Format      string         `opt:"format" enum:"json,riemann" doc:"what a message holds"`
	User        string         `opt:"user" doc:"user name"`
	Password    streams.Secret `opt:"password" doc:"password of user"`
	Token       streams.Secret `opt:"token" doc:"token, instead of a user"`
	Credentials string         `opt:"credentials" doc:"file of NATS credentials, instead of a user"`
	TLS         *TLSOptions    `opt:"tls" doc:"authority and certificate for TLS"`
	MessageLimits
}

// Bounds of what waits for one subject.
const (
	natsPendingMessages = 64 << 10
	natsPendingBytes    = 64 << 20
	natsStreamMessages  = 1000 // asked of JetStream ahead
	natsDrain           = 5 * time.Second
)

func checkNATS(o NATSOptions) error {
	if len(o.Subjects) == 0 {
		return errors.New(`subjects is empty; want e.g. ["events.>"]`)
	}
	if o.Stream != "" && (o.Queue != "" || o.Durable == "") {
		return errors.New("with stream, durable names the consumer, which its users share; queue is for plain NATS")
	}
	return errors.Join(checkTLS(o.TLS), checkLogin(o.User, o.Password))
}

// natsListener takes messages of one connection to NATS.
type natsListener struct {
	door   *server.Doorway
	pace   *server.Pace // of all subjects together
	opts   NATSOptions
	config *tls.Config // nil: as the URL says
	ctx    context.Context
	close  context.CancelFunc
	there  atomic.Bool
}

// OpenListener implements server.Opener.
func (o NATSOptions) OpenListener(d *server.Doorway) (server.Listener, error) {
	config, err := o.TLS.config()
	if err != nil {
		return nil, fmt.Errorf("listen.nats(%q): %w", shown("nats", o.URL), err)
	}
	n := &natsListener{door: d, pace: d.Pace(o.MaxRate), opts: o, config: config}
	n.ctx, n.close = context.WithCancel(context.Background())
	return n, nil
}

// Kind implements server.Listener.
func (n *natsListener) Kind() string { return "nats" }

// Addr implements server.Listener: the server's address.
func (n *natsListener) Addr() net.Addr { return shown("nats", n.opts.URL) }

// Connections implements server.Listener.
func (n *natsListener) Connections() int {
	if n.there.Load() {
		return 1
	}
	return 0
}

// Close implements server.Listener.
func (n *natsListener) Close() { n.close() }

// Drain implements server.Listener: Serve has seen to what had arrived.
func (n *natsListener) Drain(context.Context) {}

// Serve implements server.Listener.
func (n *natsListener) Serve(context.Context) error {
	ended := make(chan struct{})
	nc, err := nats.Connect(n.opts.URL, n.options(ended)...)
	if err != nil {
		return fmt.Errorf("listen.nats(%q): %w", n.Addr(), err)
	}
	if n.opts.Stream != "" {
		n.consume(nc)
	} else if err = n.subscribe(nc); err == nil {
		<-n.ctx.Done()
	}
	n.there.Store(false)
	if nc.Drain() != nil { // not connected
		nc.Close()
	}
	<-ended
	return err
}

// options are those of the connection; ended is closed after it has ended.
func (n *natsListener) options(ended chan struct{}) []nats.Option {
	log := n.door.Log()
	o := []nats.Option{
		nats.Name("zeta"),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(time.Second),
		nats.DrainTimeout(natsDrain),
		nats.ConnectHandler(func(*nats.Conn) { n.there.Store(true) }),
		nats.ReconnectHandler(func(*nats.Conn) {
			n.there.Store(true)
			log.Info("the broker is back", "listener", "nats")
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			n.there.Store(false)
			if n.ctx.Err() == nil {
				n.door.Refuse("broker", n.Addr().String(), err)
			}
		}),
		nats.ClosedHandler(func(*nats.Conn) { close(ended) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { n.door.Refuse("broker", n.Addr().String(), err) }),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrSlowConsumer) {
				dropped, _ := sub.Dropped()
				n.door.Refuse("slow", n.Addr().String(), fmt.Errorf("%w: %d messages dropped of subject %s so far", err, dropped, sub.Subject))
				return
			}
			n.door.Refuse("broker", n.Addr().String(), err)
		}),
	}
	if n.opts.User != "" {
		o = append(o, nats.UserInfo(n.opts.User, string(n.opts.Password)))
	}
	if n.opts.Token != "" {
		o = append(o, nats.Token(string(n.opts.Token)))
	}
	if n.opts.Credentials != "" {
		o = append(o, nats.UserCredentials(n.opts.Credentials))
	}
	if n.config != nil {
		o = append(o, nats.Secure(n.config))
	}
	return o
}

func (n *natsListener) inbox() *inbox {
	return newInbox(n.door, n.opts.Format, n.opts.MessageLimits)
}

// subscribe takes the subjects of plain NATS, each with a goroutine of the library and an inbox of its own.
func (n *natsListener) subscribe(nc *nats.Conn) error {
	for _, subject := range n.opts.Subjects {
		in := n.inbox()
		var self *nats.Subscription
		ready := make(chan struct{})
		take := func(m *nats.Msg) {
			<-ready
			n.door.Guard("message of "+m.Subject, func() {
				waiting, _, _ := self.Pending()
				n.take(in, m, waiting > 1) // the message itself still counts
			})
			in.rest(n.ctx, n.pace)
		}
		var err error
		if n.opts.Queue != "" {
			self, err = nc.QueueSubscribe(subject, n.opts.Queue, take)
		} else {
			self, err = nc.Subscribe(subject, take)
		}
		if err == nil {
			err = self.SetPendingLimits(natsPendingMessages, natsPendingBytes)
		}
		if err != nil {
			return fmt.Errorf("listen.nats: subject %q: %w", subject, err)
		}
		close(ready)
	}
	return nil
}

// take reads a message; its events run at once, or with those of the messages that wait.
func (n *natsListener) take(in *inbox, m *nats.Msg, more bool) {
	if m.Reply != "" {
		if err := m.Respond(in.answer(n.ctx, m.Data, m.Subject, m.Subject)); err != nil && n.ctx.Err() == nil {
			n.door.Refuse("reply", m.Subject, err)
		}
		return
	}
	in.add(m.Data, m.Subject, m.Subject)
	if !more || in.full() {
		in.flush()
	}
}

// consume takes the subjects from a stream until Close, as soon as and as often as the stream can be had.
func (n *natsListener) consume(nc *nats.Conn) {
	var wait pauses
	for {
		began := time.Now()
		err := n.pull(nc)
		if n.ctx.Err() != nil {
			return
		}
		n.door.Refuse("broker", n.Addr().String(), fmt.Errorf("stream %s: %w", n.opts.Stream, err))
		if time.Since(began) > mostPause {
			wait.reset()
		}
		if !wait.wait(n.ctx) {
			return
		}
	}
}

// pull takes messages from the stream until ctx is done or the stream cannot be had any more.
func (n *natsListener) pull(nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(n.ctx, natsDrain)
	defer cancel()
	c, err := js.CreateOrUpdateConsumer(ctx, n.opts.Stream, jetstream.ConsumerConfig{
		Durable: n.opts.Durable, FilterSubjects: n.opts.Subjects, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: natsStreamMessages,
	})
	if err != nil {
		return err
	}
	messages, err := c.Messages(jetstream.PullMaxMessages(n.opts.atOnce(natsStreamMessages))) // what waits here too long is delivered again
	if err != nil {
		return err
	}
	stop := context.AfterFunc(n.ctx, messages.Stop)
	defer stop()
	in := n.inbox()
	for {
		m, err := messages.Next()
		if err != nil {
			return err
		}
		n.door.Guard("message of "+m.Subject(), func() {
			in.add(m.Data(), m.Subject(), m.Subject())
			if err = in.settle(n.ctx); err == nil {
				err = m.Ack()
			}
		})
		if err != nil {
			return err
		}
		in.rest(n.ctx, n.pace)
	}
}
