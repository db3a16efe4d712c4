package server

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"
	"unsafe"

	"zeta/event"
	"zeta/overload"
	"zeta/streams"
)

// pressure is what the server does about memory: who holds how much, what is refused at which level, and who is
// told.
type pressure struct {
	*overload.Watch
	frames  atomic.Int64  // bytes of messages that are under way
	senders atomic.Uint64 // numbers of those who take turns

	govern   func(limit int64) int64 // debug.SetMemoryLimit, but for tests
	governed bool                    // it was called

	// Of the goroutine of the watch, and of the reporter: under the server's mu.
	told   overload.Level
	toldAt time.Time
	was    bool // there has been a change
}

func newPressure(s *Server) *pressure {
	p := &pressure{govern: debug.SetMemoryLimit}
	if os.Getenv("GOMEMLIMIT") != "" {
		p.govern = func(int64) int64 { return 0 } // the environment goes before
	}
	p.Watch = overload.New(s.held, func(_, to overload.Level, st overload.Status) { s.tellPressure(time.Now(), to, st) })
	return p
}

// limitMemory holds the process to the least limit that options and rules name.
func (s *Server) limitMemory(rules *streams.Rules) {
	p := s.pressure
	limit := s.opts.MemoryLimit
	if o, ok := rules.Settings["memory"].(MemoryOptions); ok && o.bytes() > 0 && (limit == 0 || o.bytes() < limit) {
		limit = o.bytes()
	}
	if overload.Managed(limit) == p.Limit() {
		return
	}
	p.SetLimit(limit)
	switch {
	case limit > 0:
		p.govern(overload.Managed(limit))
		p.governed = true
		s.log.Info("memory is limited", "bytes", limit)
	case p.governed:
		p.govern(math.MaxInt64)
	}
}

// held says how many bytes the parts hold that grow with what comes in.
func (s *Server) held() []overload.Place {
	index, operators := s.engine.weight()
	hub := s.hub.Stats()
	places := []overload.Place{
		{Name: "frames", Bytes: s.pressure.frames.Load()},
		{Name: "index", Bytes: index},
		{Name: "operators", Bytes: operators},
		{Name: "subscribers", Bytes: int64(hub.Bytes) + int64(hub.Pending)*eventBytes},
	}
	if box, ok := s.opts.Sinks.(interface{ Held() int64 }); ok {
		places = append(places, overload.Place{Name: "sinks", Bytes: box.Held()})
	}
	if st := s.opts.Store; st != nil {
		journal, outbox := st.held()
		places = append(places, overload.Place{Name: "journal", Bytes: journal}, overload.Place{Name: "outbox", Bytes: outbox})
	}
	return places
}

const eventBytes = int64(unsafe.Sizeof(event.Event{}))

// weight returns about how many bytes the index and the state of the rules take.
func (e *Engine) weight() (index, operators int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.graph != nil {
		operators = e.graph.Held()
	}
	return e.index.Bytes(), operators + int64(len(e.again))*eventBytes
}

// Sizes in memory of alerts that wait on disk, in bytes.
const (
	queuedAlertBytes  = 64    // of each
	waitingAlertBytes = 2_000 // of one that is not on disk yet
)

// held returns how many bytes wait for the disk, and what the alerts take that are there.
func (s *Store) held() (journal, outbox int64) {
	o := s.Outbox.Stats()
	return int64(s.log.Stats().Buffered), int64(o.Queued)*queuedAlertBytes + int64(o.Waiting)*waitingAlertBytes
}

// Overloaded is the error of what is refused because memory is scarce.
type Overloaded struct {
	what    string
	percent float64
}

func (o *Overloaded) Error() string {
	return fmt.Sprintf("overloaded: memory is at %.0f %% of its limit, and %s; try again later", o.percent, o.what)
}

// overloaded returns why something is refused from a level on; nil if it is not.
func (s *Server) overloaded(from overload.Level, what string) error {
	if s.pressure.Level() < from {
		return nil
	}
	return &Overloaded{what, s.pressure.Status().Percent}
}

// What is refused, and from which level on.
func (s *Server) sparesQueries() error { return s.overloaded(overload.Sparing, "queries wait") }
func (s *Server) sparesSubscribers() error {
	return s.overloaded(overload.Sparing, "no more subscribers are taken")
}
func (s *Server) sparesRequests() error {
	return s.overloaded(overload.Shedding, "requests with events are refused")
}
func (s *Server) sparesConnections() error {
	return s.overloaded(overload.Closing, "no more connections are taken")
}

