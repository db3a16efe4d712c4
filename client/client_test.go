package client

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/tls"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline bounds what a test waits for; it is never reached.
func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestSend: everything arrives once, in order, in batches, as it was.
func TestSend(t *testing.T) {
	s := listen(t, "", nil, ackAll)
	errs := newErrorLog()
	o := quick(errs)
	o.FlushEvery = time.Hour
	o.Batch = 50
	c := New(s.addr(), o)
	const n = 1234
	for i := range n {
		if !c.Send(numbered(i)) {
			t.Fatalf("event %d was not taken", i)
		}
	}
	if err := c.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	got := s.received()
	if len(got) != n {
		t.Fatalf("%d events arrived, want %d", len(got), n)
	}
	for i := range got {
		e := &got[i]
		if e.Int != int64(i) || e.Host != "test" || e.Service != "s" || !e.Is(event.HasInt|event.HasTime|event.HasHost) {
			t.Fatalf("event %d: %+v", i, e)
		}
	}
	if c.Sent() != n || c.Dropped() != 0 || c.Refused() != 0 || len(errs.all()) != 0 {
		t.Errorf("sent %d, dropped %d, refused %d, errors %v", c.Sent(), c.Dropped(), c.Refused(), errs.all())
	}
	if s.messages != (n+49)/50 {
		t.Errorf("%d messages, want %d", s.messages, (n+49)/50)
	}
	if err := c.Close(deadline(t)); err != nil {
		t.Error(err)
	}
	if c.Send(numbered(0)) || c.Dropped() != 1 {
		t.Errorf("Send after Close was taken; dropped %d", c.Dropped())
	}
	if err := c.Close(deadline(t)); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestFlushEvery: a lone event leaves without a push from outside.
func TestFlushEvery(t *testing.T) {
	arrived := make(chan struct{}, 1)
	s := listen(t, "", nil, func(int, *wire.Msg) *wire.Msg { arrived <- struct{}{}; return ackAll(0, nil) })
	c := New(s.addr(), quick(newErrorLog()))
	defer c.Close(deadline(t))
	for range 3 {
		c.Send(numbered(1))
		select {
		case <-arrived:
		case <-deadline(t).Done():
			t.Fatal("the event was never sent")
		}
	}
}

// TestEventRoundTrip: every field arrives as it was sent.
func TestEventRoundTrip(t *testing.T) {
	s := listen(t, "", nil, ackAll)
	c := New(s.addr(), quick(newErrorLog()))
	defer c.Close(deadline(t))
	var events []event.Event
	for _, metric := range []any{int64(math.MinInt64), int64(7), 2.5, math.Inf(1), 1e300, nil} {
		var e event.Event
		e.SetHost("web1")
		e.SetService("")
		e.SetState("ok")
		e.SetDescription("é")
		e.SetTime(-1_795_340_804_123_456)
		e.SetTTL(0.5)
		e.Set = event.NewSet([]string{"b", "a"}, []event.Attr{{Key: "k", Value: "v"}, {Key: "", Value: ""}})
		switch m := metric.(type) {
		case int64:
			e.SetInt(m)
		case float64:
			e.SetFloat(m)
		}
		events = append(events, e)
		c.Send(e)
	}
	if err := c.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	for i, got := range s.received() {
		want := events[i]
		if !got.Set.Equal(want.Set) {
			t.Errorf("event %d: set %+v, want %+v", i, got.Set, want.Set)
		}
		got.Set, want.Set = nil, nil
		if got != want {
			t.Errorf("event %d: %+v, want %+v", i, got, want)
		}
	}
}

// TestSlowServer: a server that reads and never answers does not make Send wait; the oldest events go.
func TestSlowServer(t *testing.T) {
	s := listen(t, "", nil, ackAll)
	s.gate = make(chan struct{})
	errs := newErrorLog()
	o := quick(errs)
	o.Queue, o.Batch = 100, 10
	c := New(s.addr(), o)
	const n = 10_000
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range n {
			c.Send(numbered(i))
		}
	}()
	select {
	case <-done:
	case <-deadline(t).Done():
		t.Fatal("Send waited for the server")
	}
	if d := c.Dropped(); d < n-100-10 || d > n-100 {
		t.Errorf("dropped %d of %d with a queue of 100 and a batch of 10", d, n)
	}
	close(s.gate)
	var lost *LostError
	if err := c.Close(deadline(t)); err != nil && !errors.As(err, &lost) {
		t.Error(err)
	}
	got := s.received()
	if last := got[len(got)-1]; last.Int != n-1 {
		t.Errorf("the newest event is %d, want %d", last.Int, n-1)
	}
	for i := range got[1:] {
		if got[i].Int >= got[i+1].Int {
			t.Errorf("event %d came before %d", got[i].Int, got[i+1].Int)
		}
	}
	if c.Sent()+c.Dropped() != n || uint64(len(got)) != c.Sent() {
		t.Errorf("sent %d + dropped %d, want %d; %d arrived", c.Sent(), c.Dropped(), n, len(got))
	}
	found := uint64(0)
	for _, err := range errs.all() {
		if errors.As(err, &lost) && lost.Reason == "the queue of 100 was full" {
			found += lost.Events
		}
	}
	if found != c.Dropped() {
		t.Errorf("OnError was told of %d lost events, want %d", found, c.Dropped())
	}
}

