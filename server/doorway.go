package server

import (
	"log/slog"

	"zeta/event"
	"zeta/event/wire"
)

// Opener is implemented by the options of a listener that another package brings and registers with streams, so
// that a program which does without it does not carry what it needs.
type Opener interface {
	// OpenListener makes the listener; what the rules ask for and cannot be had is an error.
	OpenListener(d *Doorway) (Listener, error)
}

// Listener is what an Opener opens. Serve is called once, after the server's other parts are ready; its context
// is done when the server shuts down. Close makes Serve return, too, and may be called without Serve. Addr is
// never nil.
type Listener = listener

// Doorway is what a listener of another package has of the server. All methods are safe for concurrent use.
type Doorway struct {
	server *Server
	kind   string
}

// Log returns the server's logger.
func (d *Doorway) Log() *slog.Logger { return d.server.log }

// Ingest runs a batch through the rules and returns when they have run; the batch is the caller's again then.
func (d *Doorway) Ingest(events []event.Event) error { return d.server.ingest(d.kind, events) }

// Refuse counts a refusal by its reason, one word, and logs it with its cause, a few lines for each reason.
func (d *Doorway) Refuse(reason, remote string, err error) {
	d.server.refusals.refuse(d.kind, reason, remote, err)
}

// Fixed counts what a decoder mended between two states of its figures.
func (d *Doorway) Fixed(before, now wire.Stats) { d.server.metrics.fixes(before, now) }

// Guard runs f; a panic in it is counted and logged with its stack, and ends f only.
func (d *Doorway) Guard(where string, f func()) {
	defer func() {
		if p := recover(); p != nil {
			d.server.panicked(where, p)
		}
	}()
	f()
}

// AppendAnswer appends the answer to a query as a message without its length.
func (d *Doorway) AppendAnswer(dst []byte, query string) ([]byte, error) {
	out := wire.AppendMsg(dst, &wire.Msg{OK: true, HasOK: true})
	err := d.server.scan(query, func(batch []event.Event) error {
		out = wire.AppendMsg(out, &wire.Msg{Events: batch}) // messages that follow one another are one message
		if len(out)-len(dst) > maxReply {
			return errReplyTooLarge
		}
		return nil
	})
	if err != nil {
		return dst, err
	}
	return out, nil
}
