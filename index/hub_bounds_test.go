package index

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"zeta/event"
	"zeta/query"
)

// gated is lines, but each encoding waits for a token: what is published meanwhile stays pending.
func gated() (Format, chan struct{}) {
	gate := make(chan struct{}, 1<<20)
	return Format{Name: "gated", Append: func(dst []byte, e *event.Event) []byte {
		<-gate
		return lines.Append(dst, e)
	}}, gate
}

func open(gate chan struct{}, n int) {
	for range n {
		gate <- struct{}{}
	}
}

// Who joins while events wait to be encoded gets none of those.
func TestJoinWhileEventsWait(t *testing.T) {
	h := NewHub(HubOptions{})
	defer h.Close()
	format, gate := gated()
	q := query.MustParse("true")
	var subs []*Subscription
	for i := range 5 {
		s, err := h.Subscribe("t", q, format)
		if err != nil {
			t.Fatal(err)
		}
		subs = append(subs, s)
		h.Publish("t", numbered("a", 2*i))
		h.Flush()
		h.Publish("t", numbered("a", 2*i+1))
		h.Flush()
	}
	open(gate, 10)
	for i, s := range subs {
		want := ""
		for n := 2 * i; n < 10; n++ {
			want += fmt.Sprintf("a %d;", n)
		}
		if got := read(t, s, 10-2*i); got != want {
			t.Errorf("subscriber %d read %q, want %q", i, got, want)
		}
	}
	if n := h.Stats().Encoded; n != 10 {
		t.Errorf("encoded %d events, want 10", n)
	}
}

// More events wait than may: they are dropped, counted, and nobody who misses one goes on unaware.
func TestOverflow(t *testing.T) {
	h := NewHub(HubOptions{Pending: 100})
	defer h.Close()
	format, gate := gated()
	q := query.MustParse("true")
	old, _ := h.Subscribe("t", q, format)
	for i := 0; h.Stats().Overflow == 0; i++ { // the group may hold up to 100 in its hands beside those that wait
		h.Publish("t", numbered("a", i))
		h.Flush()
		if n := h.Stats().Pending; n > 100 || i > 300 {
			t.Fatalf("%d events wait of %d, want at most 100", n, i)
		}
	}
	young, _ := h.Subscribe("t", q, format)
	h.Publish("t", numbered("a", 1000))
	h.Flush()
	open(gate, 1000)
	if got := read(t, young, 1); got != "a 1000;" {
		t.Errorf("the new subscriber read %q, want the event since it joined", got)
	}
	ctx := context.Background()
	var err error
	for err == nil {
		_, err = old.Next(ctx)
	}
	st := h.Stats()
	if !errors.Is(err, ErrLagged) || st.Lagged != 1 || st.Overflow < 100 {
		t.Errorf("the old subscriber got %v, %+v; want it cut off and at least 100 dropped", err, st)
	}
}

// One batch larger than the bound is an overflow as well.
func TestOverflowInOneBatch(t *testing.T) {
	h := NewHub(HubOptions{Pending: 100})
	defer h.Close()
	s, _ := h.Subscribe("t", query.MustParse("true"), lines)
	for i := range 250 {
		h.Publish("t", numbered("a", i))
	}
	h.Flush()
	if _, err := s.Next(context.Background()); !errors.Is(err, ErrLagged) {
		t.Errorf("Next: %v, want ErrLagged", err)
	}
	if n := h.Stats().Overflow; n != 250 {
		t.Errorf("%d dropped, want 250", n)
	}
}

// Ten groups whose subscribers never read cannot hold more than the memory there is, and do not cost the
// one who reads its place.
func TestMemoryIsShared(t *testing.T) {
	synctest.Test(t, testMemoryIsShared) // groups keep pace, however busy the machine is
}

func testMemoryIsShared(t *testing.T) {
	h := NewHub(HubOptions{Memory: 20_000, Patience: 1})
	defer h.Close()
	for i := range 10 {
		if _, err := h.Subscribe("t", query.MustParse(fmt.Sprintf("metric >= %d", -i)), lines); err != nil {
			t.Fatal(err)
		}
	}
	reader, _ := h.Subscribe("t", query.MustParse("metric > -100"), lines)
	for i := 0; h.Stats().Lagged < 8; i++ {
		h.Publish("t", numbered("a", i))
		h.Flush()
		synctest.Wait()
		if got, want := read(t, reader, 1), fmt.Sprintf("a %d;", i); got != want {
			t.Fatalf("the reader read %q, want %q", got, want)
		}
		if n := h.Stats().Bytes; n > 2*20_000+11*200 {
			t.Fatalf("%d bytes are held", n)
		}
	}
}

// A batch larger than the backlog cuts off nobody who reads.
func TestBurst(t *testing.T) {
	h := NewHub(HubOptions{Backlog: 200_000, Patience: time.Minute})
	defer h.Close()
	long := Format{Name: "long", Append: func(dst []byte, e *event.Event) []byte { return fmt.Appendf(dst, "%0200d", e.Int) }}
	s, _ := h.Subscribe("t", query.MustParse("true"), long)
	for i := range 10_000 {
		h.Publish("t", numbered("a", i))
	}
	h.Flush()
	if got := len(read(t, s, 10_000)); got != 2_000_000 {
		t.Errorf("read %d bytes, want 2,000,000", got)
	}
}

