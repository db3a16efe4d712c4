package server

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// tokenFileOf writes a file with a token of each right, named as the right.
func tokenFileOf(t *testing.T, lines ...string) string {
	t.Helper()
	for _, r := range []string{"send", "query", "admin"} {
		lines = append(lines, fmt.Sprintf("%x %s %s", sha256.Sum256([]byte("secret-"+r)), r, r))
	}
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// with makes a request with a token and returns status and body.
func (s *testServer) with(token, method, url, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
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
	return resp.StatusCode, string(b)
}

// Each path with each token: who may not gets 401 without a known token and 403 with one that lacks the right.
func TestTokensOfHTTP(t *testing.T) {
	s := serve(t, fmt.Sprintf(`listen.http("127.0.0.1:0", {tokens: %q}); index;`, tokenFileOf(t)))
	for _, c := range []struct{ method, path, body, right string }{
		{"GET", "/healthz", "", ""},
		{"GET", "/readyz", "", ""},
		{"PUT", "/events", `{"service":"a"}`, "send"},
		{"POST", "/events/", `{"service":"a"}`, "send"},
		{"POST", "/api/v1/events", `{"service":"a"}`, "send"},
		{"GET", "/api/v1/query?q=true", "", "query"},
		{"GET", "/api/v1/stats", "", "query"},
		{"GET", "/api/v1/rules", "", "query"},
		{"GET", "/api/v1/series?service=a", "", "query"},
		{"GET", "/api/v1/silences", "", "query"},
		{"GET", "/metrics", "", "query"},
		{"GET", "/index?query=host+%3D", "", "query"},
		{"POST", "/api/v1/reload?plan=true", "", "admin"},
		{"POST", "/api/v1/silences", `{"query":"true","for":"1h"}`, "admin"},
		{"DELETE", "/api/v1/silences/none", "", "admin"},
		{"POST", "/api/v1/no/such/path", "", "admin"},
	} {
		for _, token := range []string{"", "wrong", "send", "query", "admin"} {
			secret := ""
			if token != "" {
				secret = "secret-" + token
			}
			want := 0 // whatever the handler says
			switch {
			case c.right == "" || token == c.right || token == "admin":
			case token == "" || token == "wrong":
				want = http.StatusUnauthorized
			default:
				want = http.StatusForbidden
			}
			got, body := s.with(secret, c.method, s.url(c.path), c.body)
			if want != 0 && got != want || want == 0 && (got == http.StatusUnauthorized || got == http.StatusForbidden) {
				t.Errorf("%s %s with the token %q: %d %s, want %d", c.method, c.path, token, got, body, want)
			}
		}
	}
	if log := s.log.String(); strings.Contains(log, "secret-") {
		t.Error("a token is in the log")
	}
	for _, path := range []string{"/index?subscribe=true&query=true", "/events", "/api/v1/live"} {
		conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.url(path), "http"), nil)
		if err == nil {
			conn.Close()
		}
		if err == nil || resp == nil || resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a websocket %s without a token: %v, want 401", path, err)
		}
	}
	header := http.Header{"Authorization": {"Bearer secret-send"}}
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.url("/events"), "http"), header)
	if err != nil {
		t.Fatalf("a websocket with the token send: %v", err)
	}
	conn.Close()
}

func TestTokensOfDoors(t *testing.T) {
	file := tokenFileOf(t)
	s := serve(t, fmt.Sprintf(`listen.alertmanager("127.0.0.1:0", {tokens: %q, token: "both"}); listen.otlp("127.0.0.1:0", {tokens: %q});`, file, file)+httpDoor)
	url := "http://" + s.Addr("alertmanager").String() + "/"
	for token, want := range map[string]int{"": 401, "wrong": 401, "secret-query": 403, "secret-send": 200, "secret-admin": 200, "both": 200} {
		if got, body := s.with(token, "POST", url, "[]"); got != want {
			t.Errorf("token %q: %d %s, want %d", token, got, body, want)
		}
	}
	if got, _ := s.with("secret-query", "POST", "http://"+s.Addr("otlp").String()+"/v1/logs", "{}"); got != 403 {
		t.Errorf("otlp with the token query: %d, want 403", got)
	}
	if n := s.refused("alertmanager", "token"); n != 2 {
		t.Errorf("%v refused without a token, want 2", n)
	}
	if n := s.refused("alertmanager", "right"); n != 1 {
		t.Errorf("%v refused without the right, want 1", n)
	}
}

// A file that changes is read again; one with a mistake is not, and one that is gone lets nobody in.
func TestTokenFileChanges(t *testing.T) {
	path := tokenFileOf(t)
	log := &logBuffer{}
	s := pipeServer(t, log)
	tokens, err := openTokens(path, s.log)
	if err != nil {
		t.Fatal(err)
	}
	knows := func(secret string) bool {
		tokens.looked = time.Time{}
		_, ok := tokens.find(secret)
		return ok
	}
	write := func(text string, age time.Duration) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	line := fmt.Sprintf("%x ci send,query # no\n", sha256.Sum256([]byte("fresh")))
	write(line, time.Hour)
	if !knows("secret-send") || knows("fresh") || !strings.Contains(log.String(), "5 words") {
		t.Errorf("after a mistake: log %s", log)
	}
	write("# a comment\n\n"+strings.Replace(line, " # no", "", 1), 2*time.Hour)
	if knows("secret-send") || !knows("fresh") {
		t.Error("the changed file is not read")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if knows("fresh") {
		t.Error("the file is gone, its tokens are not")
	}
}

func TestParseTokens(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	for text, want := range map[string]string{
		hash + " ci send":            "",
		hash + " ci send,query":      "",
		"":                           "",
		hash + " ci":                 "1: 2 words",
		"\n" + hash[2:] + " ci send": "2: the first word is no SHA-256",
		hash + " ci send,write":      `1: there is no right "write"`,
		"zz" + hash[2:] + " c send":  "1: the first word is no SHA-256",
	} {
		_, err := parseTokens([]byte(text))
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.HasPrefix(got, want) && want != "" {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	if _, err := New(Options{RulesText: `listen.http("127.0.0.1:0", {tokens: "/none/such"});`}); err == nil || !strings.Contains(err.Error(), "tokens: stat /none/such") {
		t.Errorf("a missing file: %v", err)
	}
}
