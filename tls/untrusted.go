package tls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// Untrusted reports whether a client's handshake failed because of certificates: another attempt fails as well until
// somebody has mended something.
func Untrusted(err error) bool {
	var (
		verify  *tls.CertificateVerificationError
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		record  tls.RecordHeaderError
	)
	return errors.As(err, &verify) || errors.As(err, &invalid) || errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &record)
}
