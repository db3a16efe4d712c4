package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// listed returns what an image, or the index, holds, sorted; each is called after each record.
func listed(records func(fn func(r *Record) bool), each func()) []string {
	var all []string
	records(func(r *Record) bool {
		all = append(all, fmt.Sprint(describe(&r.Event), r.Arrival, r.FromArrival, r.Created))
		each()
		return true
	})
	slices.Sort(all)
	return all
}

// Whatever the engine does between the records of an image, the image is of the moment when it was begun.
func TestImageIsOfOneMoment(t *testing.T) {
	for seed := range uint64(30) {
		chance := rand.New(rand.NewPCG(seed, 1))
		x := New(Options{})
		now := int64(1000 * second)
		step := func() {
			now += chance.Int64N(second)
			x.Advance(now)
			e := at(fmt.Sprint("h", chance.IntN(40)), fmt.Sprint(chance.IntN(1+int(seed)*30)), float64(now)/second)
			e.SetFloat(chance.Float64())
			switch chance.IntN(10) {
			case 0:
				x.Delete(e.Host, e.Service, e.Has)
			case 1:
				expire(x, now)
			case 2:
				x.Shift(second)
			default:
				e.SetTTL(float64(chance.IntN(100)))
				x.Put(e)
			}
		}
		for range 2000 {
			step()
		}
		for image := range 3 {
			want := listed(x.Records, func() {})
			m := x.Image()
			for range chance.IntN(500) {
				step()
			}
			got := listed(m.Records, func() {
				for range chance.IntN(4) {
					step()
				}
			})
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, image %d has %d records, want %d, or others", seed, image, len(got), len(want))
			}
			step()
		}
		for range 10 {
			x.Put(at("h0", "0", float64(now)/second))
		}
		if x.image != nil {
			t.Fatal("an image that was read still costs")
		}
		check(t, x)
	}
}

func TestImageBesideTheEngine(t *testing.T) {
	x := New(Options{})
	x.Advance(1000 * second)
	const series = 20_000
	put := func(round int) {
		for i := range series {
			e := at(fmt.Sprint("h", i%100), fmt.Sprint(i), 1000)
			e.SetInt(int64(round))
			x.Put(e)
		}
	}
	put(0)
	for round := range 3 {
		m := x.Image()
		var reader sync.WaitGroup
		n, wrong := 0, 0
		reader.Go(func() {
			m.Records(func(r *Record) bool {
				n++
				if r.Event.Int != int64(round) {
					wrong++
				}
				return true
			})
		})
		put(round + 1)
		reader.Wait()
		if n != series || wrong > 0 {
			t.Fatalf("round %d: %d records, %d of them later than the image, want %d and none", round, n, wrong, series)
		}
	}
}

func TestClosedImageCostsNothing(t *testing.T) {
	x := New(Options{})
	x.Advance(0)
	x.Put(at("h", "s", 0))
	m := x.Image()
	x.Put(at("h", "s", 0))
	m.Close()
	x.Put(at("h", "t", 0))
	if x.image != nil || m.saved != nil {
		t.Error("the engine still copies for it")
	}
	old := x.Image()
	fresh := x.Image()
	if !old.closed.Load() || fresh.closed.Load() {
		t.Error("the second image does not end the first")
	}
}
