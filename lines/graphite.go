package lines

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"zeta/event"
)

// Graphite reads the lines of Graphite's plaintext protocol: path, value and time, between blanks.
type Graphite struct {
	Tags     bool      // path;key=value;… becomes attributes rather than part of the service
	Template *Template // how the segments of a path become fields; nil: the path is the service
}

// Parse implements the protocol as Riemann's graphite-server reads it, with its warts mended: blanks around the
// line do not count, a time may have a fraction, and -1 or N as the time is now, as for carbon. The metric is
// always a float. A value of NaN is refused: it says that there is none.
func (g *Graphite) Parse(dst []event.Event, line []byte, host string) ([]event.Event, error) {
	f := bytes.Fields(line)
	switch len(f) {
	case 0:
		return dst, nil
	case 1:
		return dst, refuse("fields", "%s has no metric; want: path value time", quote(line))
	case 2:
		return dst, refuse("fields", "%s has no timestamp; want: path value time", quote(line))
	case 3:
	default:
		return dst, refuse("fields", "%s has too many fields; want: path value time", quote(line))
	}
	var e event.Event
	m, err := graphiteValue(f[1])
	if err != nil {
		return dst, err
	}
	e.SetFloat(m)
	if s := string(f[2]); s != "-1" && s != "N" {
		seconds, ok := number(f[2])
		us, sane := unixTime(seconds)
		if !ok || !sane {
			return dst, refuse("time", "invalid timestamp %s; want seconds since 1970, or -1 for now", quote(f[2]))
		}
		e.SetTime(us)
	}
	path, tags, _ := bytes.Cut(f[0], []byte{';'})
	if !g.Tags {
		path, tags = f[0], nil
	}
	if len(path) == 0 {
		return dst, refuse("path", "%s has an empty path", quote(line))
	}
	var attrs []event.Attr
	if g.Template == nil {
		e.SetService(text(path))
	} else if attrs, err = g.Template.apply(&e, text(path)); err != nil {
		return dst, err
	}
	for n := 0; len(tags) > 0; n++ {
		var tag []byte
		tag, tags, _ = bytes.Cut(tags, []byte{';'})
		k, v, ok := bytes.Cut(tag, []byte{'='})
		if !ok || len(k) == 0 || n >= maxAttrs {
			return dst, refuse("tags", "tag %s; want key=value, at most %d", quote(tag), maxAttrs)
		}
		attrs = attribute(&e, attrs, text(k), text(v))
	}
	source(&e, host)
	e.Set = event.NewSet(nil, attrs)
	return append(dst, e), nil
}

// graphiteValue reads a value as Java's Double.parseDouble does, which Riemann uses, without hexadecimal.
func graphiteValue(b []byte) (float64, error) {
	switch s := string(b); s {
	case "Infinity", "+Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	if strings.Contains(strings.ToLower(string(b)), "nan") {
		return 0, refuse("nan", "NaN metric")
	}
	digits := b
	if n := len(b); n > 1 && strings.IndexByte("dDfF", b[n-1]) >= 0 {
		digits = b[:n-1]
	}
	m, ok := number(digits)
	if !ok {
		return 0, refuse("metric", "invalid metric %s; want a number", quote(b))
	}
	return m, nil
}

// Template says what the segments of a dotted path mean; see ParseTemplate.
type Template struct{ words []string }

// ParseTemplate reads a template: words with dots between them, one for each segment of a path. host and service
// are the event's; _ is left out; any other word names an attribute. Segments that have the same word are joined
// with dots. The last word may be service* for all segments that are left, or collectd* for the form that
// collectd's write_graphite gives them: plugin-instance.type-instance, and the data source where a type has several.
func ParseTemplate(s string) (*Template, error) {
	if s == "" {
		return nil, nil
	}
	words := strings.Split(s, ".")
	service := false
	for i, w := range words {
		switch {
		case w == "":
			return nil, fmt.Errorf("template %q: word %d is empty; want words such as _.host.service*", s, i+1)
		case w == "service*" || w == "collectd*":
			if i < len(words)-1 {
				return nil, fmt.Errorf("template %q: %s takes all that is left, so it must be the last word", s, w)
			}
			service = true
		case strings.Contains(w, "*"):
			return nil, fmt.Errorf("template %q: %s; only service* and collectd* take a star", s, w)
		case w == "service":
			service = true
		}
	}
	if !service {
		return nil, errors.New(`template "` + s + `" names no service; write service, service* or collectd*`)
	}
	return &Template{words}, nil
}

// apply fills the event's fields and returns its attributes.
func (t *Template) apply(e *event.Event, path string) (attrs []event.Attr, err error) {
	segments := strings.Split(path, ".")
	var host, service []string
	for i, w := range t.words {
		if i >= len(segments) {
			break
		}
		s := segments[i]
		switch w {
		case "_":
		case "host":
			host = append(host, s)
		case "service":
			service = append(service, s)
		case "service*":
			service = append(service, segments[i:]...)
		case "collectd*":
			service, attrs = collectdPath(attrs, segments[i:])
		default:
			if at := slices.IndexFunc(attrs, func(a event.Attr) bool { return a.Key == w }); at >= 0 {
				attrs[at].Value += "." + s
			} else {
				attrs = append(attrs, event.Attr{Key: w, Value: s})
			}
		}
	}
	if len(service) == 0 {
		return nil, refuse("path", "path %s is too short for the template %s", quote([]byte(path)), strings.Join(t.words, "."))
	}
	if last := t.words[len(t.words)-1]; len(segments) > len(t.words) && !strings.HasSuffix(last, "*") {
		return nil, refuse("path", "path %s is too long for the template %s", quote([]byte(path)), strings.Join(t.words, "."))
	}
	if len(host) > 0 {
		e.SetHost(strings.Join(host, "."))
	}
	separator := "."
	if t.words[len(t.words)-1] == "collectd*" {
		separator = "/"
	}
	e.SetService(strings.Join(service, separator))
	return attrs, nil
}

// collectdPath reads what write_graphite makes of a value's identifier, and gives service and attributes as
// write_riemann does.
func collectdPath(attrs []event.Attr, segments []string) (service []string, _ []event.Attr) {
	for i, key := range []string{"plugin", "type"} {
		if i >= len(segments) {
			break
		}
		name, instance, ok := strings.Cut(segments[i], "-")
		attrs = append(attrs, event.Attr{Key: key, Value: name})
		if ok {
			attrs = append(attrs, event.Attr{Key: key + "_instance", Value: instance})
		}
	}
	if len(segments) > 2 {
		attrs = append(attrs, event.Attr{Key: "ds_name", Value: strings.Join(segments[2:], ".")})
		segments = append(segments[:2:2], strings.Join(segments[2:], "."))
	}
	return segments, attrs
}