// TestRestart: the server goes away in the middle and comes back at the same address; nothing is lost.
func TestRestart(t *testing.T) {
	s := listen(t, "", nil, ackAll)
	errs := newErrorLog()
	c := New(s.addr(), quick(errs))
	for i := range 100 {
		c.Send(numbered(i))
	}
	if err := c.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	s.stop()
	for i := range 100 {
		c.Send(numbered(100 + i))
	}
	for len(errs.all()) < 5 { // it keeps trying
		<-errs.some
	}
	again := listen(t, s.addr(), nil, ackAll)
	if err := c.Close(deadline(t)); err != nil {
		t.Fatal(err)
	}
	seen := map[int64]bool{}
	for _, e := range append(s.received(), again.received()...) {
		seen[e.Int] = true
	}
	if len(seen) != 200 || c.Dropped() != 0 {
		t.Errorf("%d different events arrived, want 200; dropped %d", len(seen), c.Dropped())
	}
}

// TestBrokenAnswer: a batch whose connection breaks before the answer is sent again, three times at most.
func TestBrokenAnswer(t *testing.T) {
	for _, tt := range []struct {
		breaks        int
		sent, dropped uint64
	}{{1, 1, 0}, {2, 1, 0}, {3, 0, 1}} {
		s := listen(t, "", nil, func(n int, m *wire.Msg) *wire.Msg {
			if n < tt.breaks {
				return nil
			}
			return ackAll(n, m)
		})
		errs := newErrorLog()
		c := New(s.addr(), quick(errs))
		c.Send(numbered(1))
		err := c.Close(deadline(t))
		if c.Sent() != tt.sent || c.Dropped() != tt.dropped || (err != nil) != (tt.dropped > 0) {
			t.Errorf("%d breaks: sent %d, dropped %d, error %v", tt.breaks, c.Sent(), c.Dropped(), err)
		}
		if tt.dropped > 0 {
			all := errs.all()
			want := "client: 1 events lost: 3 connections broke under their batch"
			if got := all[len(all)-1].Error(); got != want {
				t.Errorf("last error %q, want %q", got, want)
			}
		}
	}
}

// TestRefused: ok = false is an error, and the batch is not repeated.
func TestRefused(t *testing.T) {
	s := listen(t, "", nil, func(n int, m *wire.Msg) *wire.Msg {
		if n == 0 {
			return &wire.Msg{HasOK: true, HasError: true, Error: "no such rule"}
		}
		return ackAll(n, m)
	})
	errs := newErrorLog()
	c := New(s.addr(), quick(errs))
	c.Send(numbered(1))
	if err := c.Flush(deadline(t)); err == nil || err.Error() != "client: 1 events lost: dropped or refused while flushing" {
		t.Errorf("Flush: %v", err)
	}
	c.Send(numbered(2))
	if err := c.Close(deadline(t)); err != nil {
		t.Error(err)
	}
	var refused *RefusedError
	if all := errs.all(); len(all) != 1 || !errors.As(all[0], &refused) || refused.Text != "no such rule" || refused.Events != 1 {
		t.Errorf("errors %v", all)
	}
	if c.Sent() != 1 || c.Refused() != 1 || s.messages != 2 {
		t.Errorf("sent %d, refused %d, %d messages", c.Sent(), c.Refused(), s.messages)
	}
}

// TestNobodyThere: without a server Flush and Close end with their context, and say why.
func TestNobodyThere(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	errs := newErrorLog()
	c := New(addr, quick(errs))
	for i := range 3 {
		c.Send(numbered(i))
	}
	<-errs.some
	ctx, cancel := context.WithCancel(deadline(t))
	cancel()
	err = c.Flush(ctx)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "client: 3 events not sent yet: context canceled\nclient: connect to "+addr) {
		t.Errorf("Flush: %v", err)
	}
	if err := c.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	<-c.done
	if c.Dropped() != 3 || c.Sent() != 0 {
		t.Errorf("dropped %d, sent %d, want 3 and 0", c.Dropped(), c.Sent())
	}
	if err := c.Flush(deadline(t)); err != nil {
		t.Errorf("Flush after Close: %v", err)
	}
}

