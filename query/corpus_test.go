package query

import (
	"os"
	"strings"
	"testing"
)

func TestCorpus(t *testing.T) {
	f, err := os.Open("testdata/query.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	results, err := RunCorpus(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) < 143 {
		t.Errorf("the corpus has %d cases, want at least 143", len(results))
	}
	for _, r := range results {
		for _, p := range r.Problems {
			t.Errorf("%s: %q: %s", r.Name, r.Query, p)
		}
	}
}

// A runner that finds nothing wrong with a wrong case would make the corpus worthless.
func TestCorpusNotices(t *testing.T) {
	results, err := RunCorpus(strings.NewReader(`{"cases": [
		{"name": "match", "query": "metric = 1", "matches": [{"metric": 1.0}], "misses": []},
		{"name": "miss", "query": "state = nil", "matches": [], "misses": [{"state": null}]},
		{"name": "accepted", "query": "true", "error": true},
		{"name": "rejected", "query": "and", "matches": []}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if len(r.Problems) != 1 {
			t.Errorf("%s: problems %q, want one", r.Name, r.Problems)
		}
	}
	if _, err := RunCorpus(strings.NewReader(`{"cases": 1}`)); err == nil {
		t.Error("a file that is no corpus was accepted")
	}
}
