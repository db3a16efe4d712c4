package lsp

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"zeta/streams"
)

// methods are what the server can be asked and told.
var methods map[string]func(s *server, params json.RawMessage) (any, error)

func init() {
	methods = map[string]func(s *server, params json.RawMessage) (any, error){
		"workspace/didChangeWatchedFiles": (*server).didSave,
		"initialize":                      (*server).initialize,
		"initialized":                     ignore,
		"shutdown":                        (*server).shutdown,
		"$/cancelRequest":                 ignore,
		"$/setTrace":                      ignore,
		"textDocument/didOpen":            (*server).didOpen,
		"textDocument/didChange":          (*server).didChange,
		"textDocument/didSave":            (*server).didSave,
		"textDocument/didClose":           (*server).didClose,
		"textDocument/hover":              (*server).hover,
		"textDocument/completion":         (*server).completion,
		"textDocument/definition":         (*server).definition,
		"textDocument/documentSymbol":     (*server).symbols,
		"textDocument/formatting":         (*server).formatting,
	}
}

func ignore(*server, json.RawMessage) (any, error) { return nil, nil }

func (s *server) initialize(params json.RawMessage) (any, error) {
	var p initializeParams
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, err
	}
	for _, f := range p.WorkspaceFolders {
		s.workspace = append(s.workspace, pathOf(f.URI))
	}
	if p.RootURI != "" {
		s.workspace = append(s.workspace, pathOf(p.RootURI))
	}
	s.initialized = true
	return map[string]any{
		"capabilities": map[string]any{
			"positionEncoding":           "utf-16",
			"textDocumentSync":           map[string]any{"openClose": true, "change": 2, "save": map[string]any{"includeText": false}},
			"hoverProvider":              true,
			"completionProvider":         map[string]any{"triggerCharacters": []string{".", "{", "("}},
			"definitionProvider":         true,
			"documentSymbolProvider":     true,
			"documentFormattingProvider": true,
		},
		"serverInfo": map[string]any{"name": "zeta", "version": s.opts.Version},
	}, nil
}

func (s *server) shutdown(json.RawMessage) (any, error) {
	s.publish() // what was put off
	s.stopped = true
	return nil, nil
}

// changed forgets what was known.
func (s *server) changed() {
	clear(s.roots)
	s.dirty = true
}

// findRoots looks anew for the files that include the open ones.
func (s *server) findRoots() {
	s.changed()
	f := finder{docs: s.docs, workspace: s.workspace, analyze: s.analysis, includes: map[string]bool{}}
	for path, d := range s.docs {
		d.root = f.rootOf(path)
	}
}

func (s *server) didOpen(params json.RawMessage) (any, error) {
	var p openParams
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, err
	}
	path := pathOf(p.TextDocument.URI)
	if s.docs[path] == nil && len(s.docs) >= maxDocuments {
		return nil, fmt.Errorf("more than %d documents", maxDocuments)
	}
	s.docs[path] = &document{uri: p.TextDocument.URI, path: path, index: newIndex(p.TextDocument.Text), root: path}
	s.findRoots()
	return nil, nil
}

func (s *server) didChange(params json.RawMessage) (any, error) {
	var p changeParams
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, err
	}
	d, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	for _, c := range p.ContentChanges {
		if c.Range == nil {
			d.index = newIndex(c.Text)
			continue
		}
		from, to := d.index.offset(c.Range.Start), d.index.offset(c.Range.End)
		text := d.index.text
		if text = text[:from] + c.Text + text[max(from, to):]; len(text) > maxMessageBytes {
			return nil, fmt.Errorf("a document longer than %d bytes", maxMessageBytes)
		}
		d.index = newIndex(text)
	}
	s.changed()
	return nil, nil
}

func (s *server) didSave(json.RawMessage) (any, error) {
	s.findRoots()
	return nil, nil
}

func (s *server) didClose(params json.RawMessage) (any, error) {
	var p placeParams
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, err
	}
	d, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	delete(s.docs, d.path)
	delete(s.told, d.uri)
	s.send(notification{"2.0", "textDocument/publishDiagnostics", diagnosticsParams{d.uri, []diagnostic{}}})
	s.findRoots()
	return nil, nil
}

