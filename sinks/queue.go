package sinks

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
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
	// longestAsked caps what a target may ask for in Retry-After.
	longestAsked = 10 * time.Minute
	sendTimeout  = 30 * time.Second
)

// Status is what a sink can tell about itself.
type Status struct {
	Name, ID    string
	Queued      int       // alerts waiting, the ones in flight included
	Delivered   uint64    // alerts the target took
	Attempts    uint64    // requests made
	Failed      uint64    // requests that failed
	Dropped     uint64    // alerts dropped because the queue was full: the oldest
	DeadLetters uint64    // alerts the target refused for good
	LastError   string    // of the newest failed request; "" after a success
	Since       time.Time // when LastError first came up; zero when all is well
}

// DeadLetter is an alert that its target refused for good.
type DeadLetter struct {
	Alert *streams.Alert
	Err   string
	At    time.Time
}

// queue holds the alerts of one sink and delivers them with one worker.
type queue struct {
	sink   *streams.Sink
	sender Sender
	batch  Batching
	limit  int
	log    *slog.Logger

	mu      sync.Mutex
	waiting []*streams.Alert // in order; the worker sends a prefix of it and removes it afterwards
	sending int              // length of that prefix
	dead    []DeadLetter
	status  Status
	closing bool

	wake chan struct{} // one slot: something arrived, or the queue is closing
	done chan struct{}
	stop context.CancelFunc
}

func newQueue(sink *streams.Sink, o Opened, limit int, log *slog.Logger) *queue {
	ctx, stop := context.WithCancel(context.Background())
	if o.Batching.Events < 1 {
		o.Batching.Events = 1
	}
	q := &queue{
		sink: sink, sender: o.Sender, batch: o.Batching, limit: limit, log: log.With("sink", sink.Name),
		status: Status{Name: sink.Name, ID: sink.ID},
		wake:   make(chan struct{}, 1), done: make(chan struct{}), stop: stop,
	}
	go q.work(ctx)
	return q
}

// add takes an alert; with a full queue the oldest one that is not being sent makes room and is counted.
func (q *queue) add(a *streams.Alert) {
	q.mu.Lock()
	if q.closing {
		q.status.Dropped++
		q.mu.Unlock()
		return
	}
	if len(q.waiting) >= q.limit {
		q.status.Dropped++
		if q.sending < len(q.waiting) {
			q.waiting = slices.Delete(q.waiting, q.sending, q.sending+1)
		} else {
			a = nil // all that waits is being sent
		}
	}
	if a != nil {
		q.waiting = append(q.waiting, a)
	}
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// work is the worker: gather a batch, send it until it is through, go on.
func (q *queue) work(ctx context.Context) {
	defer close(q.done)
	for {
		batch := q.gather(ctx)
		if batch == nil {
			return
		}
		q.mu.Lock()
		q.sending = len(batch)
		q.mu.Unlock()
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
	for {
		q.mu.Lock()
		batch, full := q.prefix()
		closing := q.closing
		q.mu.Unlock()
		switch {
		case full, len(batch) > 0 && (closing || q.batch.Wait == 0):
			return batch
		case len(batch) == 0 && closing:
			return nil
		case len(batch) > 0 && window == nil:
			window = time.After(q.batch.Wait)
		}
		select {
		case <-q.wake:
		case <-window:
			q.mu.Lock()
			batch, _ = q.prefix()
			q.mu.Unlock()
			if len(batch) > 0 {
				return batch
			}
			window = nil
		case <-ctx.Done():
			return nil
		}
	}
}

// prefix returns the next batch; full says that no more would fit. Called with mu held.
func (q *queue) prefix() (batch []*streams.Alert, full bool) {
	events := 0
	for _, a := range q.waiting {
		if len(batch) > 0 && events+len(a.Events) > q.batch.Events {
			return batch, true
		}
		batch = append(batch, a)
		events += len(a.Events)
	}
	return batch, events >= q.batch.Events && len(batch) > 0
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
			q.remove(batch[:taken.n], uint64(taken.n))
			batch, attempt = batch[taken.n:], 0
		}
		switch {
		case err == nil:
			q.remove(batch, uint64(len(batch)))
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
			q.remove(batch, 0)
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

// pauseFor returns the pause before the next attempt: what the target asked for, else 1 s doubled with
// each attempt up to 5 min, less up to half of it at random so that many sinks do not return together.
func pauseFor(attempt int, err error) time.Duration {
	var asked *retryAfterError
	if errors.As(err, &asked) {
		return min(max(asked.d, 0), longestAsked)
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
		q.status.LastError, q.status.Since = "", time.Time{}
		return
	}
	q.status.Failed++
	if q.status.LastError == "" {
		q.status.Since = time.Now()
	}
	q.status.LastError = err.Error()
}

// remove takes the alerts of batch, which are the first of those being sent, out of the queue.
func (q *queue) remove(batch []*streams.Alert, delivered uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.status.Delivered += delivered
	q.waiting = slices.Delete(q.waiting, 0, len(batch))
	q.sending -= len(batch)
}

func (q *queue) bury(a *streams.Alert, err error) {
	q.log.Error("the target refused an alert for good", "err", err, "key", a.Key, "rule", a.Pos)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.status.DeadLetters++
	if len(q.dead) >= DeadLettersKept {
		q.dead = append(q.dead[:0], q.dead[1:]...)
	}
	q.dead = append(q.dead, DeadLetter{Alert: a, Err: err.Error(), At: time.Now()})
}

func (q *queue) snapshot() (Status, []DeadLetter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.status
	s.Queued = len(q.waiting)
	return s, append([]DeadLetter(nil), q.dead...)
}

// close lets the worker finish what is waiting until ctx is done, and then ends it. It returns how many
// alerts were left.
func (q *queue) close(ctx context.Context) int {
	q.mu.Lock()
	q.closing = true
	q.mu.Unlock()
	q.signal()
	select {
	case <-q.done:
	case <-ctx.Done():
	}
	q.stop()
	<-q.done
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}
