package senders

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"zeta/internal/rig"
)

// testOTLP has OpenTelemetry's SDK send over HTTP, compressed, and over gRPC.
func testOTLP(t *testing.T, b *bench) {
	d := b.door(t, "ZETA_OTLP", "otlp", "OpenTelemetry's SDK for Python 1.45.2: metrics, logs and spans over HTTP, gzip, and over gRPC.")
	python(t, "send_otlp.py", d.addr)
	for _, kind := range []string{"http", "grpc"} {
		resource := func(fields map[string]any) map[string]any {
			fields["host"], fields["service.name"], fields["env"] = "web1", kind+" shop", "prod"
			return fields
		}
		d.want(t, `service = "`+kind+`.queue"`, resource(map[string]any{"metric": 7, "state": nil, "queue": "mail"}))
		d.want(t, `service = "`+kind+`.requests" and metric > 0`, resource(map[string]any{"route": "/pay"}))
		d.want(t, `service = "`+kind+`.latency count" and metric > 0`, resource(map[string]any{}))
		d.want(t, `service = "`+kind+`.latency 0.5" and metric > 0.1 and metric <= 0.2`, resource(map[string]any{}))
		d.want(t, `service = "`+kind+` shop" and state = "critical"`, resource(map[string]any{"description": "payment 4711 failed", "order": "4711", "metric": nil}))
		d.want(t, `service = "`+kind+` pay"`, resource(map[string]any{"state": "critical", "metric": 0.25, "http.route": "/" + kind + " pay", "time": "2023-11-14T22:13:20.250Z"}))
		d.want(t, `service = "`+kind+` browse"`, resource(map[string]any{"state": "ok", "metric": 0.25, "time": "2023-11-14T22:13:20.250Z"}))
	}
}

// testPrometheus has a Prometheus scrape a page and write what it found, until the page is gone.
func testPrometheus(t *testing.T, b *bench) {
	d := b.door(t, "ZETA_REMOTE_WRITE", "remote-write-1", "Prometheus "+rig.Debian(t, "prometheus")+": remote write 1.0 of one page, then the markers that its series have ended.")
	var gone atomic.Bool
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gone.Load() {
			http.Error(w, "gone", http.StatusNotFound)
			return
		}
		fmt.Fprint(w, "# TYPE shop_queue gauge\nshop_queue{device=\"sda\",state=\"full\"} 4\nshop_queue{device=\"sdb\"} 5\n# TYPE shop_orders_total counter\nshop_orders_total 12\n")
	}))
	defer page.Close()
	addr := rig.FreeAddr(t)
	file := rig.Fill(t, "prometheus.yml", map[string]any{"Target": strings.TrimPrefix(page.URL, "http://"), "RemoteWrite": d.addr})
	rig.Background(t, "prometheus", exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+addr))
	d.want(t, `service = "shop_queue sda"`, map[string]any{"host": "web1", "metric": 4, "device": "sda", "statetag": "full", "job": "node", "state": nil})
	d.want(t, `service = "shop_queue sdb"`, map[string]any{"metric": 5})
	d.want(t, `service = "shop_orders_total"`, map[string]any{"host": "web1", "metric": 12})
	d.want(t, `service = "up" and metric = 1.0`, map[string]any{"host": "web1"})
	gone.Store(true)
	d.want(t, `service = "up" and metric = 0.0`, map[string]any{"host": "web1", "job": "node"})
	d.wantNone(t, `service =~ "shop_%"`)
}

// testRemoteWrite2 has Prometheus' client for Go write in the form of version 2.0.
func testRemoteWrite2(t *testing.T, b *bench) {
	d := b.door(t, "ZETA_REMOTE_WRITE", "remote-write-2", "client_golang/exp v0.0.0-20261019101427-217707f26b14: remote write 2.0.")
	if out := rig.Run(t, nil, rig.Cached(t, "remotewrite"), d.addr); out != "2 samples written\n" {
		t.Errorf("the client was told of %q", out)
	}
	d.want(t, `service = "v2_load"`, map[string]any{"host": "web1", "metric": 0.25, "env": "prod", "time": "2023-11-14T22:13:20.123Z"})
	d.want(t, `service = "v2_queue sda"`, map[string]any{"host": "web2", "instance": "web2:9100", "metric": 4, "time": "2023-11-14T22:13:20.123Z"})
}

// testAlertmanager has an alert fire and end.
func testAlertmanager(t *testing.T, b *bench) {
	d := b.door(t, "ZETA_ALERTMANAGER", "alertmanager", "Alertmanager "+rig.Debian(t, "prometheus-alertmanager")+": webhooks of two alerts that fire, and one that is resolved.")
	addr := rig.FreeAddr(t)
	file := rig.Fill(t, "alertmanager.yml", map[string]any{"Zeta": d.addr})
	rig.Background(t, "alertmanager", exec.Command("prometheus-alertmanager", "--config.file="+file, "--storage.path="+t.TempDir(),
		"--web.listen-address="+addr, "--cluster.listen-address="))
	rig.Ready(t, "http://"+addr+"/-/ready")
	alert := func(text string) {
		t.Helper()
		resp, err := http.Post("http://"+addr+"/api/v2/alerts", "application/json", strings.NewReader("["+text+"]"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("Alertmanager answered %s", resp.Status)
		}
	}
	disk := `{"labels": {"alertname": "DiskFull", "instance": "web1:9100", "severity": "warning"}, "annotations": {"summary": "5 %% are free"}, "startsAt": %q, "endsAt": %q}`
	now := time.Now().UTC()
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	alert(fmt.Sprintf(disk, at(-time.Minute), at(time.Hour)) + `, {"labels": {"alertname": "Down", "host": "db1"}, "annotations": {"description": "no answer"}}`)
	d.want(t, `service = "DiskFull"`, map[string]any{"host": "web1", "state": "warning", "description": "5 % are free", "instance": "web1:9100", "severity": "warning", "ttl": 18000})
	d.want(t, `service = "Down"`, map[string]any{"host": "db1", "state": "critical", "description": "no answer"})
	alert(fmt.Sprintf(disk, at(-time.Minute), at(-time.Second)))
	d.want(t, `service = "DiskFull" and state = "ok"`, map[string]any{"host": "web1", "description": "5 % are free"})
}

// testNATS has a Python program publish to a real server, which zeta is connected to.
func testNATS(t *testing.T, b *bench) {
	if out := python(t, "send_nats.py", b.addr["ZETA_NATS"]); !strings.Contains(out, "host") {
		t.Errorf("an event whose host is a number is answered %q", out)
	}
	b.Want(t, `service = "nats disk"`, map[string]any{"host": "web1", "state": "warning", "metric": 0.9, "tags": []string{"disk"}, "time": then, "env": "prod"})
	b.Want(t, `service = "events.cpu.user"`, map[string]any{"host": "web1", "metric": 3})
}
