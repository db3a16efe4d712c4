package server

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"

	"zeta/event"
	"zeta/index"
	"zeta/journal"
	"zeta/overload"
	"zeta/streams"
)

// Engine runs events through the rules, one batch after another. All methods are safe for concurrent use.
type Engine struct {
	mu    sync.Mutex
	stamp stamper
	clock *streams.Clock
	graph *streams.Graph
	rt    *streams.Runtime
	index *index.Index
	hub   *index.Hub
	log   *slog.Logger

	journal   *journal.Log // nil: nothing is kept
	outlets   outlets      // the sinks, if they keep alerts on disk; else nil
	head      [batchHead]byte
	ticket    uint64 // of the last alert
	rulesText string // of the rules that run, as the journal has it
	describe  func(*streams.Rules) string

	stateBytes int // of the operators' state, as of the newest checkpoint

	seq      uint64       // number of the last event that entered
	cause    uint64       // what the running code runs for: an event's number, or a timer's due time
	again    []reinjected // events to push after the present one
	expiry   expiry
	silences silences
	gone     gone
	count    engineCounts
	watch    *overload.Watch // of memory
	sieve    sieve           // for when it is scarce
	panics   map[string]bool // texts already logged with their stack

	armed int64         // due time the timer goroutine waits for
	wake  chan struct{} // tells it that an earlier timer exists
	done  chan struct{}
	ended sync.WaitGroup
}

// reinjected is an event that a rule sent back to the root.
type reinjected struct {
	event event.Event
	hops  int
}

// maxReinjected bounds the events that wait to be pushed again; more are dropped and counted.
const maxReinjected = 100_000

// timerCause marks causes that are due times rather than event numbers.
const timerCause = 1 << 63

// errPanic is the answer to a batch during which a rule panicked.
var errPanic = errors.New("internal error in a rule; the stack is in the server's log")

