package sinks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"zeta/event"
	"zeta/streams"
	"zeta/tls"

	gomail "github.com/wneessen/go-mail"
)

func init() {
	streams.RegisterSink(streams.SinkSpec[EmailOptions]{
		Name:    "email",
		Summary: "Send mail over SMTP.",
		Doc: `Each value is one mail: an event, or a window, which lists its events. The subject is what they have in common, the body
tells each event's fields. With TLS starttls, the default, a server that offers none is refused; tls speaks TLS from the first byte
(port 465); none is for a relay on this machine. The Message-ID is made of the alert's id, so that a mail sent twice is one mail to
those who look at it. A mail the server refuses for good (5xx) is a dead letter; a login that is refused is tried again at long
pauses, since a password can be mended.`,
		Differs:  "Riemann's mailer sends in the stream's own thread and forgets what fails.",
		Defaults: EmailOptions{Server: "127.0.0.1:25", TLS: "starttls", Timeout: 15 * time.Second},
		Check:    checkEmail,
		Open:     openEmail,
		Examples: []streams.Example{{
			Title: "what happened within the hour comes in one mail",
			Rule:  `let ops = email({server: "mail.example.com:587", user: "zeta", password: env("MAIL_PASSWORD"), from: "zeta@example.com", to: ["ops@example.com"]}); where(state == "critical", rollup(3, "1h", ops))`,
			Test:  `at(0, event({host: "web1", service: "disk", state: "critical"})), expect(ops, [[{host: "web1"}]])`,
		}},
	})
}

// EmailOptions are the options of email.
type EmailOptions struct {
	Server   string        `opt:"server"   doc:"HOST:PORT of the SMTP server"`
	TLS      string        `opt:"tls"      enum:"starttls,tls,none" doc:"how the connection is secured"`
	CA       string        `opt:"ca"       doc:"PEM file of certificates to trust instead of the system's"`
	User     string        `opt:"user"     doc:"user to log in as; none: no login"`
	Password string        `opt:"password" doc:"password of user" secret:"true"`
	From     string        `opt:"from"     doc:"address the mail comes from"`
	To       []string      `opt:"to"       doc:"addresses it goes to"`
	Subject  string        `opt:"subject"  doc:"what each subject begins with, such as [prod]"`
	Timeout  time.Duration `opt:"timeout"  min:"1s" max:"5m" doc:"longest duration of sending one batch"`
}

func checkEmail(o EmailOptions) error {
	if _, port, err := net.SplitHostPort(o.Server); err != nil || port == "" {
		return fmt.Errorf("server %q: want HOST:PORT, such as mail.example.com:587", o.Server)
	}
	if o.From == "" || len(o.To) == 0 {
		return errors.New(`from and to are needed, e.g. email({from: "zeta@example.com", to: ["ops@example.com"]})`)
	}
	for _, a := range append([]string{o.From}, o.To...) {
		if _, err := mail.ParseAddress(a); err != nil {
			return fmt.Errorf("%q is no mail address: %w", a, err)
		}
	}
	if o.User != "" && o.TLS == "none" {
		return errors.New("a password must not go over a connection without TLS")
	}
	return nil
}

func openEmail(o EmailOptions) (any, error) {
	host, portText, err := net.SplitHostPort(o.Server)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("server %q: the port is no number", o.Server)
	}
	config, err := tls.NewClient(tls.ClientFiles{CA: o.CA, ServerName: host})
	if err != nil {
		return nil, err
	}
	options := []gomail.Option{gomail.WithPort(port), gomail.WithTimeout(o.Timeout), gomail.WithTLSConfig(config), gomail.WithoutNoop()}
	switch o.TLS {
	case "tls":
		options = append(options, gomail.WithSSL())
	case "none":
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if o.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(o.User), gomail.WithPassword(o.Password))
	}
	client, err := gomail.NewClient(host, options...)
	if err != nil {
		return nil, err
	}
	return Opened{Sender: &email{o: o, client: client}, Batching: Batching{Events: mailsAtOnce}}, nil
}

// mailsAtOnce go over one connection.
const mailsAtOnce = 20

type email struct {
	o      EmailOptions
	client *gomail.Client
}

// Send implements Sender.
func (m *email) Send(ctx context.Context, alerts []*streams.Alert) error {
	ctx, cancel := context.WithTimeout(ctx, m.o.Timeout)
	defer cancel()
	conn, err := m.client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("email: %w", err)
	}
	defer m.client.CloseWithSMTPClient(conn)
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for n, a := range alerts {
		if len(a.Events) == 0 {
			continue
		}
		msg, err := m.message(a)
		if err != nil {
			return Delivered(n, Permanent(fmt.Errorf("email: %w", err)))
		}
		if err := m.client.SendWithSMTPClient(conn, msg); err != nil {
			err = fmt.Errorf("email: %w", err)
			var refused *gomail.SendError
			if errors.As(err, &refused) && refused.ErrorCode() >= 500 {
				err = Permanent(err)
			}
			return Delivered(n, err)
		}
	}
	return nil
}

// message makes the mail of an alert.
func (m *email) message(a *streams.Alert) (*gomail.Msg, error) {
	msg := gomail.NewMsg()
	if err := msg.From(m.o.From); err != nil {
		return nil, err
	}
	if err := msg.To(m.o.To...); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(m.o.From, "@")
	msg.SetMessageIDWithValue(fmt.Sprintf("zeta-%016x@%s", a.ID, strings.Trim(domain, "<> ")))
	msg.SetDateWithValue(time.UnixMicro(a.At))
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.Subject(cutBytes(strings.TrimSpace(m.o.Subject+" "+mailSubject(a.Events)), 200))
	msg.SetBodyString(gomail.TypeTextPlain, mailBody(a.Events))
	return msg, nil
}

// mailSubject is the event's title, or how many there are with what they have in common.
func mailSubject(events []event.Event) string {
	if len(events) == 1 {
		return alertTitle(&events[0])
	}
	return plainLine(fmt.Sprintf("%d events: %s", len(events), subject(events)))
}

// Bounds of a mail's body.
const (
	mailEvents = 500
	mailText   = 4 << 10 // of one event's description, bytes
)

func mailBody(events []event.Event) string {
	var b strings.Builder
	for i := range events {
		if i == mailEvents {
			fmt.Fprintf(&b, "… and %d more\n", len(events)-i)
			break
		}
		e := &events[i]
		if e.Is(event.HasTime) {
			fmt.Fprintf(&b, "At %s\n", time.UnixMicro(e.Time).UTC().Format(time.RFC1123))
		}
		line := func(name, value string) {
			if value = plainLine(value); value != "" {
				fmt.Fprintf(&b, "%-12s %s\n", name, value)
			}
		}
		line("host", e.Host)
		line("service", e.Service)
		line("state", e.State)
		line("metric", metricText(e))
		line("tags", strings.Join(e.Tags(), ", "))
		for _, a := range e.Attrs() {
			line(a.Key, a.Value)
		}
		if e.Description != "" {
			fmt.Fprintf(&b, "\n%s\n", cutBytes(strings.ToValidUTF8(strings.ReplaceAll(e.Description, "\x00", ""), "\uFFFD"), mailText))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
