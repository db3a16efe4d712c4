package streams

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestDiagram compares the graphs of the archives in testdata/diagram, letter by letter.
func TestDiagram(t *testing.T) {
	archives, err := filepath.Glob("testdata/diagram/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rules, problems := LoadText("zeta.expr", string(a.Files[0].Data), LoadOptions{Getenv: noEnv})
		if problems.Err() != nil {
			t.Fatal(problems)
		}
		d := rules.Diagram()
		checkDiagram(t, rules, d)
		got := txtar.Archive{Comment: a.Comment, Files: []txtar.File{a.Files[0], {Name: "json", Data: d.JSON()}, {Name: "dot", Data: []byte(d.DOT())}}}
		if string(txtar.Format(&got)) == string(txtar.Format(a)) {
			continue
		}
		if !*update {
			t.Fatalf("got\n%s\nwant\n%s", txtar.Format(&got), txtar.Format(a))
		}
		if err := os.WriteFile(name, txtar.Format(&got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDiagramOfAllRules draws all rules there are: every edge has its ends, and ids name one node each.
func TestDiagramOfAllRules(t *testing.T) {
	drawn := 0
	for _, text := range rulesTexts(t) {
		rules, problems := LoadText("zeta.expr", text, LoadOptions{Taps: true, Getenv: noEnv})
		if problems.Err() == nil {
			drawn++
			checkDiagram(t, rules, rules.Diagram())
		}
	}
	if drawn < 300 {
		t.Errorf("only %d graphs", drawn)
	}
}

var dotLine = regexp.MustCompile(`^(digraph rules \{|\}|  (rankdir=LR|(node|edge) \[.*\]|"([^"\\]|\\.)*"( -> "([^"\\]|\\.)*")?( \[(\w+=(\w+|"([^"\\]|\\.)*")(, |\]))+)?);)$`)

func checkDiagram(t *testing.T, rules *Rules, d Diagram) {
	t.Helper()
	ids := map[string]DiagramNode{}
	for _, n := range d.Nodes {
		if other, ok := ids[n.ID]; ok {
			t.Fatalf("%s and %s both have the id %s", other.Position, n.Position, n.ID)
		}
		ids[n.ID] = n
	}
	if len(d.Nodes) != len(rules.places)+1 {
		t.Fatalf("%d nodes for %d operators", len(d.Nodes), len(rules.places))
	}
	reached := map[string]bool{rootID: true}
	for _, e := range d.Edges {
		if ids[e.From].ID == "" || ids[e.To].ID == "" {
			t.Fatalf("an edge without an end: %+v", e)
		}
		reached[e.To] = true
	}
	for _, n := range d.Nodes {
		if x := rules.lets[n.Let]; !reached[n.ID] && (x == nil || x.live) {
			t.Fatalf("nothing reaches %s at %s", n.ID, n.Position)
		}
	}
	for _, path := range rules.identities().order {
		if !ids[path].Stateful {
			t.Fatalf("the state of %s has no node of that id", path)
		}
	}
	var back Diagram
	if err := json.Unmarshal(d.JSON(), &back); err != nil || len(back.Nodes) != len(d.Nodes) {
		t.Fatalf("%v", err)
	}
	for _, line := range strings.Split(strings.TrimSuffix(d.DOT(), "\n"), "\n") {
		if !dotLine.MatchString(line) {
			t.Fatalf("no line of DOT: %s", line)
		}
	}
}
