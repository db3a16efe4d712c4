package streams

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"zeta/event"
)

// stage runs one operator on a clock of its own and notes what it gives as text.
type stage struct {
	t     *testing.T
	env   *Env
	clock *Clock
	op    Stream
	make  func(env *Env, next Stream) Stream
	got   []string
}

func newStage(t *testing.T, make func(env *Env, next Stream) Stream) *stage {
	s := &stage{t: t, make: make, clock: NewClock(0)}
	s.build()
	return s
}

func (s *stage) build() {
	s.env = testEnv(s.clock)
	s.op = s.make(s.env, s)
}

// Push implements Stream: s stands behind the operator.
func (s *stage) Push(v Value) {
	s.got = append(s.got, strings.TrimSpace(fmt.Sprintf("%v %s", s.clock.Seconds(), given(v))))
}

// take returns what was given since the last call, one value a line.
func (s *stage) take() string {
	text := strings.Join(s.got, "\n")
	s.got = nil
	return text
}

// restart saves the operator's state, builds everything anew and loads it.
func (s *stage) restart() {
	s.t.Helper()
	saver := &Saver{}
	s.op.(Stateful).Save(saver)
	s.clock = NewClock(s.clock.Now())
	s.build()
	l := NewLoader(saver.Bytes())
	s.op.(Stateful).Load(l)
	if l.Err() != nil || len(l.buf) > 0 {
		s.t.Fatalf("load: %v, %d bytes left", l.Err(), len(l.buf))
	}
	again := &Saver{}
	s.op.(Stateful).Save(again)
	if !bytes.Equal(saver.Bytes(), again.Bytes()) {
		s.t.Fatalf("the state saved after a load differs:\n%x\n%x", saver.Bytes(), again.Bytes())
	}
}

func (s *stage) at(seconds float64) { s.clock.Advance(event.SecondsToMicros(seconds)) }

func (s *stage) event(e *event.Event) { s.op.Push(EventValue(e)) }

func given(v Value) string {
	if v.IsWindow() {
		parts := []string{}
		for _, e := range v.Window {
			parts = append(parts, givenEvent(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return givenEvent(v.Event)
}

// givenEvent prints what tests look at: host/service state=metric@time.
func givenEvent(e *event.Event) string {
	if e == nil {
		return "nil"
	}
	text := strings.Trim(e.Host+"/"+e.Service, "/")
	if e.Has&event.HasState != 0 {
		text += " " + e.State
	}
	if m, ok := e.Metric(); ok {
		text += fmt.Sprintf("=%v", m)
	}
	if e.Has&event.HasTime != 0 {
		text += fmt.Sprintf("@%v", event.MicrosToSeconds(e.Time))
	}
	if e.Has&event.HasTTL != 0 {
		text += fmt.Sprintf(" ttl %v", e.TTL)
	}
	return strings.TrimSpace(text)
}

// metric makes an event with a metric and, if given, a time in seconds.
func metric(m float64, at ...float64) *event.Event {
	e := &event.Event{}
	e.SetFloat(m)
	if len(at) > 0 {
		e.SetTime(event.SecondsToMicros(at[0]))
	}
	return e
}

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if want = strings.TrimSpace(want); got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
	}
}

// anyEvent makes an event that may lack anything, come late or early, or be expired.
func anyEvent(r *rand.Rand, now int64) *event.Event {
	e := &event.Event{}
	if r.IntN(8) > 0 {
		e.SetHost(string("ab"[r.IntN(2)]))
	}
	if r.IntN(8) > 0 {
		e.SetService(string("xy"[r.IntN(2)]))
	}
	if r.IntN(6) > 0 {
		e.SetState([]string{"ok", "bad", "bad", event.Expired, ""}[r.IntN(5)])
	}
	switch r.IntN(8) {
	case 0:
	case 1:
		e.SetFloat([]float64{math.NaN(), math.Inf(1), math.Inf(-1)}[r.IntN(3)])
	case 2, 3:
		e.SetInt(int64(r.IntN(7)))
	default:
		e.SetFloat(float64(r.IntN(14)) / 2)
	}
	if r.IntN(6) > 0 {
		e.SetTime(now + int64(r.IntN(9)-4)*500_000*int64(r.IntN(2)))
	}
	if r.IntN(3) == 0 {
		e.SetTTL([]float64{0, 1, 3, 10, -1, math.Inf(1)}[r.IntN(6)])
	}
	return e
}

// exprOf and condOf make arguments out of functions.
func exprOf(f func(e *event.Event) Datum) Expr {
	return Expr{in: &Input{}, eval: func(in *Input) Datum { return f(in.Event) }}
}

func condOf(f func(e *event.Event) bool) Cond {
	return Cond{in: &Input{}, test: func(in *Input) bool { return f(in.Event) }}
}

func metricExpr() Expr { return exprOf(FieldName{Name: "metric"}.Get) }

func stateCond(state string) Cond {
	return condOf(func(e *event.Event) bool { return e.State == state })
}

// branchOf makes a branch of a stream that is there already.
func branchOf(s Stream) Branch { return Branch{build: func(*Env) Stream { return s }} }

func built(s Stream, err error) Stream {
	if err != nil {
		panic(err)
	}
	return s
}

type streamFunc func(v Value)

func (f streamFunc) Push(v Value) { f(v) }

// testEnv is the world of a node under test.
func testEnv(clock *Clock) *Env {
	rt := Runtime{Clock: clock}.filled()
	g := &Graph{rules: &Rules{}, rt: rt, lets: map[*let]Stream{}}
	g.scope = &scope{graph: g, in: &Input{rt: rt}}
	return &Env{rt: rt, node: &node{}, scope: g.scope}
}
