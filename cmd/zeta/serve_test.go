package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// systemd is told when zeta is ready, that it lives, and that it ends; and it ends in order.
func TestServeTellsSystemd(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.SetReadDeadline(time.Now().Add(30 * time.Second))
	rules := filepath.Join(dir, "zeta.expr")
	if err := os.WriteFile(rules, []byte(`listen.tcp("127.0.0.1:0"); index;`), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command("zeta", "serve", "--config", rules, "--data", filepath.Join(dir, "data")) // the test's own binary, see TestMain
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+name, "WATCHDOG_USEC=20000")
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	said := func() string {
		t.Helper()
		var b [100]byte
		n, err := l.Read(b[:])
		if err != nil {
			cmd.Process.Kill()
			cmd.Wait()
			t.Fatalf("%v; zeta said:\n%s", err, log.String())
		}
		return string(b[:n])
	}
	if got := said(); got != "READY=1" {
		t.Errorf("systemd was told %q first, want READY=1", got)
	}
	for range 2 {
		if got := said(); got != "WATCHDOG=1" {
			t.Errorf("systemd was told %q, want WATCHDOG=1", got)
		}
	}
	cmd.Process.Signal(syscall.SIGTERM)
	for got := said(); got != "STOPPING=1"; got = said() {
		if got != "WATCHDOG=1" {
			t.Errorf("systemd was told %q, want STOPPING=1", got)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v:\n%s", err, log.String())
	}
}
