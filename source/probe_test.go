package source

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zeta/event"
	"zeta/streams"
	"zeta/tls"
)

// open loads a rule with one source and opens it.
func open(t *testing.T, rule string) streams.Source {
	t.Helper()
	rules, problems := streams.LoadText("test", rule, streams.LoadOptions{})
	if problems.Err() != nil {
		t.Fatalf("%s: %v", rule, problems)
	}
	if len(rules.Sources) != 1 {
		t.Fatalf("%s: %d sources, want 1", rule, len(rules.Sources))
	}
	s, err := rules.Sources[0].Open(nil)
	if err != nil {
		t.Fatalf("%s: %v", rule, err)
	}
	return s
}

// look looks once, within the source's own timeout, and wants one event.
func look(t *testing.T, rule string) event.Event {
	t.Helper()
	events := lookAll(t, rule)
	if len(events) != 1 {
		t.Fatalf("%s: %d events, want 1", rule, len(events))
	}
	return events[0]
}

func lookAll(t *testing.T, rule string) []event.Event {
	t.Helper()
	s := open(t, rule)
	_, timeout := s.Schedule()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return s.Look(ctx)
}

func TestProbeHTTP(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "all is %s as %s", orDefault(r.Header.Get("X-Word"), "well"), r.Host)
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) })
	mux.HandleFunc("/here", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://localhost:"+strings.Split(r.Host, ":")[1]+"/ok", http.StatusFound)
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.Write([]byte("half"))
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	for _, tt := range []struct{ path, options, state, description string }{
		{"/ok", `{}`, "ok", "200 OK in "},
		{"/ok", `{expect: "is well"}`, "ok", "200 OK in "},
		{"/ok", `{headers: {"X-Word": "fine", "Host": "shop"}, expect: "is fine as shop"}`, "ok", "200 OK in "},
		{"/ok", `{expect: "is well", maxBody: 5}`, "critical", `the body does not contain "is well"`},
		{"/ok", `{forbid: "well"}`, "critical", `the body contains "well"`},
		{"/ok", `{status: [201, 204]}`, "critical", "200 OK in "},
		{"/ok", `{critical: "1ns"}`, "critical", "200 OK in "},
		{"/ok", `{warning: "1ns"}`, "warning", "200 OK in "},
		{"/broken", `{}`, "critical", "503 Service Unavailable in "},
		{"/broken", `{status: [503]}`, "ok", "503 Service Unavailable in "},
		{"/here", `{}`, "ok", "200 OK in "},
		{"/here", `{follow: "none", status: [302]}`, "ok", "302 Found in "},
		{"/loop", `{}`, "critical", "more than ten redirects"},
		{"/away", `{}`, "critical", `redirects to another host, localhost; write follow: "any"`},
		{"/away", `{follow: "any"}`, "critical", "another host at "},
		{"/slow", `{timeout: "20ms"}`, "critical", "no answer in time"},
		{"/cut", `{}`, "critical", "unexpected EOF"},
	} {
		e := look(t, fmt.Sprintf(`probe.http("%s%s?secret=x", %s);`, srv.URL, tt.path, tt.options))
		_, hasMetric := e.Metric()
		if e.State != tt.state || !strings.Contains(e.Description, tt.description) || hasMetric != strings.Contains(e.Description, " in ") && tt.description != "no answer in time" {
			t.Errorf("%s %s: %s %q metric %t, want %s %q", tt.path, tt.options, e.State, e.Description, hasMetric, tt.state, tt.description)
		}
		if e.Host != "127.0.0.1" || !strings.HasSuffix(e.Service, tt.path) || strings.Contains(e.Service+e.Description, "secret") || e.TTL < 90 {
			t.Errorf("%s: host %q service %q ttl %v", tt.path, e.Host, e.Service, e.TTL)
		}
	}
	srv.Close()
	if e := look(t, `probe.http("`+srv.URL+`", {host: "shop", service: "page", tags: ["outside"], ttl: 7});`); e.State != "critical" || e.Description != "connection refused" ||
		e.Host != "shop" || e.Service != "page" || !e.Set.HasTag("outside") || e.TTL != 7 || e.Is(event.HasFloat) {
		t.Errorf("a closed port: %+v", e)
	}
}

func TestProbeProblems(t *testing.T) {
	for rule, want := range map[string]string{
		`probe.http("ftp://x");`:                         `"ftp://x" is no address of the web`,
		`probe.http("http://u:pw@/x");`:                  `no address of the web`,
		`probe.http("http://x", {interval: "1ms"});`:     "want at least 1s",
		`probe.http("http://x", {methods: "GET"});`:      `did you mean "method"?`,
		`probe.tcp("web1");`:                             "want HOST:PORT",
		`probe.tls(":443");`:                             "want HOST:PORT",
		`probe.htp("http://x");`:                         `unknown probe "htp"`,
		`source.htp("http://x");`:                        `unknown source "htp"`,
		`let probe = 5;`:                                 "probe has a meaning already",
		`where(true, probe.http("http://x"));`:           "probe",
		`source.exec([], {});`:                           "name a program",
		`probe.dns("example.com", {type: "ANY"});`:       `type is "ANY"`,
		`probe.dns("example.com", {server: "a b"});`:     "server",
		`source.prometheus("web1:9100");`:                "no address of the web",
		`source.prometheus("http://x", {only: ["a["]});`: "no pattern",
	} {
		_, problems := streams.LoadText("test", rule, streams.LoadOptions{})
		if err := problems.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want …%s…", rule, err, want)
		}
	}
}

func TestProbeTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "220 mail\r\nmore")
			c.Close()
		}
	}()
	at := l.Addr().String()
	for _, tt := range []struct{ options, state, description string }{
		{`{}`, "ok", "open after "},
		{`{expect: "220"}`, "ok", "; 220 mail"},
		{`{expect: "250"}`, "critical", `"250" did not come: EOF; got "220 mail\r\nmore"`},
		{`{warning: "1ns"}`, "warning", "open after "},
	} {
		e := look(t, fmt.Sprintf(`probe.tcp("%s", %s);`, at, tt.options))
		if e.State != tt.state || !strings.Contains(e.Description, tt.description) || e.Host != "127.0.0.1" || e.Service != "tcp "+strings.Split(at, ":")[1] || e.Is(event.HasFloat) != (tt.state != "critical") {
			t.Errorf("%s: %+v, want %s %q", tt.options, e, tt.state, tt.description)
		}
	}
	l.Close()
	if e := look(t, fmt.Sprintf(`probe.tcp("%s");`, at)); e.State != "critical" || e.Description != "connection refused" {
		t.Errorf("closed: %+v", e)
	}
}

func TestProbeTLS(t *testing.T) {
	dir := t.TempDir()
	ca, err := tls.NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	authority := file("ca.pem", ca.PEM())
	for _, tt := range []struct {
		valid   time.Duration
		options string
		state   string
		text    string
	}{
		{40 * 24 * time.Hour, `ca: "` + authority + `"`, "ok", "valid until "},
		{20 * 24 * time.Hour, `ca: "` + authority + `"`, "warning", "valid until "},
		{5 * 24 * time.Hour, `ca: "` + authority + `"`, "critical", "valid until "},
		{40 * 24 * time.Hour, ``, "critical", "unknown authority"},
		{40 * 24 * time.Hour, `ca: "` + authority + `", serverName: "other"`, "critical", "wanted to match other"},
	} {
		cert, key, err := ca.Issue(tls.Request{Name: "test", Hosts: []string{"127.0.0.1"}, Server: true, NotAfter: time.Now().Add(tt.valid)})
		if err != nil {
			t.Fatal(err)
		}
		s, err := tls.NewServer(tls.Files{Cert: file("s.pem", cert), Key: file("s.key", key)})
		if err != nil {
			t.Fatal(err)
		}
		plain, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l := tls.NewListener(plain, s.Config())
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.(*tls.Conn).Handshake()
				c.Close()
			}
		}()
		events := lookAll(t, fmt.Sprintf(`probe.tls("%s", {%s});`, plain.Addr(), tt.options))
		l.Close()
		if len(events) != 2 {
			t.Fatalf("%d events, want days and latency", len(events))
		}
		days, _ := events[0].Metric()
		if e := events[0]; e.State != tt.state || !strings.Contains(e.Description, tt.text) || days < tt.valid.Hours()/24-1 || days > tt.valid.Hours()/24 {
			t.Errorf("%v {%s}: %s %q %v days, want %s %q", tt.valid, tt.options, e.State, e.Description, days, tt.state, tt.text)
		}
		if e := events[1]; e.State != "ok" || !strings.HasSuffix(e.Service, " latency") || !e.Is(event.HasFloat) {
			t.Errorf("latency: %+v", e)
		}
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	go func() {
		if c, err := plain.Accept(); err == nil {
			fmt.Fprint(c, "HTTP/1.1 400 plain\r\n\r\n")
			c.Close()
		}
	}()
	for _, e := range lookAll(t, fmt.Sprintf(`probe.tls("%s");`, plain.Addr())) {
		if e.State != "critical" || !strings.Contains(e.Description, "handshake") || e.Is(event.HasFloat) {
			t.Errorf("a plain server: %+v", e)
		}
	}
}

// What a name or a redirect leads to is checked after it is resolved.
func TestRefusedAddresses(t *testing.T) {
	for _, tt := range []struct {
		address string
		foreign bool
		refused bool
	}{
		{"169.254.169.254:80", false, true},
		{"[fe80::1]:80", false, true},
		{"0.0.0.0:80", false, true},
		{"224.0.0.1:80", false, true},
		{"127.0.0.1:80", false, false},
		{"10.0.0.1:80", false, false},
		{"127.0.0.1:80", true, true},
		{"[::1]:80", true, true},
		{"10.0.0.1:80", true, true},
		{"[fd00::1]:80", true, true},
		{"[::ffff:169.254.169.254]:80", false, true},
		{"192.0.2.1:80", true, false},
		{"not an address", false, true},
	} {
		if err := refuse(tt.address, tt.foreign); (err != nil) != tt.refused {
			t.Errorf("refuse(%q, %t) = %v", tt.address, tt.foreign, err)
		}
	}
}

func TestClip(t *testing.T) {
	long := clip(strings.Repeat("ä", maxDescription) + "\n")
	if len(long) > maxDescription+3 || !strings.HasSuffix(long, "ä…") {
		t.Errorf("%d bytes ending in %q", len(long), long[len(long)-8:])
	}
	if got := clip(" a\xffb \n"); got != "a\uFFFDb" {
		t.Errorf("%q", got)
	}
	if got := clip(strings.Repeat("\xff", maxDescription+10)); len(got) > 4*maxDescription {
		t.Errorf("%d bytes", len(got))
	}
}
