package tls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
)

// Reason sorts the error of a handshake into one word, for metrics and logs: no_cert, expired, unknown_ca,
// usage (a certificate for another purpose), not_tls, version, cipher, timeout, closed, refused (the other
// side did not want us) or other.
func Reason(err error) string {
	var (
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		network net.Error
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &invalid):
		switch invalid.Reason {
		case x509.Expired:
			return "expired"
		case x509.IncompatibleUsage:
			return "usage"
		}
		return "other"
	case errors.As(err, &unknown):
		return "unknown_ca"
	case errors.As(err, &record):
		return "not_tls"
	case errors.As(err, &alert):
		return "refused"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "timeout"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "closed"
	}
	text := err.Error()
	for _, known := range [...]struct{ part, reason string }{
		{"didn't provide a certificate", "no_cert"},
		{"unsupported versions", "version"},
		{"protocol version not supported", "version"},
		{"no cipher suite supported", "cipher"},
		{"first record does not look like a TLS handshake", "not_tls"},
		{"remote error", "refused"},
		{"connection reset", "closed"},
	} {
		if strings.Contains(text, known.part) {
			return known.reason
		}
	}
	return "other"
}

// Advice says in one sentence what the person in charge may do about a handshake that failed for reason;
// "" if there is nothing general to say.
func Advice(reason string) string {
	switch reason {
	case "no_cert":
		return "the client must send a certificate signed by clientCA"
	case "expired":
		return "the client's certificate is out of its time: issue a new one"
	case "unknown_ca":
		return "the client's certificate is not signed by a certificate in clientCA"
	case "usage":
		return "the client's certificate does not allow client authentication (extended key usage)"
	case "not_tls":
		return "the client speaks plain text: it must use TLS on this port"
	case "version":
		return "the client is older than TLS 1.2: upgrade it, or put stunnel before it"
	case "cipher":
		return "the client has no cipher suite with forward secrecy and authenticated encryption"
	case "refused":
		return "the client did not accept this server's certificate: is it signed by the authority the client trusts, for the name it dials?"
	}
	return ""
}
