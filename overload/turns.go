package overload

import "time"

// shares say which part of the senders has its turn at a time: one in so many.
var shares = [...]uint64{Pacing: 2, Shedding: 8, Closing: 16}

// Turn returns when the sender of this number may go on: at once unless memory is scarce, and otherwise when its
// turn comes, within a few of them, or quit is closed. It returns how long that was.
func (w *Watch) Turn(quit <-chan struct{}, sender uint64) time.Duration {
	if w.Level() < Pacing {
		return 0
	}
	return w.await(quit, sender)
}

// Slow path: senders take turns.
func (w *Watch) await(quit <-chan struct{}, sender uint64) time.Duration {
	began := time.Now()
	for {
		w.mu.Lock()
		turn, next := w.turn, w.next
		w.mu.Unlock()
		l := w.Level()
		if l < Pacing || w.limit.Load() == 0 || (sender+turn)%shares[l] == 0 {
			return time.Since(began)
		}
		select {
		case <-quit:
			return time.Since(began)
		case <-next:
		}
	}
}
