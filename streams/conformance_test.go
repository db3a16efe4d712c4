package streams

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestConformance runs the corpus, each case straight through and with a restart after every step. Files of
// operators that are not there are listed.
func TestConformance(t *testing.T) {
	files, err := filepath.Glob("testdata/conformance/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	missing := map[string]bool{}
	for _, restart := range []bool{false, true} {
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".json")
			if restart {
				name += "/restarted"
			}
			t.Run(name, func(t *testing.T) {
				f, err := os.Open(file)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				results, err := RunCorpus(f, RunOptions{Restart: restart})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range results {
					if r.Problems.Err() != nil {
						if op := unknownOperator(r.Problems); op != "" {
							missing[op] = true
							continue
						}
						t.Errorf("%s\n%s\n%v", r.Name, r.Rule, r.Problems)
						continue
					}
					for _, f := range r.Failures {
						t.Errorf("%s\n%s\n%s", r.Name, r.Rule, f)
					}
				}
			})
		}
	}
	if len(missing) > 0 {
		t.Logf("not there yet: %s", strings.Join(slices.Sorted(maps.Keys(missing)), ", "))
	}
}

func unknownOperator(ps Problems) string {
	for _, p := range ps {
		if op, ok := strings.CutPrefix(p.Found, "unknown operator "); ok {
			return op
		}
	}
	return ""
}

// TestExamples runs every example of every registration.
func TestExamples(t *testing.T) {
	for _, docs := range [][]Doc{Operators(), Sinks()} {
		for _, d := range docs {
			for _, x := range d.Examples {
				t.Run(d.Name+"/"+x.Title, func(t *testing.T) { runExample(t, d.Name, x) })
			}
		}
	}
	for _, f := range Folds() {
		for _, x := range f.Examples {
			t.Run(f.Name+"/"+x.Title, func(t *testing.T) { runExample(t, f.Name, x) })
		}
	}
}

func runExample(t *testing.T, name string, x Example) {
	text := x.Rule + ";\ntest(\"" + x.Title + "\", " + x.Test + ")"
	rules, problems := LoadText(name, text, LoadOptions{Taps: true, Getenv: noEnv})
	if problems.Err() != nil {
		t.Fatalf("%s\n%v", text, problems)
	}
	for _, restart := range []bool{false, true} {
		for _, r := range rules.RunTests(RunOptions{Restart: restart}) {
			for _, f := range r.Failures {
				t.Errorf("%s\nrestart %v: %s", text, restart, f)
			}
		}
	}
}
