package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"zeta/streams"
)

// The dead letters of a sink that the rules have lost can be listed, sent over another sink, and dropped.
func TestDeadLettersOfASinkThatIsGone(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	defer refusing.Close()
	var taken atomic.Int64
	taking := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { taken.Add(1) }))
	defer taking.Close()
	const rules = `listen.http("127.0.0.1:0"); webhook({url: %q, wait: 0, batch: 1});`
	a := live(t, t.TempDir(), fmt.Sprintf(rules, refusing.URL))
	a.take(one("a", 1), one("b", 2), one("c", 3))
	var dead struct{ Dead []struct{ Pos uint64 } }
	eventually(t, "three dead letters", func() bool { a.call("GET", "/api/v1/dead?sink=webhook", &dead); return len(dead.Dead) == 3 })

	b := live(t, a.died(), fmt.Sprintf(rules, taking.URL))
	var all struct{ Sinks []streams.SinkStatus }
	b.call("GET", "/api/v1/sinks", &all)
	var gone, open string
	for _, s := range all.Sinks {
		if s.State == streams.SinkGone && s.DeadLetters == 3 {
			gone = s.ID
		} else {
			open = s.ID
		}
	}
	if len(all.Sinks) != 2 || gone == "" || open == "" {
		t.Fatalf("the sinks are %+v, want one that is gone with three dead letters, and the new one", all.Sinks)
	}
	var said string
	list := func() int { b.call("GET", "/api/v1/dead?sink="+gone, &dead); return len(dead.Dead) }
	list()
	resend := func(to string) int {
		return b.call("POST", fmt.Sprintf("/api/v1/dead/resend?sink=%s&pos=%d&to=%s", gone, dead.Dead[0].Pos, to), &said)
	}
	if status := resend("nobody"); status != http.StatusNotFound {
		t.Errorf("to a sink that is not there: %d %s", status, said)
	}
	if status := resend(gone); status != http.StatusConflict {
		t.Errorf("to a sink that is gone: %d %s", status, said)
	}
	if status := resend(open); status != http.StatusOK {
		t.Errorf("to the other: %d %s", status, said)
	}
	eventually(t, "the alert arrives", func() bool { return taken.Load() == 1 })
	eventually(t, "it is dead no more", func() bool { return list() == 2 })
	if status := b.call("POST", "/api/v1/dead/drop?all=true&sink="+gone, &said); status != http.StatusOK || said != `{"count":2}` {
		t.Errorf("drop: %d %s", status, said)
	}
	eventually(t, "the sink is forgotten", func() bool { b.call("GET", "/api/v1/sinks", &all); return len(all.Sinks) == 1 })
	if why := b.mute(b.started); why != "" {
		t.Errorf("no alert leaves: %s", why)
	}
}