// isOverload reports whether something was refused or shed for want of memory.
func isOverload(err error) bool {
	if err == nil {
		return false // without the allocations below
	}
	var refused *Overloaded
	var shed *Shed
	return errors.As(err, &refused) || errors.As(err, &shed)
}

// retryAfter is when those may try again who were refused over HTTP, in seconds.
const retryAfter = "10"

// statusOf is the status of an error over HTTP: otherwise, unless memory is scarce.
func statusOf(w http.ResponseWriter, err error, otherwise int) int {
	if !isOverload(err) {
		return otherwise
	}
	w.Header().Set("Retry-After", retryAfter)
	return http.StatusServiceUnavailable
}

// reasonOf is the reason of a refusal in metrics: otherwise, unless memory is scarce.
func reasonOf(err error, otherwise string) string {
	if isOverload(err) {
		return "overloaded"
	}
	return otherwise
}

// untaken counts what was not evaluated, by the error of a batch: events that were shed, or a fault of the rules.
func (s *Server) untaken(listener, remote string, err error) {
	var shed *Shed
	if !errors.As(err, &shed) {
		s.refusals.refuse(listener, "internal", remote, err)
		return
	}
	for kind, n := range shed.counts {
		if n > 0 {
			s.metrics.shed.WithLabelValues(listener, shedLabels[kind].class, shedLabels[kind].reason).Add(float64(n))
		}
	}
}

// tellAgain is the least time between two words about a level, unless it rises.
const tellAgain = time.Second

// tellPressure tells of a change of the level, in the log and as an event. Falling is told once a second at most;
// what was not told at once is told with the next report.
func (s *Server) tellPressure(now time.Time, to overload.Level, st overload.Status) {
	p := s.pressure
	s.mu.Lock()
	from := p.told
	say := to != from && (to > from || now.Sub(p.toldAt) >= tellAgain)
	if say {
		p.told, p.toldAt, p.was = to, now, true
	}
	s.mu.Unlock()
	if !say {
		return
	}
	tell := s.log.Warn
	if to < from {
		tell = s.log.Info
	}
	args := []any{"from", from, "to", to, "percent", math.Round(st.Percent), "used", st.Used, "limit", st.Limit, "heap", st.Heap}
	for _, place := range st.Places {
		args = append(args, place.Name, place.Bytes)
	}
	tell("the level of memory has changed", args...)
	if !s.opts.Quiet {
		s.engine.Ingest([]event.Event{s.pressureEvent(to, st)}) // a fault of the rules has been logged
	}
}

// pressureTold reports whether there has been a change of the level.
func (s *Server) pressureTold() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pressure.was
}

// pressureEvent tells the rules how scarce memory is.
func (s *Server) pressureEvent(l overload.Level, st overload.Status) event.Event {
	e := ownEvent(s.host, "zeta.overload")
	switch {
	case l >= overload.Shedding:
		e.SetState("critical")
	case l > overload.Calm:
		e.SetState("warning")
	}
	e.SetFloat(math.Round(st.Percent))
	e.SetDescription(fmt.Sprintf("memory is at %.0f %% of its limit: %s", st.Percent, l))
	e.Set = event.NewSet([]string{"zeta"}, []event.Attr{{Key: "bound", Value: "memory"}})
	return e
}

// Bounds of messages that are not here whole.
const (
	framesShare = 4        // together they may take a quarter of what Go may manage
	smallFrame  = 64 << 10 // bytes that one may have in any case
)

// hold counts n bytes of the connection as under way.
func (c *conn) hold(n int64) {
	if n != c.held {
		c.server.pressure.frames.Add(n - c.held)
		c.held = n
	}
}

// room refuses a large message that is not here whole, when those under way take too much.
func (c *conn) room() error {
	n := c.frames.Partial()
	if n <= smallFrame {
		return nil
	}
	p := c.server.pressure
	limit := p.Limit()
	if limit == 0 || p.frames.Load() <= limit/framesShare {
		return nil
	}
	err := &Overloaded{"messages that are under way take a quarter of it; send smaller ones", p.Status().Percent}
	c.refuse(err)
	return err
}
