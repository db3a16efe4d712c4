package source

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterSource(streams.SourceSpec[TCPOptions]{
		Name:    "probe.tcp",
		Summary: "Connect to a TCP port again and again and tell whether it is open.",
		Doc: "One event a look: metric is the time in seconds until the connection stood and, where expect is given, until the text had come; state is critical if that failed, " +
			"warning or critical if it was slow, else ok. Without success there is no metric. host is the address's host, service is \"tcp PORT\". " +
			"A name that leads to a link-local address is refused.",
		Defaults: TCPOptions{Interval: 30 * time.Second, Timeout: 5 * time.Second},
		Check:    func(o TCPOptions) error { return checkAddress("probe.tcp", o.Address) },
		Open:     openTCP,
		Examples: []streams.Example{
			{Title: "a database", Rule: `probe.tcp("db1.example.com:5432");`},
			{Title: "a mail server that greets", Rule: `probe.tcp("mail.example.com:25", {expect: "220", warning: "2s"});`},
		},
	})
}

// TCPOptions are the options of probe.tcp.
type TCPOptions struct {
	Address  string        `arg:"1" doc:"HOST:PORT"`
	Send     string        `opt:"send" doc:"text that is sent first"`
	Expect   string        `opt:"expect" doc:"text that must come within the first 4096 bytes"`
	Warning  time.Duration `opt:"warning" doc:"time from which state is warning; 0: never"`
	Critical time.Duration `opt:"critical" doc:"time from which state is critical; 0: never"`
	Interval time.Duration `opt:"interval" min:"1s" max:"24h" doc:"time between two looks"`
	Timeout  time.Duration `opt:"timeout" min:"10ms" max:"5m" doc:"longest time of one look"`
	Host     string        `opt:"host" doc:"the events' host; left out: the address's"`
	Service  string        `opt:"service" doc:"the events' service"`
	Tags     []string      `opt:"tags" doc:"the events' tags"`
	TTL      time.Duration `opt:"ttl" doc:"the events' ttl; 0: three intervals and the timeout"`
}

// maxGreeting bounds what is read of a peer, in bytes.
const maxGreeting = 4096

// checkAddress refuses what is not HOST:PORT.
func checkAddress(where, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return fmt.Errorf("%s: %q is no address; want HOST:PORT", where, address)
	}
	return nil
}

// tcpProbe connects to one address.
type tcpProbe struct {
	observer
	o       TCPOptions
	target  string
	service string
}

func openTCP(o TCPOptions, _ *slog.Logger) (streams.Source, error) {
	if err := checkAddress("probe.tcp", o.Address); err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(o.Address)
	p := &tcpProbe{o: o, target: host, service: orDefault(o.Service, "tcp "+port)}
	p.observer = newObserver(common{o.Interval, o.Timeout, o.TTL, o.Host, o.Tags}, host, event.Attr{Key: "probe", Value: "tcp"})
	return p, nil
}

// Look implements streams.Source.
func (p *tcpProbe) Look(ctx context.Context) []event.Event {
	began := time.Now()
	text, err := p.try(ctx)
	took := time.Since(began)
	if err != nil {
		return []event.Event{p.event(p.service, "critical", reason(err))}
	}
	e := p.event(p.service, slow(took, p.o.Warning, p.o.Critical), strings.TrimSpace("open after "+milliseconds(took)+"; "+text))
	if text == "" {
		e.SetDescription("open after " + milliseconds(took))
	}
	e.SetFloat(took.Seconds())
	return []event.Event{e}
}

// try connects and returns the first line that came, if one was waited for.
func (p *tcpProbe) try(ctx context.Context) (greeting string, err error) {
	c, err := guard{p.target}.dial(ctx, "tcp", p.o.Address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	end := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer end()
	if p.o.Send != "" {
		if _, err := c.Write([]byte(p.o.Send)); err != nil {
			return "", err
		}
	}
	if p.o.Expect == "" {
		return "", nil
	}
	buf := make([]byte, maxGreeting)
	n := 0
	for n < len(buf) {
		m, err := c.Read(buf[n:])
		n += m
		if strings.Contains(string(buf[:n]), p.o.Expect) {
			line, _, _ := strings.Cut(string(buf[:n]), "\n")
			return line, nil
		}
		if err != nil {
			return "", fmt.Errorf("%q did not come: %s; got %q", p.o.Expect, reason(err), buf[:min(n, 200)])
		}
	}
	return "", fmt.Errorf("%q did not come within %d bytes; got %q", p.o.Expect, maxGreeting, buf[:200])
}
