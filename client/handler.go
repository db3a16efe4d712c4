package client

import (
	"context"
	"encoding"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"zeta/event"
	"zeta/event/wire"
)

// HandlerOptions say how log records become events. A zero field means its default.
type HandlerOptions struct {
	Level     slog.Leveler  // the least level that is sent; nil: slog.LevelInfo
	Service   string        // "": "log NAME", NAME being the program's
	Host      string        // "": the client's
	Tags      []string      // nil: one tag, "log"
	TTL       time.Duration // after which a record says nothing about now; 0: one minute
	AddSource bool          // add the attribute source, FILE:LINE
}

// NewHandler returns a handler that sends log records through c and never blocks the program that logs.
//
// A record becomes an event of the service, or of SERVICE/GROUP for a logger with open groups. Its state is
// ok below slog.LevelWarn, warning below slog.LevelError and critical from there on; its description is the
// message. The attributes of the record become attributes of the event, groups joined with dots, beside
// level. One that is named like a field of an event gets "log." in front. Of more attributes than a server
// takes the last are left out, and log.omitted says how many.
func NewHandler(c *Client, o HandlerOptions) slog.Handler {
	if o.Level == nil {
		o.Level = slog.LevelInfo
	}
	if o.Service == "" {
		o.Service = "log " + filepath.Base(os.Args[0])
	}
	if o.Tags == nil {
		o.Tags = []string{"log"}
	}
	if o.TTL <= 0 {
		o.TTL = time.Minute
	}
	return &handler{opts: o, send: c.Send}
}

// handler is immutable; WithAttrs and WithGroup make changed copies.
type handler struct {
	opts   HandlerOptions
	send   func(event.Event) bool
	group  string       // the open groups, joined with dots
	before []event.Attr // of WithAttrs
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.opts.Level.Level()
}

// Handle implements slog.Handler. It returns nil: what cannot be sent is counted by the client.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	var e event.Event
	if h.opts.Host != "" {
		e.SetHost(h.opts.Host)
	}
	service := h.opts.Service
	if h.group != "" {
		service += "/" + h.group
	}
	limits := &wire.DefaultLimits
	e.SetService(shorten(service, limits.Name))
	switch {
	case r.Level >= slog.LevelError:
		e.SetState("critical")
	case r.Level >= slog.LevelWarn:
		e.SetState("warning")
	default:
		e.SetState("ok")
	}
	e.SetDescription(shorten(r.Message, limits.Description))
	e.SetTTL(h.opts.TTL.Seconds())
	if !r.Time.IsZero() {
		e.SetTime(r.Time.UnixMicro())
	}
	attrs := make([]event.Attr, 0, len(h.before)+r.NumAttrs()+2)
	attrs = append(attrs, event.Attr{Key: "level", Value: r.Level.String()})
	if h.opts.AddSource && r.PC != 0 {
		frame, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
		attrs = append(attrs, event.Attr{Key: "source", Value: frame.File + ":" + strconv.Itoa(frame.Line)})
	}
	attrs = append(attrs, h.before...)
	r.Attrs(func(a slog.Attr) bool {
		attrs = flatten(attrs, h.group, a)
		return true
	})
	e.Set = event.NewSet(h.opts.Tags, bound(attrs))
	h.send(e)
	return nil
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	c := *h
	c.before = append([]event.Attr(nil), h.before...)
	for _, a := range attrs {
		c.before = flatten(c.before, h.group, a)
	}
	return &c
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.group = joinKey(h.group, name)
	return &c
}

// flatten appends a, whose groups become prefixes.
func flatten(attrs []event.Attr, prefix string, a slog.Attr) []event.Attr {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix = joinKey(prefix, a.Key)
		}
		for _, member := range v.Group() {
			attrs = flatten(attrs, prefix, member)
		}
		return attrs
	}
	if a.Equal(slog.Attr{}) {
		return attrs
	}
	key := joinKey(prefix, a.Key)
	switch key {
	case "host", "service", "state", "description", "metric", "tags", "time", "ttl":
		key = "log." + key
	}
	limit := wire.DefaultLimits.Text
	return append(attrs, event.Attr{Key: shorten(key, limit), Value: shorten(text(v), limit)})
}

// bound leaves out attributes beyond what a server takes.
func bound(attrs []event.Attr) []event.Attr {
	most := wire.DefaultLimits.Attributes
	if len(attrs) <= most {
		return attrs
	}
	omitted := len(attrs) - (most - 1)
	attrs = attrs[: most-1 : most-1]
	return append(attrs, event.Attr{Key: "log.omitted", Value: strconv.Itoa(omitted)})
}

func joinKey(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// text prints a value as a person would want to read it.
func text(v slog.Value) string {
	switch v.Kind() {
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	case slog.KindAny:
		switch x := v.Any().(type) {
		case error, fmt.Stringer:
			return fmt.Sprint(x) // which survives a method that panics
		case encoding.TextMarshaler:
			if b, err := x.MarshalText(); err == nil {
				return string(b)
			}
		}
		return fmt.Sprintf("%+v", v.Any())
	}
	return v.String()
}

// shorten cuts s to at most n bytes of valid UTF-8.
func shorten(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") // the character that was cut
	}
	return s
}
