// Package dashboard is the page people watch: a grid of hosts and services, the events as they
// come, and the history of what is selected, drawn by the browser from the public API alone.
//
// Vocabulary: the page is the HTML document at "/"; its assets are the scripts, styles and images
// under "/assets/", whose names carry a hash of their content. Both are built from web/ (see
// web/README.md) into web/dist, which is committed and embedded, so that go build needs no Node.
//
//	mux.Handle("/", dashboard.Handler())
//
// Guarantees:
//   - The page loads nothing from anywhere but its own origin; the Content-Security-Policy says so.
//   - An asset never changes under its name and may be cached for ever; the page is always revalidated.
//   - Handler keeps everything it serves in memory, plain and compressed: a request reads no file and
//     allocates no buffer of the asset's size.
package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed all:web/dist
var dist embed.FS

// Handler returns the handler of the page and its assets: "/", "/assets/…" and the few files beside
// them. It expects to be mounted at the root of its host and answers 404 to every other path, and
// 405 to methods other than GET and HEAD. Safe for concurrent use.
func Handler() http.Handler {
	files, err := fs.Sub(dist, "web/dist")
	if err != nil {
		panic(err) // the directory is part of the binary
	}
	s, err := load(files)
	if err != nil {
		panic(err)
	}
	return s
}

// site is a set of files in memory, by URL path.
type site map[string]*asset

// asset is one file as it is sent.
type asset struct {
	kind       string // Content-Type
	cache      string // Cache-Control
	etag       string // of the plain form, without quotes
	plain      []byte
	compressed []byte // gzip; nil where that saves nothing
}

// load reads every file of files. index.html is served at "/".
func load(files fs.FS) (site, error) {
	s := site{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		a, err := newAsset(name, body)
		if err != nil {
			return fmt.Errorf("dashboard: %s: %w", name, err)
		}
		if name == "index.html" {
			name = ""
		}
		s["/"+name] = a
		return nil
	})
	if err != nil {
		return nil, err
	}
	if s["/"] == nil {
		return nil, fmt.Errorf("dashboard: no index.html was built into the binary; run npm run build in dashboard/web")
	}
	return s, nil
}

// kinds are the types of file that a build may hold. They are listed here rather than taken from the
// system's MIME table so that a page does not depend on the machine it is served from.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".json": "application/json",
	".txt":  "text/plain; charset=utf-8",
}

func newAsset(name string, body []byte) (*asset, error) {
	kind, ok := kinds[path.Ext(name)]
	if !ok {
		return nil, fmt.Errorf("no content type is known for %q", path.Ext(name))
	}
	sum := sha256.Sum256(body)
	a := &asset{kind: kind, cache: "no-cache", etag: hex.EncodeToString(sum[:8]), plain: body}
	if strings.HasPrefix(name, "assets/") {
		a.cache = "public, max-age=31536000, immutable"
	}
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if z.Len() < len(body) {
		a.compressed = z.Bytes()
	}
	return a, nil
}

func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", policy(r.Host))
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "the dashboard answers GET and HEAD only", http.StatusMethodNotAllowed)
		return
	}
	a := s[r.URL.Path]
	if a == nil {
		http.Error(w, "nothing is served here; the dashboard is at /", http.StatusNotFound)
		return
	}
	body, etag := a.plain, `"`+a.etag+`"`
	h.Set("Vary", "Accept-Encoding")
	if a.compressed != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		body, etag = a.compressed, `"`+a.etag+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Cache-Control", a.cache)
	h.Set("ETag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", a.kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // a client that went away is not an error of ours
}

// policy returns the Content-Security-Policy of a page served as host. The page's websocket is named
// beside 'self' because older browsers do not count ws: as the same origin; a host that could
// break out of the header is left out.
func policy(host string) string {
	connect := "'self'"
	if host != "" && strings.Trim(host, hostChars) == "" {
		connect += " ws://" + host + " wss://" + host
	}
	return "default-src 'self'; connect-src " + connect +
		"; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
}

const hostChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_"

// acceptsGzip reports whether an Accept-Encoding header allows gzip, by name or by *.
func acceptsGzip(header string) bool {
	any := false
	for part := range strings.SplitSeq(header, ",") {
		name, param, _ := strings.Cut(part, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name != "gzip" && name != "*" {
			continue
		}
		allowed := true
		if q, ok := strings.CutPrefix(strings.ReplaceAll(param, " ", ""), "q="); ok {
			weight, err := strconv.ParseFloat(q, 64)
			allowed = err == nil && weight > 0
		}
		if name == "gzip" {
			return allowed
		}
		any = allowed
	}
	return any
}

// matches reports whether an If-None-Match header names etag, compared weakly.
func matches(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if part == etag || part == "*" {
			return true
		}
	}
	return false
}
