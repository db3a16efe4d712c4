package faults

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

const terminate = syscall.SIGTERM

// TestSecondSignalEndsAtOnce lets a target hang, so that the end has to wait for it, and asks twice. What was
// acknowledged arrives in the next life.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	held, release := j.hangOnce()
	s := newSetup(t, j.rules())
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	if n := j.send("sender", s.tcp, 20); n != 20 {
		t.Fatalf("%d of 20 alerts were acknowledged", n)
	}
	<-held
	c.cmd.Process.Signal(terminate)
	for end := time.Now().Add(10 * time.Second); !strings.Contains(c.log.String(), "a second signal ends at once"); {
		if time.Now().After(end) {
			t.Fatalf("the end did not begin:\n%s", c.log)
		}
		time.Sleep(time.Millisecond)
	}
	c.cmd.Process.Signal(terminate)
	<-c.ended
	if status := c.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != terminate {
		t.Errorf("zeta ended with %v, want by the second signal:\n%s", c.cmd.ProcessState, c.log)
	}
	close(release)
	if c := s.start(""); !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	j.verdict("a second signal", 1)
}

// TestTerminateUnderLoad ends zeta in order while senders send: it ends with status 0, and nothing that was answered
// is lost or comes twice.
func TestTerminateUnderLoad(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	s := newSetup(t, j.rules())
	for range size(2, 20) {
		c := s.start("")
		if !c.ready() {
			t.Fatalf("zeta ended by itself:\n%s", c.log)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			j.send("sender", s.tcp, 1<<30)
		}()
		before := j.arrived()
		for end := time.Now().Add(10 * time.Second); j.arrived() < before+20 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		c.cmd.Process.Signal(terminate)
		<-c.ended
		<-done
		if status := c.cmd.ProcessState.ExitCode(); status != 0 {
			t.Errorf("zeta ended with %d:\n%s", status, c.log)
		}
	}
	if c := s.start(""); !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	j.verdict("ends in order", 0)
}
