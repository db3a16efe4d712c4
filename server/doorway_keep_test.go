package server

import (
	"context"
	"errors"
	"testing"
	"time"

	"zeta/event"
)

func TestKeepTriesAgainUntilTheDiskTakesIt(t *testing.T) {
	withLateConn(t, 0, func(c *lateConn) {
		d := &Doorway{server: c.Server, kind: "test"}
		kept := make(chan error, 1)
		e := ev("h", "s", 1)
		e.SetTTL(1e6) // nothing expires
		keep := func(ctx context.Context) {
			go func() { kept <- d.Keep(ctx, []event.Event{e}) }()
		}
		keep(context.Background())
		time.Sleep(10 * ackPatience) // one batch, though its answer was given up ten times
		c.want(t, 1, 0)
		c.settle(0, errors.New("the disk fails"))
		time.Sleep(keepPause + time.Millisecond) // lost: once more
		c.want(t, 2, 0)
		c.settle(3, nil)
		time.Sleep(10 * mostKeepPause)
		if err := <-kept; err != nil {
			t.Errorf("Keep: %v", err)
		}
		c.want(t, 3, 0)

		ctx, cancel := context.WithCancel(context.Background())
		keep(ctx)
		time.Sleep(time.Minute)
		cancel()
		if err := <-kept; err == nil {
			t.Error("what is not safe counts as kept")
		}
	})
}
