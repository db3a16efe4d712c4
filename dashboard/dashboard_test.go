package dashboard

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func get(t *testing.T, h http.Handler, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		in = z
	}
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPageAndEverythingItNames(t *testing.T) {
	h := Handler()
	page := get(t, h, "GET", "/")
	text := body(t, page)
	if page.StatusCode != 200 || page.Header.Get("Content-Type") != "text/html; charset=utf-8" || page.Header.Get("Cache-Control") != "no-cache" {
		t.Fatalf("GET /: %d, header %v", page.StatusCode, page.Header)
	}
	names := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(text, -1)
	if len(names) < 3 {
		t.Fatalf("the page names %d assets, want script, style and icon:\n%s", len(names), text)
	}
	for _, m := range names {
		r := get(t, h, "GET", "/"+strings.TrimPrefix(m[1], "./"))
		if r.StatusCode != 200 {
			t.Errorf("%s: %d", m[1], r.StatusCode)
		}
		if got := r.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", m[1], got)
		}
	}
}

// The policy forbids inline scripts and styles; the page must not hold any.
func TestPageHasNothingInline(t *testing.T) {
	text := body(t, get(t, Handler(), "GET", "/"))
	for _, bad := range []string{"<style", " style=", " onload=", "javascript:", "https://", "http://"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page contains %q:\n%s", bad, text)
		}
	}
	if inline := regexp.MustCompile(`<script[^>]*>[^<]`).FindString(text); inline != "" {
		t.Errorf("the page has an inline script: %s", inline)
	}
}

func TestPlainAndCompressedAreTheSame(t *testing.T) {
	h := Handler()
	for name := range h.(site) {
		plain := get(t, h, "GET", name)
		packed := get(t, h, "GET", name, "Accept-Encoding", "gzip")
		if body(t, plain) != body(t, packed) {
			t.Errorf("%s: the compressed form holds something else", name)
		}
		if packed.Header.Get("Content-Encoding") == "gzip" && plain.Header.Get("ETag") == packed.Header.Get("ETag") {
			t.Errorf("%s: both forms have the ETag %s", name, plain.Header.Get("ETag"))
		}
		if plain.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: Vary %q", name, plain.Header.Get("Vary"))
		}
	}
}

func TestRequests(t *testing.T) {
	h := Handler()
	etag := get(t, h, "GET", "/").Header.Get("ETag")
	tests := []struct {
		name, method, path string
		header             []string
		want               int
	}{
		{"head", "HEAD", "/", nil, 200},
		{"unchanged", "GET", "/", []string{"If-None-Match", etag}, 304},
		{"unchanged, one of several, weak", "GET", "/", []string{"If-None-Match", `"x", W/` + etag}, 304},
		{"changed", "GET", "/", []string{"If-None-Match", `"x"`}, 200},
		{"of the other form", "GET", "/", []string{"If-None-Match", etag, "Accept-Encoding", "gzip"}, 200},
		{"post", "POST", "/", nil, 405},
		{"unknown", "GET", "/nothing", nil, 404},
		{"the file itself", "GET", "/index.html", nil, 404},
		{"a directory", "GET", "/assets/", nil, 404},
		{"outside", "GET", "/../dashboard.go", nil, 404},
		{"deep nonsense", "GET", "/assets/%00", nil, 404},
	}
	for _, test := range tests {
		r := get(t, h, test.method, test.path, test.header...)
		if r.StatusCode != test.want {
			t.Errorf("%s: %s %s: %d, want %d", test.name, test.method, test.path, r.StatusCode, test.want)
		}
		b, _ := io.ReadAll(r.Body)
		if empty := test.method == "HEAD" || test.want == 304; empty != (len(b) == 0) {
			t.Errorf("%s: a body of %d bytes", test.name, len(b))
		}
		if r.Header.Get("Content-Security-Policy") == "" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: header %v", test.name, r.Header)
		}
	}
}

func TestPolicy(t *testing.T) {
	tests := []struct{ host, want string }{
		{"zeta.example.com:5556", "connect-src 'self' ws://zeta.example.com:5556 wss://zeta.example.com:5556;"},
		{"[::1]:5556", "connect-src 'self' ws://[::1]:5556 wss://[::1]:5556;"},
		{"", "connect-src 'self';"},
		{"evil.example *; script-src *", "connect-src 'self';"},
	}
	for _, test := range tests {
		if got := policy(test.host); !strings.Contains(got, test.want) {
			t.Errorf("policy(%q) = %q, want %q in it", test.host, got, test.want)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	tests := []struct {
		header string
		want   bool
	}{
		{"", false},
		{"gzip", true},
		{"br, GZIP;q=0.5", true},
		{"gzip;q=0", false},
		{"gzip; q=0.0, *", false},
		{"*", true},
		{"*;q=0", false},
		{"gzip;q=nonsense", false},
		{"xgzip", false},
	}
	for _, test := range tests {
		if got := acceptsGzip(test.header); got != test.want {
			t.Errorf("acceptsGzip(%q) = %v, want %v", test.header, got, test.want)
		}
	}
}

func TestLoadRefusesWhatCannotBeServed(t *testing.T) {
	tests := []struct {
		name  string
		files fstest.MapFS
		want  string
	}{
		{"no page", fstest.MapFS{"assets/a.js": {}}, "dashboard: no index.html was built into the binary; run npm run build in dashboard/web"},
		{"a strange file", fstest.MapFS{"index.html": {}, "a.exe": {}}, `dashboard: a.exe: no content type is known for ".exe"`},
	}
	for _, test := range tests {
		if _, err := load(test.files); err == nil || err.Error() != test.want {
			t.Errorf("%s: error %v, want %s", test.name, err, test.want)
		}
	}
}

// What a first visit loads must stay small: it is the page people open from a phone at night.
func TestFirstLoadIsSmall(t *testing.T) {
	total := 0
	for name, a := range Handler().(site) {
		if strings.HasSuffix(name, ".svg") {
			continue
		}
		n := len(a.plain)
		if a.compressed != nil {
			n = len(a.compressed)
		}
		total += n
	}
	if limit := 90_000; total > limit {
		t.Errorf("page, script and style are %d bytes compressed, want at most %d", total, limit)
	}
}
