// Package capitalmatch runs the example in this directory on real programs.
package capitalmatch

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zeta/client"
	"zeta/event"
	"zeta/internal/rig"
	"zeta/sinks/sinktest"
)

var realPrograms = flag.Bool("real", false, "run against real collectd, stunnel and Chromium (see install.sh)")

// company is the whole installation of one test run.
type company struct {
	*rig.Zeta
	t     *testing.T
	slack *sinktest.Slack
	logs  *sinktest.Intake
	tcp   string // addresses of zeta
	tls   string
	shim  string
	hosts map[string]*exec.Cmd
}

func TestCapitalMatch(t *testing.T) {
	if !*realPrograms {
		t.Skip("drives real collectd, stunnel and Chromium; run install.sh once and then: go test . -real")
	}
	rig.Need(t, "collectd", "stunnel4", "chromium", "gcc")
	r := start(t)

	r.collectd("web1", rig.Port(r.tcp), false)
	r.collectd("web2", rig.Port(r.tls), true)
	r.collectd("web3", rig.Port(r.stunnel("stunnel-client.conf", "client", r.tls)), false)
	r.collectd("web4", rig.Port(r.stunnel("stunnel-client.conf", "client", r.stunnel("stunnel-server.conf", "server", r.tcp))), false)
	for _, host := range []string{"web1", "web2", "web3", "web4"} {
		r.eventually(t, host+"'s pulse is in the index", func() bool {
			return len(r.query(fmt.Sprintf(`host = %q and service = "load/load/shortterm"`, host))) == 1
		})
	}

	t.Run("collectd's traps", func(t *testing.T) { testTraps(t, r) })
	t.Run("a disk fills up", func(t *testing.T) { testDisk(t, r) })
	t.Run("a host falls silent", func(t *testing.T) { testSilence(t, r) })
	t.Run("an application", func(t *testing.T) { testApplication(t, r) })
	t.Run("the dashboard", func(t *testing.T) { testDashboard(t, r) })
	if broken := r.slack.Broken(); len(broken) > 0 {
		t.Errorf("requests that broke Slack's rules: %q", broken)
	}
	if broken := r.logs.Broken(); len(broken) > 0 {
		t.Errorf("requests the log service refused: %q", broken)
	}
}

// testTraps holds what collectd really sends: rates that begin with NaN, ttl from the interval, states
// that are missing or empty, and notifications whose text is an attribute named description.
func testTraps(t *testing.T, r *company) {
	pulse := r.query(`host = "web1" and service = "load/load/shortterm"`)[0]
	if pulse["ttl"] != 5.0 || pulse["state"] != nil || pulse["plugin"] != "load" || pulse["env"] != "prod" {
		t.Errorf("the pulse is %v; want ttl 5, no state, attributes plugin and env", pulse)
	}
	r.eventually(t, "a rate of web1", func() bool {
		return len(r.query(`host = "web1" and service =~ "interface-%/if_octets/rx" and metric >= 0`)) > 0
	})
	r.socket("web1", fmt.Sprintf(`PUTNOTIF message="disk \"sdb\" is dying" severity=failure time=%d host=web1 plugin=smart type=smart_badsectors`, time.Now().Unix()))
	r.eventually(t, "the notification", func() bool {
		for _, e := range r.query(`host = "web1" and tagged "notification"`) {
			return e["state"] == "critical" && e["description"] == `disk "sdb" is dying`
		}
		return false
	})
	r.socket("web1", `PUTVAL web1/trap/gauge-nan interval=1 N:U`)
	r.eventually(t, "an undefined gauge as NaN", func() bool {
		for _, e := range r.query(`host = "web1" and service = "trap/gauge-nan"`) {
			return e["metric"] == "NaN"
		}
		return false
	})
	c := client.New(r.tcp, client.Options{})
	defer c.Close(t.Context())
	e := event.Event{}
	e.SetHost("web1")
	e.SetService("trap empty")
	e.SetState("")
	e.SetDescription("")
	c.Send(e)
	r.eventually(t, "an empty state is no state", func() bool {
		for _, e := range r.query(`host = "web1" and service = "trap empty"`) {
			return e["state"] == nil
		}
		return false
	})
}

