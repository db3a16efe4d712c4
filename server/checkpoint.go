package server

import (
	"context"
	"fmt"
	"time"

	"zeta/index"
	"zeta/journal"
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

// moment is what a checkpoint is of: the engine between two batches.
type moment struct {
	record   uint64 // the last one whose effects are in it
	stamp    int64
	ticket   uint64 // of the last alert
	rules    string
	engine   []byte
	state    []byte // of the operators
	silences []byte
	gone     []byte
	index    *index.Image
}

// capture copies what is small and begins an image of the index: the engine stands still no longer than that takes.
func (s *Server) capture() moment {
	e := s.engine
	var engine, state streams.Saver
	e.mu.Lock()
	last := e.stateBytes
	e.mu.Unlock()
	state.Grow(last + last/8) // while the engine goes on: without room the copy takes twice as long
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.stamp.next()
	e.advance(now)
	e.hub.Flush()
	e.settle()
	e.arm()
	engine.Uint(engineVersion)
	engine.Uint(e.seq)
	engine.Timer(e.expiry.timer)
	e.graph.Save(&state)
	e.stateBytes = len(state.Bytes())
	return moment{
		record: s.opts.Store.log.Next() - 1, stamp: now, ticket: e.ticket, rules: e.rulesText,
		engine: engine.Bytes(), state: state.Bytes(), silences: e.silences.save(), gone: e.gone.save(), index: s.index.Image(),
	}
}

// checkpoint writes index, rules and their state as they are at one moment between two batches, while the engine
// goes on.
func (s *Server) checkpoint(ctx context.Context) error {
	m, st := s.capture(), s.opts.Store
	defer m.index.Close()
	// What is in the checkpoint is not replayed: its alerts must be safe before it counts.
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkpointTimeout)
	defer cancel()
	if s.engine.outlets != nil && m.ticket != 0 {
		if err := s.engine.outlets.Wait(wait, m.ticket); err != nil {
			return fmt.Errorf("the outbox: %w", err)
		}
	}
	w, err := st.checkpoints.Create(m.record, m.stamp)
	if err != nil {
		return err
	}
	if err := m.write(w); err != nil {
		w.Abort()
		return err
	}
	if err := w.Commit(); err != nil {
		return err
	}
	st.log.Keep(m.record + 1)
	return nil
}

// write writes the sections.
func (m *moment) write(w *journal.CheckpointWriter) error {
	for _, section := range []struct {
		name string
		data []byte
	}{{"rules", []byte(m.rules)}, {"engine", m.engine}, {"state", m.state}, {"silences", m.silences}, {"gone", m.gone}} {
		if _, err := w.Section(section.name).Write(section.data); err != nil {
			return err
		}
	}
	return saveIndex(w.Section("index"), m.index.Records)
}