func (s *server) document(uri string) (*document, error) {
	if d := s.docs[pathOf(uri)]; d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("%s is not open", uri)
}

// place is what a request about a place in a document is about.
func (s *server) place(params json.RawMessage) (d *document, at int, err error) {
	var p placeParams
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, 0, err
	}
	if d, err = s.document(p.TextDocument.URI); err != nil {
		return nil, 0, err
	}
	return d, d.index.offset(p.Position), nil
}

func (s *server) completion(params json.RawMessage) (any, error) {
	d, at, err := s.place(params)
	if err != nil {
		return nil, err
	}
	a := s.analysis(d.root)
	return complete(s.words, sceneAt(d.index.text, at), s.docs.names(a), s.docs.attributes(a)), nil
}

func (s *server) hover(params json.RawMessage) (any, error) {
	d, at, err := s.place(params)
	if err != nil {
		return nil, err
	}
	word, from, to := wordAt(d.index.text, at)
	scene := sceneAt(d.index.text, at)
	if word == "" || scene.literal {
		return nil, nil
	}
	text := s.describe(d, word, scene, strings.HasPrefix(strings.TrimLeft(d.index.text[to:], " \t\r\n"), ":"))
	if text == "" {
		return nil, nil
	}
	return hover{markup{"markdown", text}, d.index.span(from, to)}, nil
}

// describe returns what is known of a word, as Markdown.
func (s *server) describe(d *document, word string, scene scene, isKey bool) string {
	if scene.before == "attributes" || strings.HasSuffix(scene.before, ".attributes") {
		return fmt.Sprintf("**attributes.%s** – string: an attribute of the event", word)
	}
	if scene.before != "" && scene.before != "event" {
		word = scene.before + "." + word
	}
	if call, path, ok := scene.call(); ok && isKey && scene.atKey() {
		options, _ := s.words.options(call.name, path)
		if i := slices.IndexFunc(options, func(a streams.ArgDoc) bool { return a.Name == word }); i >= 0 {
			return argMarkdown(options[i])
		}
	}
	for _, n := range s.docs.names(s.analysis(d.root)) {
		if n.Name == word {
			return fmt.Sprintf("```\n%s\n```\nin %s", n.Text, n.path)
		}
	}
	var parts []string
	for _, e := range s.words.find(word) {
		parts = append(parts, e.markdown())
	}
	return strings.Join(parts, "\n\n---\n\n")
}

func (s *server) definition(params json.RawMessage) (any, error) {
	d, at, err := s.place(params)
	if err != nil {
		return nil, err
	}
	word, _, _ := wordAt(d.index.text, at)
	found := []location{}
	for _, n := range s.docs.names(s.analysis(d.root)) {
		if n.Name == word && word != "" {
			uri := uriOf(n.path)
			if open := s.docs[n.path]; open != nil {
				uri = open.uri
			}
			found = append(found, location{uri, newIndex(s.docs.text(n.path)).span(n.Start, n.Start+len(n.Name))})
		}
	}
	return found, nil
}

func (s *server) symbols(params json.RawMessage) (any, error) {
	d, _, err := s.place(params)
	if err != nil {
		return nil, err
	}
	all := []symbol{}
	for _, n := range streams.Outline(d.index.text) {
		kind := 13 // a variable
		if n.Kind == "def" {
			kind = 12 // a function
		}
		at := d.index.span(n.Start, n.Start+len(n.Name))
		all = append(all, symbol{n.Name, kind, at, at})
	}
	return all, nil
}

func (s *server) formatting(params json.RawMessage) (any, error) {
	d, _, err := s.place(params)
	if err != nil {
		return nil, err
	}
	text, problems := streams.Format(d.path, d.index.text)
	if problems != nil || text == d.index.text {
		return []textEdit{}, nil
	}
	return []textEdit{{d.index.span(0, len(d.index.text)), text}}, nil
}
