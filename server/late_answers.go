package server

import (
	"context"
	"sync"
)

// maxMarks bounds the reads whose answers wait at a time, beside maxUnanswered.
const maxMarks = 4096

// lateAnswers are those of a connection that wait for the disk while the connection reads on. They leave in order, all
// that are ready in one write, by a goroutine that lives as long as there are some.
type lateAnswers struct {
	c *conn

	mu      sync.Mutex
	moved   sync.Cond // some were written, or all is over
	out     []byte
	marks   []mark // where in out the answers of a read end, and what those wait for
	writing []byte // what the goroutine writes now
	running bool
	err     error // the connection cannot go on
	run     func()
}

// mark is the end of the answers of a read.
type mark struct {
	end int
	position
}

func (a *lateAnswers) init(c *conn) {
	a.c, a.moved.L, a.run = c, &a.mu, a.release
}

// busy reports whether answers wait: those that follow must wait behind them.
func (a *lateAnswers) busy() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.running || a.err != nil
}

// add puts answers in line, a copy of them, and returns when there is room for more.
func (a *lateAnswers) add(out []byte, p position) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.out = append(a.out, out...)
	a.marks = append(a.marks, mark{len(a.out), p})
	if !a.running {
		a.running = true
		go a.run()
	}
	for a.err == nil && (len(a.out) >= maxUnanswered || len(a.marks) >= maxMarks) {
		a.moved.Wait()
	}
	return a.err
}

// drain waits until no answer waits any more; it reports whether there was one, and why they could not leave.
func (a *lateAnswers) drain() (waited bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.running {
		waited = true
		a.moved.Wait()
	}
	return waited, a.err
}

// release writes answers as they become ready until there are none.
func (a *lateAnswers) release() {
	e, ack := a.c.server.engine, a.c.ack
	for {
		first, ok := a.first()
		if !ok {
			return
		}
		err := e.await(context.Background(), first, ack)
		if err != nil {
			a.c.undurable(err)
		} else {
			err = a.c.write(a.ready(e, ack))
		}
		if err != nil {
			a.fail(err)
			return
		}
	}
}

// first returns what the first answers wait for; false if there are none, and then the goroutine ends.
func (a *lateAnswers) first() (position, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.moved.Broadcast()
	if len(a.marks) > 0 {
		return a.marks[0].position, true
	}
	a.running = false
	if cap(a.out)+cap(a.writing) > 8<<10 { // idle connections are many
		a.out, a.writing, a.marks = nil, nil, nil
	}
	return position{}, false
}

// ready takes the first answers, which are ready, and those after them that are, too.
func (a *lateAnswers) ready(e *Engine, ack Ack) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 1
	for n < len(a.marks) && e.safe(a.marks[n].position, ack) {
		n++
	}
	end := a.marks[n-1].end
	a.writing = append(a.writing[:0], a.out[:end]...)
	a.out = a.out[:copy(a.out, a.out[end:])]
	a.marks = a.marks[:copy(a.marks, a.marks[n:])]
	for i := range a.marks {
		a.marks[i].end -= end
	}
	return a.writing
}

// fail drops what waits and ends the connection: its reader may be waiting for the peer.
func (a *lateAnswers) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err, a.running = err, false
	a.out, a.marks, a.writing = nil, nil, nil
	a.c.net.Close()
	a.moved.Broadcast()
}
