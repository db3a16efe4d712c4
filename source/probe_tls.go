package source

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"zeta/event"
	"zeta/streams"
	"zeta/tls"
)

func init() {
	streams.RegisterSource(streams.SourceSpec[TLSOptions]{
		Name:    "probe.tls",
		Summary: "Look at a server's certificate again and again and tell how many days it lasts.",
		Doc: "Two events a look. \"tls PORT\" has the days that are left as its metric, those of the certificate of the chain that ends first; state is critical if there is no connection, the certificate is not valid for the name " +
			"or the days are at or below critical, warning at or below warning, else ok. \"tls PORT latency\" has the time of connection and handshake in seconds. " +
			"host is the address's host. A name that leads to a link-local address is refused.",
		Defaults: TLSOptions{Warning: 30 * 24 * time.Hour, Critical: 7 * 24 * time.Hour, Interval: time.Hour, Timeout: 10 * time.Second},
		Check:    func(o TLSOptions) error { return checkAddress("probe.tls", o.Address) },
		Open:     openTLS,
		Examples: []streams.Example{
			{Title: "a month's notice", Rule: `probe.tls("shop.example.com:443");`},
			{Title: "certificates that last ninety days", Rule: `probe.tls("10.0.0.7:8443", {serverName: "api.internal", ca: "ca.pem", warning: "14d", critical: "3d"});`},
		},
	})
}

// TLSOptions are the options of probe.tls.
type TLSOptions struct {
	Address    string        `arg:"1" doc:"HOST:PORT"`
	ServerName string        `opt:"serverName" doc:"name the certificate must have; left out: the address's host"`
	CA         string        `opt:"ca" doc:"file of the authorities that sign the server's certificate; left out: the system's"`
	Warning    time.Duration `opt:"warning" doc:"time left at which state is warning"`
	Critical   time.Duration `opt:"critical" doc:"time left at which state is critical"`
	Interval   time.Duration `opt:"interval" min:"1s" max:"24h" doc:"time between two looks"`
	Timeout    time.Duration `opt:"timeout" min:"10ms" max:"5m" doc:"longest time of one look"`
	Host       string        `opt:"host" doc:"the events' host; left out: the address's"`
	Service    string        `opt:"service" doc:"the events' service"`
	Tags       []string      `opt:"tags" doc:"the events' tags"`
	TTL        time.Duration `opt:"ttl" doc:"the events' ttl; 0: three intervals and the timeout"`
}

// tlsProbe looks at the certificate of one address.
type tlsProbe struct {
	observer
	o       TLSOptions
	target  string
	name    string
	service string
	config  *tls.Config
}

func openTLS(o TLSOptions, _ *slog.Logger) (streams.Source, error) {
	if err := checkAddress("probe.tls", o.Address); err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(o.Address)
	p := &tlsProbe{o: o, target: host, name: orDefault(o.ServerName, host), service: orDefault(o.Service, "tls "+port)}
	var err error
	// The handshake accepts every certificate, so that one that is not valid can be told about; check judges it.
	if p.config, err = tls.NewClient(tls.ClientFiles{CA: o.CA, ServerName: p.name, Insecure: true}); err != nil {
		return nil, fmt.Errorf("probe.tls(%q): %w", o.Address, err)
	}
	p.observer = newObserver(common{o.Interval, o.Timeout, o.TTL, o.Host, o.Tags}, host, event.Attr{Key: "probe", Value: "tls"})
	return p, nil
}

// Look implements streams.Source.
func (p *tlsProbe) Look(ctx context.Context) []event.Event {
	began := time.Now()
	chain, err := p.handshake(ctx)
	took := time.Since(began)
	if err != nil {
		return []event.Event{
			p.event(p.service, "critical", reason(err)),
			p.event(p.service+" latency", "critical", reason(err)),
		}
	}
	until, err := p.check(chain, began)
	left := until.Sub(began)
	e := p.event(p.service, p.level(left), fmt.Sprintf("%s: valid until %s", chain[0].Subject.CommonName, until.UTC().Format("2006-01-02 15:04 MST")))
	if err != nil {
		e = p.event(p.service, "critical", err.Error())
	}
	e.SetFloat(left.Hours() / 24)
	latency := p.event(p.service+" latency", "ok", "handshake after "+milliseconds(took))
	latency.SetFloat(took.Seconds())
	return []event.Event{e, latency}
}

func (p *tlsProbe) level(left time.Duration) string {
	switch {
	case left <= p.o.Critical:
		return "critical"
	case left <= p.o.Warning:
		return "warning"
	}
	return "ok"
}

// handshake returns the certificates that the server shows, its own first.
func (p *tlsProbe) handshake(ctx context.Context) ([]*x509.Certificate, error) {
	c, err := guard{p.target}.dial(ctx, "tcp", p.o.Address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	tc := tls.NewClientConn(c, p.config)
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	chain := tc.ConnectionState().PeerCertificates
	if len(chain) == 0 {
		return nil, errors.New("the server shows no certificate")
	}
	return chain, nil
}

// check verifies a chain for the probe's name and returns when the first of its certificates ends.
func (p *tlsProbe) check(chain []*x509.Certificate, now time.Time) (until time.Time, err error) {
	v := x509.VerifyOptions{DNSName: p.name, Roots: p.config.RootCAs, Intermediates: x509.NewCertPool(), CurrentTime: now}
	for _, c := range chain[1:] {
		v.Intermediates.AddCert(c)
	}
	until = chain[0].NotAfter
	verified, err := chain[0].Verify(v)
	if err != nil {
		return until, err
	}
	// A server may offer several ways to a root; the one that lasts longest counts.
	best := time.Time{}
	for _, way := range verified {
		end := way[0].NotAfter
		for _, c := range way[1:] {
			if c.NotAfter.Before(end) {
				end = c.NotAfter
			}
		}
		if end.After(best) {
			best = end
		}
	}
	return best, nil
}
