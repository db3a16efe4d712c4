package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterSource(streams.SourceSpec[DNSOptions]{
		Name:    "probe.dns",
		Summary: "Ask for a name again and again and tell what it leads to.",
		Doc: "One event a look: metric is the time to the answer in seconds, description the answer, sorted; state is critical if there is none or it lacks something of expect, " +
			"warning or critical if it was slow, else ok. Without an answer there is no metric. host is the name, service is \"dns TYPE\". " +
			"It asks the machine's resolvers, without its cache and its hosts file if a server is given.",
		Defaults: DNSOptions{Type: "A", Interval: time.Minute, Timeout: 5 * time.Second},
		Check:    checkDNS,
		Open:     openDNS,
		Examples: []streams.Example{
			{Title: "the site's address", Rule: `probe.dns("www.example.com", {expect: "192.0.2.10"});`},
			{Title: "mail, as one server says", Rule: `probe.dns("example.com", {type: "MX", server: "192.0.2.53:53", warning: "500ms"});`},
		},
	})
}

// DNSOptions are the options of probe.dns.
type DNSOptions struct {
	Name     string        `arg:"1" doc:"name to ask for; for PTR an IP address"`
	Type     string        `opt:"type" enum:"A,AAAA,CNAME,MX,NS,TXT,PTR" doc:"kind of answer"`
	Server   string        `opt:"server" doc:"HOST:PORT of the server to ask; left out: the machine's resolvers"`
	Expect   []string      `opt:"expect" doc:"what must be among the answers"`
	Warning  time.Duration `opt:"warning" doc:"time from which state is warning; 0: never"`
	Critical time.Duration `opt:"critical" doc:"time from which state is critical; 0: never"`
	Interval time.Duration `opt:"interval" min:"1s" max:"24h" doc:"time between two looks"`
	Timeout  time.Duration `opt:"timeout" min:"10ms" max:"5m" doc:"longest time of one look"`
	Host     string        `opt:"host" doc:"the events' host; left out: the name"`
	Service  string        `opt:"service" doc:"the events' service"`
	Tags     []string      `opt:"tags" doc:"the events' tags"`
	TTL      time.Duration `opt:"ttl" doc:"the events' ttl; 0: three intervals and the timeout"`
}

func checkDNS(o DNSOptions) error {
	if o.Server == "" {
		return nil
	}
	if host, port, err := net.SplitHostPort(o.Server); err != nil || port == "" || host == "" || strings.ContainsAny(host, " /") {
		return fmt.Errorf("probe.dns: server is %q; want HOST:PORT, e.g. 192.0.2.53:53", o.Server)
	}
	return nil
}

// dnsProbe asks for one name.
type dnsProbe struct {
	observer
	o        DNSOptions
	service  string
	resolver *net.Resolver
}

func openDNS(o DNSOptions, _ *slog.Logger) (streams.Source, error) {
	p := &dnsProbe{o: o, service: orDefault(o.Service, "dns "+o.Type), resolver: &net.Resolver{}}
	host := o.Name
	if o.Server != "" {
		p.resolver.PreferGo = true
		p.resolver.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, o.Server)
		}
		if !strings.HasSuffix(o.Name, ".") && o.Type != "PTR" {
			p.o.Name += "." // a search list is the machine's, not the server's
		}
	}
	p.observer = newObserver(common{o.Interval, o.Timeout, o.TTL, o.Host, o.Tags}, host, event.Attr{Key: "probe", Value: "dns"})
	return p, checkDNS(o)
}

// Look implements streams.Source.
func (p *dnsProbe) Look(ctx context.Context) []event.Event {
	began := time.Now()
	answers, err := p.ask(ctx)
	took := time.Since(began)
	var unknown *net.DNSError
	if err == nil && len(answers) == 0 || errors.As(err, &unknown) && unknown.IsNotFound {
		err = fmt.Errorf("there is no %s of %s", p.o.Type, strings.TrimSuffix(p.o.Name, "."))
	}
	if err != nil {
		return []event.Event{p.event(p.service, "critical", reason(err))}
	}
	slices.Sort(answers)
	state, text := slow(took, p.o.Warning, p.o.Critical), strings.Join(answers, ", ")
	for _, want := range p.o.Expect {
		if !slices.Contains(answers, want) {
			state, text = "critical", fmt.Sprintf("%s is not among %s", want, text)
			break
		}
	}
	e := p.event(p.service, state, text)
	e.SetFloat(took.Seconds())
	return []event.Event{e}
}

// ask returns the answers as text; names without the dot at their end.
func (p *dnsProbe) ask(ctx context.Context) (answers []string, err error) {
	r, name := p.resolver, p.o.Name
	add := func(s string) { answers = append(answers, strings.TrimSuffix(s, ".")) }
	switch p.o.Type {
	case "A", "AAAA":
		network := map[string]string{"A": "ip4", "AAAA": "ip6"}[p.o.Type]
		ips, err := r.LookupIP(ctx, network, name)
		for _, ip := range ips {
			add(ip.String())
		}
		return answers, err
	case "CNAME":
		c, err := r.LookupCNAME(ctx, name)
		if err == nil {
			add(c)
		}
		return answers, err
	case "MX":
		mx, err := r.LookupMX(ctx, name)
		for _, m := range mx {
			add(fmt.Sprintf("%d %s", m.Pref, m.Host))
		}
		return answers, err
	case "NS":
		ns, err := r.LookupNS(ctx, name)
		for _, n := range ns {
			add(n.Host)
		}
		return answers, err
	case "TXT":
		return r.LookupTXT(ctx, name)
	}
	names, err := r.LookupAddr(ctx, name)
	for _, n := range names {
		add(n)
	}
	return answers, err
}
