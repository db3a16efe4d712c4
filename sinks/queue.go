package sinks

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"zeta/streams"
)

// Limits of a queue and of its attempts.
const (
	DefaultQueued   = 10_000 // alerts waiting for one sink
	DeadLettersKept = 1_000  // dead letters kept for one sink

	firstPause  = time.Second
	longestWait = 5 * time.Minute
	// leastAsked and longestAsked bound what a target may ask for in Retry-After: one that says 0, or a time that
	// is past by now, must not be asked without pause.
	leastAsked   = time.Second
	longestAsked = 10 * time.Minute
	sendTimeout  = 30 * time.Second

	longestShown = 500 // bytes of an error in the log and the status
)

// Status is what a sink can tell about itself.
type Status = streams.SinkStatus

// DeadLetter is an alert that its target refused for good.
type DeadLetter = streams.DeadLetter

// backlog holds the alerts of one sink, in order, until the sink took them. It is safe for concurrent use;
// one worker delivers.
type backlog interface {
	// add takes an alert without waiting; it reports how many older ones it dropped for it, or an error
	// when the alert itself was not taken.
	add(a *streams.Alert) (dropped int, err error)
	// peek returns the first alerts: no more than fit a request of so many events, but one if there is one;
	// full says that another one would not fit. They stay until done or dead.
	peek(events int) (batch []*streams.Alert, full bool)
	done(batch []*streams.Alert)
	dead(a *streams.Alert, reason string)
	wake() <-chan struct{} // one slot: there may be more to peek at
	length() int
	letters() []DeadLetter
	resend(pos uint64) error
	drop(pos uint64) error
	// settle waits until peek finds all that was added.
	settle(ctx context.Context)
	// lost counts what was dropped without add's telling.
	lost() uint64
	// close ends the backlog after its worker and returns how many alerts are lost by that; forget says that no
	// rule names the sink any more.
	close(ctx context.Context, forget bool) (left int)
}

// queue delivers the backlog of one sink with one worker.
type queue struct {
	sink   *streams.Sink
	sender Sender
	batch  Batching
	base   *slog.Logger
	log    *slog.Logger // base with the sink's name
	backlog

	mu     sync.Mutex
	status Status

	closing chan struct{}
	once    sync.Once // closes closing
	ended   chan struct{}
	stop    context.CancelFunc
	retired bool // no rule names the sink any more; under the manager's lock
}

// newQueue returns a queue that delivers b.
func newQueue(sink *streams.Sink, o Opened, b backlog, log *slog.Logger) *queue {
	q, ctx := makeQueue(sink, o, b, log)
	go q.work(ctx)
	return q
}

// follow returns a queue that goes on with q's backlog under other options. q ends at once; the alert it is
// sending may be sent again.
func (q *queue) follow(sink *streams.Sink, o Opened) *queue {
	next, ctx := makeQueue(sink, o, q.backlog, q.base)
	q.mu.Lock()
	next.status = q.status
	q.mu.Unlock()
	q.stop()
	go func() {
		<-q.ended
		next.work(ctx)
	}()
	return next
}

func makeQueue(sink *streams.Sink, o Opened, b backlog, log *slog.Logger) (*queue, context.Context) {
	ctx, stop := context.WithCancel(context.Background())
	if o.Batching.Events < 1 {
		o.Batching.Events = 1
	}
	q := &queue{
		sink: sink, sender: o.Sender, batch: o.Batching, backlog: b, base: log, log: log.With("sink", sink.Name),
		status:  Status{Name: sink.Name, ID: sink.ID, State: streams.SinkOK},
		closing: make(chan struct{}), ended: make(chan struct{}), stop: stop,
	}
	return q, ctx
}

// take adds an alert to the backlog and counts what that cost.
func (q *queue) take(a *streams.Alert) error {
	dropped, err := q.add(a)
	if dropped > 0 || err != nil {
		q.mu.Lock()
		q.status.Dropped += uint64(dropped)
		if err != nil {
			q.status.Refused++
		}
		q.mu.Unlock()
	}
	return err
}

// work is the worker: gather a batch, send it until it is through, go on.
func (q *queue) work(ctx context.Context) {
	defer close(q.ended)
	for {
		batch := q.gather(ctx)
		if batch == nil {
			return
		}
		q.deliver(ctx, batch)
		if ctx.Err() != nil {
			return
		}
	}
}

