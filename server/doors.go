package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"sync"
	"syscall"
	"time"

	"zeta/streams"
)

// door is what the server knows of a listener beside the listener itself.
type door struct {
	declared streams.Declaration
	ended    chan struct{} // closed when Serve has returned; nil: it was never called
	ending   bool          // it has been told to finish
}

// retireGrace is how long a listener that is no longer declared may finish what it has accepted.
const retireGrace = 10 * time.Second

// open returns the listeners that are open. The slice is shared and must not be changed.
func (s *Server) open() []listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listeners
}

// moving is a change of the listeners that can still be undone.
type moving struct {
	server   *Server
	next     []listener // after the change
	opened   []listener
	closing  []listener // before the change, not after it
	replaced []listener // those of closing that are closed already: a new one took the address
}

// openDoors opens the listeners that are declared and not open. Equal declarations keep their listener with its
// connections. The others stay open until the change is committed, except one whose address a new listener
// needs: it accepts no more, and is opened again on undo.
func (s *Server) openDoors(declared []streams.Declaration) (*moving, error) {
	m := &moving{server: s, closing: slices.Clone(s.open())}
	for _, d := range declared {
		l := m.keep(d)
		if l == nil {
			var err error
			if l, err = m.open(d); err != nil {
				m.undo()
				if d.Pos != "" {
					err = fmt.Errorf("%s: %w", d.Pos, err)
				}
				return nil, err
			}
		}
		m.next = append(m.next, l)
	}
	return m, nil
}

// keep returns an open listener that was declared as d.
func (m *moving) keep(d streams.Declaration) listener {
	for i, l := range m.closing {
		if m.server.equalDoor(l, d) {
			m.closing = slices.Delete(m.closing, i, i+1)
			return l
		}
	}
	return nil
}

func (s *Server) equalDoor(l listener, d streams.Declaration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.doors[l].declared
	return was.Kind == d.Kind && reflect.DeepEqual(was.Options, d.Options)
}

// open opens the listener of d, in the place of another if there is no other way.
func (m *moving) open(d streams.Declaration) (listener, error) {
	s := m.server
	l, err := s.openListener(d)
	if errors.Is(err, syscall.EADDRINUSE) {
		for _, old := range m.closing {
			if inTheWay(old, d) && !slices.Contains(m.replaced, old) {
				old.Close()
				m.replaced = append(m.replaced, old)
				if l, err = s.openListener(d); err == nil {
					break
				}
			}
		}
	}
	if err != nil {
		return nil, err
	}
	m.opened = append(m.opened, l)
	s.mu.Lock()
	s.doors[l] = &door{declared: d}
	s.mu.Unlock()
	return l, nil
}

func (s *Server) declaration(l listener) streams.Declaration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.doors[l].declared
}

// inTheWay reports whether an open listener may hold the address that d wants.
func inTheWay(l listener, d streams.Declaration) bool {
	if l.Addr() == nil {
		return false
	}
	_, has, _ := net.SplitHostPort(l.Addr().String())
	_, wants, err := net.SplitHostPort(addressOf(d))
	return err == nil && has == wants
}

// addressOf is the address that a listener was declared with, "" if it has none.
func addressOf(d streams.Declaration) string {
	v := reflect.ValueOf(d.Options)
	if v.Kind() != reflect.Struct {
		return ""
	}
	if f := v.FieldByName("Address"); f.IsValid() && f.Kind() == reflect.String {
		return f.String()
	}
	return ""
}

// undo closes what was opened and opens again what was closed. Connections of a listener that was closed go on
// until the next change.
func (m *moving) undo() {
	s := m.server
	for _, l := range m.opened {
		l.Close()
		s.forget(l)
	}
	if len(m.replaced) == 0 {
		return
	}
	listeners := slices.Clone(s.open())
	for _, old := range m.replaced {
		d := s.declaration(old)
		l, err := s.openListener(d)
		if err != nil {
			s.log.Error("a listener could not be opened again", "listener", d.Kind, "err", err)
			listeners = slices.DeleteFunc(listeners, func(l listener) bool { return l == old })
			continue
		}
		listeners[slices.Index(listeners, old)] = l
		s.mu.Lock()
		s.doors[l] = &door{declared: d}
		s.mu.Unlock()
		if s.serves {
			s.admit(l)
		}
	}
	s.mu.Lock()
	s.listeners = listeners
	s.mu.Unlock()
}

// commit makes the change: new listeners accept, those that are no longer declared end.
func (m *moving) commit() {
	s := m.server
	s.mu.Lock()
	s.listeners = m.next
	s.mu.Unlock()
	if s.serves {
		for _, l := range m.opened {
			s.admit(l)
		}
	}
	for _, l := range s.superfluous() {
		s.retire(l)
	}
}

// superfluous returns the listeners that are not declared and have not been told to end: those that a change
// leaves out, and those that an undone change had closed.
func (s *Server) superfluous() []listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []listener
	for l, d := range s.doors {
		if !d.ending && !slices.Contains(s.listeners, l) {
			d.ending = true
			out = append(out, l)
		}
	}
	return out
}

// admit has a listener serve.
func (s *Server) admit(l listener) {
	ended := make(chan struct{})
	s.mu.Lock()
	s.doors[l].ended = ended
	s.mu.Unlock()
	s.running.Go(func() {
		defer close(ended)
		if err := l.Serve(s.ctx); err != nil {
			s.log.Error("listener ended", "listener", l.Kind(), "err", err)
		}
	})
	s.log.Info("listening", "listener", l.Kind(), "address", l.Addr().String())
}

// retire closes a listener and lets it finish what it has accepted.
func (s *Server) retire(l listener) {
	l.Close()
	s.mu.Lock()
	ended := s.doors[l].ended
	s.mu.Unlock()
	if ended == nil {
		s.forget(l)
		return
	}
	s.log.Info("listening no more", "listener", l.Kind(), "address", l.Addr().String())
	s.running.Go(func() {
		<-ended
		ctx, cancel := context.WithTimeout(context.Background(), retireGrace)
		defer cancel()
		l.Drain(ctx)
		s.forget(l)
	})
}

func (s *Server) forget(l listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.doors, l)
}

// closeDoors closes all listeners and returns when they have finished what they had accepted; when ctx is done
// it is cut.
func (s *Server) closeDoors(ctx context.Context) {
	var drained sync.WaitGroup
	s.mu.Lock()
	defer drained.Wait()
	defer s.mu.Unlock()
	for l, d := range s.doors {
		l.Close()
		if ended := d.ended; ended != nil {
			drained.Go(func() {
				<-ended
				l.Drain(ctx)
			})
		}
	}
}
