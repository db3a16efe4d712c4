// Package checks holds the tests of the project as a whole: which package may import which, and that every
// package says what it is for.
package checks

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers are the packages from the lowest line up; a package imports only from lower lines.
var layers = [][]string{
	{"event", "tls", "overload", "internal/"},
	{"event/wire", "query", "collectd", "lines"},
	{"client", "index", "streams", "journal"},
	{"sinks", "dashboard", "source", "server"},
	{"sinks/sinktest", "brokers", "internal/rig"},
	{"cmd/zeta", "bench", "examples/capital-match", "examples/clients", "examples/collectd", "examples/influx", "examples/senders", "faults"},
}

const root = "../.."

// layerOf returns the line of a package, -1 if it has none. A package below another one of the list that is
// not listed itself, such as a test kit, sits with its parent.
func layerOf(pkg string) int {
	best, at := "", -1
	for i, line := range layers {
		for _, p := range line {
			dir := strings.TrimSuffix(p, "/")
			if (pkg == dir || strings.HasPrefix(pkg, dir+"/")) && len(dir) > len(best) {
				best, at = dir, i
			}
		}
	}
	return at
}

// packages returns the Go files of the project by package directory.
func packages(t *testing.T) map[string][]string {
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			dir, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			found[filepath.ToSlash(dir)] = append(found[filepath.ToSlash(dir)], path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 8 {
		t.Fatalf("only %d packages found below %s", len(found), root)
	}
	return found
}

func TestLayers(t *testing.T) {
	for pkg, files := range packages(t) {
		layer := layerOf(pkg)
		if layer < 0 {
			t.Errorf("package %s is on no line of layers; add it to internal/checks and docs/architecture.md", pkg)
			continue
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue // a test may use what it needs
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, imp := range f.Imports {
				path := strings.Trim(imp.Path.Value, `"`)
				if path == "crypto/tls" && pkg != "tls" {
					t.Errorf("%s imports crypto/tls; only package tls names it", file)
				}
				other, ok := strings.CutPrefix(path, "zeta/")
				if !ok || other == pkg {
					continue
				}
				below := layerOf(other) < layer
				inside := strings.HasPrefix(other, pkg+"/") || strings.HasPrefix(pkg, other+"/") || strings.HasPrefix(other, "internal/")
				if !below && !inside {
					t.Errorf("%s imports %s, which is not on a lower line", file, other)
				}
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	for pkg, files := range packages(t) {
		var docs []string
		test := true
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			test = test && strings.HasSuffix(file, "_test.go")
			if f.Doc != nil {
				docs = append(docs, filepath.Base(file))
				want := "Package " + f.Name.Name + " "
				if f.Name.Name == "main" {
					want = "Command " + filepath.Base(pkg) + " "
				}
				if !strings.HasPrefix(f.Doc.Text(), want) {
					t.Errorf("%s: the package comment does not begin with %q", file, want)
				}
			}
		}
		if len(docs) != 1 {
			t.Errorf("package %s has its comment in %d files %v, want one", pkg, len(docs), docs)
		}
	}
}

// TestMarkdownLinks checks that a relative link in a document leads to a file.
func TestMarkdownLinks(t *testing.T) {
	documents, err := filepath.Glob(root + "/*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, _ := filepath.Glob(root + "/docs/*.md")
	for _, doc := range slices.Concat(documents, more) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "](")[1:] {
			link, _, _ := strings.Cut(part, ")")
			link, _, _ = strings.Cut(link, "#")
			if link == "" || strings.Contains(link, "://") || strings.Contains(link, " ") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), link)); err != nil {
				t.Errorf("%s links to %s, which is not there", doc, link)
			}
		}
	}
}

// TestPromisesNameTheirTests checks that every test that a document names, as package.Test, is there.
func TestPromisesNameTheirTests(t *testing.T) {
	tests := map[string]bool{}
	for pkg, files := range packages(t) {
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if rest, ok := strings.CutPrefix(line, "func Test"); ok {
					name, _, _ := strings.Cut(rest, "(")
					tests[pkg+".Test"+name] = true
					tests[filepath.Base(pkg)+".Test"+name] = true
				}
			}
		}
	}
	text, err := os.ReadFile(root + "/docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for i, part := range strings.Split(string(text), "`") {
		if i%2 == 1 && strings.Contains(part, ".Test") {
			named++
			if !tests[part] {
				t.Errorf("docs/compatibility.md names the test %s, which is not there", part)
			}
		}
	}
	if named < 30 {
		t.Errorf("%d tests are named, want what holds each row", named)
	}
}
