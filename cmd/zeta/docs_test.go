package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zeta/streams"
)

// TestReferencePages holds the committed pages against what the registrations print.
func TestReferencePages(t *testing.T) {
	for name, want := range referencePages(commands()) {
		got, err := os.ReadFile(filepath.Join("../../docs/reference", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("docs/reference/%s is not what the program prints; run go generate ./cmd/zeta", name)
		}
	}
}

// TestRuleBlocks loads every block of rules in the written documents and runs its tests.
func TestRuleBlocks(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, page := range append(pages, "../../README.md", "../../examples/capital-match/README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range strings.Split(string(text), "\n```") {
			language, rules, _ := strings.Cut(block, "\n")
			// Every second part is inside a block; one of rules names no language and ends its statements.
			if i%2 == 0 || language != "" || !strings.Contains(rules, ");") {
				continue
			}
			blocks++
			loaded, problems := streams.LoadText(filepath.Base(page), rules, streams.LoadOptions{})
			if problems.Err() != nil {
				t.Errorf("%v", problems)
				continue
			}
			for _, r := range loaded.RunTests(streams.RunOptions{Restart: true, Index: newTestIndex}) {
				for _, f := range r.Failures {
					t.Errorf("%s: %s: %s", page, r.Name, f)
				}
			}
		}
	}
	if blocks == 0 {
		t.Error("no block of rules was found")
	}
}
