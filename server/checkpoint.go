package server

import (
	"context"
	"fmt"
	"time"

	"zeta/streams"
)

const (
	checkpointEvery   = time.Minute
	checkpointTimeout = 30 * time.Second // for the alerts before it to be safe
)

// keepCheckpoints makes one each minute, and sooner when much of the journal would have to be replayed.
func (s *Server) keepCheckpoints(ctx context.Context) {
	ticker := time.NewTicker(checkpointEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.opts.Store.log.Pressure():
		case <-ctx.Done():
			return
		}
		if err := s.checkpoint(ctx); err != nil {
			s.log.Error("no checkpoint could be made; a restart would replay more of the journal", "err", err)
		}
	}
}

// checkpoint writes index, rules and their state as they are at one moment between two batches. The engine
// stands still while they are copied in memory, not while they are written.
func (s *Server) checkpoint(ctx context.Context) error {
	e, st := s.engine, s.opts.Store
	e.mu.Lock()
	now := e.stamp.next()
	e.advance(now)
	e.hub.Flush()
	e.settle()
	record := st.log.Next() - 1
	ticket := e.ticket
	var engine, state streams.Saver
	engine.Uint(engineVersion)
	engine.Uint(e.seq)
	engine.Timer(e.expiry.timer)
	e.graph.Save(&state)
	entries := saveIndex(s.index)
	silences := e.silences.save()
	rules := e.rulesText
	e.arm()
	e.mu.Unlock()

	// What is in the checkpoint is not replayed: its alerts must be safe before it counts.
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkpointTimeout)
	defer cancel()
	if e.outlets != nil && ticket != 0 {
		if err := e.outlets.Wait(wait, ticket); err != nil {
			return fmt.Errorf("the outbox: %w", err)
		}
	}
	w, err := st.checkpoints.Create(record, now)
	if err != nil {
		return err
	}
	for _, section := range []struct {
		name string
		data []byte
	}{{"rules", []byte(rules)}, {"engine", engine.Bytes()}, {"state", state.Bytes()}, {"index", entries}, {"silences", silences}} {
		if _, err := w.Section(section.name).Write(section.data); err != nil {
			w.Abort()
			return err
		}
	}
	if err := w.Commit(); err != nil {
		return err
	}
	st.log.Keep(record + 1)
	return nil
}
