// Package lsp is the language server of the rule language: what `zeta lsp` speaks with an editor over its
// standard input and output. It knows documents (files the editor has open, whose text counts instead of the
// disk's), roots (the file whose loading reads a document) and the dictionary (what is registered with package streams).
//
//	err := lsp.Serve(os.Stdin, os.Stdout, lsp.Options{Version: "1.2"})
//
// It answers in order, one message after another. Problems are looked for when no message waits, so that fast
// typing costs one loading and not one for each key. Nothing that an editor sends ends it but exit and the end of the input:
// what is no message is skipped, and messages and documents are bounded in size and number.
package lsp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"zeta/streams"
)

// Options are the options of Serve.
type Options struct {
	Version string    // told to the editor
	Log     io.Writer // gets faults of the server; nil: nobody does
}

// ErrNoShutdown says that the editor ended the server without having announced it.
var ErrNoShutdown = errors.New("exit without shutdown")

// Serve answers the messages of in until exit or its end, which is no error.
func Serve(in io.Reader, out io.Writer, opts Options) error {
	s := &server{out: out, opts: opts, docs: overlay{}, roots: map[string]*analysis{}, told: map[string]string{}, words: newDictionary()}
	frames := make(chan frame, 8)
	stop := make(chan struct{})
	defer close(stop)
	go readFrames(in, frames, stop)
	for f := range frames {
		if f.err != nil && !errors.Is(f.err, errTooLong) {
			if errors.Is(f.err, io.EOF) || errors.Is(f.err, io.ErrUnexpectedEOF) {
				return s.err
			}
			return fmt.Errorf("read: %w", f.err)
		}
		if done := s.frame(f); done || s.err != nil {
			return s.err
		}
		if len(frames) == 0 {
			s.publish()
		}
	}
	return s.err
}

// frame is a message that has been read, or why there is none.
type frame struct {
	text []byte
	err  error
}

// readFrames reads until an error that ends the input, or stop.
func readFrames(in io.Reader, frames chan<- frame, stop <-chan struct{}) {
	r := newReader(in)
	for {
		text, err := r.next()
		select {
		case frames <- frame{text, err}:
		case <-stop:
			return
		}
		if err != nil && !errors.Is(err, errTooLong) {
			return
		}
	}
}

type server struct {
	out  io.Writer
	opts Options
	err  error // of writing

	initialized, stopped bool

	workspace []string
	docs      overlay
	roots     map[string]*analysis // by file; emptied on every change
	told      map[string]string    // the problems an editor knows, as sent
	dirty     bool
	words     *dictionary
}

// frame deals with one message and reports whether it was the last.
func (s *server) frame(f frame) (done bool) {
	if f.err != nil {
		s.fail(nil, rpcError{codeInvalidRequest, f.err.Error()})
		return false
	}
	var m message
	if err := json.Unmarshal(f.text, &m); err != nil {
		s.fail(nil, rpcError{codeParse, "no JSON-RPC message: " + err.Error()})
		return false
	}
	isRequest := len(m.ID) > 0 && !bytes.Equal(m.ID, []byte("null"))
	switch {
	case m.Method == "exit":
		if !s.stopped {
			s.err = ErrNoShutdown
		}
		return true
	case m.Method == "":
		if isRequest && m.Params != nil {
			s.fail(m.ID, rpcError{codeInvalidRequest, "a request without a method"})
		}
		return false // an answer: nothing was asked
	case !s.initialized && m.Method != "initialize":
		if isRequest {
			s.fail(m.ID, rpcError{codeNotInitialized, "initialize comes first"})
		}
		return false
	case s.stopped:
		if isRequest {
			s.fail(m.ID, rpcError{codeInvalidRequest, "the server is shut down"})
		}
		return false
	}
	result, err := s.call(m)
	if !isRequest {
		return false
	}
	if err != nil {
		var failed rpcError
		if !errors.As(err, &failed) {
			failed = rpcError{codeInvalidParams, err.Error()}
		}
		s.fail(m.ID, failed)
		return false
	}
	s.send(response{"2.0", m.ID, result})
	return false
}

// call runs the method of a message. A fault of the server fails the one message.
func (s *server) call(m message) (result any, err error) {
	defer s.recovered(m.Method, &err)
	method := methods[m.Method]
	if method == nil {
		return nil, rpcError{codeNoMethod, "no method " + m.Method}
	}
	return method(s, m.Params)
}

// recovered makes a fault of the server an error, and logs it. It is to be deferred.
func (s *server) recovered(method string, err *error) {
	p := recover()
	if p == nil {
		return
	}
	if s.opts.Log != nil {
		fmt.Fprintf(s.opts.Log, "%s: %v\n%s", method, p, debug.Stack())
	}
	*err = rpcError{codeInternal, fmt.Sprintf("a fault of the language server: %v", p)}
}

func (s *server) send(v any) {
	text, err := json.Marshal(v)
	if err == nil {
		err = writeFrame(s.out, text)
	}
	if s.err == nil && err != nil {
		s.err = fmt.Errorf("write: %w", err)
	}
}

func (s *server) fail(id json.RawMessage, err rpcError) {
	if id == nil {
		id = json.RawMessage("null")
	}
	s.send(failure{"2.0", id, err})
}

// analysis returns what loading a root has shown.
func (s *server) analysis(root string) *analysis {
	if s.roots[root] == nil {
		s.roots[root] = s.docs.analyze(root)
	}
	return s.roots[root]
}

// publish tells the problems of all open documents that are not known yet.
func (s *server) publish() {
	if !s.dirty {
		return
	}
	s.dirty = false
	var fault error
	defer s.recovered("publish", &fault)
	for _, path := range sortedKeys(s.docs) {
		d := s.docs[path]
		list := []diagnostic{}
		for _, p := range s.analysis(d.root).problems {
			if p.File == path {
				list = append(list, d.diagnostic(p))
			}
		}
		params := diagnosticsParams{d.uri, list}
		text, _ := json.Marshal(params)
		if s.told[d.uri] != string(text) {
			s.told[d.uri] = string(text)
			s.send(notification{"2.0", "textDocument/publishDiagnostics", params})
		}
	}
}

func sortedKeys(docs overlay) []string {
	var keys []string
	for k := range docs {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (d *document) diagnostic(p streams.Problem) diagnostic {
	out := diagnostic{Severity: 1, Source: "zeta", Message: p.Found}
	if p.Operator != "" {
		out.Message = p.Operator + ": " + p.Found
	}
	if p.Warning {
		out.Severity = 2
	}
	if advice := strings.Trim(p.Want+"; "+p.Hint, "; "); advice != "" {
		out.Message += "\n" + advice
	}
	if p.Line > 0 {
		out.Range = span{d.index.characters(p.Line, p.Col), d.index.characters(p.Line, p.Col+p.Width)}
	}
	return out
}
