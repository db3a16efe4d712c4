// Package rig runs a built zeta among real programs, for the tests of the examples: it builds the program, starts it
// and others, waits until they are there, asks zeta's index, records what travels, and ends what it started.
//
//	z := rig.Start(t, rig.Options{Rules: "zeta.expr", Env: []string{"ZETA_TCP=" + tcp}})
//	rig.Background(t, "collectd", exec.Command("collectd", "-f", "-C", file))
//	z.Want(t, `host = "web1" and service = "load"`, map[string]any{"state": "ok"})
//
// Whatever goes wrong ends the test with what the programs said. Nothing here may be called from several goroutines.
package rig

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"zeta/tls"
)

// Options say how a zeta is started.
type Options struct {
	Rules string   // the file of rules, whose listen.http is at env("ZETA_HTTP")
	Data  bool     // keep journal and outbox in the run's directory; without, all is in memory
	Env   []string // what else the rules take from the environment
}

// Zeta is a running zeta.
type Zeta struct {
	Dir  string // of this run; it goes with the test
	HTTP string // the address of its listen.http
}

// Start builds and starts a zeta and waits until it is ready. Its environment has ZETA_HTTP, and ZETA_CERT, ZETA_KEY and ZETA_CA
// for its TLS; the same directory holds client.crt and client.key.
func Start(t *testing.T, o Options) *Zeta {
	t.Helper()
	z := &Zeta{Dir: t.TempDir(), HTTP: FreeAddr(t)}
	z.certificates(t)
	data := ""
	if o.Data {
		data = z.Path("state")
	}
	program := z.Path("zeta")
	Run(t, nil, "go", "build", "-o", program, "zeta/cmd/zeta")
	cmd := exec.Command(program, "serve", "--config", o.Rules, "--data="+data)
	cmd.Env = append(append(os.Environ(), "XDG_STATE_HOME="+z.Dir, "ZETA_HTTP="+z.HTTP,
		"ZETA_CERT="+z.Path("server.crt"), "ZETA_KEY="+z.Path("server.key"), "ZETA_CA="+z.Path("ca.crt")), o.Env...)
	Background(t, "zeta", cmd)
	Ready(t, "http://"+z.HTTP+"/readyz")
	return z
}

// Path returns the path of a file in the run's directory.
func (z *Zeta) Path(name string) string { return filepath.Join(z.Dir, name) }

func (z *Zeta) certificates(t *testing.T) {
	t.Helper()
	ca, err := tls.NewAuthority("example")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) {
		if err := os.WriteFile(z.Path(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ca.crt", ca.PEM())
	for name, request := range map[string]tls.Request{
		"server": {Name: "zeta", Hosts: []string{"127.0.0.1", "localhost"}, Server: true},
		"client": {Name: "web1", Client: true},
	} {
		cert, key, err := ca.Issue(request)
		if err != nil {
			t.Fatal(err)
		}
		write(name+".crt", cert)
		write(name+".key", key)
	}
}

// Query returns the events of the index that fit a query, as JSON has them.
func (z *Zeta) Query(t *testing.T, q string) []map[string]any {
	t.Helper()
	resp, err := http.Get("http://" + z.HTTP + "/api/v1/query?q=" + url.QueryEscape(q))
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

// Want waits until one event of the index fits a query and has these values under its keys; nil is a missing one.
func (z *Zeta) Want(t *testing.T, query string, fields map[string]any) map[string]any {
	t.Helper()
	var last []map[string]any
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pause) {
		last = z.Query(t, query)
		if len(last) == 1 && agrees(last[0], fields) {
			return last[0]
		}
	}
	t.Errorf("%s: the index holds %v, want one with %v", query, last, fields)
	return map[string]any{}
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
