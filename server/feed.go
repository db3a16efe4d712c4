package server

import (
	"context"
	"errors"
	"time"

	"zeta/event"
	"zeta/index"
	"zeta/query"
)

// snapshotLimits bound the first part of a subscription. Its time includes the subscriber's reading.
var snapshotLimits = index.Limits{Events: 2_000_000, Time: 30 * time.Second}

// joinBytes is how much is joined into one write.
const joinBytes = 256 << 10

// subscribe begins a subscription between two batches, with a snapshot of the index if one is wanted.
func (e *Engine) subscribe(topic string, q *query.Query, f index.Format, snapshot bool) (*index.Subscription, *index.Snapshot, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !snapshot {
		sub, err := e.hub.Subscribe(topic, q, f)
		return sub, nil, err
	}
	return e.hub.SubscribeWithSnapshot(e.index, topic, q, f)
}

// feed writes what a subscriber wants until it has it all, or ctx is done, or write fails. With keepAlive it
// writes a comment whenever nothing else was written for so long. Nil means that all has been written.
func (h *httpListener) feed(ctx context.Context, wanted want, q *query.Query, f index.Format, write func([]byte) error, keepAlive time.Duration) error {
	s := h.server
	if err := s.sparesSubscribers(); err != nil {
		return err
	}
	var buf []byte
	some := func(batch []event.Event) error {
		for i := range batch {
			buf = f.Append(buf, &batch[i])
		}
		if len(buf) < joinBytes {
			return ctx.Err()
		}
		err := write(buf)
		buf = buf[:0]
		return err
	}
	if !wanted.updates {
		if err := s.index.Scan(q, snapshotLimits, some); err != nil {
			return err
		}
		return write(buf)
	}
	gauge := s.metrics.subscribers.WithLabelValues(f.Name)
	gauge.Inc()
	defer gauge.Dec()
	sub, snapshot, err := s.engine.subscribe(wanted.topic, q, f, wanted.snapshot)
	if err != nil {
		return err
	}
	defer sub.Close()
	if snapshot != nil {
		err := snapshot.Scan(snapshotLimits, some)
		snapshot.Close()
		if err != nil {
			return err
		}
		if len(buf) > 0 {
			if err := write(buf); err != nil {
				return err
			}
		}
		buf = nil
	}
	for {
		chunks, err := next(ctx, sub, keepAlive)
		if err == nil {
			buf, err = writeChunks(chunks, buf, write)
		} else if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = write([]byte(": nothing new\n\n"))
		}
		if err != nil {
			return err
		}
	}
}

// next waits for chunks, with patience above 0 not longer than that.
func next(ctx context.Context, sub *index.Subscription, patience time.Duration) ([]index.Chunk, error) {
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	return sub.Next(ctx)
}

// writeChunks writes chunks in as few writes as make sense: one alone as it is, several joined in buf.
func writeChunks(chunks []index.Chunk, buf []byte, write func([]byte) error) ([]byte, error) {
	if len(chunks) == 1 {
		return buf, write(chunks[0].Data)
	}
	buf = buf[:0]
	for i, c := range chunks {
		buf = append(buf, c.Data...)
		if len(buf) >= joinBytes || i == len(chunks)-1 {
			if err := write(buf); err != nil {
				return buf, err
			}
			buf = buf[:0]
		}
	}
	return buf, nil
}
