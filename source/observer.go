package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"zeta/event"
)

// observer is what sources have in common: when they look and what their events carry.
type observer struct {
	every, timeout time.Duration
	host           string
	ttl            float64
	tags           []string
	set            *event.Set
}

// common are the options that every source has, under the same names.
type common struct {
	Interval, Timeout, TTL time.Duration
	Host                   string
	Tags                   []string
}

// newObserver fills in what the options leave out: the host, and a ttl that survives two looks that fail to
// happen.
func newObserver(o common, host string, attributes ...event.Attr) observer {
	if o.Host == "" {
		o.Host = host
	}
	if o.TTL == 0 {
		o.TTL = 3*o.Interval + o.Timeout
	}
	var tags []string
	if len(o.Tags) > 0 {
		tags = o.Tags
	}
	return observer{
		every: o.Interval, timeout: o.Timeout, host: o.Host, ttl: o.TTL.Seconds(),
		tags: tags, set: event.NewSet(tags, attributes),
	}
}

// Schedule implements streams.Source.
func (o *observer) Schedule() (every, timeout time.Duration) { return o.every, o.timeout }

// event makes an event without a metric.
func (o *observer) event(service, state, description string) event.Event {
	e := event.Event{Set: o.set}
	if o.host != "" {
		e.SetHost(o.host)
	}
	e.SetService(service)
	e.SetState(state)
	if description != "" {
		e.SetDescription(clip(description))
	}
	e.SetTime(time.Now().UnixMicro())
	e.SetTTL(o.ttl)
	return e
}

// maxDescription bounds a description, in bytes.
const maxDescription = 4 << 10

// clip makes a text from outside a description: valid, bounded, and without spaces at its ends.
func clip(s string) string {
	if len(s) > maxDescription {
		s = s[:maxDescription]
		for !utf8.ValidString(s[max(0, len(s)-utf8.UTFMax):]) && len(s) > maxDescription-utf8.UTFMax {
			s = s[:len(s)-1]
		}
		s += "…"
	}
	return strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
}

// slow returns the state of something that worked but took so long; a threshold of 0 is none.
func slow(took, warning, critical time.Duration) string {
	switch {
	case critical > 0 && took >= critical:
		return "critical"
	case warning > 0 && took >= warning:
		return "warning"
	}
	return "ok"
}

// milliseconds prints a duration for people.
func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }

// guard dials for a probe of target, the host that the rules name. A name that leads to a link-local address,
// where clouds keep their machines' credentials, is refused unless the rules give that very address; a host
// other than the target, where a redirect leads, must have a public address.
type guard struct{ target string }

func (g guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{}
	literal := net.ParseIP(host) != nil
	switch {
	case host == g.target && literal:
	case host == g.target:
		d.Control = func(_, address string, _ syscall.RawConn) error { return refuse(address, false) }
	default:
		d.Control = func(_, address string, _ syscall.RawConn) error { return refuse(address, true) }
	}
	return d.DialContext(ctx, network, address)
}

// refuse returns an error for an address that a probe must not reach through a name or a redirect.
func refuse(address string, foreign bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip := net.ParseIP(host)
	switch {
	case ip == nil || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified():
		return fmt.Errorf("the name leads to %s, which is refused; write that address in the rules if it is meant", host)
	case foreign && (ip.IsLoopback() || ip.IsPrivate()):
		return fmt.Errorf("it leads to another host at %s, an address of this network, which is refused", host)
	}
	return nil
}

// reason shortens the error of a connection for a description.
func reason(err error) string {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host " + strings.TrimSuffix(dns.Name, ".")
	case errors.As(err, &dns):
		return "lookup of " + strings.TrimSuffix(dns.Name, ".") + ": " + dns.Err
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	}
	return err.Error()
}

func orDefault(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
