package sinktest

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Intake plays the HTTP intake of a log service: a JSON array of at most 1,000 entries and 5 MB, with an
// API key in a header, answered 202.
type Intake struct {
	URL string
	CA  string // PEM file with the server's certificate

	Header, Key string // the API key and the header it comes in

	mu       sync.Mutex
	entries  []map[string]any
	batches  int
	broken   []string
	failures []int
}

// NewIntake starts an intake that wants key in header. It ends with the test.
func NewIntake(t testing.TB, header, key string) *Intake {
	in := &Intake{Header: header, Key: key}
	srv := httptest.NewTLSServer(in)
	t.Cleanup(srv.Close)
	in.URL = srv.URL + "/api/v2/logs"
	in.CA = WriteCA(t, srv)
	return in
}

// FailFirst makes the next requests fail with these statuses.
func (in *Intake) FailFirst(statuses ...int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.failures = statuses
}

// Entries returns what was taken, in order, and in how many requests.
func (in *Intake) Entries() (entries []map[string]any, batches int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]map[string]any(nil), in.entries...), in.batches
}

// Broken returns what was refused and why.
func (in *Intake) Broken() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]string(nil), in.broken...)
}

// ServeHTTP implements http.Handler.
func (in *Intake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.failures) > 0 {
		status := in.failures[0]
		in.failures = in.failures[1:]
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(status)
		return
	}
	refuse := func(status int, text string) {
		in.broken = append(in.broken, text)
		http.Error(w, text, status)
	}
	if r.Header.Get(in.Header) != in.Key {
		refuse(http.StatusForbidden, "wrong key")
		return
	}
	var body io.Reader = http.MaxBytesReader(w, r.Body, 5<<20)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			refuse(http.StatusBadRequest, "not gzip: "+err.Error())
			return
		}
		body = io.LimitReader(z, 5<<20)
	}
	var entries []map[string]any
	if err := json.NewDecoder(body).Decode(&entries); err != nil {
		refuse(http.StatusBadRequest, "not a JSON array of objects: "+err.Error())
		return
	}
	if len(entries) == 0 || len(entries) > 1000 {
		refuse(http.StatusRequestEntityTooLarge, "want 1 to 1,000 entries")
		return
	}
	in.entries = append(in.entries, entries...)
	in.batches++
	w.WriteHeader(http.StatusAccepted)
}
