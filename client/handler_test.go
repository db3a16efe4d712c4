package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"zeta/event"
	"zeta/event/wire"
)

// recorder returns a handler and the events it has sent.
func recorder(o HandlerOptions) (slog.Handler, *[]event.Event) {
	var sent []event.Event
	h := NewHandler(&Client{}, o).(*handler)
	h.send = func(e event.Event) bool { sent = append(sent, e); return true }
	return h, &sent
}

// TestSlog runs the standard library's own checks of a handler.
func TestSlog(t *testing.T) {
	var sent *[]event.Event
	slogtest.Run(t, func(*testing.T) slog.Handler {
		h, events := recorder(HandlerOptions{})
		sent = events
		return h
	}, func(t *testing.T) map[string]any {
		e := (*sent)[0]
		m := map[string]any{slog.MessageKey: e.Description}
		if e.Is(event.HasTime) {
			m[slog.TimeKey] = e.Time
		}
		for _, a := range e.Attrs() {
			at := m
			path := strings.Split(a.Key, ".")
			for _, group := range path[:len(path)-1] {
				inner, ok := at[group].(map[string]any)
				if !ok {
					inner = map[string]any{}
					at[group] = inner
				}
				at = inner
			}
			at[path[len(path)-1]] = a.Value
		}
		return m
	})
}

// broken panics where it is printed.
type broken struct{}

func (*broken) Error() string { panic("broken") }

