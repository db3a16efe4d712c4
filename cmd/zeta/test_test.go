package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// inFiles writes files into a directory of the test's own, which it is in from then on.
func inFiles(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const hotRules = `let hot = where(metric > 90, tap("seen"));
hot; where(state == "x", index);
test("it is hot", at(0, event({metric: 95})), expect("seen", [{metric: 95}]));
test("it is not", at(0, event({metric: 5})), expect("seen", [{metric: 5}]));
property("never hotter than 95", over({events: 20}), never("seen", metric > 95));
`

func TestTestCoverage(t *testing.T) {
	inFiles(t, map[string]string{"a.expr": hotRules})
	status, out, _ := zeta("test", "--coverage", "--run", "it is hot", "a.expr")
	want := `a.expr:1:17: where: never false: metric > 90
a.expr:2:12: where: never true: state == "x"
a.expr:2:26: index: never ran
coverage of a.expr: 0 of 2 conditions both ways, 3 of 4 streams ran
1 passed, 0 failed (1 file,`
	if status != 0 || !strings.HasPrefix(out, want) {
		t.Errorf("status %d, got\n%swant\n%s", status, out, want)
	}
}

func TestTestJUnit(t *testing.T) {
	inFiles(t, map[string]string{"a.expr": hotRules, "b.expr": "nonsense", "sub/c.json": `{"operator": "where", "cases": []}`})
	status, out, _ := zeta("test", "--junit", "report.xml", ".")
	if status != 1 || !strings.Contains(out, "1 passed, 2 failed") {
		t.Errorf("status %d:\n%s", status, out)
	}
	text, err := os.ReadFile("report.xml")
	if err != nil {
		t.Fatal(err)
	}
	var r junitSuites
	if err := xml.Unmarshal(text, &r); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if r.Tests != 4 || r.Failures != 2 || r.Errors != 1 || len(r.Suites) != 3 {
		t.Fatalf("the report:\n%s", text)
	}
	a, b := r.Suites[0], r.Suites[1]
	if c := a.Cases[1]; a.Name != "a.expr" || c.Name != "it is not" || c.File != "a.expr" || c.Line != 4 || c.Failure == nil || c.Failure.Message == "" {
		t.Errorf("a.expr:\n%s", text)
	}
	if c := a.Cases[2]; c.Failure == nil || !strings.Contains(c.Failure.Text, "expect(seen, [") {
		t.Errorf("the property:\n%s", text)
	}
	if c := b.Cases[0]; c.Error == nil || !strings.HasPrefix(c.Error.Message, "b.expr:1:1: unknown stream nonsense") {
		t.Errorf("b.expr:\n%s", text)
	}
}

// TestTestWatch runs again when a file that was read changes, but not for the report it writes itself or a file beside.
func TestTestWatch(t *testing.T) {
	inFiles(t, map[string]string{"a.expr": `include("more/*.expr"); test("t", at(0), expect(x, []))`, "more/x.expr": `let x = where(true, tap("y")); x`})
	w, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &lockedBuffer{}
	done := make(chan error, 1)
	go func() {
		o := testFlags{junit: "report.xml"}
		done <- o.watchWith(ctx, &cli{out: out, err: out}, []string{"a.expr"}, w)
	}()
	wait := func(text string, n int) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); strings.Count(out.String(), text) < n; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("not within 10 s: %d times %q in\n%s", n, text, out.String())
			}
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wait("waiting for a change", 1)
	write("output.log", "what a shell puts beside the rules")
	write("more/x.expr", `let x = where(true, tap("y")); x; nonsense`)
	wait("unknown stream nonsense", 1)
	wait("waiting for a change", 2)
	write("more/x.expr", `let x = where(true, tap("y")); x;`)
	wait("1 passed, 0 failed", 2)
	wait("waiting for a change", 3)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := strings.Count(out.String(), "waiting for a change"); n != 3 {
		t.Errorf("it ran %d times, want 3", n)
	}
}

// lockedBuffer is a buffer that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestTestFromJournal(t *testing.T) {
	data := journalOf(t)
	inFiles(t, map[string]string{"a.expr": `let twos = where(metric >= 1, index);
where(metric > 0, twos);
property("small", always(twos, metric < 3));
property("none", atMost(index, 1, "1h"));`})
	status, out, errs := zeta("test", "--from-journal", data, "a.expr")
	for _, want := range []string{"3 events in 3 batches, 20", "\n       2  twos\n", "\n       2  index\n", "FAIL a.expr: none\n  index: 2 values within 1h0m0s, from 20", "1 properties hold, 1 do not"} {
		if !strings.Contains(out, want) {
			t.Errorf("want %q in\n%s%s", want, out, errs)
		}
	}
	if status != 1 {
		t.Errorf("status %d", status)
	}
	if status, _, _ := zeta("test", "--from-journal", data, "--run", "small", "a.expr"); status != 0 {
		t.Errorf("status %d with the property that holds", status)
	}
	if status, _, errs := zeta("test", "--from-journal", t.TempDir(), "a.expr"); status != 1 || !strings.Contains(errs, "no event in the journal") {
		t.Errorf("without a journal: %d\n%s", status, errs)
	}
	if status, _, _ := zeta("test", "--from-journal", data, "--watch", "a.expr"); status != 2 {
		t.Errorf("with --watch: %d", status)
	}
}
