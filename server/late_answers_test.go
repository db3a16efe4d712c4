package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zeta/event/wire"
)

// gate are outlets whose disk the test plays: each batch gets a ticket, which is safe when the test says so.
type gate struct {
	mu      sync.Mutex
	taken   uint64
	settled uint64
	failed  error
	moved   chan struct{}
}

func (g *gate) Taken() (uint64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.taken++
	return g.taken, nil
}

func (g *gate) Settled() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.settled
}

func (g *gate) Wait(ctx context.Context, ticket uint64) error {
	for {
		g.mu.Lock()
		settled, failed, moved := g.settled, g.failed, g.moved
		g.mu.Unlock()
		if failed != nil || settled >= ticket {
			return failed
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle makes tickets safe up to the given one, or says why they will never be.
func (g *gate) settle(ticket uint64, err error) {
	g.mu.Lock()
	g.settled, g.failed = ticket, err
	close(g.moved)
	g.moved = make(chan struct{})
	g.mu.Unlock()
	synctest.Wait()
}

// lateConn is a connection to a server whose answers wait for a gate.
type lateConn struct {
	*Server
	*gate
	net.Conn
	session *session
	first   uint64 // number before the first event
	log     *logBuffer

	mu  sync.Mutex
	got []byte // answers
	end error
}

func withLateConn(t *testing.T, idle time.Duration, f func(c *lateConn)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := &lateConn{gate: &gate{moved: make(chan struct{})}, log: &logBuffer{}}
		store, err := OpenStore(dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		c.Server = newServer(Options{RulesText: DefaultRules, Quiet: true, Store: store, Logger: slog.New(slog.NewTextHandler(c.log, nil))})
		rules, err := c.load()
		if err == nil {
			_, err = c.recover(rules)
		}
		if err != nil {
			t.Fatal(err)
		}
		c.engine.outlets = c.gate
		_, c.first = c.engine.Now()
		ours, theirs := net.Pipe()
		c.Conn, c.session = ours, newSession(theirs)
		go newConn(c.Server, "tcp", c.session, wire.DefaultLimits, idle, AckSafe).serve()
		go func() {
			b := make([]byte, 4096)
			for {
				n, err := ours.Read(b)
				c.mu.Lock()
				c.got, c.end = append(c.got, b[:n]...), err
				c.mu.Unlock()
				if err != nil {
					return
				}
			}
		}()
		f(c)
		ours.Close()
		synctest.Wait()
		c.cancel()
		c.hub.Close()
		store.Close(t.Context())
	})
}

// write sends messages in one write each and waits until nothing moves any more.
func (c *lateConn) write(writes ...[]byte) {
	for _, b := range writes {
		c.Conn.Write(b)
		synctest.Wait()
	}
}

func (c *lateConn) answers() (n int, end error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.got) / len(wire.AckOK), c.end
}

// want checks how many messages the rules have seen and how many were answered.
func (c *lateConn) want(t *testing.T, seen uint64, answered int) {
	t.Helper()
	if _, seq := c.engine.Now(); seq-c.first != seen {
		t.Errorf("the rules have seen %d messages, want %d", seq-c.first, seen)
	}
	if n, _ := c.answers(); n != answered {
		t.Errorf("%d answers came, want %d", n, answered)
	}
}

func TestLaterMessagesRunWhileAnswersWait(t *testing.T) {
	withLateConn(t, 0, func(c *lateConn) {
		m := frame(ev("h", "s", 1))
		c.write(slices.Concat(m, m), m, slices.Concat(m, m, m))
		c.want(t, 6, 0)
		c.settle(1, nil) // half of the first read
		c.want(t, 6, 0)
		c.settle(3, nil)
		c.want(t, 6, 3)
		c.write(m)
		c.settle(7, nil)
		c.want(t, 7, 7)
		c.write(m) // one who waits for each answer
		c.want(t, 8, 7)
		c.settle(8, nil)
		c.want(t, 8, 8)
	})
}

// A peer that goes on while the disk does nothing is not read from any more when as many answers wait as may.
func TestAnswersThatWaitAreBounded(t *testing.T) {
	withLateConn(t, 0, func(c *lateConn) {
		m := frame(ev("h", "s", 1))
		sent := make(chan int)
		go func() {
			n := 0
			for ; n < maxMarks+100; n++ {
				if _, err := c.Conn.Write(slices.Concat(m, m)); err != nil {
					break
				}
			}
			sent <- n
		}()
		synctest.Wait()
		c.want(t, 2*maxMarks, 0)
		c.settle(1<<40, nil)
		if n := <-sent; n != maxMarks+100 {
			t.Errorf("%d writes were taken, want all", n)
		}
		synctest.Wait()
		c.want(t, 2*(maxMarks+100), 2*(maxMarks+100))
	})
}

func TestNoAnswerWhenTheDiskFails(t *testing.T) {
	withLateConn(t, 0, func(c *lateConn) {
		m := frame(ev("h", "s", 1))
		c.write(slices.Concat(m, m), m)
		c.settle(0, errors.New("no more"))
		c.want(t, 3, 0)
		if _, end := c.answers(); end != io.EOF {
			t.Errorf("the connection ended with %v, want EOF", end)
		}
		if !strings.Contains(c.log.String(), "reason=undurable") {
			t.Errorf("log: %s, want reason=undurable", c.log)
		}
	})
}

// Who waits for an answer is not idle, and gets it when the server shuts down.
func TestAnswersThatWaitOutliveIdlenessAndShutdown(t *testing.T) {
	withLateConn(t, time.Second, func(c *lateConn) {
		m := frame(ev("h", "s", 1))
		c.write(slices.Concat(m, m))
		time.Sleep(10 * time.Second)
		c.want(t, 2, 0)
		c.session.shutdown()
		synctest.Wait()
		c.settle(2, nil)
		c.want(t, 2, 2)
		if _, end := c.answers(); end != io.EOF {
			t.Errorf("the connection ended with %v, want EOF", end)
		}
	})
}
