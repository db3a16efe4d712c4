package tls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Authority is a small certificate authority: one P-256 key that signs certificates for servers and clients.
type Authority struct {
	cert    *x509.Certificate
	key     *ecdsa.PrivateKey
	certPEM []byte
}

// Request says what a certificate is for.
type Request struct {
	Name      string    // common name
	Hosts     []string  // DNS names and IP addresses a server answers to
	Server    bool      // may be used by a server
	Client    bool      // may be used by a client
	NotBefore time.Time // zero: an hour ago, for clocks that differ
	NotAfter  time.Time // zero: 365 days from now
}

// NewAuthority makes an authority with a new key, valid for ten years.
func NewAuthority(name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(10, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &Authority{cert: cert, key: key, certPEM: block("CERTIFICATE", der)}, nil
}

// LoadAuthority reads an authority from its files, as PEM and KeyPEM gave them.
func LoadAuthority(certFile, keyFile string) (*Authority, error) {
	pair, err := loadPair(certFile, keyFile, time.Now())
	if err != nil {
		return nil, err
	}
	if !pair.Leaf.IsCA {
		return nil, fmt.Errorf("certificate %s is not an authority's", certFile)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key %s: %T, want an ECDSA key", keyFile, pair.PrivateKey)
	}
	return &Authority{cert: pair.Leaf, key: key, certPEM: block("CERTIFICATE", pair.Leaf.Raw)}, nil
}

// PEM returns the authority's certificate, which the other side is told to trust.
func (a *Authority) PEM() []byte { return a.certPEM }

// KeyPEM returns the authority's private key, to be kept from everyone else.
func (a *Authority) KeyPEM() ([]byte, error) { return keyPEM(a.key) }

// Issue makes a key and a certificate for it.
func (a *Authority) Issue(r Request) (cert, key []byte, err error) {
	if !r.Server && !r.Client {
		return nil, nil, errors.New("a certificate must be for a server, a client or both")
	}
	if r.Server && len(r.Hosts) == 0 {
		return nil, nil, errors.New("a server's certificate needs the host names or addresses it is reached by")
	}
	now := time.Now()
	if r.NotBefore.IsZero() {
		r.NotBefore = now.Add(-time.Hour)
	}
	if r.NotAfter.IsZero() {
		r.NotAfter = now.AddDate(0, 0, 365)
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: r.Name},
		NotBefore:    r.NotBefore,
		NotAfter:     r.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	if r.Server {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if r.Client {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	for _, h := range r.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &k.PublicKey, a.key)
	if err != nil {
		return nil, nil, err
	}
	if key, err = keyPEM(k); err != nil {
		return nil, nil, err
	}
	return block("CERTIFICATE", der), key, nil
}

// WriteFile writes b to a file that appears whole or not at all. A secret is readable by its owner only.
func WriteFile(path string, b []byte, secret bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tls-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once renamed, which is well
	mode := os.FileMode(0o644)
	if secret {
		mode = 0o600
	}
	if err = f.Chmod(mode); err == nil {
		if _, err = f.Write(b); err == nil {
			err = f.Sync()
		}
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

func keyPEM(k *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, err
	}
	return block("PRIVATE KEY", der), nil
}

func block(name string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: name, Bytes: der})
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic("tls: no random numbers: " + err.Error())
	}
	return n
}
