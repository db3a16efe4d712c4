package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"zeta/streams"
	"zeta/tls"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[HTTPOptions]{
		Name:    "http",
		Summary: "Serve the dashboard, subscriptions, the JSON API and metrics.",
		Doc: "/ is the dashboard. /index?query=…&subscribe=true and /pubsub/TOPIC?query=… are subscriptions, over a websocket or as server-sent events; " +
			"PUT or POST /events takes one JSON event a line; /api/v1/… is the API; /metrics is for Prometheus; /healthz and /readyz are for supervisors. " +
			"Pages of other hosts are refused unless they are in origins.",
		Defaults: defaultHTTP,
		Check:    func(o HTTPOptions) error { return checkTLS(o.TLS) },
		Examples: []streams.Example{
			{Title: "for this machine only", Rule: `listen.http("127.0.0.1:5556");`},
			{Title: "for a network, under a name", Rule: `listen.http(":5556", {tls: {cert: "server.pem", key: "server.key"}, hosts: ["zeta.example.com"]});`},
		},
	})
}

var defaultHTTP = HTTPOptions{MaxConnections: 10_000}

// HTTPOptions are the options of listen.http.
type HTTPOptions struct {
	Address        string      `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	TLS            *TLSOptions `opt:"tls" doc:"certificate, key and, to require client certificates, their authority; left out: plain HTTP"`
	Insecure       bool        `opt:"insecure" doc:"allow an address that is open to the network without TLS"`
	Origins        []string    `opt:"origins" doc:"web pages of other hosts that may connect, e.g. https://status.example.com; \"*\" allows all. Pages from this server's own host name are always allowed, on any port"`
	Hosts          []string    `opt:"hosts" doc:"host names the server is reached by, beside this machine's own, localhost and IP addresses; protects against DNS rebinding"`
	MaxConnections int         `opt:"maxConnections" min:"1" max:"1000000" doc:"connections at a time, websockets included; those beyond are closed and counted"`
}

// Bounds of HTTP requests.
const (
	headerTimeout  = 5 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// httpListener serves the dashboard, the subscriptions, the API and the metrics.
type httpListener struct {
	server *Server
	opts   HTTPOptions
	secure *tls.Server // nil: plain
	l      net.Listener
	http   *http.Server

	mu       sync.Mutex
	open     int           // connections
	sockets  int           // websockets, which net/http does not wait for
	draining bool          // no websocket may begin
	drained  chan struct{} // closed when draining and without websockets
}

func openHTTP(s *Server, o HTTPOptions) (*httpListener, error) {
	if err := checkBind("http", o.Address, o.TLS != nil, o.Insecure, `{tls: {cert: "…", key: "…"}}`); err != nil {
		return nil, err
	}
	h := &httpListener{server: s, opts: o, drained: make(chan struct{})}
	var err error
	if h.secure, err = openTLS(o.TLS); err != nil {
		return nil, fmt.Errorf("listen.http(%q): %w", o.Address, err)
	}
	if h.l, err = net.Listen("tcp", o.Address); err != nil {
		return nil, fmt.Errorf("listen.http(%q): %w", o.Address, err)
	}
	h.http = &http.Server{
		Handler:           h.guard(h.routes()),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return h, nil
}

// Kind implements listener.
func (h *httpListener) Kind() string { return "http" }

// Addr implements listener.
func (h *httpListener) Addr() net.Addr { return h.l.Addr() }

// Connections implements listener.
func (h *httpListener) Connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open
}

// Serve implements listener.
func (h *httpListener) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var l net.Listener = limited{h.l, h}
	if h.secure != nil {
		go watchCert(ctx, h.server, h.Kind(), h.secure)
		l = tls.NewListener(l, h.secure.Config())
	}
	err := h.http.Serve(l)
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Close implements listener: it accepts no more.
func (h *httpListener) Close() { h.l.Close() }

// Drain implements listener: requests are finished, subscriptions are told to come back later.
func (h *httpListener) Drain(ctx context.Context) {
	h.mu.Lock()
	h.draining = true
	if h.sockets == 0 {
		close(h.drained)
	}
	h.mu.Unlock()
	if h.http.Shutdown(ctx) != nil {
		h.http.Close()
	}
	<-h.drained
}

// enter counts a websocket that begins; false when none may any more.
func (h *httpListener) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		return false
	}
	h.sockets++
	return true
}

// leave counts a websocket that has ended.
func (h *httpListener) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sockets--; h.sockets == 0 && h.draining {
		close(h.drained)
	}
}

// limited is a listener that closes connections beyond the limit and counts the others.
type limited struct {
	net.Listener
	h *httpListener
}

func (l limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		h := l.h
		h.mu.Lock()
		if h.open < h.opts.MaxConnections {
			h.open++
			h.mu.Unlock()
			return &counted{Conn: c, h: h}, nil
		}
		h.mu.Unlock()
		c.Close()
		h.server.refusals.refuse("http", "connections", c.RemoteAddr().String(),
			fmt.Errorf("%d connections are open; raise maxConnections to allow more", h.opts.MaxConnections))
	}
}

// counted is a connection that is counted until it is closed.
type counted struct {
	net.Conn
	h    *httpListener
	once sync.Once
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.once.Do(func() {
		c.h.mu.Lock()
		c.h.open--
		c.h.mu.Unlock()
	})
	return c.Conn.Close()
}
