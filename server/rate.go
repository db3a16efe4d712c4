package server

import (
	"context"
	"sync"
	"time"
)

// rateMeter measures events per second over the last rateSpan seconds, looking once a second.
type rateMeter struct {
	engine *Engine

	mu   sync.Mutex
	seen []rateSample
}

type rateSample struct {
	at     time.Time
	events uint64
}

const rateSpan = 5 // seconds

// run looks once a second until ctx is done.
func (r *rateMeter) run(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	r.look(time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			r.look(now)
		}
	}
}

func (r *rateMeter) look(now time.Time) {
	events := r.engine.counts().events
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, rateSample{now, events})
	if len(r.seen) > rateSpan+1 {
		r.seen = append(r.seen[:0], r.seen[1:]...)
	}
}

// perSecond returns the rate; 0 in the first second.
func (r *rateMeter) perSecond() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seen) < 2 {
		return 0
	}
	first, last := r.seen[0], r.seen[len(r.seen)-1]
	return float64(last.events-first.events) / last.at.Sub(first.at).Seconds()
}
