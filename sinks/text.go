package sinks

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"zeta/event"
)

// alertTitle is an event in one plain line: "web1 disk-root critical (7.5): only 8 GB left".
func alertTitle(e *event.Event) string {
	var parts []string
	for _, s := range []string{e.Host, e.Service, e.State} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if m := metricText(e); m != "" {
		parts = append(parts, "("+m+")")
	}
	title := strings.Join(parts, " ")
	switch {
	case title == "" && e.Description == "":
		return "an event without host, service, state and metric"
	case e.Description != "":
		title = strings.TrimPrefix(title+": "+firstLine(e.Description), ": ")
	}
	return plainLine(title)
}

// plainLine is a text without control characters and bytes that are no text.
func plainLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

// cutBytes shortens s to n bytes, between two characters.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
