// Package client sends events to zeta, or to any Riemann server, without ever making the program wait.
//
// Vocabulary: a batch is the events of one message; the server answers each message ok, or not, with a text.
//
//	c := client.New("zeta.example.com:5555", client.Options{})
//	defer c.Close(context.Background())
//	slog.SetDefault(slog.New(client.NewHandler(c, client.HandlerOptions{Service: "log shop"})))
//	slog.Error("payment failed", "order", 42)
//	c.Send(event.Event{Service: "orders", Int: 1, Has: event.HasService | event.HasInt})
//
// Guarantees:
//   - Send copies the event into a bounded queue and returns. When the queue is full the oldest event makes
//     room, since the newest says most about now. What is dropped is counted.
//   - Events of one client arrive in the order in which they were sent, or not at all.
//   - A batch is sent again until it is answered, so after a broken connection its events may arrive twice.
//     It is given up, and counted, after three connections broke under it; failing to connect does not count.
//   - The client connects when there is something to send and reconnects by itself, with a growing delay.
//   - All methods may be called concurrently.
//
// The connection and the messages are those of github.com/riemann/riemann-go-client.
package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/tls"
)

// Options say how a Client sends. A zero field means its default.
type Options struct {
	// TLS makes the client speak TLS. The server's certificate must fit the host of the address unless
	// ServerName says otherwise. nil: plain TCP.
	TLS *tls.Config

	Host       string        // host of events that have none; "": this machine's name
	Queue      int           // events waiting to be sent; 0: 10,000
	Batch      int           // events in a message; 0: 500
	FlushEvery time.Duration // how long an event may wait for others; 0: 200 ms
	Timeout    time.Duration // for connecting, and for sending a batch and reading its answer; 0: 5 s
	MinBackoff time.Duration // delay after the first failure; 0: 100 ms
	MaxBackoff time.Duration // the delay doubles up to this; 0: 5 s

	// OnError is told of every failure by the sender, which waits for it: it must not call Flush or Close.
	// nil: nobody is told.
	OnError func(error)
}

// maxBatchBytes is about how large a message becomes; one event may be larger.
const maxBatchBytes = 1 << 20

func (o Options) withDefaults() Options {
	if o.Host == "" {
		o.Host, _ = os.Hostname()
	}
	if o.Queue <= 0 {
		o.Queue = 10_000
	}
	if o.Batch <= 0 {
		o.Batch = 500
	}
	o.Batch = min(o.Batch, o.Queue, wire.DefaultLimits.Events)
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&o.FlushEvery, 200 * time.Millisecond},
		{&o.Timeout, 5 * time.Second},
		{&o.MinBackoff, 100 * time.Millisecond},
		{&o.MaxBackoff, 5 * time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	o.MaxBackoff = max(o.MaxBackoff, o.MinBackoff)
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	return o
}

// RefusedError is an answer of the server that is not ok: the events arrived, but a rule or a limit of the
// server refused some of them. They are not sent again.
type RefusedError struct {
	Events int    // in the batch
	Text   string // what the server says
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("client: the server refused a batch of %d events: %s", e.Events, e.Text)
}

// LostError reports events that were dropped.
type LostError struct {
	Events uint64
	Reason string
}

func (e *LostError) Error() string {
	return fmt.Sprintf("client: %d events lost: %s", e.Events, e.Reason)
}

// Client sends events to one server. Make one with New and close it.
type Client struct {
	addr string
	opts Options

	sent, dropped, refused atomic.Uint64

	mu        sync.Mutex
	queue     queue
	flying    uint64 // events taken from the queue and not yet settled; they precede its head
	overflow  uint64 // events that made room, not yet reported
	urgent    uint64 // events before this position are wanted at once
	waiters   []waiter
	closed    bool
	oldest    time.Time // when the first event in the queue began to wait
	lastError error

	wake chan struct{} // there is something to look at; capacity 1
	stop chan struct{} // closed to give up
	done chan struct{} // closed when the sender has ended
	once sync.Once     // guards stop

	link link
}

// waiter waits for all events before a position to be settled.
type waiter struct {
	position uint64
	ready    chan struct{}
}

