package rig

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"
)

// Real programs take their time: this long something may take, and so often it is looked for.
const (
	patience = 30 * time.Second
	pause    = 50 * time.Millisecond
)

// Eventually waits until something is so.
func Eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pause) {
		if ok() {
			return
		}
	}
	t.Fatalf("not seen within %v: %s", patience, what)
}

// Ready waits until a page is answered 200.
func Ready(t *testing.T, url string) {
	t.Helper()
	Eventually(t, url+" is answered", func() bool {
		resp, err := http.Get(url)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// Connect dials an address where a program is about to listen; network is tcp or unix.
func Connect(t *testing.T, network, addr string) (c net.Conn) {
	t.Helper()
	Eventually(t, addr+" is open", func() bool {
		var err error
		c, err = net.DialTimeout(network, addr, time.Second)
		return err == nil
	})
	return c
}

// Run runs a program to its end and returns what it printed; env comes on top of this process's own.
func Run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	out, err := Attempt(env, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// Attempt is Run for a program that may fail.
func Attempt(env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = patience
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Background starts a program that ends with the test; the end of its output is shown when the test fails.
func Background(t *testing.T, name string, cmd *exec.Cmd) {
	t.Helper()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			text := out.String()
			t.Logf("%s said:\n%s", name, text[max(0, len(text)-4000):])
		}
	})
}

// Need fails the test if a program is not installed.
func Need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%s is missing; run install.sh", p)
		}
	}
}

// Debian returns the version of an installed Debian package.
func Debian(t *testing.T, pkg string) string {
	t.Helper()
	return strings.TrimSpace(Run(t, nil, "dpkg-query", "-W", "-f=${Version}", pkg))
}

// Cached returns the path of something that an install.sh has put into ZETA_CLIENTS, ~/.cache/zeta-clients without it.
func Cached(t *testing.T, path ...string) string {
	t.Helper()
	p := filepath.Join(append([]string{cache(t)}, path...)...)
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("%v; run install.sh", err)
	}
	return p
}

// InCache says whether install.sh has put something there that is only put there on demand.
func InCache(t *testing.T, name string) bool {
	_, err := os.Stat(filepath.Join(cache(t), name))
	return err == nil
}

func cache(t *testing.T) string {
	if dir := os.Getenv("ZETA_CLIENTS"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(home, ".cache", "zeta-clients")
}

// Fill writes a template, filled in, to a directory of its own and returns the path.
func Fill(t *testing.T, name string, values map[string]any) string {
	t.Helper()
	tmpl, err := template.ParseFiles(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), filepath.Base(name)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := tmpl.Execute(f, values); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// FreeAddr returns an address on loopback that nobody listens on, over TCP or UDP.
func FreeAddr(t *testing.T) string {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if u, err := net.ListenPacket("udp", l.Addr().String()); err == nil {
			u.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port that is free over both TCP and UDP")
	return ""
}

// Port returns the port of an address.
func Port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}
