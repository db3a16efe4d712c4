package tls

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pki writes an authority and one pair into a directory.
func pki(t *testing.T, a *Authority, r Request) Files {
	t.Helper()
	dir := t.TempDir()
	cert, key, err := a.Issue(r)
	if err != nil {
		t.Fatal(err)
	}
	f := Files{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), ClientCA: filepath.Join(dir, "ca.pem")}
	write(t, f.Cert, cert)
	write(t, f.Key, key)
	write(t, f.ClientCA, a.PEM())
	return f
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := WriteFile(path, b, strings.Contains(path, "key")); err != nil {
		t.Fatal(err)
	}
}

func authority(t *testing.T) *Authority {
	t.Helper()
	a, err := NewAuthority("test authority")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// handshake runs both sides over a pipe and returns the server's error.
func handshake(t *testing.T, server, client *Config) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return
		}
		defer c.Close()
		tc := NewClientConn(c, client)
		if tc.Handshake() == nil {
			tc.Read(make([]byte, 1)) // in TLS 1.3 a refusal is only seen by reading
		}
	}()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = NewServerConn(c, server).HandshakeContext(ctx)
	c.Close()
	<-done
	return err
}

func TestClientCertificateMatrix(t *testing.T) {
	ours, other := authority(t), authority(t)
	server, err := NewServer(pki(t, ours, Request{Name: "zeta", Hosts: []string{"127.0.0.1"}, Server: true}))
	if err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	for _, c := range []struct {
		name string
		from *Authority
		req  Request
		want string
	}{
		{"good", ours, Request{Name: "web1", Client: true}, ""},
		{"no certificate", nil, Request{}, "no_cert"},
		{"other authority", other, Request{Name: "web1", Client: true}, "unknown_ca"},
		{"expired", ours, Request{Name: "web1", Client: true, NotBefore: time.Now().Add(-3 * day), NotAfter: time.Now().Add(-day)}, "expired"},
		{"a server's certificate", ours, Request{Name: "web1", Server: true, Hosts: []string{"web1"}}, "usage"},
	} {
		for _, version := range []uint16{0x0303, 0x0304} {
			client := base()
			client.ServerName = "127.0.0.1"
			client.RootCAs = server.current.Load().config.ClientCAs
			client.MaxVersion = version
			if c.from != nil {
				f := pki(t, c.from, c.req)
				at := time.Now()
				if !c.req.NotAfter.IsZero() {
					at = c.req.NotAfter.Add(-time.Hour)
				}
				pair, err := loadPair(f.Cert, f.Key, at)
				if err != nil {
					t.Fatal(err)
				}
				// A certificate of another authority is sent all the same, as old clients do.
				client.GetClientCertificate = func(*certificateRequest) (*certificate, error) { return &pair, nil }
			}
			err := handshake(t, server.Config(), client)
			if got := Reason(err); got != c.want {
				t.Errorf("%s, TLS %x: got %q (%v), want %q", c.name, version, got, err, c.want)
			}
		}
	}
}

func TestPairRefused(t *testing.T) {
	a := authority(t)
	good := pki(t, a, Request{Name: "zeta", Hosts: []string{"localhost"}, Server: true})
	second := pki(t, a, Request{Name: "zeta", Hosts: []string{"localhost"}, Server: true})
	old := pki(t, a, Request{Name: "zeta", Hosts: []string{"localhost"}, Server: true, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(86400, 0)})
	future := pki(t, a, Request{Name: "zeta", Hosts: []string{"localhost"}, Server: true, NotBefore: time.Now().Add(time.Hour), NotAfter: time.Now().Add(2 * time.Hour)})
	junk := filepath.Join(t.TempDir(), "junk.pem")
	write(t, junk, []byte("not a certificate"))
	enc := filepath.Join(t.TempDir(), "enc.key")
	write(t, enc, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"))
	for _, c := range []struct {
		name string
		f    Files
		want string
	}{
		{"other key", Files{Cert: good.Cert, Key: second.Key}, "does not belong to certificate"},
		{"expired", Files{Cert: old.Cert, Key: old.Key}, "expired on 1970-01-02 00:00:00"},
		{"not yet", Files{Cert: future.Cert, Key: future.Key}, "is the clock right?"},
		{"no file", Files{Cert: "/nonexistent/cert", Key: good.Key}, "no such file"},
		{"no name", Files{Key: good.Key}, "no certificate file given"},
		{"junk", Files{Cert: junk, Key: good.Key}, "no CERTIFICATE block in it, found no PEM at all"},
		{"key as certificate", Files{Cert: good.Key, Key: good.Key}, "found PRIVATE KEY"},
		{"encrypted", Files{Cert: good.Cert, Key: enc}, "decrypt it with `openssl pkey"},
		{"junk authority", Files{Cert: good.Cert, Key: good.Key, ClientCA: junk}, "no CERTIFICATE block"},
	} {
		_, err := NewServer(c.f)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want …%s…", c.name, err, c.want)
		}
	}
}

