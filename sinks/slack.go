package sinks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterSink(streams.SinkSpec[SlackOptions]{
		Name:    "slack",
		Summary: "Post to a Slack channel.",
		Doc: `One event becomes one message, coloured by its state; a window (batch, rollup) becomes one message that
lists its events, twenty at most. When an event with state ok follows for a host and service whose alert was posted,
the first message of that alert is edited to say that it is over, and for how long it lasted. Slack's Retry-After is
honoured; a message Slack refuses for good (unknown channel, invalid token) is a dead letter.`,
		Differs: `Riemann posts to an incoming webhook in the stream's own thread; zeta queues, retries, and edits. Give url instead
of token for an incoming webhook; those cannot edit, so the end of an alert is a message of its own.`,
		Delivery: streams.AlertDelivery,
		Defaults: SlackOptions{APIURL: slack.APIURL, Timeout: 10 * time.Second, Edit: true},
		Check:    checkSlack,
		Open:     openSlack,
		Examples: []streams.Example{{
			Title: "a state that changes is told",
			Rule:  `let ops = slack({token: env("SLACK_TOKEN"), channel: "#ops"}); changedState({init: "ok"}, ops)`,
			Test:  `at(0, event({host: "web1", service: "up", state: "down"})), at(1, event({host: "web1", service: "up", state: "down"})), expect(ops, [{host: "web1", state: "down"}])`,
		}},
	})
}

// SlackOptions are the options of slack.
type SlackOptions struct {
	Token   streams.Secret `opt:"token"   doc:"bot token (xoxb-…) with the scope chat:write"`
	Channel string         `opt:"channel" doc:"channel name with #, or channel ID"`
	URL     streams.Secret `opt:"url"     doc:"incoming webhook, instead of token and channel"`
	Edit    bool           `opt:"edit"    doc:"edit the first message when the alert is over; false posts a message instead"`
	APIURL  string         `opt:"apiURL"  doc:"address of Slack's API, with a trailing slash; for proxies and tests"`
	CA      string         `opt:"ca"      doc:"PEM file of certificates to trust instead of the system's"`
	Timeout time.Duration  `opt:"timeout" min:"1s" max:"5m" doc:"longest duration of one request"`
}

func checkSlack(o SlackOptions) error {
	switch {
	case o.URL == "" && o.Channel == "":
		return errors.New(`name a channel, e.g. slack({token: env("SLACK_TOKEN"), channel: "#ops"}), or an incoming webhook with url`)
	case o.URL != "" && o.Token != "":
		return errors.New("give token and channel, or url, not both")
	}
	return nil
}

func openSlack(o SlackOptions) (any, error) {
	client, err := newHTTPClient(o.CA, o.Timeout)
	if err != nil {
		return nil, err
	}
	if o.URL == "" && o.Token == "" {
		return nil, errors.New("slack: the token is empty; is the environment variable set?")
	}
	return Opened{
		Sender:   newSlack(o, client, NewMemo(openAlerts)),
		Batching: Batching{Events: slackListed},
	}, nil
}

// slackAlone is how many alerts get a message each; when more are waiting they share one.
const slackAlone = 4

// slackSink posts alerts to one channel.
type slackSink struct {
	o      SlackOptions
	api    *slack.Client
	client *http.Client
	open   Memo // alert key → "channel ts start"
}

func newSlack(o SlackOptions, client *http.Client, open Memo) *slackSink {
	return &slackSink{
		o: o, client: client, open: open,
		api: slack.New(string(o.Token), slack.OptionAPIURL(o.APIURL), slack.OptionHTTPClient(client)),
	}
}

// remember replaces the memory of open alerts by one that outlives the process.
func (s *slackSink) remember(m Memo) { s.open = m }

// Send implements Sender. A few alerts get a message each; a crowd shares one.
func (s *slackSink) Send(ctx context.Context, alerts []*streams.Alert) error {
	if len(alerts) > slackAlone {
		var events []event.Event
		for _, a := range alerts {
			events = append(events, a.Events...)
		}
		_, _, err := s.post(ctx, slackMessage(events))
		return err
	}
	for i, a := range alerts {
		if err := s.sendOne(ctx, a); err != nil {
			return Delivered(i, err)
		}
	}
	return nil
}

