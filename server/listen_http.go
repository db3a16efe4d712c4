package server

import (
	"context"
	"fmt"
	"sync"

	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[HTTPOptions]{
		Name:    "http",
		Summary: "Serve the dashboard, subscriptions, the JSON API and metrics.",
		Doc: "/ is the dashboard. /index?query=…&subscribe=true and /pubsub/TOPIC?query=… are subscriptions, over a websocket or as server-sent events; " +
			"PUT or POST /events takes one JSON event a line; /api/v1/… is the API; /metrics is for Prometheus; /healthz and /readyz are for supervisors. " +
			"Pages of other hosts are refused unless they are in origins. " +
			"With tokens every request but those of supervisors and for the files of the dashboard needs one: send for events, query for what only tells, admin (which includes the others) for reload, silences and dead letters, from wherever it comes. " +
			"A changed file is read within two seconds. A browser sends no token by itself: put the dashboard behind a proxy that adds it and asks for more than that.",
		Defaults: defaultHTTP,
		Check:    func(o HTTPOptions) error { return checkTLS(o.TLS) },
		Examples: []streams.Example{
			{Title: "for this machine only", Rule: `listen.http("127.0.0.1:5556");`},
			{Title: "for a network, under a name", Rule: `listen.http(":5556", {tls: {cert: "server.pem", key: "server.key"}, hosts: ["zeta.example.com"]});`},
			{Title: "for those who have a token", Rule: `listen.http(":5556", {tls: {cert: "server.pem", key: "server.key"}, tokens: "/etc/zeta/tokens"});`},
		},
	})
}

var defaultHTTP = HTTPOptions{ConnLimits: ConnLimits{MaxConnections: 10_000, Idle: idleTimeout}, MaxBody: 64 << 20}

// HTTPOptions are the options of listen.http.
type HTTPOptions struct {
	Address  string      `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	TLS      *TLSOptions `opt:"tls" doc:"certificate, key and, to require client certificates, their authority; left out: plain HTTP"`
	Tokens   string      `opt:"tokens" doc:"file of tokens, each a line: its SHA-256, a name, rights (send, query, admin; with commas); requests must have one as Authorization: Bearer TOKEN. Left out: no token is asked for, and what changes something is allowed from this machine only"`
	Allow    []string    `opt:"allow" doc:"networks that may connect, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure bool        `opt:"insecure" doc:"allow an address that is open to the network without TLS, tokens or an allow list"`
	Origins  []string    `opt:"origins" doc:"web pages of other hosts that may connect, e.g. https://status.example.com; \"*\" allows all. Pages from this server's own host name are always allowed, on any port"`
	Hosts    []string    `opt:"hosts" doc:"host names the server is reached by, beside this machine's own, localhost and IP addresses; protects against DNS rebinding"`
	ConnLimits
	RateLimits
	MaxBody int `opt:"maxBody" min:"64" max:"1073741824" doc:"bytes of one request with events"`
}

// httpListener serves the dashboard, the subscriptions, the API and the metrics.
type httpListener struct {
	*web
	opts   HTTPOptions
	tokens *tokens

	mu       sync.Mutex
	sockets  int           // websockets, which net/http does not wait for
	draining bool          // no websocket may begin
	drained  chan struct{} // closed when draining and without websockets
}

func openHTTP(s *Server, o HTTPOptions) (*httpListener, error) {
	if err := checkBind("http", o.Address, o.TLS != nil || o.Tokens != "" || len(o.Allow) > 0, o.Insecure, `{tls: {cert: "…", key: "…"}}, {tokens: "FILE"} or {allow: ["10.0.0.0/8"]}`); err != nil {
		return nil, err
	}
	h := &httpListener{opts: o, drained: make(chan struct{})}
	var err error
	if h.tokens, err = openTokens(o.Tokens, s.log); err != nil {
		return nil, fmt.Errorf("listen.http(%q): %w", o.Address, err)
	}
	if h.web, err = openWeb(s, "http", o.Address, o.TLS, o.Allow, o.ConnLimits, o.RateLimits); err != nil {
		return nil, err
	}
	h.http.Handler = h.guard(h.routes())
	return h, nil
}

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

// begin counts a websocket that begins; false when none may any more.
func (h *httpListener) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		return false
	}
	h.sockets++
	return true
}

// end counts a websocket that has ended.
func (h *httpListener) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sockets--; h.sockets == 0 && h.draining {
		close(h.drained)
	}
}
