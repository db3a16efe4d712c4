// Package sinks takes what rules send out of zeta to the outside: Slack, webhooks, and more.
//
// Vocabulary: a sink is one configured target of the rules (slack with these options); its sender makes
// one request; its queue holds what has not been delivered yet; a dead letter is an alert the target
// refused for good.
//
//	m := sinks.NewManager(sinks.Options{Logger: log})
//	m.Use(rules.Sinks)        // after each load of the rules
//	engine.Deliver = m.Deliver
//	defer m.Close(ctx)
//
// Guarantees:
//   - Deliver never blocks and never waits for a target: each sink has its own queue and worker.
//   - Alerts of one sink leave in the order in which they were handed over; a failed request is repeated
//     with growing, jittered pauses before anything behind it is tried.
//   - An alert the target refuses for good goes to the dead letters; the rest flows on.
//   - Queues and dead letters are bounded and count what they drop.
package sinks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zeta/streams"
)

// Sender makes the requests of one sink. Send is called by one goroutine at a time with at least one
// alert, in order, and returns nil only when the target has taken all of them. An error wrapped by
// Permanent is not retried; one wrapped by RetryAfter is retried no sooner than it says; any other is retried after a
// pause, and if it is wrapped by Broken zeta says that somebody has to see to it.
type Sender interface {
	Send(ctx context.Context, alerts []*streams.Alert) error
}

// Batching says how many alerts a sink wants in one request.
type Batching struct {
	Events int           // events in one Send at most; 0: 1
	Wait   time.Duration // how long the first waits for company; 0: not at all
}

// Opened is what a sink's Open returns: its sender and how it wants its alerts.
type Opened struct {
	Sender   Sender
	Batching Batching
}

// Permanent wraps an error that another attempt would meet again: a bad request, an unknown channel.
func Permanent(err error) error { return &permanentError{err} }

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// IsPermanent reports whether err, or an error it wraps, was marked by Permanent.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

// RetryAfter wraps an error with the pause the target asked for.
func RetryAfter(err error, d time.Duration) error { return &retryAfterError{err, d} }

type retryAfterError struct {
	err error
	d   time.Duration
}

func (e *retryAfterError) Error() string { return fmt.Sprintf("%v (retry after %v)", e.err, e.d) }
func (e *retryAfterError) Unwrap() error { return e.err }

// Delivered wraps err, the failure of a later alert, with the count of alerts the target took before it.
func Delivered(n int, err error) error {
	if n == 0 {
		return err
	}
	return &deliveredError{n, err}
}

type deliveredError struct {
	n   int
	err error
}

func (e *deliveredError) Error() string { return e.err.Error() }
func (e *deliveredError) Unwrap() error { return e.err }

// Memo is a small bounded memory of a sink that outlives its requests: where the first message of an
// alert stands, so that its end can edit it. Safe for concurrent use.
type Memo interface {
	Get(key string) (string, bool)
	Put(key, value string)
	Delete(key string)
}
