package streams

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"zeta/event"
)

// TestSelectRank compares with sorting, on metrics in all kinds of order.
func TestSelectRank(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, key := range map[string]func(i, n int) uint64{
		"random":  func(i, n int) uint64 { return r.Uint64() },
		"rising":  func(i, n int) uint64 { return uint64(i) },
		"falling": func(i, n int) uint64 { return uint64(n - i) },
		"equal":   func(i, n int) uint64 { return 1 },
		"organ":   func(i, n int) uint64 { return uint64(min(i, n-i)) },
		"two":     func(i, n int) uint64 { return uint64(i % 2) },
	} {
		for _, n := range []int{1, 2, 3, 17, 18, 100, 1000} {
			var all []rank
			for i := range n {
				all = append(all, rank{key(i, n), uint32(i)})
			}
			sorted := slices.Clone(all)
			slices.SortFunc(sorted, rank.compare)
			for _, i := range []int{0, n / 3, n / 2, n * 99 / 100, n - 1} {
				if got := selectRank(all, i); got != sorted[i] {
					t.Errorf("%s, %d metrics: selected %v at %d, want %v", name, n, got, i, sorted[i])
				}
			}
		}
	}
}

// TestRanks compares with sorting the metrics themselves: int64s, float64s, and both side by side beyond 2^53.
func TestRanks(t *testing.T) {
	ints := []number{intNumber(0), intNumber(-1), intNumber(math.MaxInt64), intNumber(math.MinInt64), intNumber(1<<53 + 1), intNumber(1 << 53), intNumber(0)}
	floats := []number{floatNumber(0), floatNumber(math.Copysign(0, -1)), floatNumber(math.Inf(1)), floatNumber(math.Inf(-1)), floatNumber(-1.5),
		floatNumber(5e-324), floatNumber(1 << 53), floatNumber(1 << 63), floatNumber(0)}
	for name, metrics := range map[string][]number{"ints": ints, "floats": floats, "both": append(slices.Clone(ints), floats...)} {
		var s samples
		order := make([]int, len(metrics))
		for i, m := range metrics {
			e := event.Event{}
			setMetric(&e, m)
			s.add(&e)
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return metrics[a].compare(metrics[b]) })
		all := slices.Clone(*s.ranks())
		for i, want := range order {
			if got := selectRank(all, i).sample; int(got) != want {
				t.Errorf("%s: sample %d is at %d, want %d", name, got, i, want)
			}
		}
	}
}

// TestSamplesReturnEvents: what comes out is what went in, whatever differs between the events of a source, also
// after a restart, when there are no series, and in the places of others.
func TestSamplesReturnEvents(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	series := map[string]*event.Series{}
	sets := []*event.Set{nil, event.NewSet([]string{"a"}, nil), event.NewSet([]string{"a"}, nil), event.NewSet(nil, []event.Attr{{Key: "k", Value: "v"}})}
	make1 := func() event.Event {
		e := event.Event{Own: r.IntN(9) == 0}
		if r.IntN(9) > 0 {
			e.SetHost(pick("a", "b", "c", ""))
			e.SetService(pick("x", "y"))
			e.SetState(pick("ok", "bad"))
			if key := e.Host + "/" + e.Service; r.IntN(9) > 0 {
				if series[key] == nil {
					series[key] = &event.Series{Host: e.Host, Service: e.Service, Has: e.Has, ID: uint32(len(series) * 16)}
				}
				e.Series = series[key]
			}
		}
		if r.IntN(5) == 0 {
			e.SetDescription(pick("d", ""))
		}
		if r.IntN(5) > 0 {
			e.SetTime(int64(r.Uint64()))
		}
		if r.IntN(5) == 0 {
			e.SetTTL(math.Float64frombits(uint64(r.IntN(2)) << 63)) // 0 and -0
		}
		if r.IntN(2) == 0 {
			e.SetInt(int64(r.Uint64()))
		} else {
			e.SetFloat(r.NormFloat64())
		}
		e.Set = sets[r.IntN(len(sets))]
		return e
	}
	var s samples
	for interval := range 3 {
		var want []event.Event
		for range 1000 {
			e := make1()
			s.add(&e)
			want = append(want, e)
		}
		for range 3000 {
			e, i := make1(), r.IntN(len(want))
			s.replace(i, &e)
			want[i] = e
		}
		check := func(s *samples, what string) {
			for i := range want {
				got, w := s.event(i), want[i]
				if what == "loaded" {
					w.Series = nil
				}
				if got.Series != w.Series || got.Own != w.Own || !sameEvent(&got, &w) || math.Float64bits(got.TTL) != math.Float64bits(w.TTL) || got.Has != w.Has {
					t.Fatalf("interval %d, %s: event %d is %+v, want %+v", interval, what, i, got, w)
				}
			}
		}
		check(&s, "kept")
		uses := 0
		for _, o := range s.origins {
			uses += int(o.uses)
		}
		if uses != s.n || len(s.origins) > s.n+1 {
			t.Errorf("%d uses of %d origins by %d samples", uses, len(s.origins), s.n)
		}
		var saved, again Saver
		s.save(&saved)
		var loaded samples
		l := NewLoader(saved.Bytes())
		if loaded.load(l); l.Err() != nil {
			t.Fatal(l.Err())
		}
		check(&loaded, "loaded")
		if loaded.save(&again); string(again.Bytes()) != string(saved.Bytes()) {
			t.Error("a loaded interval is saved as other bytes")
		}
		for n := range len(saved.Bytes()) {
			if n%97 == 0 {
				var cut samples
				l := NewLoader(saved.Bytes()[:n])
				if cut.load(l); l.Err() == nil {
					t.Errorf("the first %d bytes load without an error", n)
				}
			}
		}
		s.clear()
		if s.len() != 0 || s.bytes != 0 {
			t.Errorf("%d samples and %d bytes are left", s.len(), s.bytes)
		}
	}
}

// TestSamplesKeepMemory: the second interval of a steady stream allocates nothing, and a quiet one gives back.
func TestSamplesKeepMemory(t *testing.T) {
	var s samples
	sources := make([]event.Event, 100)
	for i := range sources {
		sources[i].SetFloat(1)
		sources[i].Series = &event.Series{ID: uint32(50 * i)}
	}
	interval := func(n int) {
		for i := range n {
			s.add(&sources[i%len(sources)])
		}
		if len(s.origins) > len(sources) {
			t.Fatalf("%d origins for %d sources", len(s.origins), len(sources))
		}
		s.clear()
	}
	interval(5000)
	if n := testing.AllocsPerRun(5, func() { interval(5000) }); n != 0 {
		t.Errorf("%v allocations in an interval like the one before", n)
	}
	interval(10)
	if len(s.chunks) != 1 || cap(s.origins) != 0 {
		t.Errorf("%d chunks and %d origins are kept after a quiet interval", len(s.chunks), cap(s.origins))
	}
}

// TestSamplesBoundBytes: what takes the place of others cannot make the samples hold on to more and more.
func TestSamplesBoundBytes(t *testing.T) {
	var s samples
	e := event.Event{}
	e.SetInt(1)
	for range 1000 {
		s.add(&e)
	}
	big := strings.Repeat("x", 4<<20)
	for i := range 1000 {
		e.SetDescription(big[:len(big)-i])
		s.replace(i, &e)
	}
	if s.bytes > maxHeldBytes {
		t.Errorf("%d bytes are held, at most %d may be", s.bytes, maxHeldBytes)
	}
}
