package lsp

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// editor drives a server over pipes, as an editor does.
type editor struct {
	t        *testing.T
	in       *io.PipeWriter
	messages chan map[string]any
	done     chan error
	id       int
	asked    []map[string]any // notifications that came meanwhile
	dir      string
}

// newEditor starts a server with the files of a workspace, written to disk.
func newEditor(t *testing.T, files map[string]string) *editor {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	e := &editor{t: t, in: inW, messages: make(chan map[string]any, 1000), done: make(chan error, 1), dir: t.TempDir()}
	for name, text := range files {
		path := filepath.Join(e.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		err := Serve(inR, outW, Options{Version: "1", Log: testLog{t}})
		outW.Close()
		e.done <- err
	}()
	go func() {
		r := newReader(outR)
		for {
			text, err := r.next()
			if err != nil {
				close(e.messages)
				return
			}
			var m map[string]any
			if err := json.Unmarshal(text, &m); err != nil {
				t.Errorf("the server sent %s", text)
			}
			e.messages <- m
		}
	}()
	t.Cleanup(func() { inW.Close() })
	return e
}

// testLog fails the test with what a server logs: its faults.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Errorf("a fault of the server: %s", p)
	return len(p), nil
}

func (e *editor) raw(text string) {
	e.t.Helper()
	if _, err := io.WriteString(e.in, text); err != nil {
		e.t.Fatal(err)
	}
}

func (e *editor) send(v any) {
	e.t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		e.t.Fatal(err)
	}
	e.raw(fmt.Sprintf("Content-Length: %d\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n%s", len(text), text))
}

func (e *editor) notify(method string, params any) {
	e.t.Helper()
	e.send(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
}

// next returns the next message.
func (e *editor) next() map[string]any {
	e.t.Helper()
	select {
	case m, ok := <-e.messages:
		if !ok {
			e.t.Fatal("the server is gone")
		}
		return m
	case <-time.After(20 * time.Second):
		e.t.Fatal("no answer")
	}
	return nil
}

// request returns the answer to a request; notifications that come before it are kept.
func (e *editor) request(method string, params any) map[string]any {
	e.t.Helper()
	e.id++
	e.send(map[string]any{"jsonrpc": "2.0", "id": e.id, "method": method, "params": params})
	for {
		m := e.next()
		if m["id"] == float64(e.id) {
			return m
		}
		if m["method"] == nil {
			e.t.Fatalf("answer to nothing: %v", m)
		}
		e.asked = append(e.asked, m)
	}
}

// result decodes the result of a request into out.
func (e *editor) result(out any, method string, params any) {
	e.t.Helper()
	m := e.request(method, params)
	if m["error"] != nil {
		e.t.Fatalf("%s: %v", method, m["error"])
	}
	text, _ := json.Marshal(m["result"])
	if err := json.Unmarshal(text, out); err != nil {
		e.t.Fatalf("%s: %s: %v", method, text, err)
	}
}

func (e *editor) initialize() {
	e.t.Helper()
	e.request("initialize", map[string]any{"processId": nil, "rootUri": uriOf(filepath.ToSlash(e.dir)), "capabilities": map[string]any{}})
	e.notify("initialized", map[string]any{})
}

func (e *editor) uri(name string) string { return uriOf(filepath.ToSlash(filepath.Join(e.dir, name))) }

func (e *editor) open(name, text string) {
	e.t.Helper()
	e.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": e.uri(name), "languageId": "zeta", "version": 1, "text": text}})
}

// place returns the parameters for the place of the mark | in a text, which is opened without it.
func (e *editor) place(name, text string) map[string]any {
	e.t.Helper()
	at := strings.IndexByte(text, '|')
	text = text[:at] + text[at+1:]
	e.open(name, text)
	return map[string]any{"textDocument": map[string]any{"uri": e.uri(name)}, "position": newIndex(text).position(at)}
}

// problems waits for the problems of a document and returns them as line:column-column severity message.
func (e *editor) problems(name string) []string {
	e.t.Helper()
	for {
		var m map[string]any
		if len(e.asked) > 0 {
			m, e.asked = e.asked[0], e.asked[1:]
		} else {
			m = e.next()
		}
		if m["method"] != "textDocument/publishDiagnostics" {
			e.t.Fatalf("want problems, got %v", m)
		}
		text, _ := json.Marshal(m["params"])
		var p diagnosticsParams
		if err := json.Unmarshal(text, &p); err != nil {
			e.t.Fatal(err)
		}
		if p.URI != e.uri(name) {
			continue
		}
		list := []string{}
		for _, d := range p.Diagnostics {
			message, _, _ := strings.Cut(d.Message, "\n")
			list = append(list, fmt.Sprintf("%d:%d-%d %d %s", d.Range.Start.Line, d.Range.Start.Character, d.Range.End.Character, d.Severity, message))
		}
		return list
	}
}

func (e *editor) want(got []string, want ...string) {
	e.t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		e.t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// exit ends the server as editors do.
func (e *editor) exit() {
	e.t.Helper()
	e.request("shutdown", nil)
	e.notify("exit", nil)
	if err := <-e.done; err != nil {
		e.t.Errorf("exit: %v", err)
	}
}
