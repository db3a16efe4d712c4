package faults

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestKill kills zeta under load again and again. Every alert whose event was answered ok must arrive, in order for
// each sender; twice only those that were under way when zeta died.
func TestKill(t *testing.T) {
	n := *cycles
	if *long {
		n = 1000
	}
	j := newJudge(t)
	s := newSetup(t, j.rules())
	random := rand.New(rand.NewPCG(*seed, 1))
	for range n {
		c := s.start("")
		if !c.ready() {
			t.Fatalf("zeta ended by itself:\n%s", c.log)
		}
		var senders sync.WaitGroup
		for i := range 4 {
			senders.Go(func() { j.send(fmt.Sprint("sender-", i), s.tcp, 1<<30) })
		}
		<-time.After(time.Duration(20+random.IntN(180)) * time.Millisecond)
		c.kill()
		senders.Wait()
	}
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	j.verdict(fmt.Sprint(n, " kills"), n)
}

// TestKillAtFaultPoints kills zeta at every named place in what writes to the disk, twice in a row and once later.
func TestKillAtFaultPoints(t *testing.T) {
	points := []string{"journal.written", "journal.syncing", "journal.synced", "journal.segment", "journal.created",
		"outbox.commit", "outbox.applied", "outbox.committed", "checkpoint.written", "checkpoint.synced", "checkpoint.renamed"}
	for _, point := range points {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			j := newJudge(t)
			s := newSetup(t, j.rules())
			kills := 0
			for _, nth := range []int{1, 1, size(5, 50)} {
				c := s.start(fmt.Sprintf("%s=kill:%d", point, nth))
				if c.ready() {
					j.send("sender", s.tcp, 60)
				}
				c.cmd.Process.Signal(terminate) // the end makes the checkpoint
				<-c.ended
				if c.cmd.ProcessState.ExitCode() != 0 {
					kills++
				}
			}
			if kills == 0 {
				t.Error("the place was never reached")
			}
			if c := s.start(""); !c.ready() {
				t.Fatalf("zeta ended by itself:\n%s", c.log)
			}
			j.send("sender", s.tcp, 10)
			j.verdict(fmt.Sprint(kills, " kills at ", point), kills)
		})
	}
}
