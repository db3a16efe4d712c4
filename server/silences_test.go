package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"zeta/event"
	"zeta/streams"
)

// quiet are silences on a clock of their own, and what got through.
type quiet struct {
	t     *testing.T
	clock *streams.Clock
	silences
	sent []string
}

func newQuiet(t *testing.T) *quiet {
	q := &quiet{t: t, clock: streams.NewClock(0)}
	q.init(q.clock)
	q.send = func(a *streams.Alert) { q.sent = append(q.sent, a.Rule+" "+a.Events[0].Host+" "+a.Events[0].State) }
	return q
}

// begin begins a silence that lasts so many seconds.
func (q *quiet) begin(id, text string, seconds int) {
	q.t.Helper()
	from := time.UnixMicro(q.clock.Now())
	if err := q.put(Silence{ID: id, Query: text, From: from, Until: from.Add(time.Duration(seconds) * time.Second)}); err != nil {
		q.t.Fatal(err)
	}
}

func (q *quiet) at(seconds int) { q.clock.Advance(int64(seconds) * 1e6) }

var alarm, bulk = &streams.Sink{ID: "slack-1", Name: "slack"}, &streams.Sink{ID: "log-1", Name: "log", Delivery: streams.BulkDelivery}

// alert delivers what a rule tells about hosts in a state, as one value.
func (q *quiet) alert(sink *streams.Sink, rule, state string, hosts ...string) {
	a := &streams.Alert{Sink: sink, Rule: rule, Key: hosts[0], At: q.clock.Now(), Window: len(hosts) > 1}
	for _, h := range hosts {
		var e event.Event
		e.SetHost(h)
		if state != "" {
			e.SetState(state)
		}
		a.Events = append(a.Events, e)
	}
	q.deliver(a)
}

func (q *quiet) want(sent ...string) {
	q.t.Helper()
	if !slices.Equal(q.sent, sent) {
		q.t.Errorf("at %v s sent %q, want %q", q.clock.Seconds(), q.sent, sent)
	}
	q.sent = nil
}

func TestSilenceHoldsWhatItMatches(t *testing.T) {
	q := newQuiet(t)
	q.begin("a", `host = "web1"`, 60)
	q.alert(alarm, "disk", "critical", "web1")
	q.alert(alarm, "disk", "critical", "web2")
	q.alert(bulk, "log", "critical", "web1")           // sinks in bulk are no alarm
	q.alert(alarm, "many", "critical", "web1", "web2") // tells of another host too
	q.want("disk web2 critical", "log web1 critical", "many web1 critical")
	if v := q.list()[0]; v.Held != 1 || v.Waiting != 1 {
		t.Errorf("held %d, waiting %d, want 1 and 1", v.Held, v.Waiting)
	}
}

func TestSilenceSendsAtItsEndWhatStillHolds(t *testing.T) {
	q := newQuiet(t)
	q.begin("a", `host =~ "web%"`, 60)
	q.alert(alarm, "disk", "critical", "web2")
	q.alert(alarm, "disk", "warning", "web1")
	q.alert(alarm, "disk", "critical", "web1") // newer than the warning
	q.alert(alarm, "cpu", "critical", "web3")
	q.alert(alarm, "cpu", "ok", "web3") // over: nobody need hear of it
	q.alert(alarm, "ping", "", "web4")  // without a state, nobody knows
	q.at(59)
	q.want()
	q.at(60)
	q.want("disk web2 critical", "disk web1 critical", "ping web4 ")
	q.alert(alarm, "disk", "critical", "web1")
	q.want("disk web1 critical")
	if len(q.all) != 0 || len(q.held) != 0 || q.size != 0 {
		t.Errorf("%d silences, %d alerts of %d events are left", len(q.all), len(q.held), q.size)
	}
}

func TestSilencesThatOverlap(t *testing.T) {
	q := newQuiet(t)
	q.begin("short", `host = "web1"`, 10)
	q.begin("long", `state = "critical"`, 100)
	q.alert(alarm, "disk", "critical", "web1")
	q.at(10)
	q.want() // the other holds it now
	if v := q.list(); len(v) != 1 || v[0].ID != "long" || v[0].Waiting != 1 {
		t.Fatalf("silences %+v", v)
	}
	q.alert(alarm, "disk", "ok", "web1") // passes, and replaces what is held
	q.at(100)
	q.want("disk web1 ok")
}

func TestSilenceEndedByHand(t *testing.T) {
	q := newQuiet(t)
	q.begin("a", `true`, 3600)
	q.alert(alarm, "disk", "down", "web1")
	if q.end("b") || !q.end("a") || q.end("a") {
		t.Error("want only the silence that is there to end, once")
	}
	q.want("disk web1 down")
	q.at(4000) // no timer is left that would fire
	q.want()
}

func TestSilencesAreBounded(t *testing.T) {
	q := newQuiet(t)
	q.begin("a", `true`, 60)
	for i := range 2 * maxHeld {
		q.alert(alarm, "disk", "critical", fmt.Sprint("web", i))
	}
	if len(q.held) != maxHeld || q.dropped != maxHeld || q.total != 2*maxHeld {
		t.Errorf("%d held, %d dropped of %d; want half", len(q.held), q.dropped, q.total)
	}
	q.at(60)
	if len(q.sent) != maxHeld || q.sent[maxHeld-1] != fmt.Sprint("disk web", maxHeld-1, " critical") {
		t.Errorf("%d sent, the last %q", len(q.sent), q.sent[len(q.sent)-1])
	}
	for i := range maxSilences {
		q.begin(fmt.Sprint(i), `true`, 60)
	}
	if err := q.put(Silence{ID: "one more", Query: "true", Until: time.UnixMicro(1)}); err == nil {
		t.Error("more silences than may be")
	}
}

