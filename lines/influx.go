package lines

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"zeta/event"
)

// Influx reads InfluxDB's line protocol: measurement,tag=value,… field=value,… time.
type Influx struct {
	Precision int64 // nanoseconds in a unit of the time; 0: 1
}

// Parse gives an event for each field: the service is measurement/field, or the measurement alone for a field named
// value; a number is the metric, an i or u behind it an exact integer, true and false are 1 and 0, and a text is
// the description. Tags are attributes; host, state and description fill those fields.
// An error says the column of the first part that is wrong.
func (p *Influx) Parse(dst []event.Event, line []byte, host string) ([]event.Event, error) {
	whole := line
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return dst, nil
	}
	head, rest := influxCut(line, ' ', false)
	fields, stamp := influxCut(bytes.TrimLeft(rest, " "), ' ', true)
	measurement, tags := influxCut(head, ',', false)
	// bad refuses what begins at part, which is a piece of the line: what follows it up to the end of the buffer is its place.
	bad := func(part []byte, reason, format string, args ...any) error {
		err := refuse(reason, format, args...)
		if err.Column = len(bytes.TrimRight(whole, " \t\r\n")) + 1; part != nil {
			err.Column = cap(whole) - cap(part) + 1
		}
		return err
	}
	if len(measurement) == 0 {
		return dst, bad(line, "fields", "%s; want measurement,tag=value field=value time", quote(line))
	}
	if len(fields) == 0 {
		return dst, bad(nil, "fields", "%s; want measurement,tag=value field=value time", quote(line))
	}
	var base event.Event
	if stamp = bytes.TrimSpace(stamp); len(stamp) > 0 {
		n, err := strconv.ParseInt(string(stamp), 10, 64)
		if err != nil {
			return dst, bad(stamp, "time", "invalid timestamp %s; want a whole number", quote(stamp))
		}
		base.SetTime(p.micros(n))
	}
	var attrs []event.Attr
	for n := 0; len(tags) > 0; n++ {
		var tag []byte
		tag, tags = influxCut(tags, ',', false)
		k, v := influxCut(tag, '=', false)
		if len(k) == 0 || len(v) == 0 || n >= maxAttrs {
			return dst, bad(tag, "tags", "tag %s; want tag=value, at most %d", quote(tag), maxAttrs)
		}
		attrs = attribute(&base, attrs, influxText(k), influxText(v))
	}
	source(&base, host)
	base.Set = event.NewSet(nil, attrs)
	name, had := influxText(measurement), len(dst)
	for n := 0; len(fields) > 0; n++ {
		var field []byte
		field, fields = influxCut(fields, ',', true)
		k, v := influxCut(field, '=', false)
		if len(k) == 0 || n >= maxAttrs {
			return dst[:had], bad(field, "fields", "field %s; want field=value, at most %d", quote(field), maxAttrs)
		}
		e := base
		if key := influxText(k); key == "value" {
			e.SetService(name)
		} else {
			e.SetService(name + "/" + key)
		}
		if !influxValue(&e, v) {
			return dst[:had], bad(field, "metric", "field %s; want a number, 1i, 1u, true, false or a text in quotes", quote(field))
		}
		dst = append(dst, e)
	}
	return dst, nil
}

// NextInflux returns the first line of a body and what is behind it. A line ends at a newline that stands in no
// quoted text; a quote that nothing closes hides no newline.
func NextInflux(body []byte) (line, rest []byte) {
	cut := func(from int) ([]byte, []byte) {
		if n := bytes.IndexByte(body[from:], '\n'); n >= 0 {
			return body[:from+n], body[from+n+1:]
		}
		return body, nil
	}
	start := len(body) - len(bytes.TrimLeft(body, " \t"))
	if start < len(body) && body[start] == '#' {
		return cut(start)
	}
	fields := false // behind the measurement and its tags, where a quote is one
	for i := start; i < len(body); i++ {
		switch c := body[i]; {
		case c == '\n':
			return body[:i], body[i+1:]
		case c == '\\' && i+1 < len(body) && body[i+1] != '\n':
			i++
		case c == ' ':
			fields = true
		case c == '"' && fields:
			n := influxQuoted(body[i+1:])
			if n < 0 {
				return cut(i)
			}
			i += n
		}
	}
	return body, nil
}

// influxQuoted returns the length of the text at the beginning of b with the quote that closes it; -1 if none does.
func influxQuoted(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// micros converts a time; one beyond what microseconds can hold becomes the nearest that they can.
func (p *Influx) micros(n int64) int64 {
	unit := max(p.Precision, 1)
	if unit < 1000 {
		return n / (1000 / unit)
	}
	scale := unit / 1000
	switch {
	case n > math.MaxInt64/scale:
		return math.MaxInt64
	case n < math.MinInt64/scale:
		return math.MinInt64
	}
	return n * scale
}

// influxCut cuts at the first separator that no backslash escapes and, with quotes, that stands in no quoted text.
func influxCut(b []byte, separator byte, quotes bool) (before, after []byte) {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\\':
			i++
		case quotes && b[i] == '"':
			quoted = !quoted
		case b[i] == separator && !quoted:
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

var influxEscapes = strings.NewReplacer(`\,`, ",", `\ `, " ", `\=`, "=")

func influxText(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return text(b)
	}
	return influxEscapes.Replace(text(b))
}

var influxQuotes = strings.NewReplacer(`\"`, `"`, `\\`, `\`)

// influxValue sets what a field's value says; false if it cannot be read.
func influxValue(e *event.Event, v []byte) bool {
	switch s := string(v); s {
	case "":
		return false
	case "t", "T", "true", "True", "TRUE":
		e.SetInt(1)
		return true
	case "f", "F", "false", "False", "FALSE":
		e.SetInt(0)
		return true
	}
	last := len(v) - 1
	switch {
	case v[0] == '"':
		if last == 0 || v[last] != '"' {
			return false
		}
		e.SetDescription(influxQuotes.Replace(text(v[1:last])))
		return true
	case v[last] == 'i':
		n, err := strconv.ParseInt(string(v[:last]), 10, 64)
		e.SetInt(n)
		return err == nil
	case v[last] == 'u':
		n, err := strconv.ParseUint(string(v[:last]), 10, 64)
		if n <= math.MaxInt64 {
			e.SetInt(int64(n))
		} else {
			e.SetFloat(float64(n))
		}
		return err == nil
	}
	m, ok := number(v)
	e.SetFloat(m)
	return ok
}
