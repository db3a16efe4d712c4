package server

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeta/event"
	"zeta/event/wire"
)

// pipeServer is a server without listeners, for connections over pipes on a clock of their own.
func pipeServer(t *testing.T, log io.Writer) *Server {
	t.Helper()
	s := newServer(Options{RulesText: DefaultRules, Quiet: true, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if _, err := s.load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.cancel()
		s.hub.Close()
	})
	return s
}

// A frame that trickles in at a byte a second is given up, however long it says it is; one that arrives at a
// decent speed is not.
func TestSlowFrameIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		s := pipeServer(t, log)
		ours, theirs := net.Pipe()
		go newConn(s, "tcp", newSession(theirs), wire.DefaultLimits, 0, AckSafe).serve()
		begin := time.Now()
		ours.Write([]byte{0, 0xff, 0, 0})
		var err error
		for err == nil {
			time.Sleep(time.Second)
			_, err = ours.Write([]byte{0x32})
		}
		if took := time.Since(begin); took < frameGrace || took > frameGrace+2*time.Second {
			t.Errorf("closed after %v, want a little over %v", took, frameGrace)
		}
		synctest.Wait()
		if !strings.Contains(log.String(), "reason=slow") {
			t.Errorf("log: %s, want reason=slow", log)
		}
		ours.Close()
	})
}

func TestSteadyLongFrameIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pipeServer(t, io.Discard)
		ours, theirs := net.Pipe()
		go newConn(s, "tcp", newSession(theirs), wire.DefaultLimits, 0, AckSafe).serve()
		e := ev("h", "long", 1)
		e.SetDescription(strings.Repeat("x", 60<<10))
		var batch []byte
		for range 100 { // 6 MiB in 60 s
			batch = wire.AppendMsg(batch, &wire.Msg{Events: []event.Event{e}})
		}
		whole := append([]byte{byte(len(batch) >> 24), byte(len(batch) >> 16), byte(len(batch) >> 8), byte(len(batch))}, batch...)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for len(whole) > 0 {
				n := min(100<<10, len(whole))
				if _, err := ours.Write(whole[:n]); err != nil {
					t.Errorf("write: %v", err)
					return
				}
				whole = whole[n:]
				time.Sleep(time.Second)
			}
		}()
		if m := newAnswers(t, ours).want(); !m.OK {
			t.Errorf("answer: %+v", m)
		}
		<-sent
		ours.Close()
		synctest.Wait()
	})
}

// A peer that sends without reading is not read from, and closed after a while.
func TestPeerThatDoesNotReadIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		s := pipeServer(t, log)
		ours, theirs := net.Pipe()
		done := make(chan struct{})
		go func() {
			newConn(s, "tcp", newSession(theirs), wire.DefaultLimits, 0, AckSafe).serve()
			close(done)
		}()
		begin := time.Now()
		var err error
		sent := 0
		for err == nil {
			var n int
			n, err = ours.Write(queryFrame("true"))
			sent += n
		}
		<-done
		if took := time.Since(begin); took < writeTimeout || took > writeTimeout+time.Second {
			t.Errorf("closed after %v, want %v", took, writeTimeout)
		}
		if sent > 1<<10 {
			t.Errorf("%d bytes were read from a peer that does not read", sent)
		}
		if !strings.Contains(log.String(), "reason=noread") {
			t.Errorf("log: %s, want reason=noread", log)
		}
	})
}

func TestIdlePeerIsClosedOnlyWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pipeServer(t, io.Discard)
		for _, idle := range []time.Duration{0, time.Minute} {
			ours, theirs := net.Pipe()
			done := make(chan struct{})
			go func() {
				newConn(s, "tcp", newSession(theirs), wire.DefaultLimits, idle, AckSafe).serve()
				close(done)
			}()
			ours.Write(frame())
			newAnswers(t, ours).want()
			time.Sleep(time.Hour)
			synctest.Wait()
			select {
			case <-done:
				if idle == 0 {
					t.Error("a peer was closed for being idle")
				}
			default:
				if idle != 0 {
					t.Error("an idle peer was not closed")
				}
			}
			ours.Close()
			<-done
		}
	})
}

// writes counts the writes of a connection.
type writes struct {
	net.Conn
	n int
}

func (w *writes) Write(b []byte) (int, error) {
	w.n++
	return w.Conn.Write(b)
}

// The answers to all messages of one read go out in one write.
func TestAnswersAreJoined(t *testing.T) {
	s := pipeServer(t, io.Discard)
	ours, theirs := net.Pipe()
	counted := &writes{Conn: theirs}
	done := make(chan struct{})
	go func() {
		newConn(s, "tcp", newSession(counted), wire.DefaultLimits, 0, AckSafe).serve()
		close(done)
	}()
	ours.SetDeadline(time.Now().Add(10 * time.Second))
	var out []byte
	for i := range 20 {
		out = append(out, frame(ev("h", "joined", float64(i)))...)
	}
	if _, err := ours.Write(out); err != nil {
		t.Fatal(err)
	}
	a := newAnswers(t, ours)
	for range 20 {
		a.want()
	}
	ours.Close()
	<-done
	if counted.n != 1 {
		t.Errorf("%d writes, want 1", counted.n)
	}
}

func TestShutdownAnswersWhatWasRead(t *testing.T) {
	s := pipeServer(t, io.Discard)
	ours, theirs := net.Pipe()
	ours.SetDeadline(time.Now().Add(10 * time.Second))
	c := newConn(s, "tcp", newSession(theirs), wire.DefaultLimits, 0, AckSafe)
	done := make(chan struct{})
	go func() {
		c.serve()
		close(done)
	}()
	ours.Write(frame(ev("h", "last", 1)))
	c.net.shutdown() // the answer is still in the connection's hands: the pipe has no buffer
	if m := newAnswers(t, ours).want(); !m.OK {
		t.Fatalf("answer: %+v", m)
	}
	<-done
	if _, err := ours.Write(frame()); !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write after the shutdown: %v, want a closed pipe", err)
	}
}
