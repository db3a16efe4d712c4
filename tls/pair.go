package tls

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// maxPEMBytes bounds a certificate, key or authority file.
const maxPEMBytes = 1 << 20

// loadPair reads a certificate chain and its key and says why they cannot serve, if so: unreadable,
// not PEM, an encrypted key, a key of another certificate, or out of its time at now.
func loadPair(certFile, keyFile string, now time.Time) (tls.Certificate, error) {
	var none tls.Certificate
	certPEM, err := readPEM(certFile, "certificate")
	if err != nil {
		return none, err
	}
	keyPEM, err := readPEM(keyFile, "key")
	if err != nil {
		return none, err
	}
	if !hasBlock(certPEM, "CERTIFICATE") {
		return none, fmt.Errorf("certificate %s: no CERTIFICATE block in it, found %s", certFile, blockNames(certPEM))
	}
	if hasBlock(keyPEM, "ENCRYPTED PRIVATE KEY") {
		return none, fmt.Errorf("key %s: it is encrypted; decrypt it with `openssl pkey -in %s`", keyFile, keyFile)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		if strings.Contains(err.Error(), "does not match") {
			return none, fmt.Errorf("key %s does not belong to certificate %s", keyFile, certFile)
		}
		return none, fmt.Errorf("certificate %s with key %s: %w", certFile, keyFile, err)
	}
	leaf := pair.Leaf
	switch {
	case now.After(leaf.NotAfter):
		return none, fmt.Errorf("certificate %s (%s) expired on %s", certFile, leaf.Subject, leaf.NotAfter.UTC().Format(time.DateTime))
	case now.Before(leaf.NotBefore):
		return none, fmt.Errorf("certificate %s (%s) is not valid before %s; is the clock right?", certFile, leaf.Subject, leaf.NotBefore.UTC().Format(time.DateTime))
	}
	return pair, nil
}

// loadPool reads a file of authorities' certificates.
func loadPool(file string) (*x509.CertPool, error) {
	b, err := readPEM(file, "authorities")
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	found := false
	for n := 1; ; n++ {
		var block *pem.Block
		block, b = pem.Decode(b)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("authorities %s: PEM block %d: %w", file, n, err)
		}
		pool.AddCert(c)
		found = true
	}
	if !found {
		return nil, fmt.Errorf("authorities %s: no CERTIFICATE block in it", file)
	}
	return pool, nil
}

func readPEM(file, what string) ([]byte, error) {
	if file == "" {
		return nil, errors.New("no " + what + " file given")
	}
	st, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if st.Size() > maxPEMBytes {
		return nil, fmt.Errorf("%s %s: %d bytes, want at most %d", what, file, st.Size(), maxPEMBytes)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return b, nil
}

func hasBlock(b []byte, name string) bool {
	for {
		var block *pem.Block
		block, b = pem.Decode(b)
		if block == nil {
			return false
		}
		if block.Type == name {
			return true
		}
	}
}

func blockNames(b []byte) string {
	var names []string
	for {
		var block *pem.Block
		block, b = pem.Decode(b)
		if block == nil {
			break
		}
		names = append(names, block.Type)
	}
	if names == nil {
		return "no PEM at all"
	}
	return strings.Join(names, ", ")
}
