package streams

import (
	"os"
	"path/filepath"
	"testing"
)

// forgetful takes the place of an operator in a restart and forgets its state.
type forgetful struct{ Stateful }

func (forgetful) Load(*Loader) {}

// TestRestartsCoverState forgets the state of one operator at each restart and wants an example or a case of the
// corpus to fail of it: else nothing would tell whether the operator saves its state.
func TestRestartsCoverState(t *testing.T) {
	corpus, err := filepath.Glob("testdata/conformance/*.json")
	if err != nil || len(corpus) == 0 {
		t.Fatal("no corpus", err)
	}
	for _, d := range Operators() {
		if !statefulByName(t, d) {
			continue
		}
		opts := RunOptions{Restart: true, anew: func(g *Graph) {
			for i, n := range g.scope.nodes {
				if n.place.name == d.Name {
					g.scope.nodes[i].stream = forgetful{n.stream}
				}
			}
		}}
		if !failsExample(t, d, opts) && !failsCorpus(t, corpus, d.Name, opts) {
			t.Errorf("%s: no example and no case of the corpus notices that a restart forgets its state", d.Name)
		}
	}
}

func failsExample(t *testing.T, d Doc, opts RunOptions) bool {
	for _, x := range d.Examples {
		rules, ps := LoadText(d.Name, x.Rule+`;test("t", `+x.Test+")", LoadOptions{Taps: true, Getenv: noEnv})
		if ps.Err() != nil {
			t.Fatal(ps)
		}
		for _, r := range rules.RunTests(opts) {
			if len(r.Failures) > 0 {
				return true
			}
		}
	}
	return false
}

func failsCorpus(t *testing.T, files []string, operator string, opts RunOptions) bool {
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		results, err := RunCorpus(f, opts)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Operator == operator && len(r.Failures) > 0 {
				return true
			}
		}
	}
	return false
}
