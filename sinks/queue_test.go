package sinks

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeta/event"
	"zeta/streams"
)

// script answers each Send with the next of its errors (then nil) and records what was taken.
type script struct {
	errs   []error
	took   []string
	times  []time.Time
	poison string
	hang   bool
}

func (s *script) Send(ctx context.Context, alerts []*streams.Alert) error {
	s.times = append(s.times, time.Now())
	if s.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if len(s.errs) > 0 {
		err := s.errs[0]
		s.errs = s.errs[1:]
		if err != nil {
			return err
		}
	}
	for _, a := range alerts {
		if a.Key == s.poison && s.poison != "" {
			return Permanent(errors.New("poison"))
		}
	}
	for _, a := range alerts {
		s.took = append(s.took, a.Key)
	}
	return nil
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func alert(key string) *streams.Alert {
	return &streams.Alert{Sink: &streams.Sink{Name: "script", ID: "script-1"}, Key: key, Events: make([]event.Event, 1)}
}

func start(s *script, b Batching, limit int) *queue {
	return newQueue(&streams.Sink{Name: "script", ID: "script-1"}, Opened{Sender: s, Batching: b}, newMemoryBacklog(limit), quiet())
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func TestQueueRepeatsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{errs: []error{errors.New("down"), errors.New("down"), nil}}
		q := start(s, Batching{}, 10)
		q.take(alert("a"))
		q.take(alert("b"))
		time.Sleep(time.Minute)
		q.close(t.Context())
		equal(t, s.took, "a", "b")
		if d := s.times[1].Sub(s.times[0]); d < firstPause/2 || d > firstPause {
			t.Errorf("first pause %v, want between %v and %v", d, firstPause/2, firstPause)
		}
		if st := q.snapshot(); st.Delivered != 2 || st.Failed != 2 || st.Queued != 0 || st.LastError != "" {
			t.Errorf("status %+v", st)
		}
	})
}

func TestQueueHonoursRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{errs: []error{RetryAfter(errors.New("429"), 42*time.Second)}}
		q := start(s, Batching{}, 10)
		q.take(alert("a"))
		time.Sleep(time.Minute)
		q.close(t.Context())
		if d := s.times[1].Sub(s.times[0]); d != 42*time.Second {
			t.Errorf("pause %v, want 42s", d)
		}
	})
}

// A target that says "again at once" while it fails gets a second of rest all the same, by the clock it was asked by.
func TestRetryAfterZeroIsNotWithoutPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{errs: []error{RetryAfter(errors.New("503"), 0), RetryAfter(errors.New("503"), -time.Hour), RetryAfter(errors.New("503"), time.Millisecond)}}
		q := start(s, Batching{}, 10)
		q.take(alert("a"))
		time.Sleep(time.Minute)
		q.close(t.Context())
		if len(s.times) != 4 || s.times[3].Sub(s.times[0]) != 3*time.Second {
			t.Errorf("attempts at %v, want four, a second apart", s.times)
		}
	})
}

func TestLongRefusalIsKeptWholeAndToldInBrief(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("x", 3000)
		s := &script{errs: []error{Permanent(errors.New(long))}}
		q := start(s, Batching{}, 10)
		q.take(alert("a"))
		q.close(t.Context())
		if dead := q.letters(); len(dead) != 1 || dead[0].Err != long {
			t.Errorf("dead letters %+v", dead)
		}
		if told := q.snapshot().LastError; len(told) != 500 {
			t.Errorf("the status tells %d bytes of the error, want 500", len(told))
		}
	})
}

func TestQueuePoisonCostsOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{poison: "b"}
		q := start(s, Batching{Events: 10, Wait: time.Second}, 10)
		for _, k := range []string{"a", "b", "c"} {
			q.take(alert(k))
		}
		time.Sleep(2 * time.Second)
		q.close(t.Context())
		equal(t, s.took, "a", "c")
		dead := q.letters()
		if len(dead) != 1 || dead[0].Alert.Key != "b" || dead[0].Err != "poison" {
			t.Errorf("dead letters %+v", dead)
		}
	})
}

func TestQueuePartlyDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{errs: []error{Delivered(2, errors.New("broke off"))}}
		q := start(s, Batching{Events: 10, Wait: time.Second}, 10)
		for _, k := range []string{"a", "b", "c"} {
			q.take(alert(k))
		}
		time.Sleep(time.Minute)
		q.close(t.Context())
		equal(t, s.took, "c") // a and b were taken by the failed request
		if st := q.snapshot(); st.Delivered != 3 {
			t.Errorf("delivered %d, want 3", st.Delivered)
		}
	})
}

func TestQueueFullDropsTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{hang: true}
		q := start(s, Batching{}, 3)
		for _, k := range []string{"a", "b", "c", "d", "e"} {
			q.take(alert(k))
		}
		synctest.Wait()
		st := q.snapshot()
		if st.Dropped != 2 || st.Queued != 3 {
			t.Errorf("dropped %d, queued %d, want 2 and 3", st.Dropped, st.Queued)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if left := q.close(ctx); left != 3 {
			t.Errorf("close left %d, want 3", left)
		}
	})
}

func TestQueueGathersABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		q := start(s, Batching{Events: 3, Wait: time.Second}, 100)
		for _, k := range []string{"a", "b", "c", "d"} {
			q.take(alert(k))
		}
		time.Sleep(10 * time.Second)
		q.close(t.Context())
		equal(t, s.took, "a", "b", "c", "d")
		if len(s.times) != 2 || s.times[1].Sub(s.times[0]) != time.Second {
			t.Errorf("requests at %v, want a full batch at once and the rest after 1s", s.times)
		}
	})
}

func TestQueueCloseDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		q := start(s, Batching{Events: 100, Wait: time.Hour}, 100)
		q.take(alert("a"))
		synctest.Wait()
		if left := q.close(t.Context()); left != 0 {
			t.Errorf("close left %d", left)
		}
		equal(t, s.took, "a")
	})
}

func TestPauseGrowsToItsBound(t *testing.T) {
	for attempt := range 100 {
		full := longestWait
		if attempt < 9 {
			full = min(firstPause<<attempt, longestWait)
		}
		if p := pauseFor(attempt, errors.New("x")); p > full || p < full/2-1 {
			t.Errorf("attempt %d: pause %v, want between %v and %v", attempt, p, full/2, full)
		}
	}
	if p := pauseFor(0, RetryAfter(errors.New("x"), time.Hour)); p != longestAsked {
		t.Errorf("an asked pause of an hour became %v, want %v", p, longestAsked)
	}
}

func TestABrokenSinkKeepsItsQueueUntilItIsMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := Broken(errors.New("401"))
		s := &script{errs: []error{refused, errors.New("500"), refused}}
		q := start(s, Batching{}, 10)
		q.take(alert("a"))
		q.take(alert("b"))
		var states []string
		for range 20 {
			synctest.Wait()
			if state := q.snapshot().State; len(states) == 0 || states[len(states)-1] != state {
				states = append(states, state)
			}
			time.Sleep(500 * time.Millisecond)
		}
		equal(t, states, streams.SinkBroken, streams.SinkFailing, streams.SinkBroken, streams.SinkOK)
		equal(t, s.took, "a", "b")
		q.close(t.Context())
	})
}
