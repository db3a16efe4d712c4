package tls

import "crypto/tls"

type (
	certificateRequest = tls.CertificateRequestInfo
	certificate        = tls.Certificate
)

func newSessionCache() tls.ClientSessionCache { return tls.NewLRUClientSessionCache(8) }
