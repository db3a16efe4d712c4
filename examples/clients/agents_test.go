package clients

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zeta/internal/rig"
)

func testSyslogNG(t *testing.T, r *bench) {
	rig.Need(t, "syslog-ng")
	d := r.recorder(t, "syslog-ng", "syslog-ng "+rig.Debian(t, "syslog-ng-core")+" riemann(): no metric, attributes in upper case, syslog's word for the level as state.")
	for _, kind := range []struct{ name, addr string }{{"tcp", d.tcp}, {"udp", d.tcp}, {"tls", r.mtls}} {
		in := rig.FreeAddr(t)
		values := map[string]any{"Port": rig.Port(in), "Riemann": rig.Port(kind.addr), "Type": kind.name}
		if kind.name == "tls" {
			values["CA"], values["Cert"], values["Key"] = r.Path("ca.crt"), r.Path("client.crt"), r.Path("client.key")
		}
		dir := t.TempDir()
		rig.Background(t, "syslog-ng", exec.Command("syslog-ng", "-F", "-e", "-f", rig.Fill(t, "syslog-ng.conf", values), "--no-caps",
			"-R", filepath.Join(dir, "persist"), "-p", filepath.Join(dir, "pid"), "-c", filepath.Join(dir, "control")))
		c := rig.Connect(t, "tcp", in)
		fmt.Fprintf(c, "<11>Nov 14 22:13:20 web1 myapp[17]: disk is full\n<30>Nov 14 22:13:21 web1 cron: it is late\n")
		r.want(t, kind.name+"/myapp", map[string]any{"state": "err", "description": "disk is full", "metric": nil, "ttl": 120, "FACILITY": "user"})
		r.want(t, kind.name+"/cron", map[string]any{"state": "info", "description": "it is late"})
		c.Close()
	}
}

// testCollectd holds values, undefined values, rates, thresholds and notifications over TCP, UDP and TLS.
func testCollectd(t *testing.T, r *bench) {
	rig.Need(t, "collectd", "gcc")
	shim := r.Path("event_set.so")
	rig.Run(t, nil, "gcc", "-shared", "-fPIC", "-o", shim, "../capital-match/preload/event_set.c", "-lriemann-client")
	d := r.recorder(t, "collectd", "collectd "+rig.Debian(t, "collectd-core")+" write_riemann: values with a threshold's state, NaN, a notification with its text as an attribute.")
	for _, protocol := range []struct{ name, addr string }{{"TCP", d.tcp}, {"UDP", d.tcp}, {"TLS", r.mtls}} {
		dir := t.TempDir()
		cmd := exec.Command("collectd", "-f", "-C", rig.Fill(t, "collectd.conf", map[string]any{"Dir": dir, "Port": rig.Port(protocol.addr), "Protocol": protocol.name,
			"CA": r.Path("ca.crt"), "Cert": r.Path("client.crt"), "Key": r.Path("client.key")}))
		cmd.Env = append(os.Environ(), "LD_PRELOAD="+shim)
		rig.Background(t, "collectd", cmd)
		socket := filepath.Join(dir, "sock")
		mount := strings.ToLower(protocol.name)
		value := func(id string, v string) { collectd(t, socket, fmt.Sprintf("PUTVAL web1/%s interval=10 N:%s", id, v)) }
		service := func(id string) string { return strings.ReplaceAll(id, "MOUNT", mount) }
		free := service("df-MOUNT/percent_bytes-free")
		value(service("trap-MOUNT/gauge-nan"), "U")
		value(service("if-MOUNT/if_octets"), "1000:2000")
		value(free, "7.5")
		r.want(t, free, map[string]any{"metric": 7.5, "state": "warning", "ttl": 50, "plugin": "df", "plugin_instance": mount, "type": "percent_bytes",
			"type_instance": "free", "ds_type": "gauge", "env": "prod", "tags": []string{"collectd"}})
		r.want(t, service("trap-MOUNT/gauge-nan"), map[string]any{"metric": "NaN", "state": nil})
		r.want(t, service("if-MOUNT/if_octets/rx"), map[string]any{"metric": "NaN", "ds_type": "derive:rate"})
		value(free, "3")
		r.want(t, free, map[string]any{"metric": 3, "state": "critical"})
		collectd(t, socket, fmt.Sprintf(`PUTNOTIF message="disk \"sdb\" is dying" severity=failure time=%d host=web1 plugin=smart plugin_instance=%s type=smart_badsectors`, time.Now().Unix(), mount))
		r.want(t, service("smart-MOUNT/smart_badsectors"), map[string]any{"state": "critical", "description": `disk "sdb" is dying`, "ttl": nil,
			"tags": []string{"notification", "collectd"}})
		cmd.Process.Kill() // its end often hangs in the plugin
	}
}

// collectd sends a command to a collectd's socket, which may take a moment to be there.
func collectd(t *testing.T, socket, command string) {
	t.Helper()
	c := rig.Connect(t, "unix", socket)
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintln(c, command)
	answer := make([]byte, 256)
	n, err := c.Read(answer)
	if err != nil || !strings.HasPrefix(string(answer[:n]), "0 Success") {
		t.Fatalf("%s: %q: %v", command, answer[:n], err)
	}
}

func testTelegraf(t *testing.T, r *bench) {
	if !rig.InCache(t, "telegraf") {
		t.Skip("Telegraf is built on demand only: install.sh --telegraf")
	}
	program := rig.Cached(t, "telegraf")
	d := r.recorder(t, "telegraf", "Telegraf v1.37.2 outputs.riemann: an event for each field, a string as state, Telegraf's tags as attributes.")
	for _, scheme := range []string{"tcp", "udp"} {
		rig.Run(t, nil, program, "--config", rig.Fill(t, "telegraf.conf", map[string]any{"URL": scheme + "://" + d.tcp, "Scheme": scheme}), "--once")
		r.want(t, scheme+"/temp", map[string]any{"metric": 21.5, "description": "from telegraf", "ttl": 30, "region": "eu", "time": "2023-11-14T22:13:20.000Z"})
		r.want(t, scheme+"/count", map[string]any{"metric": 3})
		r.want(t, scheme+"/sky", map[string]any{"state": "clear", "metric": nil})
	}
}

// testRiemannTools runs the first of the tools where the gem is: Debian has no package of it, so install.sh has none.
func testRiemannTools(t *testing.T, r *bench) {
	if _, err := exec.LookPath("riemann-health"); err != nil {
		t.Skip("riemann-tools is neither in Debian nor on PyPI or npm: gem install riemann-tools, and this drives riemann-health")
	}
	rig.Background(t, "riemann-health", exec.Command("riemann-health", "--host", "127.0.0.1", "--port", rig.Port(r.tcp), "--event-host", "tools", "--interval", "1"))
	for _, service := range []string{"cpu", "load", "memory"} {
		r.Want(t, `host = "tools" and metric >= 0 and service = "`+service+`"`, map[string]any{"state": "ok"})
	}
}
