package senders

import (
	"os"
	"strings"
	"testing"

	"zeta/internal/rig"
)

// testProbes holds that each probe finds what it is led to.
func testProbes(t *testing.T, b *bench) {
	exporter, secure := rig.Port(b.addr["ZETA_NODE_EXPORTER"]), rig.Port(b.addr["ZETA_SYSLOG_TLS"])
	b.Want(t, `service = "tcp `+exporter+`"`, map[string]any{"host": "127.0.0.1", "state": "ok", "probe": "tcp"})
	b.Want(t, `service = "http :`+exporter+` /metrics"`, map[string]any{"host": "127.0.0.1", "state": "ok", "probe": "http"})
	b.Want(t, `service = "tls `+secure+`" and metric > 364 and metric <= 365`, map[string]any{"host": "127.0.0.1", "state": "ok", "probe": "tls"})
	b.Want(t, `service = "tls `+secure+` latency" and metric > 0`, map[string]any{"state": "ok"})
	b.Want(t, `host = "localhost" and service =~ "dns%" and metric >= 0`, map[string]any{"state": "ok", "probe": "dns"})
	t.Run("icmp", func(t *testing.T) {
		ping := b.Want(t, `host = "127.0.0.1" and service = "ping"`, map[string]any{"probe": "icmp"})
		if text, _ := ping["description"].(string); ping["state"] == "critical" && strings.Contains(text, "ping_group_range") {
			t.Skip("this kernel lets nobody ping: " + text)
		}
		b.Want(t, `service = "ping" and metric > 0`, map[string]any{"state": "ok"})
		b.Want(t, `service = "ping loss"`, map[string]any{"state": "ok", "metric": 0})
	})
}

// testSources holds what real plugins and a real exporter tell, and that this machine's own health is there.
func testSources(t *testing.T, b *bench) {
	b.Want(t, `host = "web1" and service = "load" and source = "exec"`, map[string]any{"state": "ok"})
	b.Want(t, `service = "load load1" and metric >= 0`, map[string]any{"host": "web1", "state": "ok", "warn": "1000.000", "crit": "2000.000", "min": "0"})
	disk := b.Want(t, `service = "disk" and source = "exec" and metric >= 0`, map[string]any{"host": "web1", "state": "warning"})
	if text, _ := disk["description"].(string); !strings.HasPrefix(text, "DISK WARNING - free space: /") {
		t.Errorf("check_disk's description is %q", text)
	}
	b.Want(t, `service = "disk /" and source = "exec" and metric > 0`, map[string]any{"host": "web1", "unit": "B"})
	b.Want(t, `host = "127.0.0.1" and service =~ "scrape :%/metrics" and metric > 0`, map[string]any{"state": "ok"})
	b.Want(t, `service = "node_load1" and metric >= 0`, map[string]any{"host": "127.0.0.1", "state": nil})
	b.Want(t, `service = "node_uname_info" and metric = 1.0`, map[string]any{"nodename": machine(t)})
	b.Want(t, `service = "node_cpu_seconds_total 0 idle" and metric > 0`, map[string]any{"cpu": "0", "mode": "idle"})
	if n := len(b.Query(t, `service =~ "node_memory%"`)); n != 0 {
		t.Errorf("%d events of metrics that are not among only", n)
	}
	b.Want(t, `host = "web1" and service = "memory" and metric > 0 and metric < 1 and tagged "health"`, map[string]any{})
	if _, err := os.Stat("/proc/uptime"); err == nil {
		b.Want(t, `host = "web1" and service = "uptime" and metric > 0`, map[string]any{"state": "ok"})
	}
}
