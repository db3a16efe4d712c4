package streams

import (
	"encoding/json"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/expr-lang/expr/file"
	"github.com/rogpeppe/go-internal/txtar"
)

// rulesTexts are the rules that stand in examples, in the corpus and in golden files.
func rulesTexts(t testing.TB) []string {
	var all []string
	for _, docs := range [][]Doc{Operators(), Sinks(), Listeners(), Settings()} {
		for _, d := range docs {
			for _, x := range d.Examples {
				all = append(all, x.Rule)
				if x.Test != "" {
					all = append(all, x.Rule+"; test(\"x\", "+x.Test+")")
				}
			}
		}
	}
	for _, b := range Builtins() {
		all = append(all, "where("+b.Example+" == nil, index)")
	}
	cases, _ := filepath.Glob("testdata/conformance/*.json")
	for _, name := range cases {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var f corpusFile
		if err := json.Unmarshal(text, &f); err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Cases {
			all = append(all, c.Rule)
		}
	}
	for _, pattern := range []string{"testdata/problems/*.txtar", "testdata/format/*.txtar"} {
		archives, _ := filepath.Glob(pattern)
		for _, name := range archives {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, strings.Split(string(a.Files[0].Data), ";\n")...)
			all = append(all, string(a.Files[0].Data))
		}
	}
	if len(all) < 500 {
		t.Fatalf("only %d texts", len(all))
	}
	return all
}

// TestFormatEverything formats all rules there are: nothing is lost, the meaning stays, and all statements
// have a layout.
func TestFormatEverything(t *testing.T) {
	formatted := 0
	for _, in := range rulesTexts(t) {
		out, problems := Format("zeta.expr", in)
		if problems != nil {
			if out != in {
				t.Fatalf("a text with problems was changed:\n%s", in)
			}
			continue
		}
		formatted++
		checkFormatted(t, in, out)
	}
	if formatted < 400 {
		t.Errorf("only %d texts were formatted", formatted)
	}
}

// TestFormatIgnoresLayout spreads statements over lines at random; the layout is the same as before.
func TestFormatIgnoresLayout(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for _, in := range rulesTexts(t) {
		src := (&sources{}).add("x", in)
		broken := false
		statements := scan(src, func(at file.Location, found, want, hint string) { broken = true })
		if broken || len(statements) != 1 || strings.Contains(in, "`") || len(statements[0].comments) > 0 {
			continue
		}
		want, problems := Format("x", in)
		if problems != nil {
			continue
		}
		pieces, ok := lexStatement(statements[0].text, 0, nil)
		if !ok {
			t.Fatal(in)
		}
		for range 3 {
			var b strings.Builder
			for i, p := range pieces {
				if i > 0 {
					b.WriteString([]string{" ", "\n", "  \n\n\t", " "}[r.Intn(4)])
				}
				b.WriteString(p.text)
			}
			if strings.HasPrefix(in, "let") {
				continue
			}
			got, problems := Format("x", b.String())
			if problems != nil || got != want {
				t.Fatalf("the layout depends on how it was written. in:\n%s\ngot:\n%s\nwant:\n%s\n%v", b.String(), got, want, problems)
			}
		}
	}
}

// TestFormatComments puts comments between any two tokens: all of them stay, in an order that formatting keeps.
func TestFormatComments(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for _, in := range rulesTexts(t) {
		src := (&sources{}).add("x", in)
		broken := false
		statements := scan(src, func(at file.Location, found, want, hint string) { broken = true })
		if broken || len(statements) != 1 || strings.HasPrefix(in, "let") {
			continue
		}
		if _, problems := Format("x", in); problems != nil {
			continue
		}
		pieces, _ := lexStatement(statements[0].text, statements[0].start, statements[0].comments)
		for range 10 {
			var b strings.Builder
			count := 0
			for _, p := range pieces {
				b.WriteString(" " + p.text)
				if p.isLineComment() {
					b.WriteByte('\n')
				}
				if r.Intn(6) == 0 {
					count++
					b.WriteString([]string{" // α\n", "\n// α\n", " /* α */ ", "\n/* α */\n", " /* α\nα */ /**/"}[r.Intn(5)])
				}
			}
			text := b.String()
			out, problems := Format("x", text)
			if problems != nil {
				t.Fatalf("%v\n%s", problems, text)
			}
			checkFormatted(t, text, out)
			if got, want := strings.Count(out, "α"), strings.Count(text, "α"); got != want {
				t.Fatalf("%d comments of %d are left. in:\n%s\nout:\n%s", got, want, text, out)
			}
			if !hasLayout(out) {
				t.Fatalf("no layout:\n%s\n%s", text, out)
			}
		}
	}
}

// hasLayout reports whether the statements of a text could be laid out, and were not left as they are.
func hasLayout(text string) bool {
	src := (&sources{}).add("x", text)
	for _, s := range scan(src, func(at file.Location, found, want, hint string) {}) {
		if s.text == "" {
			continue
		}
		var in []comment
		for _, c := range s.comments {
			if c.start >= s.start && c.start < s.end {
				in = append(in, c)
			}
		}
		if _, ok := formatStatement(s, in, 0); !ok {
			return false
		}
	}
	return true
}

// FuzzFormat formats any text.
func FuzzFormat(f *testing.F) {
	for _, text := range rulesTexts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, problems := Format("zeta.expr", in)
		if problems != nil {
			if out != in {
				t.Fatal("a text with problems was changed")
			}
			return
		}
		checkFormatted(t, in, out)
		if len(in) < 10_000 && !hasLayout(in) {
			t.Fatal("there is no layout for this")
		}
	})
}
