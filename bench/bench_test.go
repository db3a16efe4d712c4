package main

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"
)

// TestSampleSizes pins that events are as long as the goals suppose: about 69 bytes and 212.
func TestSampleSizes(t *testing.T) {
	for shape, want := range map[string]int{"app": 69, "collectd": 212} {
		p, err := sample{Shape: shape, Series: 1000, Batch: 100}.make(1_700_000_000_000_000)
		if err != nil {
			t.Fatal(err)
		}
		if p.messages() != 10 {
			t.Errorf("%s: %d messages, want 10", shape, p.messages())
		}
		if size := len(p.bytes) / 1000; size < want*9/10 || size > want*11/10 {
			t.Errorf("%s: %d bytes an event, want about %d", shape, size, want)
		}
		first := p.bytes[:p.at[1]]
		if n := binary.BigEndian.Uint32(first); int(n) != len(first)-4 {
			t.Errorf("%s: the first frame says %d bytes, has %d", shape, n, len(first)-4)
		}
		var m proto.Msg
		if err := pb.Unmarshal(first[4:], &m); err != nil || len(m.Events) != 100 {
			t.Errorf("%s: %d events in a message, error %v", shape, len(m.Events), err)
		}
	}
}

func TestJudge(t *testing.T) {
	less := goal{must: 100, stretch: 50, scale: 280}
	more := goal{must: 20, stretch: 30, more: true}
	for _, c := range []struct {
		goal goal
		m    measured
		want string
	}{
		{less, measured{190, 560}, "must"},
		{less, measured{100, 560}, "stretch"},
		{less, measured{220, 560}, "missed by 10 %"},
		{less, measured{110, 280}, "missed by 10 %"},
		{more, measured{value: 31}, "stretch"},
		{more, measured{value: 25}, "must"},
		{more, measured{value: 10}, "missed by 100 %"},
		{goal{}, measured{value: 10}, ""},
	} {
		if got, _ := c.goal.judge(c.m); got != c.want {
			t.Errorf("%+v of %+v: %q, want %q", c.m, c.goal, got, c.want)
		}
	}
}

func TestQuantiles(t *testing.T) {
	var l latencies
	for i := range 1000 {
		l.add(time.Duration(i+1)*time.Microsecond, 1)
	}
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Microsecond, 0.99: 990 * time.Microsecond} {
		if got := l.quantile(q); got < want*97/100 || got > want*103/100 {
			t.Errorf("quantile %v is %v, want about %v", q, got, want)
		}
	}
}

// TestReadFrames counts frames of all kinds of length, however they arrive.
func TestReadFrames(t *testing.T) {
	var b bytes.Buffer
	frame := func(header []byte, n int) { b.Write(header); b.Write(make([]byte, n)) }
	for range 50 {
		frame([]byte{0x81, 3}, 3)
		frame([]byte{0x81, 126, 0, 200}, 200)
		frame([]byte{0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}, 1<<16)
		frame([]byte{0x81, 0}, 0)
	}
	for name, r := range map[string]io.Reader{
		"at once": bytes.NewReader(b.Bytes()), "byte by byte": iotest.OneByteReader(bytes.NewReader(b.Bytes())), "by halves": iotest.HalfReader(bytes.NewReader(b.Bytes())),
	} {
		var frames atomic.Uint64
		if err := readFrames(r, &frames); !errors.Is(err, io.EOF) || frames.Load() != 200 {
			t.Errorf("%s: %d frames, error %v; want 200", name, frames.Load(), err)
		}
	}
}

// TestPlot: a plot is XML with a line and its points.
func TestPlot(t *testing.T) {
	svg := curves[0].plot([]point{{10, []float64{1, 2}}, {1000, []float64{1.5, 0}}})
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(svg, "<circle"); n != 4 || strings.Contains(svg, "NaN") {
		t.Errorf("%d points, want 4:\n%s", n, svg)
	}
}

// TestBetween: only what stands between the marks of a name changes, and missing marks are told.
func TestBetween(t *testing.T) {
	page := "a\n<!-- bench rows -->\nold\n<!-- end rows -->\nb\n<!-- bench table -->\n<!-- end table -->\n"
	got, err := between(page, "rows", "new\n")
	want := "a\n<!-- bench rows -->\n\nnew\n\n<!-- end rows -->\nb\n<!-- bench table -->\n<!-- end table -->\n"
	if err != nil || got != want {
		t.Errorf("got %q, error %v; want %q", got, err, want)
	}
	if again, err := between(got, "rows", "new"); err != nil || again != want {
		t.Errorf("again: got %q, error %v", again, err)
	}
	for _, page := range []string{"", "<!-- end rows -->\n<!-- bench rows -->\n"} {
		if _, err := between(page, "rows", "new"); err == nil {
			t.Errorf("%q: no error", page)
		}
	}
}

// TestPage: -all finds its marks in the page it rewrites.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rows", "table", "growth", "peer"} {
		if _, err := between(string(page), name, ""); err != nil {
			t.Error(err)
		}
	}
}
