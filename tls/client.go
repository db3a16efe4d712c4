package tls

import (
	"crypto/tls"
	"errors"
	"time"
)

// ClientFiles describe a client's side.
type ClientFiles struct {
	CA         string // authorities of the server's certificate; "": the system's
	Cert, Key  string // the client's own pair; both "": none
	ServerName string // name the server's certificate must have; "": the host that is dialled
	Insecure   bool   // accept any server certificate; for tests by hand only
}

// NewClient builds a client's configuration. The error names the file and what is wrong with it.
func NewClient(f ClientFiles) (*Config, error) {
	c := base()
	c.ServerName = f.ServerName
	c.InsecureSkipVerify = f.Insecure
	if f.CA != "" {
		pool, err := loadPool(f.CA)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pool
	}
	switch {
	case f.Cert != "" && f.Key != "":
		pair, err := loadPair(f.Cert, f.Key, time.Now())
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	case f.Cert != "" || f.Key != "":
		return nil, errors.New("a client certificate needs both a certificate and a key file")
	}
	return c, nil
}
