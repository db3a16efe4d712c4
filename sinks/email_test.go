package sinks_test

import (
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"
	"testing"

	"zeta/event"
	"zeta/sinks"
	"zeta/sinks/sinktest"
	"zeta/streams"
)

func emailTo(t *testing.T, m *sinktest.Mail) sinks.Sender {
	return openSink(t, fmt.Sprintf(`email({server: %q, tls: "none", from: "zeta <zeta@example.com>", to: ["ops@example.com", "boss@example.com"], subject: "[prod]"});`, m.Addr))
}

func TestEmail(t *testing.T) {
	m := sinktest.NewMail(t)
	e := sinktest.Event("web1", "disk", "critical", 7.5)
	e.SetDescription("only <8 GB> left\r\n.\r\nBcc: everyone@example.com")
	e.Set = event.NewSet([]string{"prod"}, []event.Attr{{Key: "dc", Value: "par\nis"}})
	send(t, emailTo(t, m), sinktest.Alert(e),
		sinktest.Alert(sinktest.Event("a&b", "x", "ok", 1), sinktest.Event("c", "x\r\nBcc: everyone@example.com", "ok", 1)),
		&streams.Alert{Window: true})
	heads, bodies := m.Took()
	if len(heads) != 2 {
		t.Fatalf("%d mails, want 2", len(heads))
	}
	subject := func(i int) string {
		s, err := new(mime.WordDecoder).DecodeHeader(heads[i].Get("Subject"))
		if err != nil {
			t.Error(err)
		}
		return s
	}
	if got, want := subject(0), "[prod] web1 disk critical (7.5): only <8 GB> left"; got != want {
		t.Errorf("subject %q, want %q", got, want)
	}
	if got, want := subject(1), "[prod] 2 events: a&b and c x and x  Bcc: everyone@example.com ok"; got != want {
		t.Errorf("subject %q, want %q", got, want)
	}
	for i, h := range heads {
		if h.Get("Bcc") != "" || !strings.Contains(h.Get("To"), "boss@example.com") || h.Get("Message-ID") != "<zeta-0000000000000007@example.com>" || h.Get("Auto-Submitted") != "auto-generated" {
			t.Errorf("mail %d: header %v", i, h)
		}
	}
	text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(bodies[0])))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"host         web1", "metric       7.5", "tags         prod", "dc           par is", "only <8 GB> left", "At Tue, 14 Nov 2023 22:13:20 UTC"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("body %q, want %q in it", text, want)
		}
	}
}

func TestEmailRefused(t *testing.T) {
	for _, c := range []struct {
		command, answer string
		permanent       bool
	}{
		{"RCPT TO:<boss", "550 no such user", true},
		{"RCPT TO:<boss", "450 try later", false},
		{"DATA", "554 not here", true},
		{"MAIL", "421 busy", false},
		{"EHLO", "554 go away", false}, // the server as a whole: it may be mended
	} {
		m := sinktest.NewMail(t)
		m.Refuse = func(command string) string {
			if strings.HasPrefix(command, c.command) || c.command == "EHLO" && strings.HasPrefix(command, "HELO") {
				return c.answer
			}
			return ""
		}
		err := emailTo(t, m).Send(t.Context(), []*streams.Alert{host("a")})
		if err == nil || sinks.IsPermanent(err) != c.permanent {
			t.Errorf("%s answered %q: %v, want permanent %v", c.command, c.answer, err, c.permanent)
		}
	}
}

// A server without TLS gets neither mail nor password.
func TestEmailWantsTLS(t *testing.T) {
	m := sinktest.NewMail(t)
	sink := openSink(t, fmt.Sprintf(`email({server: %q, user: "u", password: "s3cr3t-canary", from: "zeta@example.com", to: ["ops@example.com"]});`, m.Addr))
	err := sink.Send(t.Context(), []*streams.Alert{host("a")})
	if err == nil || sinks.IsPermanent(err) || strings.Contains(err.Error(), "canary") {
		t.Errorf("error %v, want a passing one without the secret", err)
	}
	if heads, _ := m.Took(); len(heads) != 0 {
		t.Error("a mail went over a plain connection")
	}
	for rule, want := range map[string]string{
		`email({from: "a@example.com"});`:                                "from and to",
		`email({from: "a@example.com", to: ["nobody"]});`:                "no mail address",
		`email({server: "x", from: "a@b.c", to: ["a@b.c"]});`:            "want HOST:PORT",
		`email({user: "u", tls: "none", from: "a@b.c", to: ["a@b.c"]});`: "without TLS",
		`email({tls: "perhaps", from: "a@b.c", to: ["a@b.c"]});`:         "starttls",
	} {
		_, problems := streams.LoadText("zeta.expr", rule, streams.LoadOptions{})
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), want) {
			t.Errorf("%s: %v, want one problem with %q", rule, problems, want)
		}
	}
}
