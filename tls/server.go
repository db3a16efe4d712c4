package tls

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Files name the PEM files of a server.
type Files struct {
	Cert     string // certificate, its intermediates after it
	Key      string // the certificate's private key
	ClientCA string // authorities of client certificates; "": clients need none
}

// Server is a server's configuration that follows its files.
type Server struct {
	files   Files
	outer   *Config
	current atomic.Pointer[generation]

	mu   sync.Mutex // held while loading
	seen [3]stamp
}

// generation is one successful load.
type generation struct {
	config *Config
	until  time.Time
}

// stamp tells whether a file changed.
type stamp struct {
	size int64
	mod  time.Time
}

// NewServer loads the files. The error names the file and what is wrong with it.
func NewServer(f Files) (*Server, error) {
	s := &Server{files: f}
	s.outer = base()
	// One outer Config lives as long as the server, so that session ticket keys rotate by themselves;
	// certificates and authorities are taken from the current generation at each handshake.
	s.outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*Config, error) {
		return s.current.Load().config, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(time.Now()); err != nil {
		return nil, err
	}
	return s, nil
}

// Config returns the configuration for new connections. It stays valid across reloads and must not be changed.
func (s *Server) Config() *Config { return s.outer }

// ConfigFor returns a configuration as Config does, that also agrees with clients on one of these protocols of
// the application, the first of the server's that the client has.
func (s *Server) ConfigFor(protocols ...string) *Config {
	c := base()
	c.NextProtos = protocols
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*Config, error) {
		inner := s.current.Load().config.Clone()
		inner.NextProtos = protocols
		return inner, nil
	}
	return c
}

// NotAfter returns when the current certificate expires.
func (s *Server) NotAfter() time.Time { return s.current.Load().until }

// RequiresClientCert reports whether clients must show a certificate.
func (s *Server) RequiresClientCert() bool { return s.files.ClientCA != "" }

// Reload loads the files again. On an error the server goes on with what it has.
func (s *Server) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load(time.Now())
}

// Watch reloads the files when they have changed, looking every so often until ctx is done. After each
// attempt it calls done with the result. A file that is half written is tried again when it changes again.
func (s *Server) Watch(ctx context.Context, every time.Duration, done func(error)) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.mu.Lock()
			changed := s.stamps() != s.seen
			var err error
			if changed {
				err = s.load(time.Now())
			}
			s.mu.Unlock()
			if changed {
				done(err)
			}
		}
	}
}

func (s *Server) load(now time.Time) error {
	s.seen = s.stamps() // before reading: a change during the load is seen by the next look
	pair, err := loadPair(s.files.Cert, s.files.Key, now)
	if err != nil {
		return err
	}
	c := base()
	c.Certificates = []tls.Certificate{pair}
	if s.files.ClientCA != "" {
		if c.ClientCAs, err = loadPool(s.files.ClientCA); err != nil {
			return err
		}
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if pair.Leaf == nil {
		return errors.New("the certificate has no leaf")
	}
	s.current.Store(&generation{config: c, until: pair.Leaf.NotAfter})
	return nil
}

func (s *Server) stamps() (st [3]stamp) {
	for i, f := range [...]string{s.files.Cert, s.files.Key, s.files.ClientCA} {
		if f == "" {
			continue
		}
		if info, err := os.Stat(f); err == nil {
			st[i] = stamp{info.Size(), info.ModTime()}
		}
	}
	return st
}
