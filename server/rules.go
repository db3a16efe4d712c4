package server

import (
	"fmt"
	"time"

	"zeta/streams"
)

// loaded are rules that have been read and hold what reading can tell.
type loaded struct {
	rules    *streams.Rules
	warnings streams.Problems
}

// read reads the rules of the options and builds them once beside the running ones, so that what then happens
// under the engine's lock has been seen to work. opened is told of every file; it may be nil. The error holds
// every problem.
func (s *Server) read(opened func(name string)) (loaded, error) {
	o := streams.LoadOptions{Serve: true, Opened: opened}
	var rules *streams.Rules
	var problems streams.Problems
	switch {
	case len(s.opts.RulesFiles) > 0:
		rules, problems = streams.Load(s.opts.RulesFiles, o)
	case s.opts.RulesText != "":
		rules, problems = streams.LoadText("rules", s.opts.RulesText, o)
	default:
		rules, problems = streams.LoadText("default", DefaultRules, o)
	}
	if err := problems.Err(); err != nil {
		return loaded{}, err
	}
	now, _ := s.engine.Now()
	trial, err := rules.Build(&streams.Runtime{Clock: streams.NewClock(now)})
	if err != nil {
		return loaded{}, fmt.Errorf("build rules: %w", err)
	}
	trial.Close()
	return loaded{rules, problems}, nil
}

// use puts rules to work: doors and sinks first, since they may fail, then the rules. After an error everything
// is as it was.
func (s *Server) use(next loaded) (Swapped, error) {
	move, err := s.openDoors(declaredDoors(next.rules))
	if err != nil {
		return Swapped{}, err
	}
	looked, err := s.sources.prepare(next.rules.Sources)
	if err == nil {
		err = s.useSinks(s.rules, next.rules)
	}
	var swapped Swapped
	if err == nil {
		put := s.engine.Swap
		if s.rules == nil {
			put = s.begin
		}
		if swapped, err = put(next.rules); err != nil {
			s.useSinks(s.rules, nil)
		}
	}
	if err != nil {
		move.undo()
		return Swapped{}, err
	}
	move.commit()
	s.limitMemory(next.rules)
	s.sources.use(looked)
	s.useSinks(nil, next.rules) // no error: they are all open
	for _, p := range next.warnings {
		s.log.Warn(p.Error())
	}
	s.rules = next.rules
	status := RulesStatus{LoadedAt: time.Now(), Files: []string{}, Problems: problemTexts(next.warnings)}
	for _, f := range next.rules.Files {
		status.Files = append(status.Files, f.Name)
	}
	s.mu.Lock()
	s.status, s.warnings = status, status.Problems
	s.mu.Unlock()
	return swapped, nil
}

// begin puts the first rules to work: with a data directory, after all that came before has been replayed.
func (s *Server) begin(rules *streams.Rules) (Swapped, error) {
	if s.opts.Store == nil {
		return s.engine.Swap(rules)
	}
	s.engine.describe = func(r *streams.Rules) string { return rulesText(r, s.opts) }
	found, err := s.recover(rules)
	if err != nil {
		return Swapped{}, fmt.Errorf("recover from %s: %w", s.opts.Store.dir, err)
	}
	s.log.Info("state recovered", "data", s.opts.Store.dir, "checkpoint", found.Checkpoint, "entries", found.Entries,
		"batches", found.Batches, "lost", found.Lost, "down", found.Down.Round(time.Millisecond), "took", found.Took.Round(time.Millisecond))
	return Swapped{}, nil
}

// useSinks makes the sinks of both rules ready, either of which may be nil.
func (s *Server) useSinks(old, next *streams.Rules) error {
	if s.opts.Sinks == nil {
		return nil
	}
	var wanted []*streams.Sink
	for _, r := range []*streams.Rules{old, next} {
		if r != nil {
			wanted = append(wanted, r.Sinks...)
		}
	}
	return s.opts.Sinks.Use(wanted)
}

// declaredDoors are the listeners that rules declare; if they declare none, the usual ones on loopback.
func declaredDoors(rules *streams.Rules) []streams.Declaration {
	if len(rules.Listeners) == 0 {
		return defaultListeners()
	}
	return rules.Listeners
}

// defaultListeners are opened when the rules name none.
func defaultListeners() []streams.Declaration {
	tcp, udp, http := defaultTCP, defaultUDP, defaultHTTP
	tcp.Address, udp.Address, http.Address = "127.0.0.1:5555", "127.0.0.1:5555", "127.0.0.1:5556"
	return []streams.Declaration{{Kind: "tcp", Options: tcp}, {Kind: "udp", Options: udp}, {Kind: "http", Options: http}}
}

// openListener opens the listener that a declaration asks for, by the type of its options.
func (s *Server) openListener(d streams.Declaration) (listener, error) {
	switch o := d.Options.(type) {
	case TCPOptions:
		return openTCP(s, o)
	case UDPOptions:
		return openUDP(s, o)
	case HTTPOptions:
		return openHTTP(s, o)
	case opener:
		return o.open(s)
	case Opener:
		return o.OpenListener(&Doorway{server: s, kind: d.Kind})
	}
	return nil, fmt.Errorf("listen.%s: this program has no such listener", d.Kind)
}

// opener is implemented by the options of the other listeners: each opens its own.
type opener interface {
	open(s *Server) (listener, error)
}
