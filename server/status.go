package server

import (
	"time"

	"zeta/streams"
)

// Stats are figures for people.
type Stats struct {
	Version   string           `json:"version"`
	Events    uint64           `json:"events"`
	Rate      float64          `json:"rate"` // events per second, over the last seconds
	Series    int              `json:"series"`
	Uptime    float64          `json:"uptime"` // seconds
	Listeners []ListenerStatus `json:"listeners"`
	Rules     RulesStatus      `json:"rules"`
	Memory    MemoryStatus     `json:"memory"`
}

// MemoryStatus says how scarce memory is. Sizes are in bytes; without a limit nothing is measured, and used is 0.
type MemoryStatus struct {
	Limit   int64            `json:"limit"` // of what Go may manage; 0: there is none
	Used    int64            `json:"used"`
	Percent float64          `json:"percent"`
	Level   string           `json:"level"` // calm, sparing, pacing, shedding or closing
	Places  map[string]int64 `json:"places"`
}

// memoryStatus returns what is known about memory.
func (s *Server) memoryStatus() MemoryStatus {
	seen := s.pressure.Status()
	st := MemoryStatus{Limit: s.pressure.Limit(), Used: seen.Used, Percent: seen.Percent, Level: seen.Level.String(), Places: map[string]int64{}}
	for _, p := range s.held() {
		st.Places[p.Name] = p.Bytes
	}
	return st
}

// ListenerStatus is one open listener.
type ListenerStatus struct {
	Kind        string `json:"kind"`
	Address     string `json:"address"`
	Connections int    `json:"connections"`
}

// RulesStatus says which rules run.
type RulesStatus struct {
	Files    []string  `json:"files"`
	LoadedAt time.Time `json:"loadedAt"`
	Problems []string  `json:"problems"` // warnings of the running rules, and why newer ones were refused
	Refused  bool      `json:"refused"`  // the last attempt to load rules failed
}

// Stats returns the server's figures.
func (s *Server) Stats() Stats {
	st := Stats{
		Version: s.opts.Version,
		Events:  s.engine.counts().events,
		Rate:    s.rate.perSecond(),
		Series:  s.index.Len(),
		Uptime:  time.Since(s.started).Seconds(),
		Rules:   s.Rules(),
		Memory:  s.memoryStatus(),
	}
	for _, l := range s.open() {
		st.Listeners = append(st.Listeners, ListenerStatus{l.Kind(), l.Addr().String(), l.Connections()})
	}
	return st
}

// Rules returns which rules run.
func (s *Server) Rules() RulesStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// problemTexts are the texts of problems, never nil: in JSON it is a list.
func problemTexts(ps []streams.Problem) []string {
	texts := make([]string, 0, len(ps))
	for _, p := range ps {
		texts = append(texts, p.Error())
	}
	return texts
}
