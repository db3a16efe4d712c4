package server

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A flood of refusals is counted whole and logged in samples that say how many were left out.
func TestRefusalsAreSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "refusals"}, []string{"listener", "reason"})
		r := &refusals{counter: counter, log: slog.New(slog.NewTextHandler(log, nil)), reasons: map[string]*sample{}}
		for range 1000 {
			r.refuse("tcp", "decode", "192.0.2.1:99", errors.New("bad frame"))
			r.refuse("tcp", "query", "192.0.2.1:99", errors.New("bad query"))
		}
		if n := strings.Count(log.String(), "bad frame"); n != refusalLines {
			t.Errorf("%d lines, want %d", n, refusalLines)
		}
		if strings.Contains(log.String(), "bad query") {
			t.Error("a query that was answered with its error is in the log")
		}
		time.Sleep(refusalPeriod)
		r.refuse("tcp", "decode", "192.0.2.1:99", errors.New("bad frame"))
		if !strings.Contains(log.String(), "suppressed=990") {
			t.Error("the log does not say how many lines were left out")
		}
	})
}
