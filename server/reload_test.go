package server

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"zeta/streams"
)

// load reads the rules and has the engine run them, without listeners.
func (s *Server) load() (*streams.Rules, error) {
	next, err := s.read(nil)
	if err == nil {
		_, err = s.begin(next.rules)
	}
	return next.rules, err
}

// metric returns the sum over a metric's labels, and of a histogram the number of observations.
func (s *testServer) metric(name string) float64 {
	s.t.Helper()
	families, err := s.metrics.registry.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.Metric {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func (s *testServer) reload() *Reloaded {
	s.t.Helper()
	r, err := s.Reload()
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// rulesFile is a file of rules that a test rewrites.
type rulesFile struct {
	t    *testing.T
	name string
}

func newRulesFile(t *testing.T, text string) *rulesFile {
	f := &rulesFile{t, filepath.Join(t.TempDir(), "zeta.expr")}
	f.write(text)
	return f
}

func (f *rulesFile) write(text string) {
	f.t.Helper()
	if err := os.WriteFile(f.name, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// TestReload edits a threshold: the counter below goes on, the connection stays, and what happened is told.
func TestReload(t *testing.T) {
	const rules = `where(metric > %d, by(host, counter(with({service: "total"}, index))));`
	f := newRulesFile(t, fmt.Sprintf(rules, 0)+listeners)
	s := serveOptions(t, Options{RulesFiles: []string{f.name}})
	conn := s.dial("tcp")
	in := newAnswers(t, conn)
	send := func(metric float64) {
		t.Helper()
		if _, err := conn.Write(frame(ev("h", "s", metric))); err != nil {
			t.Fatal(err)
		}
		if m := in.want(); !m.OK {
			t.Fatal(m.Error)
		}
	}
	total := func() float64 { return s.query(`service = "total" and host = "h"`)[0].Float }
	send(5)

	f.write(fmt.Sprintf(rules, 4) + listeners + "counter(publish(\"x\"));")
	r := s.reload()
	send(3)
	send(6)
	if got := total(); got != 11 {
		t.Errorf("the total is %v, want 5 + 6", got)
	}
	want := Reloaded{
		Files: []string{f.name}, Warnings: []string{},
		Keeps: []string{"by([host], max=100000, idle=1h0m0s)", "by([host], max=100000, idle=1h0m0s)/counter()"},
		Loses: []string{}, New: []string{"counter()"},
		Stays: r.Stays, Reopens: []string{}, Opens: []string{}, Closes: []string{}, LockSeconds: r.LockSeconds,
	}
	if !reflect.DeepEqual(*r, want) || r.LockSeconds <= 0 {
		t.Errorf("reloaded %+v, want %+v", *r, want)
	}
	loaded := s.Rules().LoadedAt

	f.write("where(metrc > 1, index);" + listeners)
	_, err := s.Reload()
	if err == nil || !strings.Contains(err.Error(), "unknown name metrc") {
		t.Errorf("a mistake gives %v", err)
	}
	send(10)
	if got := total(); got != 21 {
		t.Errorf("after a refused reload the total is %v, want 21", got)
	}
	st := s.Rules()
	if !st.Refused || !st.LoadedAt.Equal(loaded) || len(st.Problems) != 1 || !strings.HasPrefix(st.Problems[0], f.name+":1:7: where: unknown name metrc") {
		t.Errorf("status %+v", st)
	}
	if !strings.Contains(s.log.String(), "unknown name metrc") {
		t.Error("the log does not tell")
	}
	if n := s.metric("zeta_server_reloads_total"); n != 2 {
		t.Errorf("%v reloads are counted, want 2", n)
	}

	f.write(fmt.Sprintf(rules, 0) + listeners)
	s.reload()
	if st := s.Rules(); st.Refused || len(st.Problems) != 0 {
		t.Errorf("status after a good reload %+v", st)
	}
}

// TestReloadEvent tells the rules themselves how a reload ended, and goes on telling with zeta's other events.
func TestReloadEvent(t *testing.T) {
	f := newRulesFile(t, "index;"+listeners)
	s := serveOptions(t, Options{RulesFiles: []string{f.name}})
	state := func() string {
		events := s.query(`service = "zeta reload" and tagged "zeta"`)
		if len(events) != 1 {
			return fmt.Sprint(len(events), " events")
		}
		return events[0].State + ": " + events[0].Description
	}
	if got := state(); got != "0 events" {
		t.Errorf("before a reload: %s", got)
	}
	f.write("index; nonsense;" + listeners)
	s.Reload()
	if got, want := state(), "error: "+f.name+":1:8: unknown stream nonsense"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f.write("index;" + listeners)
	s.Reload()
	if got := state(); got != "ok: " {
		t.Errorf("after a good reload: %q", got)
	}
	report := newReporter(s.Server).report(time.Now())
	if last := report[len(report)-1]; last.Service != "zeta reload" || last.State != "ok" {
		t.Errorf("the report ends with %+v", last)
	}
}

// TestPlanReload changes nothing, whatever the file holds.
func TestPlanReload(t *testing.T) {
	f := newRulesFile(t, `counter(1, index);`+listeners)
	s := serveOptions(t, Options{RulesFiles: []string{f.name}, Quiet: true})
	f.write(`counter(2, index);` + listeners + `listen.tcp("127.0.0.1:0", {maxConnections: 5});`)
	r, err := s.PlanReload()
	if err != nil {
		t.Fatal(err)
	}
	if !r.Planned || !slices.Equal(r.Loses, []string{"counter(1)"}) || !slices.Equal(r.New, []string{"counter(2)"}) || !slices.Equal(r.Opens, []string{`listen.tcp("127.0.0.1:0")`}) {
		t.Errorf("plan %+v", r)
	}
	f.write(`nonsense`)
	if _, err := s.PlanReload(); err == nil {
		t.Error("a mistake is not told")
	}
	if s.Rules().Refused || s.metric("zeta_server_reloads_total") != 0 || len(s.open()) != 3 {
		t.Errorf("something has happened: %+v", s.Rules())
	}
}

// TestPlanOutsides tells listeners, sinks and sources that stay, are opened again with other options, opened and closed.
func TestPlanOutsides(t *testing.T) {
	open := []outside{{"listen.tcp(\":1\")", 1}, {"listen.tcp(\":1\")", 2}, {"sink a", "old secret"}, {"probe.tcp(\"x:1\")", nil}, {"sink b", nil}}
	next := []outside{{"sink a", "new secret"}, {"listen.tcp(\":1\")", 2}, {"listen.tcp(\":1\")", 3}, {"sink c", nil}, {"sink b", nil}}
	var r Reloaded
	r.compareOutsides(open, next)
	got := fmt.Sprintf("stays %q reopens %q opens %q closes %q", r.Stays, r.Reopens, r.Opens, r.Closes)
	const want = `stays ["listen.tcp(\":1\")" "sink b"] reopens ["sink a" "listen.tcp(\":1\")"] opens ["sink c"] closes ["probe.tcp(\"x:1\")"]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	type target struct {
		URL string `arg:"1"`
	}
	if got, want := sourceText(streams.Declaration{Kind: "probe.http", Options: target{"http://me:word@x/"}}), `probe.http("http://me:xxxxx@x/")`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestReloadDoors opens, keeps, changes and closes listeners.
func TestReloadDoors(t *testing.T) {
	f := newRulesFile(t, `index; listen.tcp("127.0.0.1:0"); listen.udp("127.0.0.1:0");`)
	s := serveOptions(t, Options{RulesFiles: []string{f.name}, Quiet: true})
	tcp, udp := s.open()[0], s.open()[1]
	conn := s.dial("tcp")
	in := newAnswers(t, conn)
	ask := func() {
		t.Helper()
		if _, err := conn.Write(queryFrame("true")); err != nil {
			t.Fatal(err)
		}
		in.want()
	}
	ask()

	f.write(`index; listen.http("127.0.0.1:0"); listen.tcp("127.0.0.1:0");`)
	s.reload()
	if got := s.open(); len(got) != 2 || got[1] != tcp || got[0].Kind() != "http" {
		t.Fatalf("open are %v", got)
	}
	ask()
	if status, _ := s.get("/healthz"); status != 200 {
		t.Errorf("the new listener answers %d", status)
	}
	until(t, "the old listener is forgotten", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.doors[udp] == nil
	})

	// The address is the same, the options are not: a new listener takes it over, the old one ends its connections.
	addr := tcp.Addr().String()
	f.write(fmt.Sprintf(`index; listen.http("127.0.0.1:0"); listen.tcp(%q, {idle: "1h"});`, addr))
	s.reload()
	in.wantEnd()
	if len(s.query("true")) != 0 {
		t.Error("there is an event")
	}
	old := s.open()[1]

	// A door that cannot be opened is a failed reload; what it would have replaced goes on.
	kept := s.dial("tcp")
	in = newAnswers(t, kept)
	conn = kept
	ask()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	f.write(fmt.Sprintf(`listen.tcp(%q, {idle: "2h"}); listen.tcp(%q);`, addr, taken.Addr().String()))
	if _, err := s.Reload(); err == nil || !strings.Contains(err.Error(), "address already in use") || !strings.HasPrefix(err.Error(), f.name+":1:") {
		t.Errorf("an address that is taken gives %v", err)
	}
	ask()
	again := s.open()
	if len(again) != 2 || again[1] == old || again[1].Addr().String() != addr || s.declaration(again[1]).Options.(TCPOptions).Idle != time.Hour {
		t.Errorf("after a failed reload open are %v", again)
	}
	s.query("true") // it accepts

	f.write(`index; listen.http("127.0.0.1:0", {maxConnections: 5});`)
	s.reload()
	in.wantEnd()
	until(t, "old listeners are forgotten", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.doors) == 1
	})
}

// TestReloadSinks makes new sinks ready before the rules use them and lets go of the old ones afterwards; a sink
// that cannot be opened fails the reload.
func TestReloadSinks(t *testing.T) {
	f := newRulesFile(t, `ledger("a");`+listeners)
	used := &usedSinks{}
	s := serveOptions(t, Options{RulesFiles: []string{f.name}, Sinks: used, Quiet: true})
	f.write(`ledger("b");` + listeners)
	s.reload()
	used.refuse = "c"
	f.write(`ledger("c");` + listeners)
	if _, err := s.Reload(); err == nil || !strings.Contains(err.Error(), "no c") {
		t.Errorf("a sink that does not open gives %v", err)
	}
	if got, want := strings.Join(used.calls, ", "), "a, a, a b, b, b c"; got != want {
		t.Errorf("in use were %s, want %s", got, want)
	}
}

// usedSinks notes what Use is called with.
type usedSinks struct {
	calls  []string
	refuse string
}

func (u *usedSinks) Deliver(*streams.Alert) {}

func (u *usedSinks) Use(sinks []*streams.Sink) error {
	var names []string
	for _, s := range sinks {
		names = append(names, s.Options.(ledgerOptions).Name)
	}
	u.calls = append(u.calls, strings.Join(names, " "))
	if slices.Contains(names, u.refuse) {
		return fmt.Errorf("no %s", u.refuse)
	}
	return nil
}

// TestPostReload answers people on this machine, and no page in their browser.
func TestPostReload(t *testing.T) {
	f := newRulesFile(t, "counter(index);"+listeners)
	s := serveOptions(t, Options{RulesFiles: []string{f.name}, Quiet: true})
	h := s.open()[2].(*httpListener)
	ask := func(remote, query string, header ...string) (int, string) {
		r := httptest.NewRequest("POST", s.url("/api/v1/reload"+query), nil)
		r.RemoteAddr = remote
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.http.Handler.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	own := "http://" + h.Addr().String()
	for _, c := range []struct {
		name, remote, query string
		header              []string
		status              int
		answer              string
	}{
		{"from here", "127.0.0.1:1", "", nil, 200, `"planned":false`},
		{"from here, IPv6", "[::1]:1", "", nil, 200, `"keeps":["counter()"]`},
		{"a plan", "127.0.0.1:1", "?plan=true", nil, 200, `"planned":true`},
		{"our own page", "127.0.0.1:1", "", []string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, 200, ""},
		{"from elsewhere", "192.0.2.1:1", "", nil, 403, "on this machine only"},
		{"through a proxy", "127.0.0.1:1", "", []string{"X-Forwarded-For", "192.0.2.1"}, 403, "proxy"},
		{"another site", "127.0.0.1:1", "", []string{"Origin", "http://evil.example"}, 403, ""},
		{"another page of this host", "127.0.0.1:1", "", []string{"Origin", "http://127.0.0.1:1"}, 403, "cross-origin"},
		{"a form of another page", "127.0.0.1:1", "", []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross-origin"},
		{"a typing error", "127.0.0.1:1", "?plan=yes", nil, 400, "true or false"},
	} {
		before := s.metric("zeta_server_reloads_total")
		status, body := ask(c.remote, c.query, c.header...)
		reloaded := s.metric("zeta_server_reloads_total") > before
		if status != c.status || !strings.Contains(body, c.answer) || reloaded != (status == 200 && c.query == "") {
			t.Errorf("%s: %d %s, reloaded: %v; want %d with %q", c.name, status, body, reloaded, c.status, c.answer)
		}
	}
	f.write("nonsense;" + listeners)
	status, body := ask("127.0.0.1:1", "")
	var answer reloadErrorBody
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 422 || len(answer.Problems) != 1 || !strings.Contains(answer.Error, "unknown stream nonsense") {
		t.Errorf("a mistake is answered %d %s", status, body)
	}
	if status, _ := s.get("/api/v1/reload"); status != 404 {
		t.Errorf("GET is answered %d", status)
	}
}

// TestReloadAfterShutdown does nothing.
func TestReloadAfterShutdown(t *testing.T) {
	s := serve(t, "index;")
	s.Shutdown(t.Context())
	if _, err := s.Reload(); err != errStopping {
		t.Errorf("got %v", err)
	}
}

// TestReloadIsReplayed kills zeta after a reload: the journal repeats the events before it under the old rules and
// those after it under the new ones.
func TestReloadIsReplayed(t *testing.T) {
	const tcp = `listen.tcp("127.0.0.1:0"); `
	const old, next = `where(service == "c", counter(with(service, "old", index)));`, `where(service == "c", counter(with(service, "new", index)));`
	a := live(t, t.TempDir(), old)
	a.take(one("c", 1), one("c", 1))
	a.opts.RulesText = tcp + next
	if _, err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	a.take(one("c", 1))
	b := live(t, a.died(), next)
	if o, n := b.metric("old"), b.metric("new"); o != 2 || n != 3 {
		t.Errorf("old is %v, new %v; want 2 and 3", o, n)
	}
	b.take(one("c", 1))
	if n := b.metric("new"); n != 4 {
		t.Errorf("it goes on with %v, want 4", n)
	}
}