// New returns a client of the server at addr, host:port. It starts one goroutine, which connects when the
// first event is sent; New itself does not touch the network.
func New(addr string, o Options) *Client {
	c := &Client{
		addr: addr,
		opts: o.withDefaults(),
		wake: make(chan struct{}, 1),
		stop: make(chan struct{}),
		done: make(chan struct{}),
	}
	c.queue.limit = c.opts.Queue
	c.link = link{addr: addr, tls: c.opts.TLS, timeout: c.opts.Timeout}
	go c.run()
	return c
}

// Send queues e and returns at once. An event without a host gets the client's, one without a time gets
// now. It returns false, and counts the event as dropped, if the client is closed or if the event is beyond
// what a server takes (wire.DefaultLimits): a server would refuse the whole batch for it.
func (c *Client) Send(e event.Event) bool {
	if !acceptable(&e) {
		c.dropped.Add(1)
		return false
	}
	if !e.Is(event.HasHost) {
		e.SetHost(c.opts.Host)
	}
	now := time.Now()
	if !e.Is(event.HasTime) {
		e.SetTime(now.UnixMicro())
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		c.dropped.Add(1)
		return false
	}
	if c.queue.len() == 0 {
		c.oldest = now
	}
	if c.queue.push(e) {
		c.overflow++
		c.dropped.Add(1)
		c.settle()
	}
	n := c.queue.len()
	c.mu.Unlock()
	if n == 1 || n == c.opts.Batch {
		c.poke()
	}
	return true
}

// Sent is the number of events answered ok.
func (c *Client) Sent() uint64 { return c.sent.Load() }

// Refused is the number of events in batches that were answered, but not ok.
func (c *Client) Refused() uint64 { return c.refused.Load() }

// Dropped is the number of events that were not sent: refused by Send, pushed out of a full queue, given up
// after three broken connections, or left when the client was closed.
func (c *Client) Dropped() uint64 { return c.dropped.Load() }

// Flush sends what is queued and returns when all of it has been answered. The error says what kept it:
// that ctx ended (with the last failure to send), or that events were dropped or refused meanwhile.
func (c *Client) Flush(ctx context.Context) error {
	lost := c.dropped.Load() + c.refused.Load()
	c.mu.Lock()
	w := waiter{c.queue.tail, make(chan struct{})}
	c.urgent = max(c.urgent, w.position)
	c.waiters = append(c.waiters, w)
	c.settle()
	c.mu.Unlock()
	c.poke()
	select {
	case <-w.ready:
	case <-c.done:
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		c.forget(w)
		return fmt.Errorf("client: %d events not sent yet: %w", uint64(c.queue.len())+c.flying, errors.Join(ctx.Err(), c.lastError))
	}
	if n := c.dropped.Load() + c.refused.Load() - lost; n > 0 {
		return &LostError{n, "dropped or refused while flushing"}
	}
	return nil
}

// Close sends what is queued, as Flush does, and ends the client. When ctx ends first, what is left is
// dropped and counted; a connection that hangs is then left to its timeout. Later calls return nil.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	already := c.closed
	c.closed = true
	c.mu.Unlock()
	if already {
		return nil
	}
	err := c.Flush(ctx)
	c.once.Do(func() { close(c.stop) })
	select {
	case <-c.done:
	case <-ctx.Done():
	}
	return err
}

// poke makes the sender look again.
func (c *Client) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// settle wakes those whose events are all settled. The caller holds mu.
func (c *Client) settle() {
	through := c.queue.head
	if c.flying > 0 {
		through = 0 // nothing behind the batch counts before the batch does
	}
	kept := c.waiters[:0]
	for _, w := range c.waiters {
		if w.position <= through || c.queue.len() == 0 && c.flying == 0 {
			close(w.ready)
		} else {
			kept = append(kept, w)
		}
	}
	clear(c.waiters[len(kept):])
	c.waiters = kept
}

// forget removes a waiter that no longer waits. The caller holds mu.
func (c *Client) forget(gone waiter) {
	for i, w := range c.waiters {
		if w.ready == gone.ready {
			c.waiters = append(c.waiters[:i], c.waiters[i+1:]...)
			return
		}
	}
}
