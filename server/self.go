package server

import (
	"context"
	"os"
	"time"

	"zeta/event"
)

// selfInterval is the time between two reports of zeta about itself.
const selfInterval = 10 * time.Second

// firstReport comes early, so that a page opened at once has something to show.
const firstReport = time.Second

// reporter sends zeta's own figures through the rules as events, host this machine, tag "zeta".
type reporter struct {
	server *Server
	at     time.Time
	last   engineCounts
}

func newReporter(s *Server) *reporter {
	return &reporter{server: s, at: time.Now(), last: s.engine.counts()}
}

// run reports until ctx is done.
func (r *reporter) run(ctx context.Context) {
	t := time.NewTicker(firstReport)
	defer t.Stop()
	for first := true; ; first = false {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			if first {
				t.Reset(selfInterval)
			}
			if err := r.server.engine.Ingest(r.report(now)); err != nil {
				r.server.log.Error("zeta's own events", "err", err)
			}
		}
	}
}

// report makes the events about the time since the last report. Latencies are in milliseconds, as Riemann's,
// and have no metric when nothing was measured.
func (r *reporter) report(now time.Time) []event.Event {
	s := r.server
	counts := s.engine.counts()
	took := counts.latency.since(&r.last.latency)
	seconds := now.Sub(r.at).Seconds()
	rate := 0.0
	if seconds > 0 {
		rate = float64(counts.events-r.last.events) / seconds
	}
	r.last, r.at = counts, now

	events := []event.Event{
		r.event("zeta streams rate", rate),
		r.event("zeta index size", float64(s.index.Len())),
	}
	for _, q := range [...]struct {
		name string
		q    float64
	}{{"0.5", 0.5}, {"0.95", 0.95}, {"0.99", 0.99}, {"0.999", 0.999}} {
		e := r.event("zeta streams latency "+q.name, float64(took.quantile(q.q))/1e6)
		if took.count == 0 {
			e.ClearMetric()
		}
		events = append(events, e)
	}
	for _, l := range s.open() {
		events = append(events, r.event("zeta server "+l.Kind()+" "+l.Addr().String()+" conns", float64(l.Connections())))
	}
	memory := s.pressure.Status()
	s.tellPressure(now, memory.Level, memory)
	if s.pressureTold() {
		events = append(events, s.pressureEvent(memory.Level, memory))
	}
	if s.reloadTried() {
		events = append(events, s.reloadEvent())
	}
	return append(events, s.deliveryEvents(now)...)
}

func (r *reporter) event(service string, metric float64) event.Event {
	e := ownEvent(r.server.host, service)
	e.SetFloat(metric)
	return e
}

// ownSet marks the events about zeta itself.
var ownSet = event.NewSet([]string{"zeta"}, nil)

// ownEvent makes an event about zeta itself: all is well, until the next report.
func ownEvent(host, service string) event.Event {
	e := event.Event{Set: ownSet, Own: true}
	e.SetHost(host)
	e.SetService(service)
	e.SetState("ok")
	e.SetTTL(2 * selfInterval.Seconds())
	return e
}

// ownHost is the name of this machine.
func ownHost() string {
	host, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return host
}
