package server

import (
	"context"
	"errors"
	"slices"
	"time"

	"zeta/event"
	"zeta/journal"
)

// Pauses before Keep tries again.
const (
	keepPause     = 250 * time.Millisecond
	mostKeepPause = 10 * time.Second
)

// Keep runs a batch through the rules and returns when it and the alerts it caused would survive the death of the
// process: then whoever holds the messages may forget them. What the disk, the outbox or scarce memory refuse is
// counted as undurable and tried again until ctx is done; the rules may see events twice then. A batch that a rule
// panicked on, or that is too large to be kept, would not get better: it is counted, and the error is nil.
func (d *Doorway) Keep(ctx context.Context, events []event.Event) error {
	for pause := keepPause; ; pause = min(2*pause, mostKeepPause) {
		p, err := d.server.engine.take(slices.Clone(events), nil) // as it came, should it have to be taken again
		if err == nil {
			err = d.await(ctx, p)
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errPanic), errors.Is(err, journal.ErrTooLarge):
			d.Refuse("internal", "", err)
			return nil
		case ctx.Err() != nil || errors.Is(err, journal.ErrClosed):
			return err
		}
		d.Refuse("undurable", "", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// await waits until a batch is safe, however long that takes. An error means that it is lost, or that ctx is done.
func (d *Doorway) await(ctx context.Context, p position) error {
	for {
		err := d.server.engine.await(ctx, p, AckSafe)
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return err
		}
		d.Refuse("undurable", "", err)
	}
}
