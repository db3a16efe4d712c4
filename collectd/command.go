package collectd

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"zeta/event"
)

// ParseCommand reads a line of write_http with Format Command, as collectd's unixsock plugin takes it too:
// PUTVAL identifier interval=seconds time:value:value. The types say what the values are.
func (l *ValueList) ParseCommand(line string, types Types, rates bool) error {
	const want = "PUTVAL host/plugin-instance/type-instance interval=10 time:value"
	if len(line) > MaxText || !utf8.ValidString(line) {
		return fmt.Errorf("a line that is no UTF-8 or has more than %d bytes", MaxText)
	}
	words, err := commandWords(line)
	if err != nil {
		return err
	}
	if len(words) < 3 || !strings.EqualFold(words[0], "PUTVAL") {
		return fmt.Errorf("found %.80q, want %s", line, want)
	}
	*l = ValueList{Rates: rates}
	parts := strings.SplitN(words[1], "/", 3)
	if len(parts) != 3 {
		return fmt.Errorf("identifier %.80q, want host/plugin-instance/type-instance", words[1])
	}
	l.Host = parts[0]
	l.Plugin, l.PluginInstance, _ = strings.Cut(parts[1], "-")
	l.Type, l.TypeInstance, _ = strings.Cut(parts[2], "-")
	for _, option := range words[2 : len(words)-1] {
		key, value, _ := strings.Cut(option, "=")
		switch {
		case key == "interval":
			if l.Interval, err = strconv.ParseFloat(value, 64); err != nil {
				return fmt.Errorf("interval %.40q, want seconds", value)
			}
		case strings.HasPrefix(key, "meta:"):
			l.Meta = append(l.Meta, event.Attr{Key: event.LabelKey(key[len("meta:"):]), Value: value})
		}
	}
	sources, known := types[l.Type]
	values := strings.Split(words[len(words)-1], ":")
	if !known || len(values) != len(sources)+1 {
		return fmt.Errorf("%d values of type %.40q, which has %d; types.db must be the sender's", len(values)-1, l.Type, len(sources))
	}
	if values[0] != "N" {
		seconds, err := strconv.ParseFloat(values[0], 64)
		if err != nil {
			return fmt.Errorf("time %.40q, want seconds", values[0])
		}
		l.Time = micros(seconds)
	}
	for i, text := range values[1:] {
		v, err := parseValue(sources[i].Kind, text, rates)
		if err != nil {
			return err
		}
		l.Values = append(l.Values, v)
	}
	return nil
}

// commandWords cuts a line at blanks, but for those in quotes.
func commandWords(line string) (words []string, err error) {
	for {
		if line = strings.TrimLeft(line, " \t"); line == "" {
			return words, nil
		}
		if line[0] != '"' {
			n := strings.IndexAny(line, " \t")
			if n < 0 {
				n = len(line)
			}
			words, line = append(words, line[:n]), line[n:]
			continue
		}
		var word []byte
		i := 1
		for ; i < len(line) && line[i] != '"'; i++ {
			if line[i] == '\\' && i+1 < len(line) {
				i++
			}
			word = append(word, line[i])
		}
		if i >= len(line) {
			return nil, fmt.Errorf("%.80q: a quote is not closed", line)
		}
		words, line = append(words, string(word)), line[i+1:]
	}
}
