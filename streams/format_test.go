package streams

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestFormat compares what comes of "in" with "out" in the archives of testdata/format.
func TestFormat(t *testing.T) {
	archives, err := filepath.Glob("testdata/format/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			in := string(a.Files[0].Data)
			out, problems := Format("in", in)
			if problems != nil {
				t.Fatal(problems)
			}
			checkFormatted(t, in, out)
			if len(a.Files) == 2 && string(a.Files[1].Data) == out {
				return
			}
			if !*update {
				t.Fatalf("got\n%s\nwant\n%s", out, a.Files[1].Data)
			}
			a.Files = append(a.Files[:1], txtar.File{Name: "out", Data: []byte(out)})
			if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// checkFormatted checks that out is formatted and means what in means.
func checkFormatted(t *testing.T, in, out string) {
	t.Helper()
	again, problems := Format("out", out)
	if problems != nil {
		t.Fatalf("what was formatted has problems:\n%v\n%s", problems, out)
	}
	if again != out {
		t.Fatalf("formatting twice is not formatting once. in:\n%s\nonce:\n%s\ntwice:\n%s", in, out, again)
	}
	for i, line := range strings.Split(out, "\n") {
		if strings.HasSuffix(line, " ") && !strings.Contains(in, "`") {
			t.Fatalf("line %d ends in a blank:\n%s", i+1, out)
		}
	}
	if got, want := meaning(out), meaning(in); !slices.Equal(got, want) {
		t.Fatalf("formatting changes what rules mean. in:\n%s\nout:\n%s\nmeaning of in:\n%s\nof out:\n%s", in, out, strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

// meaning is what can be told of rules without their positions: what they are made of, or what is wrong with them.
func meaning(text string) []string {
	rules, problems := LoadText("zeta.expr", text, LoadOptions{Taps: true, Getenv: noEnv})
	var all []string
	for _, p := range problems {
		p.Line, p.Col, p.Width, p.Text = 0, 0, 0, ""
		p.Found = withoutPlaces.ReplaceAllString(p.Found, "")
		p.Want = withoutPlaces.ReplaceAllString(p.Want, "")
		all = append(all, p.Error())
	}
	slices.Sort(all)
	if rules == nil {
		return all
	}
	for _, n := range rules.places {
		all = append(all, n.name+" "+n.path.full()+" "+argumentText(n.entry.fields, n.opts))
	}
	for _, x := range rules.Tests {
		all = append(all, "test "+x.Name)
	}
	for _, x := range rules.Listeners {
		all = append(all, "listen "+x.Kind)
	}
	return all
}

var withoutPlaces = regexp.MustCompile(`\d+:\d+|:\d+`)
