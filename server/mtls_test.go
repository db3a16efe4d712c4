package server

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zeta/tls"
)

// pki is a directory with the files of a server and its clients.
type pki struct {
	dir string
	ca  *tls.Authority
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	ca, err := tls.NewAuthority("test authority")
	if err != nil {
		t.Fatal(err)
	}
	p := &pki{t.TempDir(), ca}
	p.write(t, "ca.pem", ca.PEM())
	p.issue(t, ca, "server", tls.Request{Name: "zeta", Hosts: []string{"127.0.0.1"}, Server: true})
	return p
}

func (p *pki) write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := tls.WriteFile(filepath.Join(p.dir, name), b, true); err != nil {
		t.Fatal(err)
	}
}

func (p *pki) issue(t *testing.T, by *tls.Authority, name string, r tls.Request) {
	t.Helper()
	cert, key, err := by.Issue(r)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, name+".pem", cert)
	p.write(t, name+".key", key)
}

func (p *pki) path(name string) string { return filepath.Join(p.dir, name) }

// rules are listeners with client certificates, at an address that would be refused without.
func (p *pki) rules() string {
	return fmt.Sprintf(`listen.tcp("127.0.0.1:0", {tls: {cert: %q, key: %q, clientCA: %q}}); listen.http("127.0.0.1:0"); %s`,
		p.path("server.pem"), p.path("server.key"), p.path("ca.pem"), DefaultRules)
}

// client dials with a certificate of this name; "" for none.
func (p *pki) client(t *testing.T, s *testServer, name string) (net.Conn, error) {
	t.Helper()
	f := tls.ClientFiles{CA: p.path("ca.pem"), ServerName: "127.0.0.1"}
	if name != "" {
		f.Cert, f.Key = p.path(name+".pem"), p.path(name+".key")
	}
	c, err := tls.NewClient(f)
	if err != nil {
		return nil, err
	}
	return tls.NewClientConn(s.dial("tls"), c), nil
}

func TestClientCertificates(t *testing.T) {
	p := newPKI(t)
	other, err := tls.NewAuthority("another authority")
	if err != nil {
		t.Fatal(err)
	}
	p.issue(t, p.ca, "good", tls.Request{Name: "web1", Client: true})
	p.issue(t, other, "stranger", tls.Request{Name: "web1", Client: true})
	p.issue(t, p.ca, "server-only", tls.Request{Name: "web1", Hosts: []string{"web1"}, Server: true})
	s := serve(t, p.rules())
	for _, c := range []struct{ name, reason string }{
		{"good", ""},
		{"", "tls_no_cert"},
		{"stranger", "tls_no_cert"}, // a client only shows what the server's authorities signed
		{"server-only", "tls_usage"},
	} {
		before := s.refused("tls", c.reason)
		conn, err := p.client(t, s, c.name)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, err = conn.Write(frame(ev("web1", c.name, 1)))
		a := newAnswers(t, conn)
		if c.reason == "" {
			if m := a.want(); err != nil || !m.OK {
				t.Errorf("%q: %v %+v, want an answer", c.name, err, m)
			}
		} else {
			a.wantEnd()
			until(t, c.name+" is counted as "+c.reason, func() bool { return s.refused("tls", c.reason) == before+1 })
		}
		conn.Close()
	}
	if s.index.Len() != 1 {
		t.Errorf("%d events, want only the good client's", s.index.Len())
	}
	if log := s.log.String(); !strings.Contains(log, "must send a certificate signed by clientCA") {
		t.Error("the log does not say what the client must do")
	}
}

func TestPlainClientOnTheTLSPort(t *testing.T) {
	p := newPKI(t)
	s := serve(t, p.rules())
	c := s.dial("tls")
	c.Write(frame(ev("h", "s", 1)))
	newAnswers(t, c).wantEnd()
	until(t, "it is counted", func() bool { return s.refused("tls", "tls_not_tls") == 1 })
	if log := s.log.String(); !strings.Contains(log, "must use TLS on this port") {
		t.Errorf("log: %s", log)
	}
}

