package wire

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// frame puts the length in front of payload.
func frame(payload string) string {
	n := len(payload)
	return string([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + payload
}

// readAll returns the payloads up to the error that ends the stream.
func readAll(f *FrameReader) (payloads []string, err error) {
	for {
		p, ok, err := f.Next()
		if err != nil {
			return payloads, err
		}
		if ok {
			payloads = append(payloads, string(p))
			continue
		}
		if err := f.Fill(); err != nil {
			return payloads, err
		}
	}
}

// TestFrames cuts one stream in many ways; the frames are always the same.
func TestFrames(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var stream string
	var want []string
	for _, n := range []int{0, 1, 3, 4, 5, 0, 100, 4091, 4092, 4093, 70_000, 2, 300_000, 1_500_000, 7, 2_000_000, 0, 1} {
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		want = append(want, string(p))
		stream += frame(string(p))
	}
	readers := map[string]func(io.Reader) io.Reader{
		"as large as they come": func(r io.Reader) io.Reader { return r },
		"half at a time":        iotest.HalfReader,
		"with the end":          iotest.DataErrReader,
		"in odd pieces":         func(r io.Reader) io.Reader { return &pieces{r: r, rnd: rand.New(rand.NewPCG(3, 4))} },
	}
	for name, wrap := range readers {
		f := NewFrameReader(wrap(strings.NewReader(stream)), 16<<20)
		got, err := readAll(f)
		if err != io.EOF {
			t.Errorf("%s: error %v, want EOF", name, err)
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d frames, want %d", name, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: frame %d differs: %d bytes, want %d", name, i, len(got[i]), len(want[i]))
			}
		}
		if len(f.buf) > keepBuffer {
			t.Errorf("%s: a buffer of %d bytes kept", name, len(f.buf))
		}
	}
	short := frame("abc") + frame("") + frame("defgh")
	got, err := readAll(NewFrameReader(iotest.OneByteReader(strings.NewReader(short)), 16))
	if err != io.EOF || strings.Join(got, "|") != "abc||defgh" {
		t.Errorf("one byte at a time: %q, %v", got, err)
	}
}

// pieces reads a random number of bytes at a time.
type pieces struct {
	r   io.Reader
	rnd *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	return p.r.Read(b[:min(len(b), 1+p.rnd.IntN(9000))])
}

func TestFrameErrors(t *testing.T) {
	tests := []struct{ name, in, err string }{
		{"end", "", "EOF"},
		{"end after a frame", frame("ab"), "EOF"},
		{"end in a length", "\x00\x00", "wire: the connection ended 2 bytes into the length of a frame: unexpected EOF"},
		{"end in a frame", frame("ab") + "\x00\x00\x00\x09abc", "wire: the connection ended 3 bytes into a frame of 9: unexpected EOF"},
		{"at the limit", frame(strings.Repeat("x", 100)), "EOF"},
		{"over the limit", "\x00\x00\x00\x65", "wire: frame at byte 0: 101 bytes, limit 100; send fewer events in a message"},
		{"second over the limit", frame("ab") + "\xff\xff\xff\xff", "wire: frame at byte 6: 4294967295 bytes, limit 100; send fewer events in a message"},
		{"HTTP", "GET /index HTTP/1.1\r\n", `wire: the peer speaks HTTP (it started with "GET "), want the Riemann protocol: use the HTTP port`},
		{"HTTP, later", frame("ab") + "GET /", "wire: frame at byte 6: 1195725856 bytes, limit 100; send fewer events in a message"},
		{"TLS", "\x16\x03\x01\x02\x00\x01", `wire: the peer speaks TLS (it started with "\x16\x03\x01\x02"), want the Riemann protocol: this port takes plain TCP; use the TLS port, or switch TLS off in the client`},
		{"SSH", "SSH-2.0-x\r\n", `wire: the peer speaks SSH (it started with "SSH-"), want the Riemann protocol: use a Riemann client`},
		{"Graphite", "cpu.load 1 2\n", `wire: the peer speaks text (it started with "cpu."), want the Riemann protocol: use the port of that protocol, such as Graphite's`},
	}
	for _, tt := range tests {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(tt.in), "bytes": iotest.OneByteReader(strings.NewReader(tt.in))} {
			_, err := readAll(NewFrameReader(r, 100))
			if errorText(err) != tt.err {
				t.Errorf("%s, %s: error %v, want %s", tt.name, name, err, tt.err)
			}
		}
	}
	_, err := readAll(NewFrameReader(strings.NewReader("POST / HTTP/1.1"), 100))
	var wrong *WrongProtocol
	if !errors.As(err, &wrong) || wrong.Name != "HTTP" {
		t.Errorf("error %#v, want *WrongProtocol for HTTP", err)
	}
}

