package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// refusals counts what was refused and logs it, a few lines for each reason in each period: a flood of bad
// input must not become a flood of log lines.
type refusals struct {
	counter *prometheus.CounterVec
	log     *slog.Logger

	mu      sync.Mutex
	reasons map[string]*sample
}

// sample is the state of one reason's log lines.
type sample struct {
	since      time.Time
	lines      int
	suppressed int
}

const (
	refusalLines  = 10 // lines of one reason and listener in one period
	refusalPeriod = 10 * time.Second
)

// refuse counts a refusal and logs it with its cause. remote is the peer's address, "" if there is none.
func (r *refusals) refuse(listener, reason, remote string, err error) {
	r.counter.WithLabelValues(listener, reason).Inc()
	r.mu.Lock()
	s := r.reasons[listener+" "+reason]
	if s == nil {
		s = &sample{}
		r.reasons[listener+" "+reason] = s
	}
	now := time.Now()
	suppressed := 0
	if now.Sub(s.since) >= refusalPeriod {
		suppressed = s.suppressed
		*s = sample{since: now}
	}
	if s.lines >= refusalLines {
		s.suppressed++
		r.mu.Unlock()
		return
	}
	s.lines++
	r.mu.Unlock()
	args := []any{"listener", listener, "reason", reason}
	if remote != "" {
		args = append(args, "remote", remote)
	}
	if err != nil {
		args = append(args, "err", err)
	}
	if suppressed > 0 {
		args = append(args, "suppressed", suppressed)
	}
	level := slog.LevelWarn
	switch reason {
	case "query", "live", "json", "challenge": // the peer has been told, and is the one to mend it
		level = slog.LevelDebug
	}
	r.log.Log(context.Background(), level, "refused", args...)
}
