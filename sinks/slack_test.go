package sinks_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"zeta/event"
	"zeta/sinks"
	"zeta/sinks/sinktest"
	"zeta/streams"
)

// openSink opens a registered sink with options as the rules would.
func openSink(t *testing.T, rule string) sinks.Sender {
	t.Helper()
	rules, problems := streams.LoadText("zeta.expr", rule, streams.LoadOptions{})
	if len(problems) > 0 {
		t.Fatalf("%s: %v", rule, problems)
	}
	if len(rules.Sinks) != 1 {
		t.Fatalf("%s: %d sinks, want 1", rule, len(rules.Sinks))
	}
	o, err := rules.Sinks[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	return o.(sinks.Opened).Sender
}

func slackSink(t *testing.T, s *sinktest.Slack) sinks.Sender {
	return openSink(t, fmt.Sprintf(`slack({token: %q, channel: "#ops", apiURL: %q, ca: %q});`, s.Token, s.URL, s.CA))
}

func send(t *testing.T, s sinks.Sender, alerts ...*streams.Alert) {
	t.Helper()
	if err := s.Send(t.Context(), alerts); err != nil {
		t.Fatal(err)
	}
}

func TestSlackOverHTTP(t *testing.T) {
	sinktest.RunHTTP(t, func(t *testing.T, url, secret string) sinks.Sender {
		return openSink(t, fmt.Sprintf(`slack({token: %q, channel: "#ops", apiURL: %q});`, secret, url))
	})
}

func TestSlackEditsTheFirstMessage(t *testing.T) {
	s := sinktest.NewSlack(t, "xoxb-1", "#ops")
	sink := slackSink(t, s)
	down := sinktest.Event("web1", "disk /", "critical", 7.5)
	down.SetDescription("nearly <full> & @channel")
	again := down
	again.SetTime(down.Time + 3600e6)
	over := sinktest.Event("web1", "disk /", "ok", 40)
	over.SetTime(down.Time + 2*3600e6)

	send(t, sink, sinktest.Alert(down))
	send(t, sink, sinktest.Alert(again))
	send(t, sink, sinktest.Alert(over))
	send(t, sink, sinktest.Alert(over)) // nothing is open any more: a message of its own

	got := s.Messages()
	if len(got) != 3 {
		t.Fatalf("%d messages, want 3: %+v", len(got), got)
	}
	if m := got[0]; m.Edits != 1 || m.Text != "Resolved after 2 h 0 m: web1 disk / ok (40)" || m.Channel != "#ops" || m.Colour != "#2eb886" {
		t.Errorf("the first message is %+v", m)
	}
	if m := got[1]; m.Edits != 0 || m.Text != "web1 disk / critical (7.5)" || m.Colour != "#c0392b" || !strings.Contains(m.Body, "nearly &lt;full&gt; &amp; @channel") {
		t.Errorf("the second message is %+v", m)
	}
	if m := got[2]; m.Text != "web1 disk / ok (40)" {
		t.Errorf("the third message is %+v", m)
	}
	if b := s.Broken(); len(b) > 0 {
		t.Errorf("broken rules: %q", b)
	}
}

func TestSlackListsAWindow(t *testing.T) {
	s := sinktest.NewSlack(t, "xoxb-1", "#ops")
	sink := slackSink(t, s)
	var events []event.Event
	for i := range 25 {
		e := sinktest.Event(fmt.Sprintf("web%d", i), "up", "down", float64(i))
		e.SetDescription(strings.Repeat("long ", 1000))
		events = append(events, e)
	}
	send(t, sink, sinktest.Alert(events...))
	send(t, sink, &streams.Alert{Window: true}) // an empty window says nothing
	got := s.Messages()
	if len(got) != 1 || got[0].Text != "25 events: 25 hosts up down" || !strings.Contains(got[0].Body, "web0 up down (0)") {
		t.Fatalf("messages %+v", got)
	}
	if b := s.Broken(); len(b) > 0 {
		t.Errorf("broken rules: %q", b)
	}
}

func TestSlackCrowdSharesAMessage(t *testing.T) {
	s := sinktest.NewSlack(t, "xoxb-1", "#ops")
	var alerts []*streams.Alert
	for i := range 10 {
		alerts = append(alerts, sinktest.Alert(sinktest.Event(fmt.Sprint(i), "up", "down", 0)))
	}
	send(t, slackSink(t, s), alerts...)
	if got := s.Messages(); len(got) != 1 || !strings.HasPrefix(got[0].Text, "10 events") {
		t.Errorf("messages %+v", got)
	}
}

func TestSlackRefusals(t *testing.T) {
	s := sinktest.NewSlack(t, "xoxb-1", "#ops")
	for _, tt := range []struct {
		rule, err string
		permanent bool
	}{
		{fmt.Sprintf(`slack({token: "xoxb-2", channel: "#ops", apiURL: %q, ca: %q});`, s.URL, s.CA), "slack: invalid_auth; check the sink's token", false},
		{fmt.Sprintf(`slack({token: "xoxb-1", channel: "#none", apiURL: %q, ca: %q});`, s.URL, s.CA), "slack: channel_not_found; check the channel's name, and invite the bot if it is private", true},
	} {
		err := openSink(t, tt.rule).Send(t.Context(), []*streams.Alert{sinktest.Alert(sinktest.Event("a", "b", "down", 1))})
		if err == nil || err.Error() != tt.err || sinks.IsPermanent(err) != tt.permanent {
			t.Errorf("error %v (permanent %v), want %q (permanent %v)", err, sinks.IsPermanent(err), tt.err, tt.permanent)
		}
	}
}

func TestSlackRateLimit(t *testing.T) {
	s := sinktest.NewSlack(t, "xoxb-1", "#ops")
	s.Every = time.Hour
	sink := slackSink(t, s)
	alert := func() *streams.Alert { return sinktest.Alert(sinktest.Event("a", "b", "down", 1)) }
	err := sink.Send(t.Context(), []*streams.Alert{alert(), alert()})
	if err == nil || !strings.Contains(err.Error(), "retry after 1h") && !strings.Contains(err.Error(), "retry after 59m") || sinks.IsPermanent(err) {
		t.Errorf("error %v, want a passing one that asks for an hour", err)
	}
	if got := s.Messages(); len(got) != 1 || s.Limited() != 1 {
		t.Errorf("%d messages, %d limited, want 1 and 1", len(got), s.Limited())
	}
}

func TestSlackNeedsAChannel(t *testing.T) {
	for _, rule := range []string{`slack({token: "x"});`, `slack({token: "x", channel: "#a", url: "https://hooks.example.com/x"});`} {
		_, problems := streams.LoadText("zeta.expr", rule, streams.LoadOptions{})
		if len(problems) != 1 {
			t.Errorf("%s: problems %v, want one", rule, problems)
		}
	}
}
