package index

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"zeta/event"
	"zeta/query"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lines writes an event as "service metric;".
var lines = Format{Name: "lines", Append: func(dst []byte, e *event.Event) []byte {
	return fmt.Appendf(dst, "%s %d;", e.Service, e.Int)
}}

func numbered(service string, n int) *event.Event {
	e := at("h", service, 0)
	e.SetInt(int64(n))
	return e
}

// read takes events from s until there are n; the test fails when the subscription ends before.
func read(t *testing.T, s *Subscription, n int) string {
	t.Helper()
	var b strings.Builder
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for n > 0 {
		chunks, err := s.Next(ctx)
		if err != nil {
			t.Fatalf("Next: %v; got %q, want %d more events", err, b.String(), n)
		}
		for _, c := range chunks {
			b.Write(c.Data)
			n -= c.Count
		}
	}
	return b.String()
}

func TestSubscriptionGetsWhatFollows(t *testing.T) {
	h := NewHub(HubOptions{})
	defer h.Close()
	h.Publish("index", numbered("early", 0))
	h.Flush()
	s, err := h.Subscribe("index", query.MustParse(`service = "a"`), lines)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		h.Publish("index", numbered("a", i))
		h.Publish("index", numbered("b", i))
		h.Publish("other", numbered("a", 100+i))
	}
	h.Flush()
	h.Publish("index", numbered("a", 3))
	h.Flush()
	if got, want := read(t, s, 4), "a 0;a 1;a 2;a 3;"; got != want {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestOneEncodingForAll(t *testing.T) {
	h := NewHub(HubOptions{})
	defer h.Close()
	var subs []*Subscription
	for _, q := range []string{`service = "a"`, ` (service   = "a") `, `not service != "a"`} {
		for range 10 {
			s, err := h.Subscribe("index", query.MustParse(q), lines)
			if err != nil {
				t.Fatal(err)
			}
			subs = append(subs, s)
		}
	}
	if st := h.Stats(); st.Groups != 2 || st.Subscriptions != 30 {
		t.Fatalf("%d groups and %d subscriptions, want 2 and 30", st.Groups, st.Subscriptions)
	}
	for i := range 100 {
		h.Publish("index", numbered("a", i))
	}
	h.Flush()
	want := read(t, subs[0], 100)
	var wg sync.WaitGroup
	for _, s := range subs[1:] {
		wg.Go(func() {
			if got := read(t, s, 100); got != want {
				t.Errorf("subscribers read %q and %q", want, got)
			}
		})
	}
	wg.Wait()
	if n := h.Stats().Encoded; n != 200 {
		t.Errorf("encoded %d events, want 200: once for each of two groups", n)
	}
	if n := h.Stats().Bytes; n != 0 {
		t.Errorf("%d bytes are held though all have read", n)
	}
}

func TestSlowSubscriberIsCutOff(t *testing.T) {
	h := NewHub(HubOptions{Backlog: 1000, Patience: 1})
	defer h.Close()
	slow, _ := h.Subscribe("t", query.MustParse("true"), lines)
	quick, _ := h.Subscribe("t", query.MustParse("true"), lines)
	for i := range 1000 {
		h.Publish("t", numbered("a", i))
		h.Flush()
		if got, want := read(t, quick, 1), fmt.Sprintf("a %d;", i); got != want {
			t.Fatalf("the quick one read %q, want %q", got, want)
		}
	}
	if _, err := slow.Next(context.Background()); !errors.Is(err, ErrLagged) {
		t.Errorf("the slow one got %v, want ErrLagged", err)
	}
	if st := h.Stats(); st.Lagged != 1 || st.Bytes > 1000 {
		t.Errorf("%d lagged, %d bytes held, want 1 and at most 1000", st.Lagged, st.Bytes)
	}
}

func TestClose(t *testing.T) {
	h := NewHub(HubOptions{})
	s, _ := h.Subscribe("t", query.MustParse("true"), lines)
	waits := make(chan error)
	go func() {
		_, err := s.Next(context.Background())
		waits <- err
	}()
	h.Close()
	if err := <-waits; !errors.Is(err, ErrClosed) {
		t.Errorf("Next returned %v, want ErrClosed", err)
	}
	if _, err := h.Subscribe("t", query.MustParse("true"), lines); !errors.Is(err, ErrClosed) {
		t.Errorf("Subscribe returned %v, want ErrClosed", err)
	}
	s.Close() // twice does no harm
	h.Publish("t", numbered("a", 1))
	h.Flush()
}
