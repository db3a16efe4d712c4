package streams

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"zeta/event"
)

func topStage(t *testing.T, k int) *stage {
	return newStage(t, func(env *Env, next Stream) Stream {
		return built(newTop(env, TopOptions{K: k, Value: metricExpr(), Top: branchOf(next)}, nil))
	})
}

func hostMetric(host string, m float64) *event.Event {
	e := metric(m)
	e.SetHost(host)
	return e
}

// Riemann keeps a stale smallest value when the smallest member grows and then refuses b.
func TestTopKnowsItsSmallestMember(t *testing.T) {
	s := topStage(t, 2)
	for _, e := range []*event.Event{hostMetric("a", 1), hostMetric("b", 5), hostMetric("a", 9), hostMetric("c", 7), hostMetric("b", 5)} {
		s.event(e)
	}
	wantText(t, "top", s.take(), `
0 a=1
0 b=5
0 a=9
0 c=7
0 b expired@0`)
}

func TestTopMembersAgeOut(t *testing.T) {
	s := topStage(t, 1)
	a := hostMetric("a", 9)
	a.SetTime(0)
	a.SetTTL(10)
	s.event(a)
	s.at(10)
	s.event(hostMetric("b", 1)) // a is alive at exactly its ttl
	s.at(10.5)
	s.event(hostMetric("b", 1))
	wantText(t, "top", s.take(), `
0 a=9@0 ttl 10
10 b expired@10
10.5 b=1`)
}

func TestTopTakesNoNaN(t *testing.T) {
	s := topStage(t, 1)
	s.event(hostMetric("a", math.NaN()))
	s.event(hostMetric("b", math.Inf(-1)))
	s.event(hostMetric("b", math.NaN()))
	s.event(hostMetric("a", -1))
	wantText(t, "top", s.take(), `
0 a expired@0
0 b=-Inf
0 b expired@0
0 a=-1`)
}

// An expired event frees its place.
func TestTopExpiredMemberLeaves(t *testing.T) {
	s := topStage(t, 1)
	s.event(hostMetric("a", 9))
	gone := hostMetric("a", 9)
	gone.SetState(event.Expired)
	s.event(gone)
	s.event(hostMetric("b", 1))
	wantText(t, "top", s.take(), `
0 a=9
0 a expired=9
0 b=1`)
}

// The members are those that a plain search over all updates finds.
func TestTopAgreesWithASearch(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	s := topStage(t, 3)
	type candidate struct {
		host  string
		value float64
		since int
	}
	var model []candidate
	for step := range 20_000 {
		host, value := string(rune('a'+r.IntN(8))), float64(r.IntN(20))
		i := slices.IndexFunc(model, func(c candidate) bool { return c.host == host })
		switch {
		case i >= 0:
			model[i].value = value
		case len(model) < 3:
			model = append(model, candidate{host, value, step})
		default:
			least := slices.MinFunc(model, func(a, b candidate) int {
				if c := cmp.Compare(a.value, b.value); c != 0 {
					return c
				}
				return a.since - b.since
			})
			if value > least.value {
				model = slices.DeleteFunc(model, func(c candidate) bool { return c == least })
				model = append(model, candidate{host, value, step})
			}
		}
		s.event(hostMetric(host, value))
		in := slices.ContainsFunc(model, func(c candidate) bool { return c.host == host })
		if got := s.take(); strings.Contains(got, "expired") == in {
			t.Fatalf("step %d: %s %g gave %s; members are %v", step, host, value, got, model)
		}
	}
}
