package server

import (
	"fmt"
	"time"

	"zeta/event"
	"zeta/streams"
)

// muteAfter is how long all sinks must have failed before zeta says that no alert leaves it any more.
const muteAfter = time.Minute

// sinkStatus returns what each sink tells about itself; nil if they cannot say.
func (s *Server) sinkStatus() []streams.SinkStatus {
	if box, ok := s.opts.Sinks.(letterbox); ok {
		return box.Status()
	}
	return nil
}

// deliveryEvents are zeta's own events about the way out: one for each sink, so that rules can tell over one that
// another fails, and one for the disk. It also logs when no sink takes anything any more, for then no rule can.
func (s *Server) deliveryEvents(now time.Time) []event.Event {
	var events []event.Event
	for _, sink := range s.sinkStatus() {
		if sink.State == streams.SinkGone {
			continue
		}
		e := ownEvent(s.host, "zeta sink "+sink.Name)
		switch sink.State {
		case streams.SinkBroken:
			e.SetState("critical")
		case streams.SinkFailing:
			e.SetState("warning")
		}
		if sink.LastError != "" {
			e.SetDescription(sink.LastError)
		}
		e.SetInt(int64(sink.Queued))
		events = append(events, e)
	}
	if st := s.opts.Store; st != nil {
		e := ownEvent(s.host, "zeta disk")
		if why := st.degraded(); why != "" {
			e.SetState("critical")
			e.SetDescription(why)
		}
		events = append(events, e)
	}
	why := s.mute(now)
	s.mu.Lock()
	was := s.muted
	s.muted = why != ""
	s.mu.Unlock()
	switch {
	case why != "" && !was:
		s.log.Error("no alert leaves zeta any more: every sink fails", "err", why)
	case why == "" && was:
		s.log.Info("alerts leave zeta again")
	}
	return events
}

// mute says why no alert leaves zeta any more, if all sinks have failed for muteAfter; "" if one works or there is none.
func (s *Server) mute(now time.Time) string {
	why := ""
	for _, sink := range s.sinkStatus() {
		if sink.State == streams.SinkGone {
			continue
		}
		if sink.LastError == "" || now.Sub(sink.Since) < muteAfter {
			return ""
		}
		if why == "" {
			why = fmt.Sprintf("%s, since %s: %s", sink.Name, sink.Since.UTC().Format(time.RFC3339), sink.LastError)
		}
	}
	return why
}