// gather waits for a first alert and then as long as the sink's batching says for more. It returns nil
// when the queue is closed and empty, or ctx is done.
func (q *queue) gather(ctx context.Context) []*streams.Alert {
	var window <-chan time.Time
	closing := q.closing
	for {
		batch, full := q.peek(q.batch.Events)
		switch {
		case full, len(batch) > 0 && (closing == nil || q.batch.Wait == 0):
			return batch
		case len(batch) == 0 && closing == nil:
			return nil
		case len(batch) > 0 && window == nil:
			window = time.After(q.batch.Wait)
		}
		select {
		case <-q.wake():
		case <-closing:
			closing = nil
			q.settle(ctx)
		case <-window:
			if batch, _ := q.peek(q.batch.Events); len(batch) > 0 {
				return batch
			}
			window = nil
		case <-ctx.Done():
			return nil
		}
	}
}

// deliver sends batch until the target has taken it. A batch the target refuses for good is sent alert
// by alert, so that a poisoned one costs only itself.
func (q *queue) deliver(ctx context.Context, batch []*streams.Alert) {
	for attempt := 0; ; attempt++ {
		sendCtx, cancel := context.WithTimeout(ctx, sendTimeout)
		err := q.send(sendCtx, batch)
		cancel()
		q.note(err)
		var taken *deliveredError
		if errors.As(err, &taken) && taken.n < len(batch) {
			q.done(batch[:taken.n])
			q.delivered(taken.n)
			batch, attempt = batch[taken.n:], 0
		}
		switch {
		case err == nil:
			q.done(batch)
			q.delivered(len(batch))
			return
		case ctx.Err() != nil:
			return
		case IsPermanent(err) && len(batch) > 1:
			for _, a := range batch {
				q.deliver(ctx, []*streams.Alert{a})
				if ctx.Err() != nil {
					return
				}
			}
			return
		case IsPermanent(err):
			q.bury(batch[0], err)
			return
		}
		pause := pauseFor(attempt, err)
		if attempt == 0 {
			q.log.Warn("delivery failed, will be repeated", "err", err, "retry_in", pause.Round(time.Millisecond))
		} else {
			q.log.Debug("delivery failed again", "err", err, "attempt", attempt+1, "retry_in", pause.Round(time.Millisecond))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// send calls the sender; its panic is an error of this alert, not the end of the program.
func (q *queue) send(ctx context.Context, batch []*streams.Alert) (err error) {
	defer func() {
		if p := recover(); p != nil {
			q.log.Error("sink panicked", "panic", p)
			err = Permanent(errors.New("the sink panicked"))
		}
	}()
	return q.sender.Send(ctx, batch)
}

// pauseFor returns the pause before the next attempt: what the target asked for, but 1 s at least, else 1 s doubled with
// each attempt up to 5 min, less up to half of it at random so that many sinks do not return together.
func pauseFor(attempt int, err error) time.Duration {
	var asked *retryAfterError
	if errors.As(err, &asked) {
		return min(max(asked.d, leastAsked), longestAsked)
	}
	pause := longestWait
	if attempt < 9 {
		pause = min(firstPause<<attempt, longestWait)
	}
	return pause - time.Duration(rand.Int64N(int64(pause)/2+1))
}

func (q *queue) note(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.status.Attempts++
	if err == nil {
		q.status.State, q.status.LastError, q.status.Since = streams.SinkOK, "", time.Time{}
		return
	}
	q.status.Failed++
	if q.status.LastError == "" {
		q.status.Since = time.Now()
	}
	q.status.State, q.status.LastError = streams.SinkFailing, inBrief(err)
	if IsBroken(err) {
		q.status.State = streams.SinkBroken
	}
}

func (q *queue) delivered(n int) {
	q.mu.Lock()
	q.status.Delivered += uint64(n)
	q.mu.Unlock()
}

func (q *queue) bury(a *streams.Alert, err error) {
	q.log.Error("the target refused an alert for good", "err", inBrief(err), "key", a.Key, "rule", a.Pos)
	q.dead(a, err.Error())
	q.mu.Lock()
	q.status.DeadLetters++
	q.mu.Unlock()
}

// inBrief is what the log and the status say of an error; a dead letter keeps all of it.
func inBrief(err error) string { return cutBytes(err.Error(), longestShown) }

func (q *queue) snapshot() Status {
	queued := q.length()
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.status
	s.Queued = queued
	s.Dropped += q.lost()
	return s
}

// close lets the worker finish what is waiting until ctx is done, and then ends it. It returns how many
// alerts are lost.
func (q *queue) close(ctx context.Context) int {
	q.finish()
	select {
	case <-q.ended:
	case <-ctx.Done():
	}
	q.stop()
	<-q.ended
	return q.backlog.close(ctx, false)
}

// finish lets the worker end once nothing waits.
func (q *queue) finish() { q.once.Do(func() { close(q.closing) }) }
