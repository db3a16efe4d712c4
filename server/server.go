package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"zeta/event"
	"zeta/index"
	"zeta/query"
	"zeta/streams"
	"zeta/tls"
)

// DefaultRules run when no rules are given: everything is indexed.
const DefaultRules = `default(ttl, 60, index);`

// Options of a Server. The zero value runs DefaultRules on the default listeners.
type Options struct {
	RulesFiles []string // files of rules; none and no text: DefaultRules
	RulesText  string   // rules given as text, after the files

	Dashboard http.Handler // what / serves; nil: 404
	Sinks     Sinks        // what delivers alerts; nil: they are counted as dropped
	Store     *Store       // where inputs, alerts and state are kept; nil: in memory only. The owner closes it after the server and its sinks
	Logger    *slog.Logger // nil: slog.Default
	Version   string       // shown to clients of the API
	Watch     bool         // load the rules again when one of their files changes

	MemoryLimit int64 // bytes that the process may take; 0: as many as the rules' setting memory says, and without it no limit. Go's own limit is set to about nine tenths of it, unless GOMEMLIMIT is set

	MaxSeries     int  // series in the index; 0: a million
	HistorySeries int  // series kept for charts; 0: 10 000, below 0: none
	Quiet         bool // send no events about zeta itself
}

// Sinks takes what the rules send to the outside. A *sinks.Manager is one. Its owner closes it after the
// server has shut down.
type Sinks interface {
	// Use makes these sinks ready, and those it had before and are not among them, superfluous.
	Use(sinks []*streams.Sink) error
	// Deliver hands over an alert. It is called under the engine's lock and must not block.
	Deliver(a *streams.Alert)
}

// Server is a running zeta.
type Server struct {
	opts        Options
	log         *slog.Logger
	index       *index.Index
	hub         *index.Hub
	engine      *Engine
	metrics     *metrics
	refusals    *refusals
	sources     *sources
	history     *history
	rate        *rateMeter
	pressure    *pressure
	descriptors descriptors   // open files that connections may have
	queries     chan struct{} // one slot for each query that may run
	started     time.Time
	host        string // of the events about zeta itself

	listeners []listener         // under mu; replaced as a whole
	doors     map[listener]*door // under mu; of the listeners, and of those that are ending

	reloading sync.Mutex      // held while rules are read and put to work
	rules     *streams.Rules  // under reloading
	serves    bool            // under reloading: Start was called
	files     *files          // what the rules were read from
	ctx       context.Context // done when Shutdown begins
	cancel    context.CancelFunc
	running   sync.WaitGroup // listeners' Serve and the background goroutines
	shutdown  sync.Once

	mu        sync.Mutex
	status    RulesStatus
	warnings  []string // of the running rules
	reloads   int      // attempts to load rules again
	reloadErr error    // of the last one
	muted     bool     // it was logged that no sink takes alerts
}

// listener is a door for events or queries.
type listener interface {
	Kind() string
	Addr() net.Addr
	Connections() int
	Serve(ctx context.Context) error // until Close
	Close()                          // accepts no more
	Drain(ctx context.Context)       // after Serve: waits for what was accepted, and cuts it when ctx is done
}

const (
	maxQueries = 4 // queries that run at once
)

// New loads the rules and opens the listeners they declare, or the default ones. Nothing is accepted before
// Start. The error holds every problem of the rules; no listener is open then.
func New(o Options) (*Server, error) {
	s := newServer(o)
	s.reloading.Lock()
	defer s.reloading.Unlock()
	s.files.begin()
	next, err := s.read(s.files.opened)
	if err == nil {
		_, err = s.use(next)
	}
	if err != nil {
		s.cancel()
		s.hub.Close()
		return nil, err
	}
	return s, nil
}