func TestHandler(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 46, 44, 123_456_789, time.UTC)
	tests := []struct {
		name string
		log  func(l *slog.Logger)
		want event.Event
	}{
		{"plain", func(l *slog.Logger) { l.Info("hello") }, event.Event{
			Service: "log shop", State: "ok", Description: "hello", TTL: 60,
			Set: event.NewSet([]string{"log"}, []event.Attr{{Key: "level", Value: "INFO"}})}},
		{"error with attributes", func(l *slog.Logger) {
			l.Error("failed", "order", 42, "err", errors.New("no money"), "took", 1500*time.Millisecond, "ok", false, "at", at)
		}, event.Event{
			Service: "log shop", State: "critical", Description: "failed", TTL: 60,
			Set: event.NewSet([]string{"log"}, []event.Attr{
				{Key: "level", Value: "ERROR"}, {Key: "order", Value: "42"}, {Key: "err", Value: "no money"}, {Key: "took", Value: "1.5s"},
				{Key: "ok", Value: "false"}, {Key: "at", Value: "2026-11-22T09:46:44.123456789Z"}})}},
		{"between the levels", func(l *slog.Logger) { l.Log(context.Background(), slog.LevelError-1, "") }, event.Event{
			Service: "log shop", State: "warning", Description: "", TTL: 60,
			Set: event.NewSet([]string{"log"}, []event.Attr{{Key: "level", Value: "WARN+3"}})}},
		{"groups", func(l *slog.Logger) {
			l.With("a", 1).WithGroup("db").With("b", 2).WithGroup("").WithGroup("pool").Warn("slow", "c", 3, slog.Group("g", "d", 4), slog.Group("", "e", 5))
		}, event.Event{
			Service: "log shop/db.pool", State: "warning", Description: "slow", TTL: 60,
			Set: event.NewSet([]string{"log"}, []event.Attr{
				{Key: "level", Value: "WARN"}, {Key: "a", Value: "1"}, {Key: "db.b", Value: "2"}, {Key: "db.pool.c", Value: "3"},
				{Key: "db.pool.g.d", Value: "4"}, {Key: "db.pool.e", Value: "5"}})}},
		{"named like fields", func(l *slog.Logger) { l.Info("x", "host", "other", "metric", 5, "level", "mine") }, event.Event{
			Service: "log shop", State: "ok", Description: "x", TTL: 60,
			Set: event.NewSet([]string{"log"}, []event.Attr{{Key: "level", Value: "mine"}, {Key: "log.host", Value: "other"}, {Key: "log.metric", Value: "5"}})}},
		{"strange values", func(l *slog.Logger) { l.Info("a\xffb", "v", []int{1, 2}, "n", nil, "p", (*broken)(nil)) }, event.Event{
			Service: "log shop", State: "ok", Description: "a\uFFFDb", TTL: 60,
			Set: event.NewSet([]string{"log"}, []event.Attr{{Key: "level", Value: "INFO"}, {Key: "v", Value: "[1 2]"}, {Key: "n", Value: "<nil>"}, {Key: "p", Value: "<nil>"}})}},
	}
	for _, tt := range tests {
		h, sent := recorder(HandlerOptions{Service: "log shop"})
		tt.log(slog.New(h))
		if len(*sent) != 1 {
			t.Errorf("%s: %d events, want 1", tt.name, len(*sent))
			continue
		}
		got := (*sent)[0]
		if !got.Is(event.HasTime | event.HasService | event.HasState | event.HasDescription | event.HasTTL) {
			t.Errorf("%s: presence %b", tt.name, got.Has)
		}
		if !got.Set.Equal(tt.want.Set) {
			t.Errorf("%s: attributes %v, want %v", tt.name, got.Attrs(), tt.want.Attrs())
		}
		got.Set, tt.want.Set, got.Time, got.Has = nil, nil, 0, 0
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestHandlerOptions(t *testing.T) {
	h, sent := recorder(HandlerOptions{Host: "app1", Tags: []string{"x"}, TTL: 90 * time.Second, Level: slog.LevelWarn, AddSource: true})
	l := slog.New(h)
	l.Info("too low")
	l.Warn("yes")
	if len(*sent) != 1 {
		t.Fatalf("%d events, want 1", len(*sent))
	}
	e := (*sent)[0]
	source, _ := e.Attr("source")
	if e.Host != "app1" || e.TTL != 90 || !e.Set.HasTag("x") || !strings.HasPrefix(e.Service, "log client.test") || !strings.Contains(source, "handler_test.go:") {
		t.Errorf("%+v, attributes %v", e, e.Attrs())
	}
}

// TestHandlerBounds: whatever is logged, a server takes it.
func TestHandlerBounds(t *testing.T) {
	h, sent := recorder(HandlerOptions{Service: strings.Repeat("s", 2000)})
	var args []any
	for i := range 100 {
		args = append(args, fmt.Sprintf("k%d", i), i)
	}
	args[1] = strings.Repeat("é", 5000)
	args[2] = strings.Repeat("k", 5000)
	slog.New(h).WithGroup(strings.Repeat("g", 3000)).Info(strings.Repeat("d", 100_000), args...)
	e := (*sent)[0]
	if !acceptable(&e) {
		t.Fatalf("a server would refuse service of %d bytes, %d attributes", len(e.Service), len(e.Attrs()))
	}
	if len(e.Description) != wire.DefaultLimits.Description || len(e.Attrs()) != wire.DefaultLimits.Attributes {
		t.Errorf("description of %d bytes, %d attributes", len(e.Description), len(e.Attrs()))
	}
	if v, _ := e.Attr("log.omitted"); v != "38" {
		t.Errorf("log.omitted is %q, want 38", v)
	}
}

// TestHandlerToServer sends a record all the way.
func TestHandlerToServer(t *testing.T) {
	s := listen(t, "", nil, ackAll)
	c := New(s.addr(), quick(newErrorLog()))
	slog.New(NewHandler(c, HandlerOptions{Service: "log shop"})).Error("payment failed", "order", 42)
	if err := c.Close(deadline(t)); err != nil {
		t.Fatal(err)
	}
	got := s.received()
	if len(got) != 1 || got[0].Host != "test" || got[0].Service != "log shop" || got[0].State != "critical" || got[0].Description != "payment failed" {
		t.Fatalf("%+v", got)
	}
	if v, _ := got[0].Attr("order"); v != "42" {
		t.Errorf("order is %q", v)
	}
}
