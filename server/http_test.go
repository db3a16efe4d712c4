package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"zeta/event"

	"github.com/gorilla/websocket"
)

func (s *testServer) do(method, path, body string, header ...string) (int, http.Header, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url(path), strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// One answer a line, wrong lines named by what is wrong, right ones applied all the same.
func TestEventLines(t *testing.T) {
	s := serve(t, DefaultRules)
	body := `{"host":"h","service":"a","metric":1}
{"host":"h","service":"b","time":"not a time"}
not json
{"host":"h","service":"c","metric":2.5,"time":"2026-11-22T10:00:00Z","ttl":1e9,"env":"prod"}

{"service":"d","tags":"x"}
{"service":"last without a newline","metric":7}`
	for _, method := range []string{"PUT", "POST"} {
		for _, path := range []string{"/events", "/events/"} {
			status, header, answer := s.do(method, path, body)
			if status != 200 || header.Get("Content-Type") != "application/json" {
				t.Fatalf("%s %s: %d %v", method, path, status, header)
			}
			lines := strings.Split(strings.TrimSuffix(answer, "\n"), "\n")
			if len(lines) != 7 {
				t.Fatalf("%d answers, want one for each of 7 lines:\n%s", len(lines), answer)
			}
			for i, want := range []string{"", `\"time\" at byte 33`, "byte 0", "", "empty line", "tags", ""} {
				var a struct{ Error string }
				if err := json.Unmarshal([]byte(lines[i]), &a); err != nil {
					t.Fatalf("answer %d: %q: %v", i+1, lines[i], err)
				}
				if want == "" && lines[i] != "{}" || want != "" && !strings.Contains(lines[i], want) {
					t.Errorf("line %d: answer %s, want %q", i+1, lines[i], want)
				}
			}
		}
	}
	if got := s.query(`env = "prod" and metric = 2.5`); len(got) != 1 || got[0].Time != time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).UnixMicro() {
		t.Errorf("event c: %+v", got)
	}
	if got := s.query("true"); len(got) != 3 {
		t.Errorf("%d events, want the three good ones", len(got))
	}
	if status, _, _ := s.do("GET", "/events", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("GET /events: %d, want 405", status)
	}
	if status, _, answer := s.do("PUT", "/events", ""); status != 200 || answer != "" {
		t.Errorf("empty body: %d %q", status, answer)
	}
}

// A client that sends a line and waits for its answer gets it before the body ends.
func TestEventLinesStream(t *testing.T) {
	s := serve(t, DefaultRules)
	c := s.dial("http")
	fmt.Fprintf(c, "PUT /events HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n", s.Addr("http"))
	send := func(text string) { fmt.Fprintf(c, "%x\r\n%s\r\n", len(text), text) }
	send(`{"service":"first"}` + "\n")
	until(t, "the first line is applied while the body is open", func() bool { return s.index.Len() == 1 })
	send(`{"service":"second"}` + "\n")
	until(t, "the second, too", func() bool { return s.index.Len() == 2 })
	fmt.Fprint(c, "0\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil || string(b) != "{}\n{}\n" {
		t.Fatalf("answers %q %v", b, err)
	}
}

func TestEventLineTooLong(t *testing.T) {
	s := serve(t, DefaultRules)
	long := `{"service":"long","description":"` + strings.Repeat("x", event.MaxJSONBytes) + `"}`
	_, _, answer := s.do("PUT", "/events", long+"\n{\"service\":\"short\"}\n"+long)
	lines := strings.Split(answer, "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], "more than") || lines[1] != "{}" || !strings.Contains(lines[2], "error") {
		t.Fatalf("answers %q, want an error, {}, an error", lines)
	}
}