// TestUnacceptable: an event that a server would refuse is refused at once and does not harm the others.
func TestUnacceptable(t *testing.T) {
	s := listen(t, "", nil, ackAll)
	c := New(s.addr(), quick(newErrorLog()))
	long := strings.Repeat("x", 5000)
	bad := map[string]event.Event{
		"host":  {Host: long, Has: event.HasHost},
		"tag":   {Set: event.NewSet([]string{long}, nil)},
		"tags":  {Set: event.NewSet(make([]string, 65), nil)},
		"key":   {Set: event.NewSet(nil, []event.Attr{{Key: long}})},
		"bytes": {Description: strings.Repeat("x", 9<<20), Has: event.HasDescription},
	}
	for name, e := range bad {
		if c.Send(e) {
			t.Errorf("%s was taken", name)
		}
	}
	big := numbered(1)
	big.SetDescription(strings.Repeat("d", 64<<10))
	for range 100 {
		c.Send(big) // 6 MiB: more than one message
	}
	if err := c.Close(deadline(t)); err != nil {
		t.Error(err)
	}
	if c.Dropped() != uint64(len(bad)) || c.Sent() != 100 {
		t.Errorf("dropped %d, sent %d, want %d and 100", c.Dropped(), c.Sent(), len(bad))
	}
	if s.messages < 6 {
		t.Errorf("%d messages for 6 MiB, want at least 6", s.messages)
	}
}

// TestConcurrent: many senders, nothing lost.
func TestConcurrent(t *testing.T) {
	s := listen(t, "", nil, ackAll)
	c := New(s.addr(), quick(newErrorLog()))
	const senders, each = 8, 200
	done := make(chan struct{})
	for range senders {
		go func() {
			for i := range each {
				c.Send(numbered(i))
				if i%50 == 0 {
					if err := c.Flush(deadline(t)); err != nil {
						t.Error(err)
					}
				}
			}
			done <- struct{}{}
		}()
	}
	for range senders {
		<-done
	}
	if err := c.Close(deadline(t)); err != nil {
		t.Error(err)
	}
	if got := len(s.received()); got != senders*each || c.Sent() != senders*each {
		t.Errorf("%d arrived, %d sent, want %d", got, c.Sent(), senders*each)
	}
}

// TestTLS: a client with a certificate is served; one that does not trust the server is told why.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	config, files := certificates(t, dir)
	s := listen(t, "", config, ackAll)
	trusting, err := tls.NewClient(files)
	if err != nil {
		t.Fatal(err)
	}
	o := quick(newErrorLog())
	o.TLS = trusting
	c := New(s.addr(), o)
	c.Send(numbered(1))
	if err := c.Close(deadline(t)); err != nil || c.Sent() != 1 {
		t.Errorf("sent %d, error %v", c.Sent(), err)
	}
	errs := newErrorLog()
	o = quick(errs)
	if o.TLS, err = tls.NewClient(tls.ClientFiles{}); err != nil {
		t.Fatal(err)
	}
	c = New(s.addr(), o)
	c.Send(numbered(1))
	<-errs.some
	ctx, cancel := context.WithCancel(deadline(t))
	cancel()
	if err := c.Close(ctx); !strings.Contains(fmt.Sprint(err), "certificate signed by unknown authority") {
		t.Errorf("Close: %v", err)
	}
	<-c.done
}

// TestSilentHandshake: a server that accepts and never shakes hands costs one connection, however often
// the client tries again.
func TestSilentHandshake(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 100)
	go func() {
		defer close(accepted)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	errs := newErrorLog()
	o := quick(errs)
	o.Timeout = 20 * time.Millisecond
	o.TLS = &tls.Config{ServerName: "silent"}
	c := New(ln.Addr().String(), o)
	c.Send(numbered(1))
	for len(errs.all()) < 5 {
		<-errs.some
	}
	if got, want := errs.all()[4].Error(), "client: connect to "+ln.Addr().String()+": no connection after 20ms"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	ctx, cancel := context.WithCancel(deadline(t))
	cancel()
	c.Close(ctx)
	<-c.done
	ln.Close()
	n := 0
	for conn := range accepted {
		conn.Close()
		n++
	}
	if n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}
