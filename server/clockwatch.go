package server

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"zeta/event"
	"zeta/journal"
)

const (
	clockLook    = time.Second
	clockStep    = time.Second // a wall clock that moves by so much between two looks was set
	clockBelieve = time.Minute // how long it must stay ahead before the engine's clock follows
)

// clockWatch compares the machine's wall clock with its monotonic one, by which the engine's clock runs. The zero value
// has looked at neither.
type clockWatch struct {
	looked bool
	base   int64         // wall minus monotonic, µs, that the engine's clock goes by
	last   int64         // at the last look
	since  time.Duration // monotonic time of the last step
}

// look takes a reading of both. step is by how much the wall clock was set since the last look; skip is by how much
// the engine's clock has to be put forward: what a suspended machine slept, say. It is never put back, as time
// would stand still for what waits, and it does not follow a clock that is right again within a minute.
func (w *clockWatch) look(wall int64, mono time.Duration) (step, skip time.Duration) {
	offset := wall - mono.Microseconds()
	if !w.looked {
		w.looked, w.base, w.last = true, offset, offset
	}
	step = time.Duration(offset-w.last) * time.Microsecond
	w.last = offset
	if step < clockStep && step > -clockStep {
		step = 0
	} else {
		w.since = mono
	}
	ahead := time.Duration(offset-w.base) * time.Microsecond
	if ahead >= clockStep && mono-w.since >= clockBelieve {
		w.base, skip = offset, ahead
	}
	return step, skip
}

// watchClock looks at the clock until ctx is done.
func (s *Server) watchClock(ctx context.Context) {
	ticker := time.NewTicker(clockLook)
	defer ticker.Stop()
	var w clockWatch
	for {
		s.lookAtClock(&w, time.Now().UnixMicro(), s.engine.stamp.elapsed())
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// lookAtClock tells of a step in the log, the metrics and to the rules, and has the engine follow.
func (s *Server) lookAtClock(w *clockWatch, wall int64, mono time.Duration) {
	step, skip := w.look(wall, mono)
	if step != 0 {
		s.metrics.clockSteps.Inc()
		s.log.Warn("the wall clock was set; timers and ttls go on by the monotonic clock", "by", step)
		e := ownEvent(s.host, "zeta clock")
		e.SetState("warning")
		e.SetFloat(step.Seconds())
		e.SetDescription(fmt.Sprintf("the wall clock was set by %v; nothing expires for it", step))
		if err := s.engine.Ingest([]event.Event{e}); err != nil {
			s.log.Error("zeta's own events", "err", err)
		}
	}
	if skip != 0 {
		s.log.Warn("the wall clock stays ahead; zeta's clock follows it as after a down-time", "by", skip)
		if err := s.engine.skip(skip); err != nil {
			s.log.Error("zeta's clock", "err", err)
		}
	}
}

// skip puts the engine's clock forward, as after a down-time: timers due meanwhile run once, nothing expires for it.
func (e *Engine) skip(by time.Duration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance(e.stamp.next())
	e.stamp.wall += by.Microseconds()
	now := e.stamp.next()
	var err error
	if e.journal != nil {
		err = e.append(journal.KindStart, now, startBody(by.Microseconds()))
	}
	e.resume(now, by.Microseconds())
	e.hub.Flush()
	if _, lost := e.settle(); err == nil {
		err = lost
	}
	e.arm()
	return err
}

// startBody is what the journal holds of a time nobody looked, in microseconds.
func startBody(down int64) []byte {
	return binary.AppendVarint(binary.AppendUvarint(nil, engineVersion), down)
}
