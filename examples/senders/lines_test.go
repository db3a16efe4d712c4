package senders

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"zeta/internal/rig"
)

const then = "2023-11-14T22:13:20.000Z" // 1700000000 s

func testGraphite(t *testing.T, b *bench) {
	d := b.door(t, "ZETA_GRAPHITE", "graphite", "netcat: Graphite's lines over TCP and as datagrams.")
	d.nc(t, "nc.load 0.5 1700000000\nnc.queue;host=web1;env=prod 7 1700000000\r\nbroken\nnc.last 1 1700000000\n", "-N")
	d.nc(t, "nc.udp 2 1700000000\n", "-u", "-q", "0")
	d.want(t, `service = "nc.load"`, map[string]any{"host": nil, "state": nil, "metric": 0.5, "time": then, "ttl": nil})
	d.want(t, `service = "nc.queue"`, map[string]any{"host": "web1", "env": "prod", "metric": 7, "time": then})
	d.want(t, `service = "nc.last"`, map[string]any{"metric": 1, "time": then})
	d.want(t, `service = "nc.udp"`, map[string]any{"metric": 2, "time": then})
}

// testCollectd holds that write_graphite's events have the service and attributes that write_riemann gives.
func testCollectd(t *testing.T, b *bench) {
	d := b.door(t, "ZETA_COLLECTD", "graphite-collectd", "collectd "+rig.Debian(t, "collectd-core")+" write_graphite, read with the template _.host.collectd*.")
	dir := t.TempDir()
	rig.Background(t, "collectd", exec.Command("collectd", "-f", "-C", rig.Fill(t, "collectd.conf", map[string]any{"Dir": dir, "Port": d.port()})))
	c := rig.Connect(t, "unix", filepath.Join(dir, "sock"))
	defer c.Close()
	say := func(command string) {
		t.Helper()
		fmt.Fprintln(c, command)
		answer := make([]byte, 256)
		if n, err := c.Read(answer); err != nil || !strings.HasPrefix(string(answer[:n]), "0 ") {
			t.Fatalf("%s: %q %v", command, answer[:n], err)
		}
	}
	say(`PUTVAL web1/df-root/percent_bytes-free interval=10 1700000000:7.5`)
	say(`PUTVAL web1/load/load interval=10 1700000000:1:2:3`)
	rig.Eventually(t, "collectd's values are written and flushed", func() bool {
		say("FLUSH")
		return len(b.Query(t, `host = "web1" and (service = "df-root/percent_bytes-free" or service = "load/load/midterm")`)) == 2
	})
	d.want(t, `host = "web1" and service = "df-root/percent_bytes-free"`, map[string]any{"metric": 7.5, "time": then,
		"plugin": "df", "plugin_instance": "root", "type": "percent_bytes", "type_instance": "free"})
	d.want(t, `host = "web1" and service = "load/load/midterm"`, map[string]any{"metric": 2, "plugin": "load", "type": "load", "ds_name": "midterm", "time": then})
}

func testOpenTSDB(t *testing.T, b *bench) {
	d := b.door(t, "ZETA_OPENTSDB", "opentsdb", "netcat: OpenTSDB's put and version.")
	if answer := d.nc(t, "put sys.load 1700000000 0.5 host=web1 cpu=0\nversion\n", "-N"); !strings.Contains(answer, "net.opentsdb") {
		t.Errorf("version is answered %q", answer)
	}
	d.want(t, `service = "sys.load cpu=0"`, map[string]any{"host": "web1", "metric": 0.5, "description": "sys.load", "cpu": "0", "time": then})
}

func testJSON(t *testing.T, b *bench) {
	d := b.door(t, "ZETA_JSON", "json", "netcat: events as lines of JSON over TCP, answered, and as a datagram.")
	answer := d.nc(t, `{"host": "web1", "service": "json disk", "state": "warning", "metric": 0.91, "tags": ["disk"], "time": "2023-11-14T22:13:20Z", "ttl": 60, "env": "prod"}
{"host": 7}
{"host": "web1", "service": "json count", "metric": 9007199254740993, "time": 1700000000}
`, "-N")
	if lines := strings.Split(answer, "\n"); len(lines) != 4 || lines[0] != "{}" || !strings.Contains(lines[1], "host") || lines[2] != "{}" {
		t.Errorf("the lines are answered %q", answer)
	}
	d.nc(t, `{"host": "web1", "service": "json udp", "description": "ünïcode", "time": 1700000000}`, "-u", "-q", "0")
	d.want(t, `service = "json disk"`, map[string]any{"host": "web1", "state": "warning", "metric": 0.91, "tags": []string{"disk"}, "time": then, "ttl": 60, "env": "prod"})
	d.want(t, `service = "json count" and metric = 9007199254740993`, map[string]any{"time": then})
	d.want(t, `service = "json udp"`, map[string]any{"description": "ünïcode", "time": then})
}

func testInflux(t *testing.T, b *bench) {
	d := b.door(t, "ZETA_INFLUX", "influx", "netcat: InfluxDB's lines over TCP and as a datagram.")
	d.nc(t, `cpu,host=web1,region=eu\ west usage=12.5,threads=42i,up=true,note="all fine" 1700000000000000000
bad line
queue,host=web1 value=3u 1700000000000000000
`, "-N")
	d.nc(t, "temp,host=web1 value=21.5 1700000000000000000\n", "-u", "-q", "0")
	d.want(t, `service = "cpu/usage"`, map[string]any{"host": "web1", "metric": 12.5, "region": "eu west", "time": then})
	d.want(t, `service = "cpu/threads" and metric = 42`, map[string]any{"time": then})
	d.want(t, `service = "cpu/up"`, map[string]any{"metric": 1, "time": then})
	d.want(t, `service = "cpu/note"`, map[string]any{"metric": nil, "description": "all fine", "time": then})
	d.want(t, `service = "queue"`, map[string]any{"metric": 3, "time": then})
	d.want(t, `service = "temp"`, map[string]any{"metric": 21.5, "time": then})
}

func testTelegraf(t *testing.T, b *bench) {
	if !rig.InCache(t, "telegraf") {
		t.Skip("Telegraf is built on demand only: ../clients/install.sh --telegraf")
	}
	d := b.door(t, "ZETA_INFLUX", "influx-telegraf", "Telegraf v1.37.2 outputs.socket_writer.")
	rig.Run(t, nil, rig.Cached(t, "telegraf"), "--config", rig.Fill(t, "telegraf.conf", map[string]any{"Zeta": d.addr}), "--once")
	d.want(t, `service = "room/temp"`, map[string]any{"host": "web1", "metric": 21.5, "region": "eu", "time": then})
	d.want(t, `service = "room/count" and metric = 3`, map[string]any{"time": then})
	d.want(t, `service = "room/sky"`, map[string]any{"description": "clear", "metric": nil, "time": then})
}
