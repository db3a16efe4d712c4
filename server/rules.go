package server

import (
	"fmt"
	"time"

	"zeta/streams"
)

// load reads the rules of the options, makes their sinks ready and puts them to work.
func (s *Server) load() (*streams.Rules, error) {
	o := streams.LoadOptions{Serve: true}
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
		return nil, err
	}
	for _, p := range problems {
		s.log.Warn(p.Error())
	}
	looked, err := s.sources.prepare(rules.Sources)
	if err != nil {
		return nil, err
	}
	if s.opts.Sinks != nil {
		if err := s.opts.Sinks.Use(rules.Sinks); err != nil {
			return nil, err
		}
	}
	if err := s.begin(rules); err != nil {
		return nil, err
	}
	s.sources.use(looked)
	status := RulesStatus{LoadedAt: time.Now(), Files: []string{}, Problems: problemTexts(problems)}
	for _, f := range rules.Files {
		status.Files = append(status.Files, f.Name)
	}
	s.mu.Lock()
	s.rules = status
	s.mu.Unlock()
	return rules, nil
}

// begin puts the first rules to work: with a data directory, after all that came before has been replayed.
func (s *Server) begin(rules *streams.Rules) error {
	if s.opts.Store == nil {
		return s.engine.Swap(rules)
	}
	s.engine.describe = func(r *streams.Rules) string { return rulesText(r, s.opts) }
	found, err := s.recover(rules)
	if err != nil {
		return fmt.Errorf("recover from %s: %w", s.opts.Store.dir, err)
	}
	s.log.Info("state recovered", "data", s.opts.Store.dir, "checkpoint", found.Checkpoint, "entries", found.Entries,
		"batches", found.Batches, "lost", found.Lost, "down", found.Down.Round(time.Millisecond), "took", found.Took.Round(time.Millisecond))
	return nil
}

// open opens the listeners that the rules declare; if they declare none, the usual ones on loopback.
func (s *Server) open(rules *streams.Rules) error {
	declared := rules.Listeners
	if len(declared) == 0 {
		declared = defaultListeners()
	}
	for _, d := range declared {
		l, err := s.openListener(d)
		if err != nil {
			if d.Pos != "" {
				err = fmt.Errorf("%s: %w", d.Pos, err)
			}
			return err
		}
		s.listeners = append(s.listeners, l)
	}
	return nil
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