func TestHTTPSAndOpenAddresses(t *testing.T) {
	p := newPKI(t)
	secure := fmt.Sprintf(`{tls: {cert: %q, key: %q}}`, p.path("server.pem"), p.path("server.key"))
	s := serve(t, `listen.http("127.0.0.1:0", `+secure+`); listen.tcp("127.0.0.1:0", `+secure+`);`)
	c, err := tls.NewClient(tls.ClientFiles{CA: p.path("ca.pem"), ServerName: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	conn := tls.NewClientConn(s.dial("http"), c)
	fmt.Fprintf(conn, "GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
	b := make([]byte, 15)
	if _, err := conn.Read(b); err != nil || string(b) != "HTTP/1.0 200 OK" {
		t.Errorf("HTTPS: %q %v", b, err)
	}
	conn = tls.NewClientConn(s.dial("tls"), c)
	conn.Write(frame())
	if m := newAnswers(t, conn).want(); !m.OK {
		t.Errorf("TLS without client certificates: %+v", m)
	}

	for rule, want := range map[string]string{
		`listen.tcp(":0");`:                                 `rules:1:8: listen.tcp(":0"): this address is open to the network without protection; add {tls:`,
		`listen.udp("0.0.0.0:0");`:                          "{allow:",
		`listen.http("[::]:0");`:                            "{insecure: true}",
		`listen.tcp("127.0.0.1");`:                          "want HOST:PORT",
		`listen.udp("127.0.0.1:0", {allow: ["10.0.0.0"]});`: "want a network",
		`listen.tcp("127.0.0.1:0", {tls: {cert: "/nonexistent", key: "x"}});`:      "no such file",
		`listen.tcp("127.0.0.1:0", {tls: {cert: "a"}});`:                           "needs cert and key",
		`listen.tcp("127.0.0.1:0"); listen.tcp("127.0.0.1:0", {maxConection: 1});`: "maxConnections",
		`listen.nothing("127.0.0.1:0");`:                                           "nothing",
	} {
		if s, err := New(Options{RulesText: rule, Quiet: true}); err == nil {
			s.Shutdown(t.Context())
			t.Errorf("%s was accepted", rule)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want …%s…", rule, err, want)
		}
	}
	open := serve(t, `listen.tcp(":0", `+secure+`); listen.udp(":0", {insecure: true}); listen.udp(":0", {allow: ["127.0.0.0/8"]}); listen.http("127.0.0.1:0");`)
	if open.Addr("tls") == nil || open.Addr("udp") == nil {
		t.Error("protected or insecure addresses were refused")
	}
}

// A changed certificate is taken up without a restart; connections stay.
func TestCertificateReload(t *testing.T) {
	p := newPKI(t)
	p.issue(t, p.ca, "web1", tls.Request{Name: "web1", Client: true})
	s := serve(t, p.rules())
	old, err := p.client(t, s, "web1")
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	a := newAnswers(t, old)
	old.Write(frame())
	a.want()
	p.issue(t, p.ca, "server", tls.Request{Name: "zeta the second", Hosts: []string{"127.0.0.1"}, Server: true})
	if err := s.listeners[0].(tcpListener).secure.Reload(); err != nil {
		t.Fatal(err)
	}
	fresh, err := p.client(t, s, "web1")
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	fresh.Write(frame())
	newAnswers(t, fresh).want()
	if got := fresh.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName; got != "zeta the second" {
		t.Errorf("the server shows %q", got)
	}
	old.Write(frame())
	a.want()
	if _, body := s.get("/metrics"); !strings.Contains(body, `zeta_server_certificate_expiry_timestamp_seconds{listener="tls"}`) {
		t.Error("no metric for the certificate's end")
	}
}