func TestReloadFollowsFilesAndSurvivesBadOnes(t *testing.T) {
	a := authority(t)
	f := pki(t, a, Request{Name: "first", Hosts: []string{"127.0.0.1"}, Server: true})
	s, err := NewServer(f)
	if err != nil {
		t.Fatal(err)
	}
	name := func() string { return s.current.Load().config.Certificates[0].Leaf.Subject.CommonName }
	cert, err := os.ReadFile(f.Cert)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(cert)-2; n += 100 { // half-written files
		if err := os.WriteFile(f.Cert, cert[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if s.Reload() == nil {
			t.Fatalf("a certificate cut at byte %d was accepted", n)
		}
		if name() != "first" {
			t.Fatal("a failed reload changed the certificate")
		}
	}
	cert, key, err := a.Issue(Request{Name: "second", Hosts: []string{"127.0.0.1"}, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.Cert, cert)
	if s.Reload() == nil || name() != "first" {
		t.Fatal("a certificate without its key was accepted")
	}
	write(t, f.Key, key)
	if err := s.Reload(); err != nil || name() != "second" {
		t.Fatalf("reload: %v, certificate %s", err, name())
	}
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := authority(t)
		now := time.Now() // synctest's clock starts in 2000
		r := Request{Name: "first", Hosts: []string{"127.0.0.1"}, Server: true, NotAfter: now.AddDate(0, 0, 9)}
		f := pki(t, a, r)
		s, err := NewServer(f)
		if err != nil {
			t.Fatal(err)
		}
		results := make(chan error, 10)
		go s.Watch(t.Context(), 10*time.Second, func(err error) { results <- err })
		time.Sleep(25 * time.Second)
		if len(results) != 0 {
			t.Fatal("reloaded without a change")
		}
		r.NotAfter = now.AddDate(0, 0, 90)
		cert, key, err := a.Issue(r)
		if err != nil {
			t.Fatal(err)
		}
		write(t, f.Cert, append(cert, '\n'))
		time.Sleep(10 * time.Second)
		if err := <-results; err == nil {
			t.Fatal("a certificate without its key was accepted")
		}
		write(t, f.Key, append(key, '\n'))
		if err := <-results; err != nil {
			t.Fatal(err)
		}
		if got := s.NotAfter().Sub(now); got < 89*24*time.Hour {
			t.Fatalf("certificate valid for %v, want the new one's 90 days", got)
		}
	})
}

func TestResumptionChecksTheAuthorityAgain(t *testing.T) {
	ours, next := authority(t), authority(t)
	f := pki(t, ours, Request{Name: "zeta", Hosts: []string{"127.0.0.1"}, Server: true})
	s, err := NewServer(f)
	if err != nil {
		t.Fatal(err)
	}
	cf := pki(t, ours, Request{Name: "web1", Client: true})
	client, err := NewClient(ClientFiles{CA: cf.ClientCA, Cert: cf.Cert, Key: cf.Key, ServerName: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	client.ClientSessionCache = newSessionCache()
	client.MaxVersion = 0x0303 // the ticket is there when the handshake is done
	for range 2 {
		if err := handshake(t, s.Config(), client); err != nil {
			t.Fatal(err)
		}
	}
	write(t, f.ClientCA, next.PEM())
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	if err := handshake(t, s.Config(), client); Reason(err) != "unknown_ca" {
		t.Fatalf("a resumed session of a removed authority: got %v, want a refusal", err)
	}
}

func TestPlainTextIsNamed(t *testing.T) {
	s, err := NewServer(pki(t, authority(t), Request{Name: "zeta", Hosts: []string{"127.0.0.1"}, Server: true}))
	if err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	go func() {
		b.Write([]byte{0, 0, 0, 5, 1, 2, 3, 4, 5})
		b.Read(make([]byte, 100))
		b.Close()
	}()
	if got := Reason(NewServerConn(a, s.Config()).Handshake()); got != "not_tls" {
		t.Fatalf("got %q, want not_tls", got)
	}
	a.Close()
}

func TestAuthorityFromFiles(t *testing.T) {
	a := authority(t)
	dir := t.TempDir()
	key, err := a.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca.key")
	write(t, certFile, a.PEM())
	write(t, keyFile, key)
	if st, err := os.Stat(keyFile); err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("key file: %v %v, want mode 0600", st.Mode(), err)
	}
	again, err := LoadAuthority(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(pki(t, again, Request{Name: "zeta", Hosts: []string{"localhost"}, Server: true}))
	if err != nil || !s.RequiresClientCert() {
		t.Fatal(err)
	}
	if _, err := LoadAuthority(s.files.Cert, s.files.Key); err == nil {
		t.Fatal("a server's certificate was taken for an authority")
	}
	for _, r := range []Request{{Name: "x"}, {Name: "x", Server: true}} {
		if _, _, err := a.Issue(r); err == nil {
			t.Errorf("%+v was issued", r)
		}
	}
	if _, err := NewClient(ClientFiles{Cert: certFile}); err == nil {
		t.Error("a client certificate without a key was accepted")
	}
}
