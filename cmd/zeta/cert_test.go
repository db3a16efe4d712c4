package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zeta/server"
)

// Certificates that cert makes let a server and a sender find each other, and keep others out.
func TestCert(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	for _, args := range [][]string{{"server", "127.0.0.1", "localhost"}, {"client", "web1"}} {
		if status, out, err := zeta(append([]string{"cert", "--dir", dir}, args...)...); status != exitOK {
			t.Fatalf("cert %q: status %d: %s%s", args, status, out, err)
		}
	}
	for _, f := range []string{"ca.key", "server.key", "web1.key"} {
		if info, err := os.Stat(filepath.Join(dir, f)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v, want it for its owner only", f, info, err)
		}
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	s, err := server.New(server.Options{
		RulesText: fmt.Sprintf(`listen.tcp("127.0.0.1:0", {tls: {cert: %q, key: %q, clientCA: %q}}); index;`, file("server.pem"), file("server.key"), file("ca.pem")),
		Logger:    slog.New(slog.DiscardHandler), Quiet: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown(context.Background())
	send := func(flags ...string) (int, string) {
		status, _, text := zeta(append([]string{"send", "--addr", s.Addr("tls").String(), "--service", "up", "--ca", file("ca.pem")}, flags...)...)
		return status, text
	}
	if status, text := send("--cert", file("web1.pem"), "--key", file("web1.key")); status != exitOK {
		t.Errorf("a known sender: status %d: %s", status, text)
	}
	if status, _ := send(); status != exitFailure {
		t.Errorf("a sender without a certificate: status %d, want %d", status, exitFailure)
	}
	if status, _, text := zeta("cert", "client", "web1", "--dir", dir); status != exitFailure || !strings.Contains(text, "not written over") {
		t.Errorf("again: status %d: %s", status, text)
	}
	for _, args := range [][]string{{}, {"server"}, {"client"}, {"client", "a", "b"}, {"client", "../x"}, {"client", "ca"}, {"server", "a", "--days", "0"}} {
		if status, _, _ := zeta(append([]string{"cert", "--dir", dir}, args...)...); status != exitUsage {
			t.Errorf("cert %q: status %d, want %d", args, status, exitUsage)
		}
	}
}
