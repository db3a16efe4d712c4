package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestChaos lets faults come in an order that the seed decides: kills, halts, reloads of good and bad rules, targets
// that fail, kills in the middle of a commit. The promise must hold over all of it, and a fresh alert must come
// through when the faults are over.
func TestChaos(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	s := newSetup(t, j.rules())
	random := rand.New(rand.NewPCG(*seed, 3))
	t.Logf("seed %d", *seed)
	failing := false
	j.answer = func(w http.ResponseWriter) bool {
		if failing {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return !failing
	}
	var over atomic.Bool
	var senders sync.WaitGroup
	for i := range 3 {
		senders.Go(func() {
			for !over.Load() {
				if j.send(fmt.Sprint("sender-", i), s.tcp, 500) == 0 {
					time.Sleep(5 * time.Millisecond) // zeta is down
				}
			}
		})
	}
	kills := 0
	up := func(points string) *child {
		c := s.start(points)
		if !c.ready() && points == "" {
			t.Fatalf("zeta ended by itself:\n%s", c.log)
		}
		return c
	}
	c := up("")
	for step := range size(12, 600) {
		action := random.IntN(7)
		switch action {
		case 0, 1:
			c.kill()
			kills++
			c = up("")
		case 2:
			c.cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond)
			c.cmd.Process.Signal(syscall.SIGCONT)
		case 3:
			s.write(j.rules() + fmt.Sprintf(`where(service == "alert", rate(%d, index));`, 1+random.IntN(100)))
			c.cmd.Process.Signal(syscall.SIGHUP)
		case 4:
			good := j.rules()
			s.write(good + "where(nonsense")
			c.cmd.Process.Signal(syscall.SIGHUP)
			time.Sleep(20 * time.Millisecond)
			s.write(good)
		case 5:
			j.mu.Lock()
			failing = !failing
			j.mu.Unlock()
		case 6:
			c.kill()
			kills++
			point := []string{"journal.written", "journal.synced", "outbox.commit", "outbox.applied", "outbox.committed"}[random.IntN(5)]
			c = up(fmt.Sprintf("%s=kill:%d", point, 1+random.IntN(20)))
			select {
			case <-c.ended:
			case <-time.After(time.Second):
				c.kill()
			}
			kills++
			c = up("")
		}
		time.Sleep(time.Duration(random.IntN(80)) * time.Millisecond)
		select {
		case <-c.ended:
			t.Fatalf("step %d, action %d: zeta ended by itself:\n%s", step, action, c.log)
		default:
		}
	}
	over.Store(true)
	j.mu.Lock()
	failing = false
	j.mu.Unlock()
	c.kill()
	kills++
	senders.Wait()
	s.write(j.rules())
	up("")
	if n := j.send("fresh", s.tcp, 1); n != 1 {
		t.Error("a fresh alert was not acknowledged after the faults were over")
	}
	j.verdict("chaos", kills)
}