// TestFrameGrowth: a header alone costs nothing; the buffer follows the bytes that have come.
func TestFrameGrowth(t *testing.T) {
	var f *FrameReader
	got := allocated(func() {
		f = NewFrameReader(strings.NewReader("\x00\xff\xff\xff"+strings.Repeat("x", 10_000)), 16<<20)
		if _, err := readAll(f); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
	})
	if got > 64<<10 {
		t.Errorf("%d bytes allocated for 10 kB of a frame that claims 16 MiB", got)
	}
}

// TestFrameReaderAllocs: a steady connection reads without allocating, whatever the batch size.
func TestFrameReaderAllocs(t *testing.T) {
	for _, n := range []int{1, 100, 1000} {
		var stream []byte
		for batch := range 20 {
			p := collectdSample(batch, n)
			stream = append(stream, frame(string(p))...)
		}
		endless := &loop{b: stream}
		f := NewFrameReader(endless, 16<<20)
		step := func() {
			if err := f.Fill(); err != nil {
				t.Fatal(err)
			}
			for {
				if _, ok, err := f.Next(); err != nil {
					t.Fatal(err)
				} else if !ok {
					return
				}
			}
		}
		for range 100 {
			step()
		}
		if got := testing.AllocsPerRun(100, step); got != 0 {
			t.Errorf("%d events in a message: %v allocations a read, want 0", n, got)
		}
	}
}

// loop reads b over and over.
type loop struct {
	b  []byte
	at int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.b[l.at:])
	l.at = (l.at + n) % len(l.b)
	return n, nil
}

// FuzzFrames: however a stream is cut, the frames and the error are the same, and end where they should.
func FuzzFrames(f *testing.F) {
	stream := ""
	for i, g := range goldenFrames(f) {
		stream += frame(string(g.payload))
		f.Add([]byte(stream), uint64(i))
	}
	f.Add([]byte(frame("abc")+frame("")+frame("x")), uint64(1))
	f.Add([]byte("\x16\x03\x01\x00"), uint64(2))
	f.Add([]byte("\x00\x00\x00\x09abc"), uint64(3))
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		const limit = 1000
		whole, err1 := readAll(NewFrameReader(bytes.NewReader(stream), limit))
		cut, err2 := readAll(NewFrameReader(&pieces{bytes.NewReader(stream), rand.New(rand.NewPCG(seed, 0))}, limit))
		if errorText(err1) != errorText(err2) || len(whole) != len(cut) {
			t.Fatalf("%d frames, %v; in pieces %d, %v", len(whole), err1, len(cut), err2)
		}
		rebuilt := ""
		for i := range whole {
			if whole[i] != cut[i] {
				t.Fatalf("frame %d differs", i)
			}
			rebuilt += frame(whole[i])
		}
		if !strings.HasPrefix(string(stream), rebuilt) || err1 == io.EOF && len(rebuilt) != len(stream) {
			t.Fatalf("frames %q of %q, error %v", whole, stream, err1)
		}
	})
}
