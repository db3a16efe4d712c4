package source

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"zeta/event"
)

func containsAny(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// nameServer answers for example.com on loopback; everything else does not exist.
func nameServer(t *testing.T) string {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			q := m.Questions[0]
			h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}
			name := func(s string) dnsmessage.Name { return dnsmessage.MustNewName(s) }
			switch {
			case q.Name.String() != "example.com.":
				m.RCode = dnsmessage.RCodeNameError
			case q.Type == dnsmessage.TypeA:
				m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 20}}}, {Header: h, Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 10}}}}
			case q.Type == dnsmessage.TypeMX:
				m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.MXResource{Pref: 10, MX: name("mail.example.com.")}}}
			case q.Type == dnsmessage.TypeTXT:
				m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.TXTResource{TXT: []string{"v=spf1", " -all"}}}}
			case q.Type == dnsmessage.TypeNS:
				m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.NSResource{NS: name("ns.example.com.")}}}
			}
			b, err := m.Pack()
			if err == nil {
				c.WriteTo(b, from)
			}
		}
	}()
	return c.LocalAddr().String()
}

func TestProbeDNS(t *testing.T) {
	server := nameServer(t)
	for _, tt := range []struct{ name, options, state, description string }{
		{"example.com", ``, "ok", "192.0.2.10, 192.0.2.20"},
		{"example.com", `expect: ["192.0.2.20"],`, "ok", "192.0.2.10, 192.0.2.20"},
		{"example.com", `expect: "192.0.2.30",`, "critical", "192.0.2.30 is not among 192.0.2.10, 192.0.2.20"},
		{"example.com", `type: "MX",`, "ok", "10 mail.example.com"},
		{"example.com", `type: "TXT",`, "ok", "v=spf1 -all"},
		{"example.com", `type: "NS", warning: "1ns",`, "warning", "ns.example.com"},
		{"example.com", `type: "AAAA",`, "critical", "there is no AAAA of example.com"},
		{"missing.example", ``, "critical", "there is no A of missing.example"},
	} {
		e := look(t, fmt.Sprintf(`probe.dns("%s", {%s server: "%s"});`, tt.name, tt.options, server))
		if e.State != tt.state || e.Description != tt.description || e.Is(event.HasFloat) == strings.HasPrefix(e.Description, "there is no") {
			t.Errorf("%s {%s}: %s %q, want %s %q", tt.name, tt.options, e.State, e.Description, tt.state, tt.description)
		}
		if e.Host != tt.name {
			t.Errorf("host %q", e.Host)
		}
	}
}
