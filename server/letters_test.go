package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"zeta/event"
	"zeta/journal"
	"zeta/sinks"
	"zeta/streams"
)

// call asks the API of a life and decodes the answer.
func (l *life) call(method, path string, answer any, header ...string) int {
	l.t.Helper()
	return l.send(method, path, "", answer, header...)
}

// send is call with a body.
func (l *life) send(method, path, text string, answer any, header ...string) int {
	l.t.Helper()
	req, err := http.NewRequest(method, "http://"+l.Addr("http").String()+path, strings.NewReader(text))
	if err != nil {
		l.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if s, ok := answer.(*string); ok {
		*s = string(body)
	} else if err == nil && answer != nil {
		err = json.Unmarshal(body, answer)
	}
	if err != nil {
		l.t.Fatalf("%s %s: %v: %s", method, path, err, body)
	}
	return resp.StatusCode
}

func TestDeadLettersAreReadResentAndDropped(t *testing.T) {
	var refuse atomic.Bool
	var taken atomic.Int64
	refuse.Store(true)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if refuse.Load() {
			http.Error(w, "no such thing", http.StatusBadRequest)
			return
		}
		taken.Add(1)
	}))
	defer target.Close()
	l := live(t, t.TempDir(), fmt.Sprintf(`listen.http("127.0.0.1:0"); webhook({url: %q, wait: 0, batch: 1});`, target.URL))
	l.take(one("a", 1), one("b", 2), one("c", 3))

	var sinksNow struct{ Sinks []streams.SinkStatus }
	eventually(t, "three dead letters", func() bool {
		l.call("GET", "/api/v1/sinks", &sinksNow)
		return sinksNow.Sinks[0].DeadLetters == 3
	})
	var dead struct {
		Sink string
		Dead []struct {
			Pos    uint64
			Error  string
			Events []struct{ Service string }
		}
	}
	list := func() int {
		if status := l.call("GET", "/api/v1/dead?sink=webhook", &dead); status != 200 {
			t.Fatalf("status %d", status)
		}
		return len(dead.Dead)
	}
	eventually(t, "the letters are on disk", func() bool { return list() == 3 }) // those not committed yet are not listed
	if dead.Sink != sinksNow.Sinks[0].ID || dead.Dead[1].Events[0].Service != "b" || !strings.Contains(dead.Dead[1].Error, "no such thing") {
		t.Fatalf("dead letters: %+v", dead)
	}
	var said string
	if l.call("GET", "/metrics", &said); !strings.Contains(said, fmt.Sprintf(`zeta_sinks_alerts_total{result="dead",sink=%q} 3`, dead.Sink)) ||
		!strings.Contains(said, `zeta_outbox_alerts_total{result="dead"} 3`) || !strings.Contains(said, "zeta_journal_records_total") {
		t.Errorf("metrics lack the dead letters:\n%s", said)
	}

	refuse.Store(false)
	resend := fmt.Sprintf("/api/v1/dead/resend?sink=webhook&pos=%d", dead.Dead[1].Pos)
	if status := l.call("POST", resend, &said, "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("a page of another site may resend: %d %s", status, said)
	}
	if status := l.call("POST", resend, &said); status != 200 || said != `{"count":1}` {
		t.Fatalf("resend: %d %s", status, said)
	}
	if status := l.call("POST", resend, &said); status != http.StatusConflict {
		t.Errorf("the same letter was resent twice: %d %s", status, said)
	}
	eventually(t, "the resent alert", func() bool { return taken.Load() == 1 })
	for _, bad := range []string{"?sink=webhook", "?sink=webhook&pos=x"} {
		if status := l.call("POST", "/api/v1/dead/drop"+bad, &said); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", bad, status, said)
		}
	}
	if status := l.call("POST", "/api/v1/dead/drop?sink=pager&all=true", &said); status != http.StatusNotFound || !strings.Contains(said, "webhook") {
		t.Errorf("an unknown sink: %d %s", status, said)
	}
	if status := l.call("POST", "/api/v1/dead/drop?sink=webhook&all=true", &said); status != 200 || said != `{"count":2}` {
		t.Errorf("drop: %d %s", status, said)
	}
	eventually(t, "no dead letter is left", func() bool { return list() == 0 })
	b := live(t, l.died(), fmt.Sprintf(`webhook({url: %q, wait: 0, batch: 1});`, target.URL))
	b.take(one("d", 4))
	eventually(t, "an alert after the restart", func() bool { return taken.Load() == 2 })
}

func TestOwners(t *testing.T) {
	l := &httpListener{web: &web{turnstile: &turnstile{server: pipeServer(t, io.Discard)}}}
	h := l.owners(func(w http.ResponseWriter, _ *http.Request) {})
	for remote, want := range map[string]int{"127.0.0.1:1": 200, "[::1]:1": 200, "[::ffff:127.0.0.1]:1": 200, "192.0.2.1:1": 403, "": 403} {
		r := httptest.NewRequest("POST", "/", nil)
		r.RemoteAddr = remote
		w := httptest.NewRecorder()
		if h(w, r); w.Code != want {
			t.Errorf("from %q: %d, want %d", remote, w.Code, want)
		}
	}
}

func TestRecordsAsJSON(t *testing.T) {
	e := one("s", 1)
	body := append([]byte{batchEvents, 7, 0, 0, 0, 0, 0, 0, 0}, encodeEvents([]event.Event{e})...)
	p := NewRecordPrinter()
	for _, r := range []struct {
		journal.Record
		want string
	}{
		{journal.Record{Seq: 1, Kind: journal.KindBatch, Body: body}, `{"seq":1,"stamp":"1970-01-01T00:00:00.000000Z","kind":"batch","first":7,"events":[` + string(event.AppendJSON(nil, &e)) + `]}`},
		{journal.Record{Seq: 2, Stamp: 1500000, Kind: journal.KindStart, Body: []byte{1, 128, 137, 122}}, `{"seq":2,"stamp":"1970-01-01T00:00:01.500000Z","kind":"start","down":1}`},
		{journal.Record{Seq: 3, Kind: journal.KindRules, Body: []byte(`{"text":"x"}`)}, `{"seq":3,"stamp":"1970-01-01T00:00:00.000000Z","kind":"rules","rules":{"text":"x"}}`},
		{journal.Record{Seq: 4, Kind: journal.KindBatch, Body: []byte("x")}, `{"seq":4,"stamp":"1970-01-01T00:00:00.000000Z","kind":"batch","error":"a batch of 1 bytes, want at least 9"}`},
		{journal.Record{Seq: 5, Kind: journal.KindStart}, `{"seq":5,"stamp":"1970-01-01T00:00:00.000000Z","kind":"start"}`},
	} {
		if got := string(p.Append(nil, r.Record)); got != r.want {
			t.Errorf("got  %s\nwant %s", got, r.want)
		}
	}
}

var _ letterbox = (*sinks.Manager)(nil)
