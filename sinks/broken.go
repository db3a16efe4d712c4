package sinks

import (
	"errors"
	"net/http"

	"zeta/tls"
)

// Broken wraps an error that lasts until somebody mends the sink: a key that is refused, a wrong address. The sink
// keeps what waits and goes on trying, as the cause may be mended at the target.
func Broken(err error) error { return &brokenError{err} }

type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// IsBroken reports whether err, or an error it wraps, was marked by Broken or is about the target's
// certificate, or its lack of one.
func IsBroken(err error) bool {
	var b *brokenError
	return errors.As(err, &b) || tls.Untrusted(err) || errors.Is(err, http.ErrSchemeMismatch)
}
