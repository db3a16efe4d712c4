package lines

import (
	"bytes"
	"math"
	"strings"

	"zeta/event"
)

// OpenTSDB reads a put line of OpenTSDB's telnet protocol: put metric time value tag=value …
//
// As in Riemann the service is the metric with all tags but host behind it, the metric's name alone is the
// description, and tags are attributes. Mended: a time of 13 digits is in milliseconds, and a verb other than put
// is refused.
func OpenTSDB(dst []event.Event, line []byte, host string) ([]event.Event, error) {
	f := bytes.Fields(line)
	if len(f) == 0 {
		return dst, nil
	}
	if string(f[0]) != "put" {
		return dst, refuse("verb", "unknown command %s; want put", quote(f[0]))
	}
	if len(f) < 4 {
		return dst, refuse("fields", "%s; want put metric time value tag=value …", quote(line))
	}
	if len(f)-4 > maxAttrs {
		return dst, refuse("tags", "%d tags, limit %d", len(f)-4, maxAttrs)
	}
	t, ok := number(f[2])
	if t >= 1e11 {
		t /= 1000
	}
	us, sane := unixTime(t)
	if !ok || !sane {
		return dst, refuse("time", "invalid timestamp %s; want seconds or milliseconds since 1970", quote(f[2]))
	}
	m, ok := number(f[3])
	if !ok || math.IsNaN(m) {
		return dst, refuse("metric", "invalid value %s; want a number", quote(f[3]))
	}
	var e event.Event
	e.SetFloat(m)
	e.SetTime(us)
	e.SetDescription(text(f[1]))
	var attrs []event.Attr
	service := []string{text(f[1])}
	for _, tag := range f[4:] {
		k, v, ok := bytes.Cut(tag, []byte{'='})
		if !ok || len(k) == 0 || len(v) == 0 {
			return dst, refuse("tags", "tag %s; want tag=value", quote(tag))
		}
		attrs = attribute(&e, attrs, text(k), text(v))
		if string(k) != "host" {
			service = append(service, text(tag))
		}
	}
	e.SetService(strings.Join(service, " "))
	source(&e, host)
	e.Set = event.NewSet(nil, attrs)
	return append(dst, e), nil
}
