package lsp

import (
	"bytes"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"zeta/streams"
)

// The bounds of what is looked at for one document.
const (
	maxDocuments  = 1000
	maxCandidates = 100 // files that may include a document
	maxDepth      = 5   // files that include one another
)

// document is a file that the editor has open. Its text is the editor's, not the disk's.
type document struct {
	uri, path string
	index     *index
	root      string // the file whose loading reads this one, perhaps itself
}

// pathOf returns the file of a URI; a URI that is none of a file stands for itself.
func pathOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Path == "" {
		return uri
	}
	path := u.Path
	if len(path) > 2 && path[0] == '/' && path[2] == ':' {
		path = path[1:] // a drive of Windows
	}
	return filepath.ToSlash(filepath.Clean(path))
}

// uriOf returns the URI of a file.
func uriOf(path string) string {
	if strings.Contains(path, "://") {
		return path
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// overlay is the disk with the texts of open documents in place of their files. Its names are the operating
// system's, with slashes.
type overlay map[string]*document

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) {
	if d := o[name]; d != nil {
		return &openText{Reader: bytes.NewReader([]byte(d.index.text)), name: name, size: len(d.index.text)}, nil
	}
	if strings.Contains(name, "://") {
		return nil, fs.ErrNotExist
	}
	return os.Open(name)
}

// Glob implements fs.GlobFS.
func (o overlay) Glob(pattern string) ([]string, error) {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	for i := range names {
		names[i] = filepath.ToSlash(names[i])
	}
	for path := range o {
		if ok, _ := filepath.Match(pattern, path); ok && !slices.Contains(names, path) {
			names = append(names, path)
		}
	}
	return names, nil
}

// text returns what a file holds, "" if it cannot be read.
func (o overlay) text(path string) string {
	f, err := o.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, streams.MaxFileBytes))
	if err != nil {
		return ""
	}
	return string(text)
}

// openText is an open document as a file, and what is told of it.
type openText struct {
	*bytes.Reader
	name string
	size int
}

func (f *openText) Stat() (fs.FileInfo, error) { return f, nil }
func (f *openText) Close() error               { return nil }
func (f *openText) Name() string               { return f.name }
func (f *openText) Size() int64                { return int64(f.size) }
func (f *openText) Mode() fs.FileMode          { return 0o444 }
func (f *openText) ModTime() time.Time         { return time.Time{} }
func (f *openText) IsDir() bool                { return false }
func (f *openText) Sys() any                   { return nil }

// analysis is what loading a file and all it includes has shown.
type analysis struct {
	problems streams.Problems
	files    []string // read, the root first
}

// analyze loads a root.
func (o overlay) analyze(root string) *analysis {
	a := &analysis{}
	_, a.problems = streams.Load([]string{root}, streams.LoadOptions{FS: o, Opened: func(name string) {
		if len(a.files) < maxDocuments && !slices.Contains(a.files, name) {
			a.files = append(a.files, name)
		}
	}})
	return a
}

// finder looks for the files whose loading reads others.
type finder struct {
	docs      overlay
	workspace []string // directories above which it does not look
	analyze   func(root string) *analysis
	includes  map[string]bool // whether a file includes any
}

// rootOf finds the file whose loading reads path, in the directories from path's up to the workspace: rules
// that are included know the names of those that include them.
func (f *finder) rootOf(path string) string {
	root := path
	for range maxDepth {
		all := f.docs.candidates(root, f.workspace)
		above := slices.IndexFunc(all, func(c string) bool { return f.reads(c, root) })
		if above < 0 {
			break
		}
		root = all[above]
	}
	return root
}

// reads reports whether loading the file candidate reads path, and not the other way round as well.
func (f *finder) reads(candidate, path string) bool {
	if candidate == path {
		return false
	}
	includes, known := f.includes[candidate]
	if !known {
		includes = strings.Contains(f.docs.text(candidate), "include")
		f.includes[candidate] = includes
	}
	return includes && slices.Contains(f.analyze(candidate).files, path) && !slices.Contains(f.analyze(path).files, candidate)
}

// candidates are the files of rules beside path and above it, and the open ones.
func (o overlay) candidates(path string, workspace []string) []string {
	var all []string
	for open := range o {
		all = append(all, open)
	}
	slices.Sort(all)
	if strings.Contains(path, "://") {
		return nil
	}
	dir := filepath.ToSlash(filepath.Dir(path))
	for range maxDepth {
		names, _ := filepath.Glob(dir + "/*.expr")
		for _, n := range names {
			if n = filepath.ToSlash(n); !slices.Contains(all, n) && len(all) < maxCandidates {
				all = append(all, n)
			}
		}
		up := filepath.ToSlash(filepath.Dir(dir))
		if up == dir || slices.Contains(workspace, dir) {
			break
		}
		dir = up
	}
	return all
}

// named is a name with the file that gives it.
type named struct {
	streams.Definition
	path string
}

// names returns the names that the files of a root give.
func (o overlay) names(a *analysis) []named {
	var all []named
	for _, f := range a.files {
		for _, d := range streams.Outline(o.text(f)) {
			all = append(all, named{d, f})
		}
	}
	return all
}

var attributeUse = regexp.MustCompile(`\battributes\.([A-Za-z_$][\w$]*)`)

// attributes returns the names of attributes in the files of a root, and those of collectd.
func (o overlay) attributes(a *analysis) []string {
	all := []string{"plugin", "plugin_instance", "type", "type_instance", "ds_name", "ds_type", "ds_index"}
	for _, f := range a.files {
		for _, m := range attributeUse.FindAllStringSubmatch(o.text(f), -1) {
			if !slices.Contains(all, m[1]) {
				all = append(all, m[1])
			}
		}
	}
	slices.Sort(all)
	return all
}