func TestSilencesThatCannotBe(t *testing.T) {
	from := time.UnixMicro(0)
	for _, v := range []Silence{
		{ID: "a", Query: `host = `, Until: from.Add(time.Hour)},
		{ID: "a", Query: `true`, Until: from},
		{ID: "a", Query: `true`, Until: from.Add(-time.Hour)},
		{ID: "a", Query: `true`, Until: from.Add(10 * 366 * 24 * time.Hour)},
		{ID: "a", Query: `true`, Until: from.Add(time.Hour), Comment: strings.Repeat("x", maxSilenceText+1)},
		{Query: `true`, Until: from.Add(time.Hour)},
	} {
		v.From = from
		if err := newQuiet(t).put(v); err == nil {
			t.Errorf("%+v: no error", v)
		}
	}
}

func TestSilencesAreSavedAndLoaded(t *testing.T) {
	q := newQuiet(t)
	q.begin("a", `host = "web1"`, 60)
	q.begin("b", `host = "web2"`, 90)
	q.alert(alarm, "disk", "critical", "web2")
	q.alert(alarm, "disk", "critical", "web1")
	saved := q.save()

	r := newQuiet(t)
	if err := r.load(saved); err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(r.list())
	want, _ := json.Marshal(q.list())
	if string(got) != string(want) {
		t.Errorf("loaded %s, want %s", got, want)
	}
	r.at(100)
	r.want("disk web1 critical", "disk web2 critical")
	for n := range saved {
		if err := newQuiet(t).load(saved[:n]); err == nil {
			t.Fatalf("%d of %d bytes: no error", n, len(saved))
		}
	}
}

const silencedRules = `listen.http("127.0.0.1:0"); where(state == "critical" or state == "ok", webhook({url: %q, wait: 0, batch: 1}));`

// A silence outlives a kill, with what it holds, by the journal and by a checkpoint; and nothing is sent twice.
func TestSilenceOutlivesAKill(t *testing.T) {
	for _, checkpoint := range []bool{false, true} {
		target := newTarget(t)
		target.set(true)
		rules := fmt.Sprintf(silencedRules, target.URL)
		first := live(t, t.TempDir(), rules)
		v, err := first.engine.Silence(t.Context(), Silence{Query: `service = "disk"`}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		first.take(state("disk", "critical"), state("cpu", "critical"))
		eventually(t, "the alert of cpu", func() bool { return len(target.requests()) == 1 })
		if checkpoint {
			if err := first.checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		second := live(t, first.died(), rules)
		got := second.engine.Silences()
		if len(got) != 1 || got[0].ID != v.ID || got[0].Waiting != 1 || !got[0].Until.Equal(v.Until) {
			t.Fatalf("checkpoint %v: silences after a kill: %+v, want %+v with one alert waiting", checkpoint, got, v)
		}
		if _, err := second.engine.EndSilence(t.Context(), v.ID); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the held alert", func() bool { return len(target.requests()) == 2 })
		third := live(t, second.died(), rules)
		if got := third.engine.Silences(); len(got) != 0 {
			t.Errorf("checkpoint %v: silences %+v, want none: it was ended", checkpoint, got)
		}
		third.take(state("disk", "critical"))
		eventually(t, "an alert after the silence", func() bool { return len(target.requests()) == 3 })
		first.end()
		second.end()
		third.end()
	}
}

func state(service, state string) event.Event {
	e := one(service, 1)
	e.SetState(state)
	return e
}

func TestSilencesOverHTTP(t *testing.T) {
	target := newTarget(t)
	target.set(true)
	l := live(t, t.TempDir(), fmt.Sprintf(silencedRules+"index;", target.URL))
	l.take(state("disk", "critical"))
	var v struct {
		ID, Query, By string
		Matches       int
		Error         string
	}
	post := func(body string) int { return l.send("POST", "/api/v1/silences", body, &v) }
	for body, want := range map[string]string{
		`{"query": "host = ", "for": "1h"}`:               "",
		`{"query": "true", "for": "soon"}`:                "no duration",
		`{"query": "true", "for": "-1h"}`:                 "before it begins",
		`{"query": "true"}`:                               "no duration",
		`{"query": "true", "for": "1h", "until": "noon"}`: "until",
		`nonsense`: "want {",
	} {
		if v.Error = ""; post(body) != 400 || v.Error == "" || !strings.Contains(v.Error, want) {
			t.Errorf("%s: %q, want an error with %q", body, v.Error, want)
		}
	}
	if status := post(`{"query": "service = \"disk\"", "for": "1h", "by": "me"}`); status != 201 || v.Matches != 1 || v.By != "me" {
		t.Fatalf("status %d, %+v", status, v)
	}
	var all struct{ Silences []Silence }
	if l.call("GET", "/api/v1/silences", &all); len(all.Silences) != 1 || all.Silences[0].ID != v.ID {
		t.Errorf("silences %+v", all.Silences)
	}
	if status := l.call("DELETE", "/api/v1/silences/"+v.ID, nil); status != 200 {
		t.Errorf("ended with %d", status)
	}
	if status := l.call("DELETE", "/api/v1/silences/"+v.ID, nil); status != 404 {
		t.Errorf("ended again with %d, want 404", status)
	}
	if status := l.call("DELETE", "/api/v1/silences/"+v.ID, nil, "Origin", "http://elsewhere.example", "Sec-Fetch-Site", "cross-site"); status != 403 {
		t.Errorf("from a page of another site: %d, want 403", status)
	}
}