func TestPostEvents(t *testing.T) {
	s := serve(t, DefaultRules)
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`[{"service":"a"},{"service":"b","ttl":"x"},{"service":"c"}]`, 200, `"accepted":2,"errors":[{"index":1,"error":"json: \"ttl\"`},
		{` {"service":"a"} {"service":"b"}`, 200, `"accepted":2,"errors":[]`},
		{"{\"service\":\"a\"}\n{\"service\":\"b\"}\n", 200, `"accepted":2`},
		{`[]`, 200, `"accepted":0,"errors":[]`},
		{``, 200, `"accepted":0`},
		{`[{"service":"a"}`, 400, `unexpected EOF`},
		{`[{"service":"a"},`, 400, `item 1`},
		{`[{"service":"a"} {"service":"b"}]`, 400, `the 1 events before it were taken`},
		{`nonsense`, 400, `item 0`},
		{`[1]`, 400, `"accepted":0,"errors":[{"index":0`},
		{`[{"service":"a"}] trailing`, 200, `"accepted":1`},
	} {
		status, _, answer := s.do("POST", "/api/v1/events", c.body)
		if status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%s: %d %s, want %d …%s…", c.body, status, answer, c.status, c.want)
		}
	}
}

func TestQueryAPI(t *testing.T) {
	s := serve(t, DefaultRules)
	s.send(ev("web1", "load", 1.5), ev("web2", "load", 2))
	status, _, body := s.do("GET", "/api/v1/query?q="+url.QueryEscape(`host = "web1"`), "")
	var answer struct {
		Events []map[string]any
		Count  int
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	if status != 200 || answer.Count != 1 || answer.Events[0]["metric"] != 1.5 || len(answer.Events[0]) != 8 {
		t.Fatalf("%d %s", status, body)
	}
	if _, ok := answer.Events[0]["state"]; !ok {
		t.Error("a missing field is left out, want null")
	}
	status, _, body = s.do("GET", "/api/v1/query?q="+url.QueryEscape(`host = `), "")
	if status != 400 || !strings.Contains(body, `"offset":7`) || !strings.Contains(body, `"error":"`) {
		t.Errorf("bad query: %d %s", status, body)
	}
	if status, _, body = s.do("GET", "/api/v1/query?q=false", ""); status != 200 || body != `{"events":[],"count":0}` {
		t.Errorf("no result: %d %s", status, body)
	}
}

func TestSmallPaths(t *testing.T) {
	s := serve(t, DefaultRules)
	s.send(ev("h", "s", 1))
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"/healthz", 200, "ok"},
		{"/readyz", 200, "ready"},
		{"/metrics", 200, "zeta_server_events_total 1\n"},
		{"/metrics", 200, "zeta_index_series 1\n"},
		{"/metrics", 200, "go_goroutines"},
		{"/api/v1/stats", 200, `"series":1`},
		{"/api/v1/stats", 200, `"kind":"tcp"`},
		{"/api/v1/rules", 200, `"problems":[]`},
		{"/api/v1/nothing", 404, `{"error":"no such path`},
		{"/api/v1/series", 400, "error"},
		{"/api/v1/series?service=s", 200, `"times":[],"metrics":[],"states":[]`},
		{"/index?query=host+%3D", 400, `"offset":6`},
		{"/pubsub/", 404, "TOPIC"},
		{"/", 404, ""},
	} {
		if status, _, body := s.do("GET", c.path, ""); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %.300s, want %d …%s…", c.path, status, body, c.status, c.want)
		}
	}
}

func TestForeignPagesAreRefused(t *testing.T) {
	s := serve(t, DefaultRules)
	for _, c := range []struct {
		header []string
		status int
	}{
		{nil, 200},
		{[]string{"Origin", "http://127.0.0.1:4567"}, 200},
		{[]string{"Origin", "http://evil.example"}, 403},
		{[]string{"Host", "evil.example"}, 403},
		{[]string{"Host", "localhost"}, 200},
	} {
		if status, _, body := s.do("PUT", "/events", `{"service":"x"}`, c.header...); status != c.status {
			t.Errorf("%v: %d %s, want %d", c.header, status, body, c.status)
		}
	}
	d := websocket.Dialer{}
	_, resp, err := d.Dial("ws"+strings.TrimPrefix(s.url("/index?query=true"), "http"), http.Header{"Origin": {"http://evil.example"}})
	if err == nil || resp.StatusCode != 403 {
		t.Errorf("a websocket of a foreign page: %v, want 403", err)
	}
}

func TestDashboardIsServed(t *testing.T) {
	s := serveOptions(t, Options{RulesText: listeners, Quiet: true, Dashboard: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "page ", r.URL.Path)
	})})
	if status, body := s.get("/some/page"); status != 200 || body != "page /some/page" {
		t.Errorf("%d %s", status, body)
	}
}
