package server

import (
	"os"
	"path/filepath"
	"testing"
)

// A life that died before anything of it was in the journal may have left alerts in the outbox. The numbers of its
// events, which their ids are made of, must not be given again: the outbox would take new alerts for old ones.
func TestNumbersOfALifeThatLeftNoTraceAreNotGivenAgain(t *testing.T) {
	const rules = `where(service == "alert", webhook({url: "http://127.0.0.1:9/"}));`
	first := live(t, t.TempDir(), rules)
	first.take(one("other", 1))
	dir := first.died()
	journal := t.TempDir()
	if err := os.CopyFS(journal, os.DirFS(filepath.Join(dir, "journal"))); err != nil {
		t.Fatal(err)
	}
	second := live(t, dir, rules)
	second.take(one("alert", 1))
	dir = second.died()
	if err := os.RemoveAll(filepath.Join(dir, "journal")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "journal"), os.DirFS(journal)); err != nil {
		t.Fatal(err)
	}
	third := live(t, dir, rules)
	third.take(one("alert", 2))
	if n := third.sinks.Status()[0].Queued; n != 2 {
		t.Errorf("%d alerts wait, want both", n)
	}
}
