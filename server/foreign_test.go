package server

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"zeta/tls"
)

// What other protocols begin with.
var foreigners = map[string]string{
	"HTTP":               "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"HTTP POST":          "POST /write HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	"TLS":                "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
	"SSH":                "SSH-2.0-OpenSSH_9.2\r\n",
	"Riemann's protocol": string(frame(ev("h", "s", 1))),
}

// Each door tells a peer that speaks something else, says so in the log, and takes nothing of it.
func TestWrongProtocols(t *testing.T) {
	p := newPKI(t)
	secure := fmt.Sprintf(`{tls: {cert: %q, key: %q}}`, p.path("server.pem"), p.path("server.key"))
	s := serve(t, `listen.tcp("127.0.0.1:0"); listen.graphite("127.0.0.1:0"); listen.opentsdb("127.0.0.1:0"); listen.json("127.0.0.1:0"); listen.influx("127.0.0.1:0");
		listen.statsd("127.0.0.1:0", {protocol: "tcp"}); listen.syslog("127.0.0.1:0", {protocol: "tcp"});
		listen.alertmanager("127.0.0.1:0"); listen.otlp("127.0.0.1:0", `+secure+`); listen.tcp("127.0.0.1:0", `+secure+`);`+httpDoor)
	for _, kind := range []string{"tcp", "graphite", "opentsdb", "json", "influx", "statsd", "syslog", "http", "alertmanager", "otlp", "tls"} {
		reason, sent := "wrong_protocol", 0
		for name, first := range foreigners {
			switch kind {
			case "otlp", "tls":
				if reason = "tls_not_tls"; name == "TLS" {
					continue
				}
			case "http", "alertmanager":
				if strings.HasPrefix(name, "HTTP") || name == "SSH" { // letters are for net/http to judge
					continue
				}
			case "tcp":
				if name == "Riemann's protocol" {
					continue
				}
			}
			sent++
			c := s.dial(kind)
			io.WriteString(c, first)
			if b, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("%s on %s: %q %v, want the connection closed", name, kind, b, err)
			}
		}
		if until(t, kind+" counts them", func() bool { return s.refused(kind, reason) >= float64(sent) }); s.refused(kind, reason) != float64(sent) {
			t.Errorf("%s: %v refused, want %d", kind, s.refused(kind, reason), sent)
		}
	}
	log := s.log.String()
	for _, want := range []string{"begins with HTTP; use the port of a listener for HTTP", "begins with TLS; this port has no TLS", "begins with Riemann's protocol; use the port of listen.tcp",
		"begins with Riemann's protocol, want TLS", "must use TLS on this port", "begins with TLS, want HTTP"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	if n := s.index.Len(); n != 0 {
		t.Errorf("%d events came of it, want none", n)
	}
}

// Each door for lines takes its lines over TLS, and asks for certificates where it has their authority.
func TestLinesOverTLS(t *testing.T) {
	p := newPKI(t)
	p.issue(t, p.ca, "web1", tls.Request{Name: "web1", Client: true})
	secure := fmt.Sprintf(`protocol: "tcp", tls: {cert: %q, key: %q, clientCA: %q}`, p.path("server.pem"), p.path("server.key"), p.path("ca.pem"))
	lines := map[string]string{
		"graphite": "over.graphite 1 -1\n",
		"opentsdb": "put over.opentsdb 1700000000 1 host=web1\n",
		"json":     `{"service":"over.json","metric":1}` + "\n",
		"influx":   "over.influx value=1\n",
		"statsd":   "over.statsd:1|g\n",
		"syslog":   "40 <34>1 - web1 over.syslog - - - something\n",
	}
	rules := httpDoor
	for kind := range lines {
		options := secure
		switch kind {
		case "opentsdb":
			options = strings.TrimPrefix(options, `protocol: "tcp", `)
		case "statsd":
			options += `, interval: "100ms"`
		}
		rules += fmt.Sprintf(`listen.%s("127.0.0.1:0", {%s});`, kind, options)
	}
	s := serve(t, rules)
	for kind, line := range lines {
		config, err := tls.NewClient(tls.ClientFiles{CA: p.path("ca.pem"), Cert: p.path("web1.pem"), Key: p.path("web1.key"), ServerName: "127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		c := tls.NewClientConn(s.dial(kind), config)
		if _, err := io.WriteString(c, line); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		s.arrives(`service =~ "over.`+kind+`%"`, "over."+kind)
		without, err := tls.NewClient(tls.ClientFiles{CA: p.path("ca.pem"), ServerName: "127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		c = tls.NewClientConn(s.dial(kind), without)
		io.WriteString(c, line)
		if _, err := io.ReadAll(c); err == nil {
			t.Errorf("%s: a client without a certificate is let in", kind)
		}
		until(t, kind+" counts it", func() bool { return s.refused(kind, "tls_no_cert") == 1 })
	}
}
