package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zeta/server"
)

// Commands that speak to the HTTP listener show a token from a file or from the environment.
func TestTokens(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	lines := ""
	for _, right := range []string{"query", "admin"} {
		lines += fmt.Sprintf("%x %s %s\n", sha256.Sum256([]byte("secret-"+right)), right, right)
	}
	s, err := server.New(server.Options{RulesText: fmt.Sprintf(`listen.http("127.0.0.1:0", {tokens: %q}); index;`, write("tokens", lines)),
		Logger: slog.New(slog.DiscardHandler), Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown(context.Background())
	at := []string{"--addr", s.Addr("http").String()}
	admin, query := write("admin", "secret-admin\n"), write("query", "secret-query")
	for _, c := range []struct {
		env    string
		args   []string
		status int
		says   string
	}{
		{"", []string{"silence", "list"}, exitFailure, "want a token"},
		{"", []string{"silence", "list", "--token-file", query}, exitOK, ""},
		{"", []string{"reload", "--plan", "--token-file", query}, exitFailure, "the token query does not give the right admin"},
		{"", []string{"reload", "--plan", "--token-file", admin}, exitOK, ""},
		{"secret-query", []string{"silence", "list"}, exitOK, ""},
		{"secret-query", []string{"reload", "--plan", "--token-file", admin}, exitOK, ""}, // the file comes first
		{"", []string{"silence", "list", "--token-file", filepath.Join(dir, "none")}, exitUsage, "--token-file: open"},
		{"two words", []string{"silence", "list"}, exitUsage, "want one word"},
	} {
		t.Setenv("ZETA_TOKEN", c.env)
		status, out, text := zeta(append(c.args, at...)...)
		if status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("zeta %q with ZETA_TOKEN=%q: status %d, %q %q; want %d and %q", c.args, c.env, status, out, text, c.status, c.says)
		}
	}
}
