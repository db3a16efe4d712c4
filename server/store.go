package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"zeta/journal"
)

// Store is the data directory of a server: the journal of what came in, the outbox of what is to go out, and
// the checkpoints a restart begins with.
type Store struct {
	Outbox *journal.Outbox // for sinks.Options

	dir         string
	lock        *journal.Lock
	log         *journal.Log
	checkpoints *journal.Checkpoints
}

// OpenStore opens a data directory, making it if it is not there. A directory that another process uses is
// refused with that process's number.
func OpenStore(dir string, log *slog.Logger) (*Store, error) {
	s := &Store{dir: dir}
	if err := s.open(log); err != nil {
		s.Close(context.Background())
		return nil, err
	}
	return s, nil
}

func (s *Store) open(log *slog.Logger) (err error) {
	if s.lock, err = journal.LockDir(s.dir); err != nil {
		return err
	}
	if s.log, err = journal.Open(filepath.Join(s.dir, "journal"), journal.Options{Logger: log}); err != nil {
		return err
	}
	if s.Outbox, err = journal.OpenOutbox(filepath.Join(s.dir, "outbox.db"), journal.OutboxOptions{Log: s.log, Logger: log}); err != nil {
		return err
	}
	if reason, rebuilt := s.Outbox.Rebuilt(); rebuilt {
		n, err := journal.Refill(s.log, s.Outbox)
		if err != nil {
			return fmt.Errorf("refill the outbox: %w", err)
		}
		log.Error("the outbox could not be read and was made anew from the journal", "reason", reason, "alerts", n)
	}
	if s.checkpoints, err = journal.OpenCheckpoints(journal.OS{}, filepath.Join(s.dir, "checkpoints"), log); err != nil {
		return err
	}
	return nil
}

// Close writes what waits, until ctx is done, and lets go of the directory. Close the server and its sinks first.
func (s *Store) Close(ctx context.Context) error {
	var errs []error
	if s.Outbox != nil {
		errs = append(errs, s.Outbox.Close(ctx))
	}
	if s.log != nil {
		errs = append(errs, s.log.Close(ctx))
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Unlock())
	}
	return errors.Join(errs...)
}

// degraded says why the disk does not take what has to be kept; "" if it does, or if there is no Store.
func (s *Store) degraded() string {
	if s == nil {
		return ""
	}
	if why := s.log.Stats().Degraded; why != "" {
		return "the journal: " + why
	}
	if why := s.Outbox.Stats().Degraded; why != "" {
		return "the outbox: " + why
	}
	return ""
}
