package lines

import (
	"fmt"
	"strings"
	"testing"

	"zeta/event"
)

func newTestStatsd() *Statsd {
	return NewStatsd(StatsdOptions{Percentiles: []float64{0.5, 0.99}, Interval: 10, Idle: 3, MaxSeries: 100})
}

// TestStatsd holds what comes of one line followed by a flush.
func TestStatsd(t *testing.T) {
	testFile(t, "statsd", func(dst []event.Event, line []byte, host string) ([]event.Event, error) {
		s := newTestStatsd()
		for one := range strings.Lines(string(line)) {
			var err error
			if dst, err = s.Parse(dst, []byte(one), host); err != nil {
				return s.Flush(dst), err
			}
		}
		return s.Flush(dst), nil
	})
}

func TestStatsdOverFlushes(t *testing.T) {
	s := newTestStatsd()
	flush := func(lines ...string) string {
		for _, line := range lines {
			if _, err := s.Parse(nil, []byte(line), ""); err != nil {
				t.Fatal(err)
			}
		}
		var all []string
		for _, e := range s.Flush(nil) {
			m, _ := e.Metric()
			all = append(all, fmt.Sprint(e.Service, "=", m))
		}
		return strings.Join(all, " ")
	}
	for i, c := range []struct{ got, want string }{
		{flush("c:10|c", "g:5|g", "u:a|s", "t:3|ms"), "c=1 g=5 u=1 t 0.5=3 t 0.99=3 t mean=3 t min=3 t max=3 t rate=0.1"},
		{flush(), "c=0"},
		{flush("g:+2|g", "u:b|s"), "c=0 g=7 u=1"},
		{flush(), ""}, // c and t are forgotten
		{flush("c:20|c"), "c=2"},
		{flush(), "c=0"}, // g and u are forgotten
		{flush("g:-1|g"), "c=0 g=-1"},
	} {
		if c.got != c.want {
			t.Errorf("flush %d: got %q, want %q", i, c.got, c.want)
		}
	}
}

func TestStatsdBounds(t *testing.T) {
	s := newTestStatsd()
	refused := 0
	for i := range 1000 {
		if _, err := s.Parse(nil, fmt.Appendf(nil, "n%d:1|c", i), ""); err != nil {
			refused++
		}
	}
	if refused != 900 || len(s.series) != 100 {
		t.Errorf("%d refused, %d series, want 900 and 100", refused, len(s.series))
	}
	s = newTestStatsd()
	for i := range 3 * maxSeriesSamples {
		s.Parse(nil, fmt.Appendf(nil, "t:%d|ms", i), "")
	}
	x := s.order[0]
	if len(x.sample) != maxSeriesSamples || x.hi != 3*maxSeriesSamples-1 || x.seen != 3*maxSeriesSamples {
		t.Errorf("%d samples kept, highest %v of %d", len(x.sample), x.hi, x.seen)
	}
	median := s.Flush(nil)[0].Float
	if median < 1.3*maxSeriesSamples || median > 1.7*maxSeriesSamples {
		t.Errorf("median %v of a fair choice from 0 to %d", median, 3*maxSeriesSamples)
	}
	for i := range maxSetMembers + 10 {
		s.Parse(nil, fmt.Appendf(nil, "u:%d|s", i), "")
	}
	if n := len(s.order[1].member); n != maxSetMembers {
		t.Errorf("a set of %d members, want %d", n, maxSetMembers)
	}
}

func FuzzStatsd(f *testing.F) {
	recorded(f, "statsd")
	seeds(f, "statsd")
	f.Fuzz(func(t *testing.T, line []byte) {
		s := newTestStatsd()
		fuzzed(t, line, s.Parse)
		fuzzed(t, append(line, "        "...), func(dst []event.Event, _ []byte, _ string) ([]event.Event, error) { return s.Flush(dst), nil })
	})
}