// newEngine returns an engine without rules: Swap installs them.
func newEngine(x *index.Index, hub *index.Hub, sinks Sinks, log *slog.Logger) *Engine {
	e := &Engine{
		stamp:  newStamper(),
		index:  x,
		hub:    hub,
		log:    log,
		panics: map[string]bool{},
		watch:  overload.New(nil, nil),
		armed:  math.MaxInt64,
		wake:   make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
	e.clock = streams.NewClock(e.stamp.last)
	e.rt = &streams.Runtime{
		Clock:    e.clock,
		Index:    indexer{e},
		Publish:  hub.Publish,
		Reinject: e.reinject,
		Cause:    func() uint64 { return e.cause },
		Log:      func(msg string) { log.Warn(msg) },
	}
	e.silences.send = func(*streams.Alert) {}
	if sinks != nil {
		e.silences.send = sinks.Deliver
		e.outlets, _ = sinks.(outlets)
	}
	e.rt.Deliver = e.silences.deliver
	e.silences.init(e.clock)
	e.expiry.init(e)
	return e
}

// Ingest runs a batch through the rules and returns when they have run. The engine fills missing times and
// the events' series in place; the batch is the caller's again afterwards. The error says that a rule failed
// by a fault of the program, or that an alert was not taken; the other events of the batch have run all the same.
// A *Shed says that some of them have not, because memory is scarce.
func (e *Engine) Ingest(batch []event.Event) error {
	_, err := e.take(batch, nil)
	return err
}

// take is Ingest for a batch that came as the message payload (nil: as nothing that the journal could keep as it
// is). It returns what the answer has to wait for.
func (e *Engine) take(batch []event.Event, payload []byte) (position, error) {
	began := e.stamp.elapsed()
	entered := began
	if !e.mu.TryLock() {
		e.mu.Lock()
		entered = e.stamp.elapsed()
	}
	now := e.stamp.at(entered)
	var p position
	var lost error
	var shed *Shed
	if l := e.watch.Level(); l >= overload.Pacing {
		if batch, shed = e.shed(batch, l, now); shed != nil {
			payload = nil // it holds more than is evaluated
		}
	}
	if e.journal != nil && len(batch) > 0 {
		p.record, lost = e.record(batch, payload, now)
	}
	err := e.ingest(batch, now)
	if e.outlets != nil {
		var refused error
		if p.ticket, refused = e.settle(); err == nil {
			err = refused
		}
	}
	e.count.batch(len(batch), e.stamp.elapsed()-began)
	e.mu.Unlock()
	if err == nil {
		err = lost
	}
	if err == nil && shed != nil {
		err = shed
	}
	return p, err
}

// settle returns the ticket of the alerts since the last call.
func (e *Engine) settle() (ticket uint64, err error) {
	if e.outlets == nil {
		return 0, nil
	}
	ticket, err = e.outlets.Taken()
	e.ticket = max(e.ticket, ticket)
	return ticket, err
}

// ingest is the whole way of a batch that entered at now, its stamp; it has been recorded. A replay runs it again
// with the recorded stamp and number.
func (e *Engine) ingest(batch []event.Event, now int64) error {
	panics := e.count.panics
	e.advance(now)
	for i := 0; i < len(batch); {
		i = e.push(batch, i, now)
	}
	e.hub.Flush()
	e.arm()
	if e.count.panics != panics {
		return errPanic
	}
	return nil
}

// push runs the events of the batch from the given one on and returns the index after the last one that ran:
// the batch's length, or less after a panic.
func (e *Engine) push(batch []event.Event, from int, now int64) (next int) {
	next = from
	defer func() {
		if p := recover(); p != nil {
			e.panicked(p)
			next++
		}
	}()
	for ; next < len(batch); next++ {
		ev := &batch[next]
		e.seq++
		e.cause = e.seq
		if ev.Has&event.HasTime == 0 {
			ev.SetTime(now)
		}
		ev.Series = e.index.Resolve(ev)
		e.graph.Push(streams.EventValue(ev))
		if len(e.again) != 0 {
			e.pushAgain()
		}
	}
	return next
}

// pushAgain pushes reinjected events, and those that they cause, until none is left.
func (e *Engine) pushAgain() {
	for i := 0; i < len(e.again); i++ {
		r := e.again[i] // a copy: the slice may grow meanwhile
		if r.event.Has&event.HasTime == 0 {
			r.event.SetTime(e.clock.Now())
		}
		r.event.Series = e.index.Resolve(&r.event)
		e.graph.Reinject(&r.event, r.hops)
	}
	clear(e.again)
	e.again = e.again[:0]
}

// reinject is the rules' way back to the root.
func (e *Engine) reinject(ev *event.Event, hops int) {
	if len(e.again) >= maxReinjected {
		e.count.reinjectDropped++
		return
	}
	e.again = append(e.again, reinjected{*ev, hops})
}

// advance moves the clock to now; timers that are due run first, each followed by what it reinjected.
func (e *Engine) advance(now int64) {
	for due := e.clock.Next(); due <= now; due = e.clock.Next() {
		e.runTimers(due)
	}
	e.clock.Advance(now)
	e.index.Advance(now)
}

func (e *Engine) runTimers(due int64) {
	defer func() {
		if p := recover(); p != nil {
			e.panicked(p)
		}
	}()
	e.cause = timerCause | uint64(due)
	e.index.Advance(due)
	e.clock.Advance(due)
	if len(e.again) != 0 {
		e.pushAgain()
	}
}

// panicked counts a panic of the rules and logs its stack, once for each text.
func (e *Engine) panicked(p any) {
	e.count.panics++
	clear(e.again)
	e.again = e.again[:0]
	text := fmt.Sprint(p)
	if len(e.panics) >= 100 || e.panics[text] {
		return
	}
	e.panics[text] = true
	e.log.Error("a rule panicked; the event is skipped, the others go on", "err", text, "stack", string(debug.Stack()))
}

// Now returns the engine's clock, in microseconds since the epoch, with the number of the last event.
func (e *Engine) Now() (now int64, seq uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stamp.next(), e.seq
}
