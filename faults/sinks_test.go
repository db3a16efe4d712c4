package faults

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestTargetsThatFail lets the judge answer alerts badly in every way it knows, one after another, and then well:
// nothing may be lost, doubled under another id or reordered, and a dead target must not slow the senders.
func TestTargetsThatFail(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	failures := []func(w http.ResponseWriter){
		func(w http.ResponseWriter) { http.Error(w, "broken", http.StatusInternalServerError) },
		func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		func(w http.ResponseWriter) { // closes in the middle of its answer
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusOK)
			panic(http.ErrAbortHandler)
		},
		func(w http.ResponseWriter) { panic(http.ErrAbortHandler) }, // closes without one
	}
	turn := 0
	j.answer = func(w http.ResponseWriter) bool {
		if turn < len(failures) {
			turn++
			failures[turn-1](w)
			return false
		}
		return true
	}
	s := newSetup(t, j.rules())
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	if n := j.send("sender", s.tcp, 50); n != 50 {
		t.Fatalf("%d of 50 alerts were acknowledged while the target failed", n)
	}
	j.verdict("targets that fail", 0)
}

// TestTargetThatHangs kills zeta while its target holds a request, and lets the target answer in the next life.
func TestTargetThatHangs(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	held, release := j.hangOnce()
	s := newSetup(t, j.rules())
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	if n := j.send("sender", s.tcp, 20); n != 20 {
		t.Fatalf("%d of 20 alerts were acknowledged while the target hung", n)
	}
	<-held
	c.kill()
	close(release)
	if c := s.start(""); !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	j.verdict("a target that hangs", 1)
}

// TestTargetThatRefuses lets the target refuse what it cannot read: it is dead, and resent it arrives.
func TestTargetThatRefuses(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	refuse := true
	j.answer = func(w http.ResponseWriter) bool {
		if refuse {
			http.Error(w, "cannot be read", http.StatusBadRequest)
		}
		return !refuse
	}
	s := newSetup(t, j.rules())
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	j.send("sender", s.tcp, 5)
	until(t, "five dead letters", func() bool {
		_, body := c.get("/metrics")
		return has(body, `zeta_outbox_alerts_total{result="dead"} 5`)
	})
	c.kill()
	c = s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	until(t, "five dead letters after the kill", func() bool { // the last note of it may have died with zeta
		_, body := c.get("/api/v1/dead?sink=webhook")
		return strings.Count(body, `"pos":`) == 5
	})
	j.mu.Lock()
	refuse = false
	j.mu.Unlock()
	resp, err := http.Post(fmt.Sprintf("http://%s/api/v1/dead/resend?sink=webhook&all=true", s.http), "", nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("resend: %v %v", err, resp)
	}
	resp.Body.Close()
	j.verdict("a target that refuses", 0)
}

// until waits for a condition of another process.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("not seen within 20 s: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