func (s *slackSink) sendOne(ctx context.Context, a *streams.Alert) error {
	if len(a.Events) == 0 {
		return nil // an empty window says nothing
	}
	if a.Window || len(a.Events) > 1 || s.o.URL != "" || !s.o.Edit {
		_, _, err := s.post(ctx, slackMessage(a.Events))
		return err
	}
	e := &a.Events[0]
	key := slackKey(a.Rule, e)
	if first, ok := s.open.Get(key); ok && e.State == "ok" {
		if err := s.resolve(ctx, first, e); err != nil {
			return err
		}
		s.open.Delete(key)
		return nil
	}
	channel, ts, err := s.post(ctx, slackMessage(a.Events))
	if err != nil {
		return err
	}
	if _, ok := s.open.Get(key); !ok && e.State != "ok" {
		s.open.Put(key, fmt.Sprintf("%s %s %d", channel, ts, e.Time))
	}
	return nil
}

// slackKey names what an alert is about: a host going silent and coming back are one story even when
// different rules tell them, so the rule is not part of it.
func slackKey(_ string, e *event.Event) string { return e.Host + "\x00" + e.Service }

// resolve edits the alert's first message to say that it is over.
func (s *slackSink) resolve(ctx context.Context, first string, e *event.Event) error {
	var channel, ts string
	var began int64
	if _, err := fmt.Sscanf(first, "%s %s %d", &channel, &ts, &began); err != nil {
		_, _, err := s.post(ctx, slackMessage([]event.Event{*e}))
		return err
	}
	m := slackResolved(e, began)
	_, _, _, err := s.api.UpdateMessageContext(ctx, channel, ts, slack.MsgOptionText(m.text, false), slack.MsgOptionAttachments(m.attachments...))
	var refused slack.SlackErrorResponse
	if errors.As(err, &refused) && (refused.Err == "message_not_found" || refused.Err == "cant_update_message" || refused.Err == "edit_window_closed") {
		_, _, err := s.post(ctx, slackMessage([]event.Event{*e}))
		return err
	}
	return slackError(err)
}

func (s *slackSink) post(ctx context.Context, m message) (channel, ts string, err error) {
	if s.o.URL != "" {
		err := slack.PostWebhookCustomHTTPContext(ctx, string(s.o.URL), s.client, &slack.WebhookMessage{Text: m.text, Attachments: m.attachments, Channel: s.o.Channel})
		return "", "", slackError(err)
	}
	channel, ts, err = s.api.PostMessageContext(ctx, s.o.Channel, slack.MsgOptionText(m.text, false), slack.MsgOptionAttachments(m.attachments...))
	return channel, ts, slackError(err)
}

// slackError tells passing failures from permanent ones. Slack answers 200 with an error word in the body.
func slackError(err error) error {
	if err == nil {
		return nil
	}
	var limited *slack.RateLimitedError
	if errors.As(err, &limited) {
		return RetryAfter(errors.New("slack: rate limited"), limited.RetryAfter)
	}
	var status slack.StatusCodeError
	if errors.As(err, &status) {
		err = fmt.Errorf("slack: the server answered %d", status.Code)
		if status.Code >= 500 || status.Code == http.StatusRequestTimeout || status.Code == http.StatusTooManyRequests {
			return err
		}
		if status.Code == http.StatusUnauthorized || status.Code == http.StatusForbidden {
			return Broken(err)
		}
		return Permanent(err)
	}
	var refused slack.SlackErrorResponse
	if errors.As(err, &refused) {
		text := fmt.Errorf("slack: %s%s", refused.Err, slackHint(refused.Err))
		switch refused.Err {
		case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited":
			return text
		case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired":
			return Broken(text) // can be mended at Slack without losing what waits
		}
		return Permanent(text)
	}
	return fmt.Errorf("slack: %w", withoutURL(err))
}

func slackHint(word string) string {
	switch {
	case word == "not_in_channel":
		return "; invite the bot to the channel"
	case word == "channel_not_found":
		return "; check the channel's name, and invite the bot if it is private"
	case strings.Contains(word, "auth"), strings.HasPrefix(word, "token"):
		return "; check the sink's token"
	}
	return ""
}