func testDisk(t *testing.T, r *company) {
	free := func(host, mount string, percent float64) {
		r.socket(host, fmt.Sprintf(`PUTVAL %s/df-%s/percent_bytes-free interval=1 N:%v`, host, mount, percent))
	}
	about := func(text string) (found []sinktest.Message) {
		for _, m := range r.slack.Messages() {
			if strings.Contains(m.Text, text) {
				found = append(found, m)
			}
		}
		return found
	}
	free("web1", "data", 40)
	free("web1", "data", 7.5)
	r.eventually(t, "Slack is told about web1's data", func() bool { return len(about("web1 df-data/percent_bytes-free")) == 1 })
	m := about("web1 df-data/percent_bytes-free")[0]
	if !strings.Contains(m.Text, "critical") || !strings.Contains(m.Text, "7.5") || m.Channel != "#ops" {
		t.Errorf("the message is %+v; want critical and 7.5 in #ops", m)
	}
	free("web1", "data", 7)    // the same hour: not told again
	free("web2", "data", 3)    // another host: told
	free("web1", "backup", 11) // between the marks: not told
	r.eventually(t, "Slack is told about web2's data", func() bool { return len(about("web2 df-data/percent_bytes-free")) == 1 })
	free("web1", "data", 30)
	r.eventually(t, "the first message says that it is over", func() bool {
		m := about("web1 df-data/percent_bytes-free")
		return m[0].Edits == 1 && strings.HasPrefix(m[0].Text, "Resolved")
	})
	if n := len(about("web1 df-data")); n != 1 {
		t.Errorf("%d messages about web1's data, want 1: %+v", n, about("web1 df-data"))
	}
	if n := len(about("df-backup")); n != 0 {
		t.Errorf("%d messages about a disk with 11 %% free, want none", n)
	}
}

func testSilence(t *testing.T, r *company) {
	about := func() (found []sinktest.Message) {
		for _, m := range r.slack.Messages() {
			if strings.Contains(m.Text, "web3 load/load/shortterm") {
				found = append(found, m)
			}
		}
		return found
	}
	r.hosts["web3"].Process.Kill()
	r.hosts["web3"].Wait()
	r.eventually(t, "Slack is told that web3 is silent", func() bool { return len(about()) == 1 })
	if m := about()[0]; !strings.Contains(m.Text, "down") || !strings.Contains(m.Body, "silent") {
		t.Errorf("the message is %+v; want that web3 is down and silent", m)
	}
	r.eventually(t, "all of web3 has expired", func() bool { return len(r.query(`host = "web3" and tagged "collectd"`)) == 0 })
	if n := len(about()); n != 1 {
		t.Errorf("%d messages about web3, want 1: %+v", n, about())
	}
	r.collectd("web3", rig.Port(r.stunnel("stunnel-client.conf", "client", r.tls)), false)
	r.eventually(t, "the message says that web3 is back", func() bool {
		return len(about()) == 1 && about()[0].Edits == 1 && strings.HasPrefix(about()[0].Text, "Resolved")
	})
}