func TestGroupsComeAndGo(t *testing.T) {
	h := NewHub(HubOptions{Groups: 3, Subscriptions: 5})
	defer h.Close()
	var subs []*Subscription
	for i := range 3 {
		s, err := h.Subscribe("t", query.MustParse(fmt.Sprintf("metric = %d", i)), lines)
		if err != nil {
			t.Fatal(err)
		}
		subs = append(subs, s)
	}
	if _, err := h.Subscribe("t", query.MustParse("metric = 3"), lines); !errors.Is(err, ErrTooMany) {
		t.Errorf("a fourth group: %v, want ErrTooMany", err)
	}
	for range 2 {
		if _, err := h.Subscribe("t", query.MustParse("metric = 1"), lines); err != nil {
			t.Errorf("one more in a group: %v", err)
		}
	}
	if _, err := h.Subscribe("t", query.MustParse("metric = 1"), lines); !errors.Is(err, ErrTooMany) {
		t.Errorf("a sixth subscription: %v, want ErrTooMany", err)
	}
	subs[0].Close()
	h.Publish("t", numbered("a", 0)) // nobody is left to hear it
	h.Flush()
	if st := h.Stats(); st.Groups != 2 || st.Subscriptions != 4 || st.Refused != 2 || st.Pending != 0 {
		t.Errorf("%+v, want 2 groups, 4 subscriptions, 2 refused, nothing pending", st)
	}
	again, err := h.Subscribe("t", query.MustParse("metric = 0"), lines)
	if err != nil {
		t.Fatal(err)
	}
	h.Publish("t", numbered("b", 0))
	h.Flush()
	if got := read(t, again, 1); got != "b 0;" {
		t.Errorf("read %q", got)
	}
}

func TestEventsThemselves(t *testing.T) {
	h := NewHub(HubOptions{})
	defer h.Close()
	s, _ := h.Subscribe("t", query.MustParse("true"), Format{Name: "events"})
	e := numbered("a", 7)
	h.Publish("t", e)
	*e = event.Event{} // lent for the call only
	h.Flush()
	chunks, err := s.Next(context.Background())
	if err != nil || len(chunks) != 1 || len(chunks[0].Events) != 1 || chunks[0].Events[0].Int != 7 {
		t.Errorf("Next = %+v, %v, want the event", chunks, err)
	}
}

func TestNextObeysItsContext(t *testing.T) {
	h := NewHub(HubOptions{})
	defer h.Close()
	s, _ := h.Subscribe("t", query.MustParse("true"), lines)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Next: %v, want the context's error", err)
	}
	h.Publish("t", numbered("a", 1))
	h.Flush()
	if got := read(t, s, 1); got != "a 1;" {
		t.Errorf("read %q after a cancelled Next", got)
	}
}

// What changed after the subscription is left out of its snapshot, since it comes as an update.
func TestSnapshotLeavesOutWhatFollows(t *testing.T) {
	h := NewHub(HubOptions{})
	defer h.Close()
	x := New(Options{})
	x.Advance(0)
	put := func(service string, n int) {
		e := numbered(service, n)
		x.Put(e)
		h.Publish("index", e)
		h.Flush()
	}
	for _, s := range []string{"same", "changed", "deleted", "renewed"} {
		put(s, 1)
	}
	q := query.MustParse(`host = "h"`)
	s, snap, err := h.SubscribeWithSnapshot(x, "index", q, lines)
	if err != nil {
		t.Fatal(err)
	}
	put("changed", 2)
	put("new", 2)
	x.Delete("h", "deleted", identity)
	x.Delete("h", "renewed", identity)
	for range 3 {
		x.Expire(0, nil) // forgets, so that numbers pass to others
	}
	put("renewed", 2)
	var got string
	if err := snap.Scan(Limits{}, func(batch []event.Event) error {
		for i := range batch {
			got += string(lines.Append(nil, &batch[i]))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	snap.Close()
	if got != "same 1;" {
		t.Errorf("the snapshot is %q, want only what is the same", got)
	}
	if got, want := read(t, s, 3), "changed 2;new 2;renewed 2;"; got != want {
		t.Errorf("the updates are %q, want %q", got, want)
	}
	put("same", 3)
	if len(x.watches) != 0 {
		t.Error("a closed snapshot still costs")
	}
}

func TestRecords(t *testing.T) {
	x := New(Options{})
	x.Advance(1000 * second)
	old := at("h", "old clock", 5)
	old.SetTTL(30)
	x.Put(old)
	for i := range 20 {
		e := with(at(fmt.Sprint("h", i%3), fmt.Sprint(i), 990), "ok", float64(i))
		e.Set = event.NewSet([]string{"t"}, nil)
		e.Own = i == 3
		x.Put(e)
	}
	x.Delete("h1", "1", identity)
	y := New(Options{})
	y.Advance(1000 * second)
	x.Records(func(r *Record) bool {
		if !y.Restore(r) {
			t.Errorf("%+v is refused", *r)
		}
		return true
	})
	check(t, y)
	a, b := find(t, x, "true"), find(t, y, "true")
	if len(a) != 20 || len(b) != 20 {
		t.Fatalf("%d and %d entries, want 20", len(a), len(b))
	}
	for i := range a {
		if e, ok := y.Get(a[i].Host, a[i].Service, a[i].Has); !ok || describe(&e) != describe(&a[i]) {
			t.Errorf("restored %s, want %s", describe(&e), describe(&a[i]))
		}
	}
	x.Put(at("h", "later", 1000))
	y.Put(at("h", "later", 1000))
	for _, now := range []int64{1030 * second, 1030*second + 1, 1050*second + 1, 2000 * second} {
		if a, b := fmt.Sprint(expire(x, now)), fmt.Sprint(expire(y, now)); a != b {
			t.Errorf("at %d expire %s, restored %s", now, a, b)
		}
	}
	z := New(Options{MaxSeries: 1})
	z.Advance(0)
	if !z.Restore(&Record{Event: *old}) || z.Restore(&Record{Event: *at("h", "more", 0)}) {
		t.Error("Restore does not heed the cap")
	}
}
