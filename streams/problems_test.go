package streams

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// archiveFS returns the files of an archive but its problems.
func archiveFS(a *txtar.Archive) fs.FS {
	files := fstest.MapFS{}
	for _, f := range a.Files {
		if f.Name != "problems" {
			files[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	return files
}

// TestProblems compares what rules files print, letter by letter, with the archives in testdata/problems.
func TestProblems(t *testing.T) {
	archives, err := filepath.Glob("testdata/problems/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	problems := 0
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, ps := Load([]string{"zeta.expr"}, LoadOptions{FS: archiveFS(a), Serve: true, Getenv: noEnv})
			for _, p := range ps {
				if !p.Warning {
					problems++
				}
				if p.advice() == "" && !strings.Contains(p.Found, "; did you mean") && !strings.Contains(p.Found, ", want ") {
					t.Errorf("no word of what is expected or what to do:\n%s", p.Error())
				}
			}
			got := ps.Error() + "\n"
			last := &a.Files[len(a.Files)-1]
			if last.Name != "problems" {
				a.Files = append(a.Files, txtar.File{Name: "problems"})
				last = &a.Files[len(a.Files)-1]
			}
			if got == string(last.Data) {
				return
			}
			if !*update {
				t.Fatalf("got\n%s\nwant\n%s", got, last.Data)
			}
			last.Data = []byte(got)
			if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
	if problems < 60 {
		t.Errorf("%d mistakes are covered, want 60 at least", problems)
	}
}
