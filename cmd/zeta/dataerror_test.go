package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"zeta/journal"
)

// serveOn runs zeta serve on a data directory that it cannot use.
func serveOn(t *testing.T, data string) (status int, said string) {
	t.Helper()
	rules := filepath.Join(t.TempDir(), "zeta.expr")
	if err := os.WriteFile(rules, []byte(`listen.tcp("127.0.0.1:0"); index;`), 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	status = run([]string{"serve", "--config", rules, "--data", data}, &cli{in: strings.NewReader(""), out: io.Discard, err: &b, env: os.Getenv, commands: commands()})
	return status, b.String()
}

func TestTwoOnOneDataDirectory(t *testing.T) {
	dir := t.TempDir()
	lock, err := journal.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	status, said := serveOn(t, dir)
	if want := fmt.Sprintf("in use by process %d", os.Getpid()); status != exitInUse || !strings.Contains(said, want) {
		t.Errorf("status %d, %q; want %d, %q", status, said, exitInUse, want)
	}
}

func TestDataDirectoryThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	status, said := serveOn(t, filepath.Join(file, "data"))
	if want := fmt.Sprintf("data directory %s cannot be written by uid %d: ", filepath.Join(file, "data"), os.Getuid()); status != exitData || !strings.Contains(said, want) {
		t.Errorf("status %d, %q; want %d, %q", status, said, exitData, want)
	}
	for _, cause := range []error{os.ErrPermission, syscall.EROFS, syscall.EACCES, &journal.VersionError{}} {
		if got := (&dataError{"d", fmt.Errorf("open: %w", cause)}).exit(); got != exitData {
			t.Errorf("%v: status %d, want %d", cause, got, exitData)
		}
	}
	if got := (&dataError{"d", io.ErrUnexpectedEOF}).exit(); got != exitFailure {
		t.Errorf("another error: status %d, want %d", got, exitFailure)
	}
}
