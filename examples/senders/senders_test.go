// Package senders drives real programs that speak none of Riemann's protocols against a zeta's other doors, looks at
// real programs with its probes and sources, and records what is sent.
package senders

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"zeta/internal/rig"
)

var (
	realPrograms = flag.Bool("real", false, "run real senders (see install.sh)")
	record       = flag.Bool("record", false, "rewrite the recorded exchanges in server/testdata/doors")
)

// bench is one zeta, the addresses of its doors by the variable that names them, and what it looks at.
type bench struct {
	*rig.Zeta
	addr map[string]string
}

// TestRealSenders runs every sender; one that is not installed is a failure, since install.sh installs it.
func TestRealSenders(t *testing.T) {
	if !*realPrograms {
		t.Skip("drives real senders; run install.sh once and then: go test . -real")
	}
	rig.Need(t, "prometheus", "prometheus-alertmanager", "prometheus-node-exporter", "nats-server", "syslog-ng", "collectd", "nc", "logger")
	b := start(t)
	for _, s := range []struct {
		name string
		run  func(t *testing.T, b *bench)
	}{
		{"graphite", testGraphite},
		{"graphite from collectd", testCollectd},
		{"opentsdb", testOpenTSDB},
		{"json lines", testJSON},
		{"influx lines", testInflux},
		{"influx lines from telegraf", testTelegraf},
		{"statsd", testStatsd},
		{"syslog", testSyslog},
		{"syslog over TLS", testSyslogTLS},
		{"otlp", testOTLP},
		{"remote write 1.0", testPrometheus},
		{"remote write 2.0", testRemoteWrite2},
		{"alertmanager", testAlertmanager},
		{"nats", testNATS},
		{"probes", testProbes},
		{"sources", testSources},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, b) })
	}
}

// start runs what zeta connects to and looks at, and a zeta with every door.
func start(t *testing.T) *bench {
	b := &bench{addr: map[string]string{}}
	var env []string
	for _, name := range []string{"ZETA_GRAPHITE", "ZETA_COLLECTD", "ZETA_OPENTSDB", "ZETA_STATSD", "ZETA_SYSLOG", "ZETA_SYSLOG_TLS", "ZETA_INFLUX",
		"ZETA_JSON", "ZETA_OTLP", "ZETA_REMOTE_WRITE", "ZETA_ALERTMANAGER", "ZETA_NATS", "ZETA_NODE_EXPORTER"} {
		b.addr[name] = rig.FreeAddr(t)
		env = append(env, name+"="+b.addr[name])
	}
	rig.Background(t, "nats-server", exec.Command("nats-server", "-a", "127.0.0.1", "-p", rig.Port(b.addr["ZETA_NATS"])))
	rig.Background(t, "node_exporter", exec.Command("prometheus-node-exporter", "--web.listen-address="+b.addr["ZETA_NODE_EXPORTER"]))
	rig.Connect(t, "tcp", b.addr["ZETA_NATS"]).Close()
	rig.Ready(t, "http://"+b.addr["ZETA_NODE_EXPORTER"]+"/")
	b.Zeta = rig.Start(t, rig.Options{Rules: "zeta.expr", Env: env})
	return b
}

// python runs a script of this directory; as standard input, so that no message holds its path.
func python(t *testing.T, script string, args ...string) string {
	t.Helper()
	f, err := os.Open(script)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command(rig.Cached(t, "senders", "bin", "python"), append([]string{"-"}, args...)...)
	cmd.Stdin = f
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// door is a door that a sender is led to, through a recorder with -record.
type door struct {
	*bench
	addr string
	rec  *rig.Recorder // nil without -record
}

// door returns the door at a variable's address. With -record what travels goes to server/testdata/doors/NAME.txt, with
// the statement of the rules that opens the door and, where the test wanted them, the events of the index.
func (b *bench) door(t *testing.T, variable, name, about string) *door {
	t.Helper()
	d := &door{bench: b, addr: b.addr[variable]}
	if !*record {
		return d
	}
	rules, err := os.ReadFile("zeta.expr")
	if err != nil {
		t.Fatal(err)
	}
	statement := ""
	for line := range strings.Lines(string(rules)) {
		if strings.HasPrefix(line, "listen.") && strings.Contains(line, `env("`+variable+`")`) {
			statement = strings.TrimSpace(strings.Replace(line, `env("`+variable+`")`, `"127.0.0.1:0"`, 1))
		}
	}
	d.rec = rig.NewRecorder(t)
	d.addr = d.rec.Front(d.addr)
	t.Cleanup(func() {
		text := fmt.Sprintf("# %s\n# Recorded by examples/senders with -record.\n! %s\n%s", about, statement, script(d.rec.Pieces()))
		if host := machine(t); host != "localhost" { // no door whose messages name the machine says their length
			text = strings.NewReplacer(" "+host+" ", " web1 ", `"host":"`+host+`"`, `"host":"web1"`).Replace(text)
		}
		rig.Save(t, filepath.Join("..", "..", "server", "testdata", "doors", name+".txt"), text)
	})
	return d
}

// host and port are the door's, as most senders want them.
func (d *door) host() string { return "127.0.0.1" }
func (d *door) port() string { return rig.Port(d.addr) }

// nc sends a text with netcat and returns what was answered.
func (d *door) nc(t *testing.T, text string, args ...string) string {
	t.Helper()
	cmd := exec.Command("nc", append(args, d.host(), d.port())...)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("nc: %v", err)
	}
	return string(out)
}

// machine is the name of the machine that the test runs on.
func machine(t *testing.T) string {
	t.Helper()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// connection dials a door that a program has opened.
func connection(t *testing.T, addr string) net.Conn {
	t.Helper()
	c := rig.Connect(t, "tcp", addr)
	t.Cleanup(func() { c.Close() })
	return c
}
