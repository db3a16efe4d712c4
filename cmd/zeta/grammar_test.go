package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"zeta/streams"
)

const editorPackage = "../../editors/vscode"

// TestGrammar holds the committed grammar against the registered names.
func TestGrammar(t *testing.T) {
	got, err := os.ReadFile(filepath.Join(editorPackage, "syntaxes/zeta.tmLanguage.json"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(grammar()) {
		t.Fatal("editors/vscode/syntaxes/zeta.tmLanguage.json is not what the program prints; run go generate ./cmd/zeta")
	}
	for _, docs := range [][]streams.Doc{streams.Operators(), streams.Sinks(), streams.Settings()} {
		for _, d := range docs {
			if !regexp.MustCompile(`[(|:]` + d.Name + `[)|]`).Match(got) {
				t.Errorf("the grammar does not know %s", d.Name)
			}
		}
	}
	var g struct{ Patterns []rule }
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatal(err)
	}
	// Go has no lookaround; what is left says whether the brackets are in order.
	around := regexp.MustCompile(`\(\?<?[!=](\[[^\]]*\]|\\.|[^()\[\]\\])*\)`)
	for _, p := range g.Patterns {
		for _, text := range []string{p.Match, p.Begin, p.End} {
			if _, err := regexp.Compile(around.ReplaceAllString(text, "")); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
		if p.Match == "" && (p.Begin == "" || p.End == "") {
			t.Errorf("a pattern matches nothing: %+v", p)
		}
	}
}

// TestEditorPackage checks that the package names files that are there, and one language.
func TestEditorPackage(t *testing.T) {
	var p struct {
		Main        string
		Contributes struct {
			Languages []struct {
				ID, Configuration string
				Extensions        []string
			}
			Grammars []struct{ Language, ScopeName, Path string }
			Commands []struct{ Command string }
		}
	}
	decode(t, "package.json", &p)
	c := p.Contributes
	if len(c.Languages) != 1 || len(c.Grammars) != 1 || c.Grammars[0].Language != c.Languages[0].ID {
		t.Fatalf("languages %+v, grammars %+v", c.Languages, c.Grammars)
	}
	var g struct{ ScopeName string }
	decode(t, c.Grammars[0].Path, &g)
	if g.ScopeName != c.Grammars[0].ScopeName {
		t.Errorf("the grammar is %s, the package says %s", g.ScopeName, c.Grammars[0].ScopeName)
	}
	var any map[string]any
	decode(t, c.Languages[0].Configuration, &any)
	script, err := os.ReadFile(filepath.Join(editorPackage, p.Main))
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range c.Commands {
		if !strings.Contains(string(script), `"`+command.Command+`"`) {
			t.Errorf("%s registers no command %s", p.Main, command.Command)
		}
	}
	if !strings.Contains(string(script), `["lsp"]`) || find("lsp") == nil {
		t.Error("the package does not start zeta lsp")
	}
}

func decode(t *testing.T, name string, to any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(editorPackage, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