// newServer makes a server without rules and listeners.
func newServer(o Options) *Server {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.HistorySeries == 0 {
		o.HistorySeries = historySeries
	}
	s := &Server{opts: o, log: o.Logger, queries: make(chan struct{}, maxQueries), started: time.Now(), host: ownHost()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.index = index.New(index.Options{MaxSeries: o.MaxSeries})
	s.hub = index.NewHub(index.HubOptions{})
	s.engine = newEngine(s.index, s.hub, o.Sinks, o.Logger)
	s.rate = &rateMeter{engine: s.engine}
	s.pressure = newPressure(s)
	s.engine.watch = s.pressure.Watch
	s.history = newHistory(s.index, max(o.HistorySeries, 0))
	s.files = &files{}
	s.descriptors.init()
	s.doors = map[listener]*door{}
	s.metrics = newMetrics(s)
	s.refusals = &refusals{counter: s.metrics.refused, log: o.Logger, reasons: map[string]*sample{}}
	s.sources = newSources(o.Logger, s.metrics.registry, func(events []event.Event) error { return s.ingest("source", events) }, s.panicked)
	return s
}

// Start serves until Shutdown, or until ctx is done. It returns at once.
func (s *Server) Start(ctx context.Context) error {
	if s.stopping() {
		return errors.New("the server has been shut down")
	}
	s.engine.start()
	s.reloading.Lock()
	s.serves = true
	for _, l := range s.open() {
		s.admit(l)
	}
	s.reloading.Unlock()
	if s.opts.Watch && len(s.opts.RulesFiles) > 0 {
		s.running.Go(func() { s.watch(s.ctx) })
	}
	s.sources.start(s.ctx)
	s.running.Go(func() { s.rate.run(s.ctx) })
	s.running.Go(func() { s.watchClock(s.ctx) })
	s.running.Go(func() { s.pressure.Run(s.ctx) })
	if s.opts.Store != nil {
		s.running.Go(func() { s.keepCheckpoints(s.ctx) })
	}
	if s.history.limit > 0 {
		s.running.Go(func() { s.history.run(s.ctx) })
	}
	if !s.opts.Quiet {
		s.running.Go(func() { newReporter(s).run(s.ctx) })
	}
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Shutdown(grace)
	})
	return nil
}

// Addr returns the address of the first listener of a kind: tcp, tls, udp, http; nil if there is none.
func (s *Server) Addr(kind string) net.Addr {
	for _, l := range s.open() {
		if l.Kind() == kind {
			return l.Addr()
		}
	}
	return nil
}

// Ingest runs events through the rules, as if a client had sent them. See Engine.Ingest.
func (s *Server) Ingest(events []event.Event) error { return s.ingest("program", events) }

// ingest is Ingest for a listener, by whose kind events that are shed are counted.
func (s *Server) ingest(listener string, events []event.Event) error {
	err := s.engine.Ingest(events)
	if isOverload(err) {
		s.untaken(listener, "", err)
	}
	return err
}

// Shutdown accepts no more, answers what has been read, closes every connection and stops the timers. What is
// not done when ctx is done is cut. A second call waits for the first.
func (s *Server) Shutdown(ctx context.Context) error {
	s.shutdown.Do(func() {
		s.cancel()
		s.reloading.Lock() // lets a reload come to its end; no other one begins
		s.serves = false
		s.reloading.Unlock()
		s.closeDoors(ctx)
		s.running.Wait()
		s.sources.wait()
		s.engine.stop()
		if s.opts.Store != nil {
			if err := s.checkpoint(ctx); err != nil {
				s.log.Error("no checkpoint at the end; the next start replays the journal", "err", err)
			}
		}
		s.hub.Close()
	})
	return ctx.Err()
}

// Alive returns when the engine's lock could be taken: for a watchdog.
func (s *Server) Alive() { s.engine.Now() }

func (s *Server) stopping() bool { return s.ctx.Err() != nil }

// maxReply bounds the answer to a query, in bytes.
const maxReply = 64 << 20

var errReplyTooLarge = fmt.Errorf("%w: the answer is over %d bytes", index.ErrTooLarge, maxReply)

// scan gives the events of the index that match a query to fn, some at a time; they are lent. It holds no lock
// of the engine.
func (s *Server) scan(text string, fn func(batch []event.Event) error) error {
	if err := s.sparesQueries(); err != nil {
		return err
	}
	q, err := query.Parse(text)
	if err != nil {
		return err
	}
	select {
	case s.queries <- struct{}{}:
		defer func() { <-s.queries }()
	case <-s.ctx.Done():
		return errors.New("the server shuts down")
	}
	return s.index.Scan(q, index.Limits{}, fn)
}

// panicked counts and logs a fault of the program outside the rules.
func (s *Server) panicked(where string, p any) {
	s.metrics.panics.Inc()
	s.log.Error("panic", "in", where, "err", fmt.Sprint(p), "stack", string(debug.Stack()))
}

// certificates returns when the listeners' certificates expire, by kind.
func (s *Server) certificates() map[string]time.Time {
	until := map[string]time.Time{}
	for _, l := range s.open() {
		if l, ok := l.(interface{ certificate() *tls.Server }); ok && l.certificate() != nil {
			until[l.(listener).Kind()] = l.certificate().NotAfter()
		}
	}
	return until
}
