// Package clients drives real programs that speak Riemann's protocol against a zeta, and records what they say.
package clients

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"zeta/client"
	"zeta/event"
	"zeta/tls"
)

var (
	realPrograms = flag.Bool("real", false, "run real clients (see install.sh)")
	record       = flag.Bool("record", false, "rewrite the recorded exchanges in server/testdata/riemann")
)

// rig is one zeta and what stands around it.
type rig struct {
	t     *testing.T
	dir   string
	cache string // where install.sh has put what is not Debian's
	shim  string // preloaded into collectd, "" before its first start
	doors
	http string
}

// doors are the addresses that a client is told.
type doors struct {
	tcp  string // TCP, and UDP on the same port
	tls  string // TLS without client certificates
	mtls string // TLS with client certificates
}

// seed is what clients ask for: its time is old, so that the answer is the same on every day.
const seed = `service = "seed"`

func seedEvent() event.Event {
	var e event.Event
	e.SetHost("web1")
	e.SetService("seed")
	e.SetState("ok")
	e.SetDescription("sown")
	e.SetFloat(0.5)
	e.SetTTL(1e6)
	e.SetTime(1_700_000_000_250_000)
	return e
}

// TestRealClients runs every client; one that is not installed is a failure, since install.sh installs it.
func TestRealClients(t *testing.T) {
	if !*realPrograms {
		t.Skip("drives real clients; run install.sh once and then: go test . -real")
	}
	r := start(t)
	for _, c := range []struct {
		name string
		run  func(t *testing.T, r *rig)
	}{
		{"riemann-c-client", testC},
		{"ruby", testRuby},
		{"go", testGo},
		{"node", testNode},
		{"python", testPython},
		{"bernhard", testBernhard},
		{"syslog-ng", testSyslogNG},
		{"collectd", testCollectd},
		{"telegraf", testTelegraf},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, r) })
	}
}

// start builds zeta and runs it.
func start(t *testing.T) *rig {
	cache := os.Getenv("ZETA_CLIENTS")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(home, ".cache", "zeta-clients")
	}
	r := &rig{t: t, dir: t.TempDir(), cache: cache, http: freeAddr(t)}
	r.doors = doors{tcp: freeAddr(t), tls: freeAddr(t), mtls: freeAddr(t)}
	r.certificates()
	binary := filepath.Join(r.dir, "zeta")
	run(t, nil, "go", "build", "-o", binary, "zeta/cmd/zeta")
	zeta := exec.Command(binary, "serve", "--config", "zeta.expr", "--data=")
	zeta.Env = append(os.Environ(), "XDG_STATE_HOME="+r.dir,
		"ZETA_TCP="+r.tcp, "ZETA_TLS="+r.tls, "ZETA_MTLS="+r.mtls, "ZETA_HTTP="+r.http,
		"ZETA_CERT="+r.path("server.crt"), "ZETA_KEY="+r.path("server.key"), "ZETA_CA="+r.path("ca.crt"))
	background(t, "zeta", zeta)
	eventually(t, "zeta is ready", func() bool {
		resp, err := http.Get("http://" + r.http + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	c := client.New(r.tcp, client.Options{})
	c.Send(seedEvent())
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Close(t.Context())
	return r
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) certificates() {
	ca, err := tls.NewAuthority("example")
	if err != nil {
		r.t.Fatal(err)
	}
	write := func(name string, b []byte) {
		if err := os.WriteFile(r.path(name), b, 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	write("ca.crt", ca.PEM())
	for name, request := range map[string]tls.Request{
		"server": {Name: "zeta", Hosts: []string{"127.0.0.1", "localhost"}, Server: true},
		"client": {Name: "web1", Client: true},
	} {
		cert, key, err := ca.Issue(request)
		if err != nil {
			r.t.Fatal(err)
		}
		write(name+".crt", cert)
		write(name+".key", key)
	}
}

// want waits until the index holds an event of a service whose keys have these values; nil is a missing one.
func (r *rig) want(t *testing.T, service string, fields map[string]any) {
	t.Helper()
	var last []map[string]any
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		last = r.query(t, fmt.Sprintf(`host = "web1" and service = %q`, service))
		if len(last) == 1 && agrees(last[0], fields) {
			return
		}
	}
	t.Errorf("%s: the index holds %v, want %v", service, last, fields)
}

func agrees(e, fields map[string]any) bool {
	for k, want := range fields {
		got, err := json.Marshal(e[k])
		wanted, err2 := json.Marshal(want)
		if err != nil || err2 != nil || string(got) != string(wanted) {
			return false
		}
	}
	return true
}

// query asks zeta's index.
func (r *rig) query(t *testing.T, q string) []map[string]any {
	t.Helper()
	resp, err := http.Get("http://" + r.http + "/api/v1/query?q=" + url.QueryEscape(q))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	var answer struct{ Events []map[string]any }
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(body, &answer) != nil {
		t.Fatalf("query %s: %s %q %v", q, resp.Status, body, err)
	}
	return answer.Events
}

// cached returns the path of something that install.sh has put aside.
func (r *rig) cached(t *testing.T, path ...string) string {
	t.Helper()
	p := filepath.Join(append([]string{r.cache}, path...)...)
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("%v; run install.sh", err)
	}
	return p
}

// need fails the test if a program is not installed.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%s is missing; run install.sh", p)
		}
	}
}

// debian returns the version of an installed package.
func debian(t *testing.T, pkg string) string {
	t.Helper()
	return strings.TrimSpace(run(t, nil, "dpkg-query", "-W", "-f=${Version}", pkg))
}

// run runs a program to its end and returns what it printed.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	out, err := attempt(env, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func attempt(env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// background starts a program that ends with the test; its output is shown when the test fails.
func background(t *testing.T, name string, cmd *exec.Cmd) {
	t.Helper()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
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

// fill writes a template of this directory, filled in, and returns its path.
func fill(t *testing.T, name string, values map[string]any) string {
	t.Helper()
	tmpl, err := template.ParseFiles(name)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), name)
	f, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := tmpl.Execute(f, values); err != nil {
		t.Fatal(err)
	}
	return out
}

// eventually waits for something that real programs take their time for.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not seen within 20 s: %s", what)
}

// freeAddr returns an address on loopback that nobody listens on, over TCP or UDP.
func freeAddr(t *testing.T) string {
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

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}