func testApplication(t *testing.T, r *company) {
	r.logs.FailFirst(500, 429)
	c := client.New(r.tcp, client.Options{})
	log := slog.New(client.NewHandler(c, client.HandlerOptions{Host: "app1", Service: "log payments"}))
	send := func(service, state string, metric float64) {
		var e event.Event
		e.SetHost("app1")
		e.SetService(service)
		if state != "" {
			e.SetState(state)
		}
		e.SetFloat(metric)
		c.Send(e)
	}
	send("app payments", "up", 1)
	for i := range 100 {
		send("http latency", "ok", float64(i)/1000)
		send("disk latency", "ok", 0.004)
		send("disk throughput", "ok", 80e6)
	}
	send("app payments", "down", 0)
	log.Info("started", "version", "1.2")
	log.Warn("slow answer", "path", "/pay", "seconds", 2.5)
	log.Error("payment failed", "order", 4711)
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.eventually(t, "Slack is told that the application is down", func() bool {
		for _, m := range r.slack.Messages() {
			if strings.Contains(m.Text, "app1 app payments down") {
				return true
			}
		}
		return false
	})
	r.eventually(t, "percentiles of the latency are in the index", func() bool {
		es := r.query(`host = "app1" and service = "http latency 0.95"`)
		return len(es) == 1 && es[0]["metric"] == 0.095
	})
	r.eventually(t, "means of the disk are in the index", func() bool {
		es := r.query(`host = "app1" and service = "disk throughput mean"`)
		return len(es) == 1 && es[0]["metric"] == 80e6
	})
	r.eventually(t, "the log service has both records, after a 500 and a 429", func() bool {
		entries, _ := r.logs.Entries()
		return len(entries) == 2
	})
	entries, _ := r.logs.Entries()
	for i, want := range []struct{ message, status string }{{"slow answer", "warn"}, {"payment failed", "error"}} {
		e := entries[i]
		if e["message"] != want.message || e["status"] != want.status || e["hostname"] != "app1" || e["service"] != "log payments" {
			t.Errorf("log entry %d is %v; want %q as %s of app1", i, e, want.message, want.status)
		}
	}
	if c.Dropped() != 0 {
		t.Errorf("the client dropped %d events", c.Dropped())
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// testDashboard opens the page in a real browser and reads what it shows.
func testDashboard(t *testing.T, r *company) {
	page := r.open("http://" + r.HTTP + "/")
	defer func() {
		if keep := os.Getenv("SCREENSHOT"); keep != "" {
			if err := os.WriteFile(keep, page.screenshot(), 0o644); err != nil {
				t.Error(err)
			}
		}
		if t.Failed() {
			t.Logf("the page shows:\n%s", page.text())
		}
	}()
	for _, want := range []string{"web1", "web2", "web3", "web4", "app1", "app payments", "6 hosts"} {
		r.eventually(t, "the page shows "+want, func() bool { return strings.Contains(page.text(), want) })
	}
}

// start runs zeta with the example's rules between a Slack and a log service.
func start(t *testing.T) *company {
	r := &company{t: t, hosts: map[string]*exec.Cmd{}, tcp: rig.FreeAddr(t), tls: rig.FreeAddr(t)}
	r.slack = sinktest.NewSlack(t, "xoxb-test", "#ops")
	r.slack.Every = time.Second
	r.logs = sinktest.NewIntake(t, "DD-API-KEY", "k-123")
	r.Zeta = rig.Start(t, rig.Options{Rules: "zeta.expr", Data: true, Env: []string{
		"ZETA_TCP=" + r.tcp, "ZETA_UDP=" + r.tcp, "ZETA_TLS=" + r.tls,
		"SLACK_TOKEN=xoxb-test", "SLACK_API=" + r.slack.URL, "SLACK_CA=" + r.slack.CA,
		"LOG_URL=" + r.logs.URL, "LOG_CA=" + r.logs.CA, "LOG_KEY=k-123"}})
	r.shim = r.Path("event_set.so")
	rig.Run(t, nil, "gcc", "-shared", "-fPIC", "-o", r.shim, "preload/event_set.c", "-lriemann-client")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Slack has %+v", r.slack.Messages())
		}
	})
	return r
}

// collectd starts a host that sends to a port on loopback.
func (r *company) collectd(host, port string, secure bool) {
	dir := r.Path(host)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	conf := rig.Fill(r.t, "collectd.conf", map[string]any{
		"Host": host, "Interval": 1, "Dir": dir, "Port": port, "TLS": secure,
		"CA": r.Path("ca.crt"), "Cert": r.Path("client.crt"), "Key": r.Path("client.key"),
	})
	cmd := exec.Command("collectd", "-f", "-C", conf)
	cmd.Env = append(os.Environ(), "LD_PRELOAD="+r.shim)
	rig.Background(r.t, host, cmd)
	r.hosts[host] = cmd
}

// stunnel starts a stunnel with this configuration and pair in front of an address, and returns its own.
func (r *company) stunnel(conf, pair, connect string) string {
	accept := rig.FreeAddr(r.t)
	file := rig.Fill(r.t, conf, map[string]any{
		"Accept": rig.Port(accept), "Connect": rig.Port(connect), "CA": r.Path("ca.crt"), "Cert": r.Path(pair + ".crt"), "Key": r.Path(pair + ".key"),
	})
	rig.Background(r.t, "stunnel", exec.Command("stunnel4", file))
	rig.Connect(r.t, "tcp", accept).Close()
	return accept
}

// socket sends a command to a host's collectd.
func (r *company) socket(host, command string) {
	r.t.Helper()
	c := rig.Connect(r.t, "unix", filepath.Join(r.Path(host), "sock"))
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintln(c, command)
	answer := make([]byte, 256)
	n, err := c.Read(answer)
	if err != nil || !strings.HasPrefix(string(answer[:n]), "0 Success") {
		r.t.Fatalf("%s: %q: %v", command, answer[:n], err)
	}
}

// eventually waits for something that real programs take their time for.
func (r *company) eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	rig.Eventually(t, what, ok)
	t.Log("seen:", what)
}

func (r *company) query(q string) []map[string]any {
	r.t.Helper()
	return r.Query(r.t, q)
}
