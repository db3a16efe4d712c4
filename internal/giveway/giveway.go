// Package giveway divides a long computation into short turns, between which the goroutines run that the network has
// something for.
//
// The runtime looks at the network when one of its threads has nothing else to do, and otherwise only every 10 ms. A
// goroutine that computes for long on the thread that has looked last, or on the only one there is, so makes all
// connections wait, and runtime.Gosched does not help: it does not look. Here the computation waits for a
// byte that comes through a pipe, and is found by the same look that finds what the others wait for.
//
//	var turn giveway.Turn
//	defer turn.Close()
//	for … {
//		work()
//		turn.Next()
//	}
package giveway

import (
	"os"
	"runtime"
	"time"
)

// Long is how long a turn lasts before Next ends it. To give way costs about 5 µs.
const Long = 100 * time.Microsecond

// Turn is the present turn of one computation. The zero value is ready for use, by one goroutine. It takes a pipe and a
// goroutine from the end of the first turn until Close.
type Turn struct {
	until time.Time // zero: it has not begun
	write *os.File  // nil: no turn has ended yet
	woken chan struct{}
	taken int
}

// Next gives way if the turn has lasted long enough. It costs a look at the clock.
func (t *Turn) Next() {
	now := time.Now()
	if t.until.IsZero() {
		t.until = now.Add(Long)
	}
	if now.Before(t.until) {
		return
	}
	t.give()
	t.until = time.Now().Add(Long)
}

// Taken returns how often the computation gave way.
func (t *Turn) Taken() int { return t.taken }

func (t *Turn) give() {
	t.taken++
	yieldThread()
	if t.write == nil && !t.open() {
		runtime.Gosched() // better than nothing: it lets run what is known to be ready
		return
	}
	if _, err := t.write.Write([]byte{0}); err != nil {
		runtime.Gosched()
		return
	}
	<-t.woken
}

// open makes the pipe and its reader; false if there are no more descriptors.
func (t *Turn) open() bool {
	read, write, err := os.Pipe()
	if err != nil {
		return false
	}
	woken := make(chan struct{})
	go func() {
		defer read.Close()
		var b [1]byte
		for {
			if n, err := read.Read(b[:]); n == 0 || err != nil {
				return
			}
			runtime.Gosched() // those that were found with this one run first
			woken <- struct{}{}
		}
	}()
	t.write, t.woken = write, woken
	return true
}

// Close gives back what the turn took. It may be used again.
func (t *Turn) Close() {
	if t.write != nil {
		t.write.Close()
	}
	*t = Turn{taken: t.taken}
}
