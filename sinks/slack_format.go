package sinks

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"zeta/event"
)

const (
	slackListed   = 20    // events listed in one message
	slackTextRune = 2_900 // Slack refuses a section over 3,000 characters
)

// message is a Slack message: the plain text is what notifications show.
type message struct {
	text        string
	attachments []slack.Attachment
}

// slackMessage tells about events in one message: one at length, several as a list.
func slackMessage(events []event.Event) message {
	if len(events) == 1 {
		e := &events[0]
		title := slackTitle(e)
		return message{text: title, attachments: []slack.Attachment{slackOne(e, "*"+title+"*", stateColour(e.State))}}
	}
	title := escape(subject(events))
	var b strings.Builder
	worst := "ok"
	for i := range events {
		e := &events[i]
		if event.SeverityOf(e.State) > event.SeverityOf(worst) {
			worst = e.State
		}
		if i < slackListed {
			fmt.Fprintf(&b, "%s %s", stateMark(e.State), slackTitle(e))
			if e.Description != "" {
				b.WriteString(" – " + escape(cut(firstLine(e.Description), 120)))
			}
			b.WriteByte('\n')
		}
	}
	if more := len(events) - slackListed; more > 0 {
		fmt.Fprintf(&b, "… and %d more", more)
	}
	return message{
		text: fmt.Sprintf("%d events: %s", len(events), title),
		attachments: []slack.Attachment{{
			Color:    stateColour(worst),
			Fallback: title,
			Blocks:   slack.Blocks{BlockSet: []slack.Block{section(fmt.Sprintf("*%d events: %s*", len(events), title)), section(b.String())}},
		}},
	}
}

// slackResolved is what an alert's first message becomes when e says that it is over.
func slackResolved(e *event.Event, began int64) message {
	title := slackTitle(e)
	lasted := ""
	if e.Is(event.HasTime) && began > 0 && e.Time > began {
		lasted = " after " + shortDuration(time.Duration(e.Time-began)*time.Microsecond)
	}
	text := "Resolved" + lasted + ": " + title
	return message{text: text, attachments: []slack.Attachment{slackOne(e, "*"+text+"*", stateColour("ok"))}}
}

func slackOne(e *event.Event, head, colour string) slack.Attachment {
	blocks := []slack.Block{section(stateMark(e.State) + " " + head)}
	if e.Description != "" {
		blocks = append(blocks, section(escape(e.Description)))
	}
	var small []string
	if e.Is(event.HasTime) {
		s := e.Time / 1e6
		small = append(small, fmt.Sprintf("<!date^%d^{date_short_pretty} {time_secs}|%s>", s, time.Unix(s, 0).UTC().Format(time.RFC3339)))
	}
	if tags := e.Tags(); len(tags) > 0 {
		small = append(small, escape(strings.Join(tags, ", ")))
	}
	for _, a := range e.Attrs() {
		small = append(small, escape(a.Key+"="+a.Value))
	}
	if len(small) > 0 {
		blocks = append(blocks, slack.NewContextBlock("", slack.NewTextBlockObject(slack.MarkdownType, cut(strings.Join(small, "  ·  "), slackTextRune), false, false)))
	}
	return slack.Attachment{Color: colour, Fallback: head, Blocks: slack.Blocks{BlockSet: blocks}}
}

func section(text string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, cut(text, slackTextRune), false, false), nil, nil)
}

// slackTitle is "web1 disk-root critical (7.5)", escaped; a missing field is left out.
func slackTitle(e *event.Event) string {
	var parts []string
	for _, s := range []string{e.Host, e.Service, e.State} {
		if s != "" {
			parts = append(parts, escape(cut(s, 200)))
		}
	}
	if m := metricText(e); m != "" {
		parts = append(parts, "("+m+")")
	}
	if len(parts) == 0 {
		return "an event without host, service, state and metric"
	}
	return strings.Join(parts, " ")
}

// metricText is the metric for people: integers whole, fractions to four significant digits.
func metricText(e *event.Event) string {
	switch {
	case e.Is(event.HasInt):
		return strconv.FormatInt(e.Int, 10)
	case e.Is(event.HasFloat) && e.Float == math.Trunc(e.Float) && math.Abs(e.Float) < 1e15:
		return strconv.FormatFloat(e.Float, 'f', 0, 64)
	case e.Is(event.HasFloat):
		return strconv.FormatFloat(e.Float, 'g', 4, 64)
	}
	return ""
}

// subject summarises events as Riemann's mails do: hosts, services and states, each listed while few.
func subject(events []event.Event) string {
	var hosts, services, states []string
	seen := map[string]bool{}
	add := func(list *[]string, kind, s string) {
		if s != "" && !seen[kind+s] {
			seen[kind+s] = true
			*list = append(*list, cut(s, 80))
		}
	}
	for i := range events {
		add(&hosts, "h", events[i].Host)
		add(&services, "s", events[i].Service)
		add(&states, "t", events[i].State)
	}
	var parts []string
	for _, p := range []string{few(hosts, "hosts"), few(services, "services"), few(states, "states")} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, " ")
}

func few(list []string, kind string) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0]
	case 2:
		return list[0] + " and " + list[1]
	case 3, 4:
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%d %s", len(list), kind)
}

func stateColour(state string) string {
	return [...]string{"#2eb886", "#9aa0a6", "#daa038", "#c0392b"}[event.SeverityOf(state)]
}

// stateMark carries the state without colour.
func stateMark(state string) string {
	return [...]string{":white_check_mark:", ":grey_question:", ":warning:", ":red_circle:"}[event.SeverityOf(state)]
}

// escape makes text harmless in Slack's markup: no mention, link or mass mention can come from an event.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\x00", "").Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

// cut shortens s to n characters.
func cut(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	for i := range s {
		if n--; n == 0 {
			return s[:i] + "…"
		}
	}
	return s
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// shortDuration is "42 s", "12 m", "3 h 20 m", "2 d 4 h".
func shortDuration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d m", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d m", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}
