package sinks_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"zeta/sinks"
	"zeta/sinks/sinktest"
	"zeta/streams"
)

// try makes one request of a webhook with these options.
func try(t *testing.T, options string) error {
	t.Helper()
	return openSink(t, "webhook({"+options+"});").Send(t.Context(), []*streams.Alert{sinktest.Alert(sinktest.Event("h", "s", "ok", 1))})
}

func TestTargetsThatNeedSomebody(t *testing.T) {
	for _, c := range []struct {
		status    int
		broken    bool
		permanent bool
	}{{401, true, false}, {403, true, false}, {400, false, true}, {404, false, true}, {422, false, true}, {408, false, false}, {429, false, false}, {500, false, false}, {503, false, false}} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(c.status) }))
		err := try(t, fmt.Sprintf("url: %q", s.URL))
		s.Close()
		if err == nil || sinks.IsBroken(err) != c.broken || sinks.IsPermanent(err) != c.permanent {
			t.Errorf("%d: %v is broken %v, permanent %v; want %v, %v", c.status, err, sinks.IsBroken(err), sinks.IsPermanent(err), c.broken, c.permanent)
		}
	}
}

// A dead letter has to say what the target had against it: what names the field may stand far behind.
func TestTargetsAnswerInTheDeadLetter(t *testing.T) {
	for status, kept := range map[int]int{400: 2048, 422: 2048, 500: 200} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, strings.Repeat("x", 3000))
		}))
		err := try(t, fmt.Sprintf("url: %q", s.URL))
		s.Close()
		if err == nil || strings.Count(err.Error(), "x") != kept {
			t.Errorf("%d: %d bytes of the answer are kept, want %d", status, strings.Count(fmt.Sprint(err), "x"), kept)
		}
	}
}

// certificate returns the files of a certificate for a name that is its own authority, valid until then.
func certificate(t *testing.T, name string, until time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: until.Add(-48 * time.Hour), NotAfter: until, DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// A target whose certificate is wrong gets nothing, and the sink says that somebody has to see to it. Nothing is sent
// in the clear instead.
func TestTargetsWithWrongCertificates(t *testing.T) {
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	good, goodKey := certificate(t, "localhost", soon)
	expired, expiredKey := certificate(t, "localhost", past)
	other, otherKey := certificate(t, "other.example.com", soon)
	for _, c := range []struct {
		name, cert, key, ca string
		want                string // in the error; "" for none
	}{
		{"right", good, goodKey, good, ""},
		{"unknown authority", good, goodKey, other, "unknown authority"},
		{"expired", expired, expiredKey, expired, "has expired"},
		{"of another name", other, otherKey, other, "other.example.com"},
	} {
		requests := atomic.Int32{}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) })}
		go s.ServeTLS(l, c.cert, c.key)
		_, port, _ := net.SplitHostPort(l.Addr().String())
		err = try(t, fmt.Sprintf("url: %q, ca: %q", "https://localhost:"+port, c.ca))
		s.Close()
		switch {
		case c.want == "" && (err != nil || requests.Load() != 1):
			t.Errorf("%s: %v, %d requests", c.name, err, requests.Load())
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !sinks.IsBroken(err) || sinks.IsPermanent(err) || requests.Load() != 0):
			t.Errorf("%s: %v, %d requests; want %q, broken and not for good, and none", c.name, err, requests.Load(), c.want)
		}
	}
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("sent in the clear") }))
	defer plain.Close()
	if err := try(t, fmt.Sprintf("url: %q", "https://"+plain.Listener.Addr().String())); err == nil || !sinks.IsBroken(err) {
		t.Errorf("a target without TLS: %v, want a broken one", err)
	}
}

func TestTargetsThatRedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL+"/secret", status) }))
		err := try(t, fmt.Sprintf("url: %q", s.URL))
		s.Close()
		if err == nil || !sinks.IsBroken(err) || !strings.Contains(err.Error(), "redirects to "+other.Listener.Addr().String()) {
			t.Errorf("%d: %v, want it to be broken and to say where to", status, err)
		}
	}
}

// Of an answer no more is read than is of use, however long it is.
func TestTargetsThatAnswerForEver(t *testing.T) {
	for _, status := range []int{200, 400} {
		wrote := make(chan int, 1)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			n, chunk := 0, make([]byte, 32<<10)
			for n < 1<<30 {
				m, err := w.Write(chunk)
				n += m
				if err != nil {
					break
				}
			}
			wrote <- n
		}))
		err := try(t, fmt.Sprintf("url: %q", s.URL))
		if n := <-wrote; n > 64<<20 || (err != nil) != (status == 400) {
			t.Errorf("%d: %d bytes were taken, %v", status, n, err)
		}
		s.Close()
	}
}

// names is a resolver that knows no name until the test says so.
type names struct {
	net.PacketConn
	known atomic.Bool
	asked atomic.Int32
}

func (d *names) serve() {
	b := make([]byte, 512)
	for {
		n, peer, err := d.ReadFrom(b)
		if err != nil {
			return
		}
		d.asked.Add(1)
		answer := append([]byte(nil), b[:n]...)
		answer[2], answer[3] = 0x81, 0x83 // a response: no such name
		end := 12
		for answer[end] != 0 {
			end += int(answer[end]) + 1
		}
		kind := answer[end+2]
		answer = answer[:end+5] // the question alone
		clear(answer[6:12])     // counts of records
		if d.known.Load() {
			answer[3] = 0x80
			if kind == 1 { // A
				answer[7] = 1
				answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
			}
		}
		d.WriteTo(answer, peer)
	}
}

// A name that is not known now may be known at the next attempt: it is asked for again, and nothing is given up.
func TestTargetsWithoutAName(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d := &names{PacketConn: c}
	go d.serve()
	before := net.DefaultResolver
	defer func() { net.DefaultResolver = before }()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("udp", c.LocalAddr().String())
	}}
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	sink := openSink(t, fmt.Sprintf(`webhook({url: "http://alerts.example.com.:%s"});`, port))
	alerts := []*streams.Alert{sinktest.Alert(sinktest.Event("h", "s", "ok", 1))}
	for range 2 {
		asked := d.asked.Load()
		err := sink.Send(t.Context(), alerts)
		if err == nil || !strings.Contains(err.Error(), "no such host") || sinks.IsPermanent(err) || d.asked.Load() == asked {
			t.Errorf("%v after %d questions, want that there is no such host, in passing", err, d.asked.Load()-asked)
		}
	}
	d.known.Store(true)
	if err := sink.Send(t.Context(), alerts); err != nil {
		t.Errorf("when the name is known: %v", err)
	}
}
