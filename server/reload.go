package server

import (
	"errors"
	"strings"
	"time"

	"zeta/event"
	"zeta/streams"
)

// Reloaded says what a reload has done, or what it would do.
type Reloaded struct {
	Planned  bool     `json:"planned"` // nothing has been done
	Files    []string `json:"files"`
	Warnings []string `json:"warnings"`

	Keeps []string `json:"keeps"` // identities of operators whose state goes on
	Loses []string `json:"loses"`
	New   []string `json:"new"`

	Stays   []string `json:"stays"`   // listeners, sinks and sources that go on as they are
	Reopens []string `json:"reopens"` // with other options
	Opens   []string `json:"opens"`
	Closes  []string `json:"closes"`

	LockSeconds float64 `json:"lockSeconds"` // how long events waited
}

var errStopping = errors.New("the server shuts down")

// Reload reads the rules again and puts them to work. Operators with equal identities keep their state, equal
// listeners and sinks go on with their connections and queues. The error holds every problem of the rules;
// then nothing has changed. Safe for concurrent use; one reload waits for another.
func (s *Server) Reload() (*Reloaded, error) {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	if s.stopping() {
		return nil, errStopping
	}
	s.files.begin()
	next, err := s.read(s.files.opened)
	var swapped Swapped
	var r *Reloaded
	if err == nil {
		r = s.compare(next)
		swapped, err = s.use(next)
	}
	s.noteReload(err)
	if err != nil {
		s.metrics.reloads.WithLabelValues("error").Inc()
		s.log.Error("the rules were not loaded; those before go on", "loaded", s.Rules().LoadedAt.Format(time.TimeOnly), "err", err)
	} else {
		r.LockSeconds = swapped.Held.Seconds()
		s.metrics.reloads.WithLabelValues("ok").Inc()
		s.metrics.reloadLock.Observe(r.LockSeconds)
		s.log.Info("rules loaded", "files", len(next.rules.Files), "keeps", len(r.Keeps), "loses", len(r.Loses), "new", len(r.New),
			"lock", swapped.Held.Round(time.Microsecond))
	}
	if !s.opts.Quiet {
		s.engine.Ingest([]event.Event{s.reloadEvent()}) // a fault of the rules has been logged
	}
	return r, err
}

// PlanReload says what Reload would do, and does nothing.
func (s *Server) PlanReload() (*Reloaded, error) {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	next, err := s.read(nil)
	if err != nil {
		return nil, err
	}
	r := s.compare(next)
	r.Planned = true
	return r, nil
}

// compare finds what next changes.
func (s *Server) compare(next loaded) *Reloaded {
	moved := s.rules.Plan(next.rules)
	r := &Reloaded{
		Files: []string{}, Warnings: problemTexts(next.warnings),
		Keeps: list(moved.Kept), Loses: list(moved.Lost), New: list(moved.New),
	}
	for _, f := range next.rules.Files {
		r.Files = append(r.Files, f.Name)
	}
	var open []streams.Declaration
	for _, l := range s.open() {
		open = append(open, s.declaration(l))
	}
	r.compareOutsides(outsides(open, s.rules), outsides(declaredDoors(next.rules), next.rules))
	return r
}

// list is xs, never nil: in JSON it is a list.
func list(xs []string) []string { return append([]string{}, xs...) }

// noteReload notes how the last attempt to load rules ended.
func (s *Server) noteReload(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reloads++
	s.reloadErr = err
	if err == nil {
		return
	}
	s.status.Refused = true
	texts := []string{err.Error()}
	var problems streams.Problems
	if errors.As(err, &problems) {
		texts = problemTexts(problems)
	}
	s.status.Problems = append(list(s.warnings), texts...)
}

// reloadEvent tells the rules how the last attempt to load rules ended: state ok or error.
func (s *Server) reloadEvent() event.Event {
	s.mu.Lock()
	err := s.reloadErr
	s.mu.Unlock()
	e := ownEvent(s.host, "zeta reload")
	if err != nil {
		e.SetState("error")
		text, _, _ := strings.Cut(err.Error(), "\n")
		e.SetDescription(text)
	}
	return e
}

// reloadTried reports whether there has been an attempt to load rules again.
func (s *Server) reloadTried() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reloads > 0
}
