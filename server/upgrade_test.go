package server

import (
	"encoding/binary"
	flags "flag"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newGolden writes the data directory of the present format anew. The directories of released versions stay as they
// are: a new format gets a new directory beside them, which upgradeRules then has to read as well.
var newGolden = flags.Bool("golden", false, "write testdata/upgrade anew")

// upgradeRules are those that the golden directories were written with.
const upgradeRules = `default(ttl, 1e9, index);
where(service == "c", counter(with(service, "total", index)));
where(service == "c", rollup(1, "1000h", smap(count, with({service: "rolled", ttl: 1e9}, index))));
where(service == "alert", webhook({url: "http://127.0.0.1:9/", wait: 0, batch: 1}));`

// writeGolden makes a data directory that holds something of everything: a checkpoint, a tail of the journal after it,
// an alert that waits, and a dead letter.
func writeGolden(t *testing.T, to string) {
	dir := t.TempDir()
	a := live(t, dir, upgradeRules)
	a.take(one("c", 1), one("c", 2), one("kept", 3), one("alert", 4))
	q := a.store.Outbox.Queue(a.sinks.Status()[0].ID)
	entries, err := q.Peek(1, 1<<20)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d alerts wait, %v", len(entries), err)
	}
	if err := a.store.Outbox.Wait(t.Context(), q.Dead("refused", entries...)); err != nil {
		t.Fatal(err)
	}
	if err := a.checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.take(one("c", 5), one("kept", 6), one("alert", 7))
	a.end()
	os.RemoveAll(to)
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	// The checkpoint of the end would leave nothing to replay; the rest is no part of the format.
	made, _ := filepath.Glob(filepath.Join(to, "checkpoints", "*.checkpoint"))
	for _, name := range append([]string{slices.Max(made)}, filepath.Join(to, "LOCK"), filepath.Join(to, "outbox.db.reserve"), filepath.Join(to, "bulk")) {
		os.RemoveAll(name)
	}
}

// Every data directory that a version of zeta has written is read by this one.
func TestDataOfEveryVersionIsRead(t *testing.T) {
	if *newGolden {
		writeGolden(t, "testdata/upgrade/format-1")
	}
	formats, err := filepath.Glob("testdata/upgrade/format-*")
	if err != nil || len(formats) == 0 {
		t.Fatalf("there are no golden directories: %v", err)
	}
	for _, format := range formats {
		t.Run(filepath.Base(format), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(format)); err != nil {
				t.Fatal(err)
			}
			filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error { return os.Chmod(path, 0o700) })
			a := live(t, dir, upgradeRules)
			for service, want := range map[string]float64{"kept": 6, "total": 8, "rolled": 1} {
				if got := a.metric(service); got != want {
					t.Errorf("%s is %v, want %v", service, got, want)
				}
			}
			until(t, "one alert waits, as the replay makes none anew", func() bool { return a.sinks.Status()[0].Queued == 1 })
			letters := a.sinks.DeadLetters(a.sinks.Status()[0].ID)
			if len(letters) != 1 || letters[0].Err != "refused" || letters[0].Alert.Events[0].Float != 4 {
				t.Errorf("dead are %v, want the first alert", letters)
			}
			a.take(one("c", 10))
			if got := a.metric("total"); got != 18 {
				t.Errorf("the counter goes on with %v, want 18", got)
			}
			b := live(t, a.died(), upgradeRules)
			if got := b.metric("total"); got != 18 {
				t.Errorf("after a restart the counter is %v, want 18", got)
			}
		})
	}
}

// A data directory of which one file is of a newer format is refused, with both versions named, and stays as it is.
func TestDataOfANewerVersionIsLeftAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(dir, os.DirFS("testdata/upgrade/format-1")); err != nil {
		t.Fatal(err)
	}
	filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error { return os.Chmod(path, 0o700) })
	made, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "*.checkpoint"))
	b, err := os.ReadFile(made[0])
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(b[8:], 99)
	binary.LittleEndian.PutUint32(b[20:], crc32.Checksum(b[:20], crc32.MakeTable(crc32.Castagnoli)))
	if err := os.WriteFile(made[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	store, err := OpenStore(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close(t.Context())
	before := listing(t, dir)
	_, err = New(Options{RulesText: `listen.tcp("127.0.0.1:0");`, Store: store, Logger: log, Quiet: true})
	if err == nil || !strings.Contains(err.Error(), "format version 99, this zeta reads up to 1") {
		t.Errorf("%v, want both versions", err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("the directory was changed from\n%s\nto\n%s", before, after)
	}
}

// listing names the checkpoints with what they hold.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	names, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "*"))
	for _, name := range names {
		text, _ := os.ReadFile(name)
		fmt.Fprintf(&b, "%s %x\n", name, text)
	}
	return b.String()
}
