package streams

import (
	"time"

	"zeta/event"
)

// periodic ticks on the engine's clock for as long as its source lives: the engine of rate, percentiles,
// foldInterval, ddt with an interval and interpolateConstant.
//
//	first event   +every    +2·every
//	|-------------|---------|--------   ticks stand on the grid of the first event
//
// An interval in which an event came always ticks. A silent one ticks until the latest event's time + ttl,
// that moment included, then the ticker stops; the next live event starts it anew, on a new grid. An
// event without a ttl keeps it for a minute and one interval. An expired event stops it at once.
type periodic struct {
	timer    Timer
	deadline int64 // of the latest event
	running  bool
	fresh    bool   // an event came since the last tick
	quiet    bool   // silent intervals do not call tick
	every    int64  // from here on: not read for each event
	tick     func() // an interval has ended
	stopped  func() // the open interval is to be forgotten
	anchor   int64  // the first tick is at anchor + every
	last     int64  // the last tick
	silent   int64  // silent ticks in a row
}

// maxSilent bounds how often in a row a ticker tells of silence, so that neither a huge ttl nor a clock
// that jumps by years keeps the engine busy.
const maxSilent = 10_000

// init makes p ready; it is part of its node and must not be copied.
func (p *periodic) init(env *Env, every time.Duration, tick, stopped func()) {
	p.every, p.tick, p.stopped = micros(every), tick, stopped
	env.initTimer(&p.timer, p.fire)
}

// see tells the ticker of an event. An expired one stops it: alive is false. first is true when this event
// started it.
func (p *periodic) see(e *event.Event) (alive, first bool) {
	now := p.timer.clock.now
	if due, pending := p.timer.Pending(); pending && due <= now {
		p.timer.Stop() // e came from another timer, on the edge: it belongs to the next interval
		p.fire()
	}
	if e.IsExpired(now) {
		p.stop()
		return false, false
	}
	if p.lapsed(now) {
		p.stop()
	}
	if first = !p.running; first {
		p.running, p.anchor, p.last = true, now, now
	}
	p.fresh = true
	p.deadline = p.deadlineOf(e, now)
	if _, pending := p.timer.Pending(); !pending {
		p.timer.At(grid{p.anchor, p.every}.next(now))
	}
	return true, first
}

// lapsed reports whether a ticker that sleeps through silent intervals would have stopped by now.
func (p *periodic) lapsed(now int64) bool {
	if _, pending := p.timer.Pending(); pending || !p.running {
		return false
	}
	tick := grid{p.anchor, p.every}.floor(now)
	return tick > p.last && tick > p.deadline
}

func (p *periodic) deadlineOf(e *event.Event, now int64) int64 {
	t := timeOf(e, now)
	if e.Has&event.HasTTL != 0 {
		return addMicros(t, event.SecondsToMicros(e.TTL))
	}
	return addMicros(t, addMicros(event.DefaultTTL*1e6, p.every))
}

func (p *periodic) fire() {
	now := p.timer.clock.now
	if p.fresh {
		p.silent = 0
	} else {
		p.silent++
		if now > p.deadline || p.silent > maxSilent {
			p.stop()
			return
		}
	}
	p.fresh, p.last = false, now
	if next := (grid{p.anchor, p.every}).next(now); !p.quiet && next > now {
		p.timer.At(next)
	}
	p.tick()
}

// stop forgets the open interval and waits for the next live event.
func (p *periodic) stop() {
	p.timer.Stop()
	p.running, p.fresh, p.silent = false, false, 0
	p.stopped()
}

func (p *periodic) save(s *Saver) {
	s.Bool(p.running)
	s.Bool(p.fresh)
	s.Int(p.anchor)
	s.Int(p.last)
	s.Int(p.deadline)
	s.Int(p.silent)
	s.Timer(&p.timer)
}

func (p *periodic) load(l *Loader) {
	p.running = l.Bool()
	p.fresh = l.Bool()
	p.anchor = l.Int()
	p.last = l.Int()
	p.deadline = l.Int()
	p.silent = l.Int()
	l.Timer(&p.timer)
}
