package server

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWatch loads rules again when a file is written, replaced, added to an include or mended, and not when it is
// empty, as it is while it is being written.
func TestWatch(t *testing.T) {
	f := newRulesFile(t, `include("rules.d/*.expr");`+listeners)
	dir := filepath.Join(filepath.Dir(f.name), "rules.d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := serveOptions(t, Options{RulesFiles: []string{f.name}, Watch: true, Quiet: true})
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := func() int { return len(s.Rules().Files) }
	until(t, "the directories are watched", func() bool { return strings.Contains(s.log.String(), "watching") })

	write(filepath.Join(dir, "a.expr"), "index;")
	until(t, "a file is added", func() bool { return files() == 2 })
	write(filepath.Join(dir, "b.expr"), "index; nonsense;")
	until(t, "a mistake is found", func() bool { return s.Rules().Refused })
	write(filepath.Join(dir, "b.expr"), "index; index;")
	until(t, "the mistake is mended", func() bool { return files() == 3 && !s.Rules().Refused })

	write(filepath.Join(dir, "new"), "default(ttl, 5, index);")
	if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "b.expr")); err != nil {
		t.Fatal(err)
	}
	until(t, "a file is replaced", func() bool { return s.metric("zeta_server_reloads_total") == 4 })

	write(filepath.Join(dir, "b.expr"), "")
	write(filepath.Join(dir, "c.expr"), "index;")
	if s.files.changed() {
		t.Error("an empty file counts as a change")
	}
	write(filepath.Join(dir, "b.expr"), "index; // written at last")
	until(t, "the file is written", func() bool { return files() == 4 })
}

// TestFiles finds what changed in what a load looked at.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("zeta.expr", "a")
	f := &files{}
	look := func() {
		f.begin()
		for _, name := range []string{"zeta.expr", "none.expr", "*.d/x.expr"} {
			f.opened(at(name))
		}
	}
	for _, c := range []struct {
		what string
		do   func()
		want bool
	}{
		{"nothing", func() {}, false},
		{"a longer text", func() { write("zeta.expr", "ab") }, true},
		{"another file", func() { write("other", "ab") }, false},
		{"a missing file", func() { write("none.expr", "x") }, true},
		{"a file goes", func() { os.Remove(at("none.expr")) }, true},
		{"a file of the same size in its place", func() {
			write("new", "cd")
			os.Rename(at("new"), at("zeta.expr"))
		}, true},
		{"a match of a pattern", func() { os.Mkdir(at("q.d"), 0o700); write("q.d/x.expr", "x") }, true},
		{"an empty file", func() { write("zeta.expr", ""); write("none.expr", "x") }, false},
	} {
		look()
		c.do()
		if got := f.changed(); got != c.want {
			t.Errorf("%s: changed is %v", c.what, got)
		}
	}
	if got := f.directories(); !slices.Equal(got, []string{dir}) {
		t.Errorf("watches %q, want %q", got, dir)
	}
}
