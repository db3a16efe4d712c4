// Package collectd drives a real collectd, with all its ways to send, against a zeta, and holds that they say the same.
package collectd

import (
	"bufio"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zeta/collectd"
	"zeta/internal/rig"

	"collectd.org/network"
)

var realPrograms = flag.Bool("real", false, "run a real collectd (see install.sh)")

// doors are the variables that name zeta's addresses.
var doors = []string{"ZETA_RIEMANN", "ZETA_PLAIN", "ZETA_SIGN", "ZETA_ENCRYPT", "ZETA_GROUP", "ZETA_JSON", "ZETA_RATES", "ZETA_COMMAND", "ZETA_GRAPHITE", "ZETA_TRAFFIC"}

func TestRealCollectd(t *testing.T) {
	if !*realPrograms {
		t.Skip("drives a real collectd; run install.sh once and then: go test . -real")
	}
	rig.Need(t, "collectd", "collectd-tg", "gcc")
	addr := map[string]string{}
	var env []string
	for _, name := range doors {
		addr[name] = rig.FreeAddr(t)
	}
	addr["ZETA_GROUP"] = "239.192.74.66:" + rig.Port(addr["ZETA_GROUP"])
	for name, a := range addr {
		env = append(env, name+"="+a)
	}
	passwords := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(passwords, []byte("web1: secret one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	z := rig.Start(t, rig.Options{Rules: "zeta.expr", Env: append(env, "ZETA_PASSWORDS="+passwords)})
	t.Run("shapes", func(t *testing.T) { testShapes(t, z, addr) })
	t.Run("traffic", func(t *testing.T) { testTraffic(t, z, addr["ZETA_TRAFFIC"]) })
	resp, err := http.Get("http://" + z.HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for metrics := bufio.NewScanner(resp.Body); metrics.Scan(); {
		line := metrics.Text()
		if strings.HasPrefix(line, "zeta_server_refusals_total") && !strings.Contains(line, `"nan"`) && !strings.Contains(line, `"challenge"`) {
			t.Errorf("refused: %s", line)
		}
	}
}

// testShapes puts known values into collectd and compares what came of them through each door with what came of them
// through Riemann's.
func testShapes(t *testing.T, z *rig.Zeta, addr map[string]string) {
	shim := z.Path("event_set.so")
	rig.Run(t, nil, "gcc", "-shared", "-fPIC", "-o", shim, "../capital-match/preload/event_set.c", "-lriemann-client")
	dir := t.TempDir()
	values := map[string]any{"Dir": dir}
	for name, a := range addr {
		values[name] = rig.Port(a)
	}
	cmd := exec.Command("collectd", "-f", "-C", rig.Fill(t, "collectd.conf", values))
	cmd.Env = append(os.Environ(), "LD_PRELOAD="+shim)
	rig.Background(t, "collectd", cmd)
	socket := rig.Connect(t, "unix", filepath.Join(dir, "sock"))
	defer socket.Close()
	answers := bufio.NewScanner(socket)
	say := func(format string, args ...any) {
		t.Helper()
		socket.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(socket, format+"\n", args...)
		if !answers.Scan() || !strings.HasPrefix(answers.Text(), "0 ") {
			t.Fatalf("%s: %q", format, answers.Text())
		}
	}
	now := time.Now().Unix()
	for step, at := range []int64{now - 20, now - 10, now} {
		for _, v := range []string{"df-root/percent_bytes-free %d:7.5", "load/load %d:0.5:0.25:0.125", "interface-eth0/if_octets %[1]d:%[2]d:%[3]d",
			"my app/counter-a \"b\" %[1]d:%[2]d", "trap/gauge-nan %d:U", "absent/absolute-x %[1]d:%[2]d", "cpu-0/cpu-idle %[1]d:%[3]d"} {
			id, reading, _ := strings.Cut(v, " %")
			text := fmt.Sprintf("%"+reading, at, 1000+500*step, 2000+1500*step)
			if i := strings.Index(text, "%!(EXTRA"); i >= 0 {
				text = text[:i]
			}
			say(`PUTVAL "web1/%s" interval=60 %s`, strings.ReplaceAll(id, `"`, `\"`), text)
		}
	}
	say(`PUTNOTIF message="disk \"sdb\" is full" severity=failure time=%d host=web1 plugin=df plugin_instance=sdb type=percent_bytes type_instance=free`, now)

	numbers := []string{"df-root/percent_bytes-free", "load/load/shortterm", "load/load/midterm", "load/load/longterm", "interface-eth0/if_octets/rx",
		"interface-eth0/if_octets/tx", `my app/counter-a "b"`, "trap/gauge-nan", "absent/absolute-x", "cpu-0/cpu-idle"}
	query := func(host, service string) string { return fmt.Sprintf("host = %q and service = %q", host, service) }
	iso := time.Unix(now, 0).UTC().Format("2006-01-02T15:04:05.000Z")
	for service, want := range map[string]any{"df-root/percent_bytes-free": 7.5, "load/load/longterm": 0.125, "interface-eth0/if_octets/rx": 50, "interface-eth0/if_octets/tx": 150,
		`my app/counter-a "b"`: 50, "trap/gauge-nan": "NaN", "absent/absolute-x": 200, "cpu-0/cpu-idle": 150} {
		z.Want(t, query("riemann", service), map[string]any{"metric": want, "time": iso, "ttl": 120, "state": nil, "description": nil, "tags": []string{"riemann"}})
	}
	for _, door := range []string{"plain", "sign", "encrypt", "group", "json", "rates", "command"} {
		for _, service := range numbers {
			want := z.Query(t, query("riemann", service))
			if len(want) != 1 {
				t.Fatalf("%s has not come to Riemann's door", service)
			}
			delete(want[0], "host")
			want[0]["tags"] = []string{door}
			got := z.Want(t, query(door, service), want[0])
			if len(got) != len(want[0])+1 {
				t.Errorf("%s: %s is %v, by Riemann's protocol %v", door, service, got, want[0])
			}
		}
	}
	alarm := map[string]any{"state": "critical", "description": `disk "sdb" is full`, "metric": nil, "ttl": nil, "plugin": "df", "plugin_instance": "sdb", "type": "percent_bytes", "type_instance": "free"}
	for _, door := range []string{"riemann", "plain", "sign", "encrypt", "group", "json"} {
		alarm["tags"] = []string{"notification", door}
		z.Want(t, query(door, "df-sdb/percent_bytes-free"), alarm)
	}
	// Graphite's lines have no ttl and no kind, no NaN, and no blanks or quotes in names.
	for service, want := range map[string]map[string]any{
		"df-root/percent_bytes-free":  {"metric": 7.5, "plugin": "df", "plugin_instance": "root", "type": "percent_bytes", "type_instance": "free"},
		"load/load/midterm":           {"metric": 0.25, "ds_name": "midterm", "plugin": "load", "type": "load"},
		"interface-eth0/if_octets/tx": {"metric": 150, "ds_name": "tx", "plugin_instance": "eth0"},
		"my_app/counter-a__b_":        {"metric": 50, "type_instance": "a__b_"},
	} {
		want["time"], want["ttl"] = iso, nil
		z.Want(t, query("graphite", service), want)
	}
	if got := z.Query(t, query("graphite", "trap/gauge-nan")); len(got) != 0 {
		t.Errorf("a value that is none came by Graphite's door: %v", got)
	}
}

// testTraffic takes what collectd's own generator sends, and holds that every packet is read, as another
// implementation reads it, and that every series is there.
func testTraffic(t *testing.T, z *rig.Zeta, door string) {
	rec := rig.NewRecorder(t)
	tg := exec.Command("collectd-tg", "-n", "2000", "-H", "50", "-i", "1", "-d", "127.0.0.1", "-D", rig.Port(rec.Front(door)))
	if err := tg.Start(); err != nil {
		t.Fatal(err)
	}
	rig.Eventually(t, "enough packets", func() bool { return len(rec.Pieces()) > 100 })
	tg.Process.Signal(os.Interrupt)
	tg.Wait()
	types, err := collectd.ReadTypes("/usr/share/collectd/types.db")
	if err != nil {
		t.Fatal(err)
	}
	mapper := collectd.NewMapper(collectd.Options{Types: types})
	packets, lists, events := 0, 0, 0
	series := map[string]bool{}
	for _, piece := range rec.Pieces() {
		var p collectd.Packet
		if err := p.Parse(piece.Bytes, collectd.Security{}); err != nil {
			t.Fatalf("packet %d: %v", packets, err)
		}
		others, err := network.Parse(piece.Bytes, network.ParseOpts{})
		if err != nil || len(others) != len(p.Values) {
			t.Fatalf("packet %d: %d value lists, another implementation reads %d, %v", packets, len(p.Values), len(others), err)
		}
		packets++
		lists += len(p.Values)
		for _, e := range mapper.Append(nil, &p, time.Now().UnixMicro()) {
			events++
			series[e.Host+" "+e.Service] = true
		}
	}
	rig.Eventually(t, "every series is in the index", func() bool {
		return len(z.Query(t, `tagged "traffic"`)) == len(series)
	})
	t.Logf("%d packets, %d value lists, %d events, %d series", packets, lists, events, len(series))
}
