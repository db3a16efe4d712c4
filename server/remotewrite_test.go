package server

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"zeta/event"

	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/encoding/protowire"
)

func pbBytes(n protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), b)
}

func pbVarint(n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v)
}

func pbDouble(n protowire.Number, bits uint64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(nil, n, protowire.Fixed64Type), bits)
}

func pbJoin(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func pbSample(v float64, ms uint64) []byte {
	return pbJoin(pbDouble(1, math.Float64bits(v)), pbVarint(2, ms))
}

// writeV1 is a 1.0 message: a series with two samples, the last of which is the stale marker, and a histogram.
func writeV1() []byte {
	label := func(k, v string) []byte { return pbBytes(1, pbJoin(pbBytes(1, []byte(k)), pbBytes(2, []byte(v)))) }
	return pbJoin(
		pbBytes(1, pbJoin(label("__name__", "node_load1"), label("instance", "web1:9100"), label("job", "node"), label("state", "x"),
			pbBytes(2, pbSample(0.5, 1_700_000_000_000)),
			pbBytes(2, pbJoin(pbDouble(1, staleMarker), pbVarint(2, 1_700_000_001_000))))),
		pbBytes(1, pbJoin(label("__name__", "h"), label("host", "db1"),
			pbBytes(4, pbJoin(pbVarint(1, 7), pbDouble(3, math.Float64bits(3.5)), pbVarint(15, 1_700_000_000_000))))),
		pbBytes(3, []byte{}))
}

// writeV2 is a 2.0 message of one series.
func writeV2() []byte {
	var refs []byte
	for _, i := range []uint64{1, 2, 3, 4} {
		refs = protowire.AppendVarint(refs, i)
	}
	out := []byte{}
	for _, s := range []string{"", "__name__", "up", "instance", "web2:80"} {
		out = append(out, pbBytes(4, []byte(s))...)
	}
	return append(out, pbBytes(5, pbJoin(pbBytes(1, refs), pbBytes(2, pbSample(1, 1_700_000_000_000)), pbBytes(5, []byte{})))...)
}

func TestRemoteWriteMessages(t *testing.T) {
	m := &remoteWrite{most: 10, peer: "peer", ttl: 30}
	if err := m.read(writeV1(), 1); err != nil {
		t.Fatal(err)
	}
	got := ""
	for i := range m.events {
		got += string(event.AppendJSON(nil, &m.events[i])) + "\n"
	}
	want := `{"host":"web1","service":"node_load1","state":null,"description":null,"metric":0.5,"tags":null,"time":"2023-11-14T22:13:20.000Z","ttl":30.0,"instance":"web1:9100","job":"node","statetag":"x"}
{"host":"web1","service":"node_load1","state":"expired","description":null,"metric":null,"tags":null,"time":"2023-11-14T22:13:21.000Z","ttl":30.0,"instance":"web1:9100","job":"node","statetag":"x"}
{"host":"db1","service":"h count","state":null,"description":null,"metric":7.0,"tags":null,"time":"2023-11-14T22:13:20.000Z","ttl":30.0}
{"host":"db1","service":"h sum","state":null,"description":null,"metric":3.5,"tags":null,"time":"2023-11-14T22:13:20.000Z","ttl":30.0}
`
	if got != want {
		t.Errorf("1.0:\n%s\nwant\n%s", got, want)
	}
	m = &remoteWrite{most: 10, peer: "peer"}
	if err := m.read(writeV2(), 2); err != nil || len(m.events) != 1 || m.events[0].Host != "web2" || m.events[0].Service != "up" || m.events[0].Float != 1 {
		t.Errorf("2.0: %v %+v", err, m.events)
	}
}

func TestRemoteWriteDoor(t *testing.T) {
	s := serveOptions(t, Options{RulesText: `listen.remoteWrite("127.0.0.1:0", {maxBody: 100000, maxEvents: 4}); index;`, Quiet: true})
	send := func(body []byte, kind string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequest("POST", fmt.Sprintf("http://%s/api/v1/write", s.Addr("remoteWrite")), bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Content-Encoding", "snappy")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(b)
	}
	const v1, v2 = "application/x-protobuf", "application/x-protobuf;proto=io.prometheus.write.v2.Request"
	noRefs := pbBytes(5, pbJoin(pbBytes(1, []byte{9}), pbBytes(2, pbSample(1, 1))))
	for _, tt := range []struct {
		name   string
		body   []byte
		kind   string
		status int
		want   string
	}{
		{"1.0", snappy.Encode(nil, writeV1()), v1, 204, ""},
		{"2.0", snappy.Encode(nil, writeV2()), v2, 204, ""},
		{"not snappy", []byte("\xff\xff\xff\xff\xff\xff\xff\xff"), v1, 400, "not compressed"},
		{"a bomb", snappy.Encode(nil, make([]byte, 10_000_000)), v1, 413, "more than 100000 bytes"},
		{"garbage", snappy.Encode(nil, []byte("garbage")), v1, 400, "cannot be read"},
		{"no name", snappy.Encode(nil, pbBytes(1, pbBytes(2, pbSample(1, 1)))), v1, 400, "without __name__"},
		{"a symbol that is not there", snappy.Encode(nil, noRefs), v2, 400, "symbol 9 of 0"},
		{"too many", snappy.Encode(nil, append(writeV1(), writeV1()...)), v1, 400, "more than 4 events"},
		{"another message", snappy.Encode(nil, writeV2()), "application/x-protobuf;proto=other", 415, "no known message"},
		{"text", []byte("x"), "text/plain", 415, "want Content-Type"},
	} {
		resp, body := send(tt.body, tt.kind)
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s, want %d …%s…", tt.name, resp.StatusCode, body, tt.status, tt.want)
		}
		if tt.name == "1.0" && (resp.Header.Get("X-Prometheus-Remote-Write-Samples-Written") != "2" || resp.Header.Get("X-Prometheus-Remote-Write-Histograms-Written") != "1") {
			t.Errorf("written: %v", resp.Header)
		}
	}
	if n := s.index.Len(); n != 3 { // the stale series is gone
		t.Errorf("%d series, want h count, h sum and up", n)
	}
}

// TestRemoteWriteMemory holds that a message of as many objects as possible is not held as events, or refused.
func TestRemoteWriteMemory(t *testing.T) {
	size := bombSize()
	name := pbBytes(1, pbJoin(pbBytes(1, []byte("__name__")), pbBytes(2, []byte("n"))))
	series := func(n protowire.Number, parts ...[]byte) []byte { return pbBytes(n, pbJoin(parts...)) }
	repeat := func(b []byte, room int) []byte { return bytes.Repeat(b, room/len(b)) }
	symbols := pbJoin(pbBytes(4, []byte("__name__")), pbBytes(4, []byte("n")))
	for _, tt := range []struct {
		name    string
		b       []byte
		version int
	}{
		{"samples", series(1, name, repeat(pbBytes(2, nil), size)), 1},
		{"series", repeat(series(1, name, pbBytes(2, nil)), size), 1},
		{"labels", repeat(series(1, name, repeat(pbBytes(1, nil), 398), pbBytes(2, nil)), size), 1},
		{"short labels", repeat(series(1, name, repeat(pbBytes(1, pbJoin(pbBytes(1, []byte("a")), pbBytes(2, []byte("b")))), 1500), pbBytes(2, nil)), size), 1},
		{"symbols", append(append(symbols, repeat(pbBytes(4, nil), size)...), series(5, pbBytes(1, []byte{0, 1}), pbBytes(2, nil))...), 2},
		{"series of symbols", append(symbols, repeat(series(5, pbBytes(1, []byte{0, 1}), pbBytes(2, nil)), size)...), 2},
		{"histograms", append(symbols, series(5, pbBytes(1, []byte{0, 1}), repeat(pbBytes(3, nil), size))...), 2},
	} {
		heap := newPeak(len(tt.b))
		m := &remoteWrite{most: 10_000_000, ingest: heap.ingest}
		if err := m.read(tt.b, tt.version); err != nil || heap.events != m.count || m.count == 0 {
			t.Errorf("%s: %d of %d events, %v", tt.name, heap.events, m.count, err)
		}
		heap.within(t, 4)
		m = &remoteWrite{most: m.count - 1, ingest: heap.ingest}
		heap.events = 0
		if err := m.read(tt.b, tt.version); err != errTooMany || heap.events > 0 {
			t.Errorf("%s: with one event too many %d were taken, %v", tt.name, heap.events, err)
		}
	}
}

func FuzzRemoteWrite(f *testing.F) {
	for version, door := range map[int]string{1: "remote-write-1", 2: "remote-write-2"} {
		for _, piece := range recorded(f, door) {
			if b, err := snappy.Decode(nil, piece); err == nil {
				f.Add(b, version)
			}
		}
	}
	f.Add(writeV1(), 1)
	f.Add(writeV2(), 2)
	f.Fuzz(func(t *testing.T, b []byte, version int) {
		m := &remoteWrite{most: 1000, apart: []string{"*"}}
		err := m.read(b, version)
		if err == nil && len(m.events) > len(b) || len(m.events) > 0 && err != nil {
			t.Fatalf("%d events out of %d bytes: %v", len(m.events), len(b), err)
		}
	})
}
