package senders

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"zeta/internal/rig"
)

// testSyslog has util-linux's logger speak both forms over both transports, and both framings of TCP.
func testSyslog(t *testing.T, b *bench) {
	d := b.door(t, "ZETA_SYSLOG", "syslog", "logger of util-linux "+rig.Debian(t, "bsdutils")+": RFC 5424 and RFC 3164, datagrams and lines.")
	for _, transport := range []struct{ name, flag string }{{"udp", "-d"}, {"tcp", "-T"}} {
		send := func(args ...string) {
			t.Helper()
			rig.Run(t, nil, "logger", append([]string{"-n", d.host(), "-P", d.port(), transport.flag}, args...)...)
		}
		send("--rfc5424=notq", "-p", "daemon.err", "-t", "new-"+transport.name, "--id=17", "--msgid", "ID47", "--sd-id", "shop@32473", "--sd-param", `order="4711"`, "disk is full")
		send("--rfc3164", "-p", "user.warning", "-t", "old-"+transport.name, "--id=17", "it is late")
		d.want(t, `service = "new-`+transport.name+`"`, map[string]any{"host": machine(t), "state": "critical", "description": "disk is full",
			"facility": "daemon", "severity": "err", "pid": "17", "msgid": "ID47", "shop@32473.order": "4711", "metric": nil, "ttl": nil})
		d.want(t, `service = "old-`+transport.name+`"`, map[string]any{"host": machine(t), "state": "warning", "description": "it is late", "facility": "user", "pid": "17"})
	}
}

// testSyslogTLS has syslog-ng bring what it got to a door that wants a certificate.
func testSyslogTLS(t *testing.T, b *bench) {
	in, dir := rig.FreeAddr(t), t.TempDir()
	file := rig.Fill(t, "syslog-ng.conf", map[string]any{"Port": rig.Port(in), "Zeta": rig.Port(b.addr["ZETA_SYSLOG_TLS"]),
		"CA": b.Path("ca.crt"), "Cert": b.Path("client.crt"), "Key": b.Path("client.key")})
	rig.Background(t, "syslog-ng", exec.Command("syslog-ng", "-F", "-e", "-f", file, "--no-caps",
		"-R", filepath.Join(dir, "persist"), "-p", filepath.Join(dir, "pid"), "-c", filepath.Join(dir, "control")))
	fmt.Fprintf(connection(t, in), "<11>Nov 14 22:13:20 web9 secure[17]: disk is full\n")
	b.Want(t, `service = "secure"`, map[string]any{"host": "web9", "state": "critical", "description": "disk is full", "facility": "user", "severity": "err", "pid": "17"})
}
