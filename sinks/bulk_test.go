package sinks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"zeta/event"
	"zeta/streams"
)

// stash is a bulk sink whose target can be told what to do.
type stash struct {
	mu    sync.Mutex
	taken []string
	err   func(host string) error
}

func (s *stash) Send(_ context.Context, alerts []*streams.Alert) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range alerts {
		if s.err != nil {
			if err := s.err(a.Events[0].Host); err != nil {
				return err
			}
		}
	}
	for _, a := range alerts {
		s.taken = append(s.taken, a.Events[0].Host)
	}
	return nil
}

func (s *stash) hosts() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.taken, " ")
}

func (s *stash) refuse(f func(host string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = f
}

// soon waits for what a worker does.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not seen within 10 s: %s", what)
		}
	}
}

var bulkSink = &streams.Sink{Name: "stash", ID: "stash-1", Delivery: streams.BulkDelivery}

// openStash opens a manager with one sink in bulk.
func openStash(t *testing.T, dir string, s *stash) *Manager {
	t.Helper()
	m := NewManager(Options{Bulk: dir, Logger: quiet()})
	sink := *bulkSink
	m.queues[sink.ID] = newQueue(&sink, Opened{Sender: s, Batching: Batching{Events: 10}}, m.backlogOf(&sink), quiet())
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		m.Close(ctx)
	})
	return m
}

func deliverAt(m *Manager, stamp int64, hosts ...string) {
	for _, h := range hosts {
		m.Deliver(&streams.Alert{Sink: bulkSink, At: stamp, Events: []event.Event{{Host: h, Has: event.HasHost}}})
	}
}

func TestBulkGoesOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	first := &stash{}
	m := openStash(t, dir, first)
	deliverAt(m, 1, "a", "b")
	soon(t, "two", func() bool { return first.hosts() == "a b" })
	if ticket, err := m.Taken(); ticket != 0 || err != nil {
		t.Errorf("ticket %d, error %v: nobody waits for what is sent in bulk", ticket, err)
	}
	first.refuse(func(string) error { return errors.New("no") })
	deliverAt(m, 2, "c", "d")
	soon(t, "an attempt", func() bool { return m.Status()[0].Failed > 0 })
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if err := m.Close(done); err != nil {
		t.Errorf("closed with %v, want nil: what is left is on disk", err)
	}

	second := &stash{}
	m = openStash(t, dir, second)
	deliverAt(m, 1, "a", "b") // a replay makes them again
	deliverAt(m, 2, "c", "d")
	deliverAt(m, 3, "e")
	soon(t, "the rest", func() bool { return second.hosts() == "c d e" })
}

func TestBulkRefusedForGood(t *testing.T) {
	s := &stash{}
	s.refuse(func(host string) error {
		if host == "bad" {
			return Permanent(errors.New("cannot be"))
		}
		return nil
	})
	m := openStash(t, t.TempDir(), s)
	deliverAt(m, 1, "a", "bad", "b")
	soon(t, "the others", func() bool { return s.hosts() == "a b" })
	soon(t, "the dead letter", func() bool { return m.Status()[0].DeadLetters == 1 })
	dead := m.DeadLetters(bulkSink.ID)
	if len(dead) != 1 || dead[0].Alert.Events[0].Host != "bad" {
		t.Fatalf("dead letters %v", dead)
	}
	s.refuse(nil)
	if err := m.Resend(bulkSink.ID, dead[0].Pos); err != nil {
		t.Fatal(err)
	}
	soon(t, "the one resent", func() bool { return s.hosts() == "a b bad" })
	if err := m.Drop(bulkSink.ID, dead[0].Pos); err == nil {
		t.Error("a dead letter that is gone was dropped")
	}
}

// A sink that no rule names any more delivers what waits, and then its directory goes.
func TestBulkIsForgotten(t *testing.T) {
	dir := t.TempDir()
	s := &stash{}
	m := openStash(t, dir, s)
	deliverAt(m, 1, "a")
	if err := m.Use(nil); err != nil {
		t.Fatal(err)
	}
	soon(t, "an empty list", func() bool { return len(m.Status()) == 0 })
	soon(t, "an empty directory", func() bool {
		_, err := os.Stat(filepath.Join(dir, bulkSink.ID))
		return errors.Is(err, os.ErrNotExist)
	})
	if s.hosts() != "a" {
		t.Errorf("delivered %q", s.hosts())
	}
}

// Where the backlog cannot be opened, memory takes its place.
func TestBulkWithoutADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", file} {
		s := &stash{}
		m := openStash(t, dir, s)
		deliverAt(m, 1, "a")
		soon(t, fmt.Sprintf("directory %q: delivery from memory", dir), func() bool { return s.hosts() == "a" })
	}
}
