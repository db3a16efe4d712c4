package server

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// Who fetches 50 messages of 20 events, 100 a second, is held for nine seconds of the ten: the first second is free.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &Doorway{pipeServer(t, io.Discard), "nats"}
		p, begun := d.Pace(100), time.Now()
		for range 50 {
			p.Hold(t.Context(), 20)
		}
		if took := time.Since(begun); took < 8900*time.Millisecond || took > 9100*time.Millisecond {
			t.Errorf("1,000 events at 100 a second took %v, want 9 s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun = time.Now()
		if p.Hold(ctx, 1_000_000); time.Since(begun) != time.Second {
			t.Errorf("the end of the listener was waited for %v, want 1 s", time.Since(begun))
		}
		begun = time.Now()
		if d.Pace(0).Hold(t.Context(), 1_000_000); time.Since(begun) != 0 {
			t.Errorf("without a limit it was held for %v", time.Since(begun))
		}
	})
}
