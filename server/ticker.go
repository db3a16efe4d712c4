package server

import (
	"math"
	"time"
)

// start runs the goroutine that runs timers when no events come.
func (e *Engine) start() {
	e.ended.Add(1)
	go e.tick()
}

// stop ends it. Timers run no more; batches still may.
func (e *Engine) stop() {
	close(e.done)
	e.ended.Wait()
}

// arm tells the timer goroutine about a timer due before the one it waits for. Called under the lock.
func (e *Engine) arm() {
	next := e.clock.Next()
	if next >= e.armed {
		return
	}
	e.armed = next
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// tick sleeps until the next timer is due and runs it under the lock.
func (e *Engine) tick() {
	defer e.ended.Done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(e.runDue())
		select {
		case <-e.done:
			return
		case <-e.wake:
		case <-timer.C:
		}
	}
}

// runDue runs what is due and returns how long nothing will be.
func (e *Engine) runDue() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.stamp.next()
	if e.clock.Next() <= now {
		e.advance(now)
		e.hub.Flush()
		if _, err := e.settle(); err != nil {
			e.log.Error("an alert of a timer was not taken", "err", err)
		}
	}
	e.armed = e.clock.Next()
	if e.armed == math.MaxInt64 {
		return time.Hour
	}
	// A hair later than due, so that the stamp has surely reached it: stamps are whole microseconds.
	return min(time.Duration(e.armed-now)*time.Microsecond+time.Microsecond, time.Hour)
}
