package server

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"zeta/event"
)

// post sends a body to a door over HTTP; header is pairs of names and values.
func (s *testServer) post(kind, path string, body []byte, header ...string) (int, http.Header, string) {
	s.t.Helper()
	req, err := http.NewRequest("POST", "http://"+s.Addr(kind).String()+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.Bytes()
}

func TestInfluxWrites(t *testing.T) {
	s := serve(t, `listen.influxHTTP("127.0.0.1:0", {maxBody: 2000, maxEvents: 5, ttl: "30s"});`+httpDoor)
	for _, c := range []struct {
		name, path, body, encoding string
		status                     int
		want                       string
	}{
		{"1.x", "/write?db=telegraf&precision=s", "cpu,host=web1,cpu=0 idle=98.5,n=3i 1700000000\n", "", 204, ""},
		{"1.x minutes", "/write?precision=m", "m,host=web1 v=1 28333333", "", 204, ""},
		{"2.x", "/api/v2/write?org=o&bucket=b&precision=ms", "mem,host=web1 value=1 1700000000000", "", 204, ""},
		{"2.x nanoseconds", "/api/v2/write?org=o&bucket=b", "ns,host=web1 value=1 1700000000000000000", "", 204, ""},
		{"gzip", "/write", "z,host=web1 value=1", "gzip", 204, ""},
		{"text over two lines", "/write", "log,host=web1 message=\"a\nb\"\nafter,host=web1 value=1", "", 204, ""},
		{"nothing", "/write", "", "", 204, ""},
		{"2.x has no minutes", "/api/v2/write?precision=m", "a v=1", "", 400, `"code":"invalid"`},
		{"bad line", "/api/v2/write", "good,host=web1 value=1\n\nbad value=x\nbetter,host=web1 value=2\nworse\n", "", 400,
			`{"error":"partial write: unable to parse line 3 and 1 more: column 5: field \"value=x\"; want a number, 1i, 1u, true, false or a text in quotes; events taken: 2","code":"invalid","message":"partial write: unable to parse line 3 and 1 more: column 5: field \"value=x\"; want a number, 1i, 1u, true, false or a text in quotes; events taken: 2","line":3}`},
		{"too many", "/write", "many,host=web1 a=1,b=2,c=3\nmore,host=web1 a=1,b=2\nlast,host=web1 value=1", "", 400, `line 3: more than 5 events in a request; send less in one, or raise maxEvents; events taken: 5`},
		{"no gzip", "/write", "z value=1", "gzip, plain", 415, `"code":"invalid"`},
		{"too large", "/write", strings.Repeat("a v=1\n", 1000), "", 413, `"code":"request too large"`},
		{"too large in gzip", "/write", strings.Repeat("a v=1\n", 100_000), "gzip", 413, `raise maxBody`},
		{"create", "/query?q=create+database+%22telegraf%22", "", "", 200, `{"results":[{"statement_id":0}]}`},
		{"select", "/query?q=SELECT+1", "", "", 400, `no InfluxQL is spoken here`},
	} {
		body := []byte(c.body)
		if c.encoding == "gzip" {
			body = gzipped(c.body)
		}
		status, header, answer := s.post("influxHTTP", c.path, body, "Content-Encoding", c.encoding)
		if status != c.status || !strings.Contains(answer, c.want) || status >= 400 && header.Get("X-Influxdb-Error") == "" {
			t.Errorf("%s: %d %s, want %d …%s…", c.name, status, answer, c.status, c.want)
		}
	}
	s.arrives(`service = "cpu/idle"`, `"host":"web1"`, `"metric":98.5`, `"time":"2023-11-14T22:13:20.000Z"`, `"ttl":30.0`, `"cpu":"0"`)
	s.arrives(`service = "m/v"`, `"time":"2023-11-14T22:13:00.000Z"`)
	s.arrives(`service = "mem"`, `"time":"2023-11-14T22:13:20.000Z"`)
	s.arrives(`service = "ns"`, `"time":"2023-11-14T22:13:20.000Z"`)
	s.arrives(`service = "log/message"`, `"description":"a\nb"`)
	for _, service := range []string{"z", "after", "good", "better", "many/c", "more/b"} {
		s.arrives(`service = "`+service+`"`, `"host":"web1"`)
	}
	if got := s.indexed(`service = "last" or service = "worse"`); strings.Contains(got, "web1") {
		t.Errorf("what was refused is there: %s", got)
	}
	for reason, want := range map[string]float64{"metric": 1, "limit": 1, "oversize": 2, "encoding": 1, "time": 1, "query": 1} {
		if n := s.refused("influxHTTP", reason); n != want {
			t.Errorf("%v requests refused for %s, want %v", n, reason, want)
		}
	}
}

// TestInfluxToken holds that each of InfluxDB's ways to log in works, and that probes need none.
func TestInfluxToken(t *testing.T) {
	s := serve(t, `listen.influxHTTP("127.0.0.1:0", {token: "secret"});`+httpDoor)
	for _, c := range []struct {
		path, header string
		status       int
	}{
		{"/write", "", 401}, {"/write", "Token wrong", 401}, {"/write?u=me&p=wrong", "", 401}, {"/query?q=x", "", 401},
		{"/write", "Token secret", 204}, {"/write", "Token me:secret", 204}, {"/write", "Bearer secret", 204},
		{"/write", "Basic bWU6c2VjcmV0", 204}, {"/write?u=me&p=secret", "", 204}, {"/write?p=secret", "Token wrong", 401},
		{"/ping", "", 204}, {"/health", "", 200},
	} {
		status, header, body := s.post("influxHTTP", c.path, []byte("a v=1"), "Authorization", c.header)
		if status != c.status || header.Get("X-Influxdb-Version") != influxVersion {
			t.Errorf("%s with %q: %d %s, want %d", c.path, c.header, status, body, c.status)
		}
	}
}

// TestInfluxRecorded takes what Telegraf's two outputs have sent.
func TestInfluxRecorded(t *testing.T) {
	b, err := os.ReadFile("testdata/influx/telegraf.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/write?db=telegraf", "/api/v2/write?bucket=b&org=o"} {
		s := serve(t, `listen.influxHTTP("127.0.0.1:0");`+httpDoor)
		if status, _, answer := s.post("influxHTTP", path, gzipped(string(b)), "Content-Type", "text/plain; charset=utf-8", "Content-Encoding", "gzip"); status != 204 {
			t.Errorf("%s: %d %s", path, status, answer)
		}
		s.arrives(`service = "disk/used_percent"`, `"host":"web1"`, `"metric":92.5`, `"path":"/var/log"`, `"time":"2023-11-14T22:13:20.000Z"`)
		s.arrives(`service = "disk/total"`, `"metric":9223372036854775807,`)
		s.arrives(`service = "win_disk/used_percent"`, `"path":"C:\\x"`)
		s.arrives(`service = "my app/message"`, `"description":"it's \"slow\", see C:\\log\nsecond line"`, `"route":"/a,b=c"`)
		s.arrives(`service = "my app/latency"`, `"metric":0.25`)
		if n := s.index.Len(); n != 7 {
			t.Errorf("%s: %d series, want 7", path, n)
		}
	}
}

// TestInfluxMemory holds that a body of as many events as possible is not held as events.
func TestInfluxMemory(t *testing.T) {
	lines := bombSize() / 43
	body := []byte(strings.Repeat("m a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1\n", lines))
	heap := newPeak(len(body))
	w := &influxWrite{most: 10_000_000, ingest: heap.ingest}
	if err := w.read(body); err != nil || w.taken != 10*lines {
		t.Errorf("%d events taken: %v", w.taken, err)
	}
	heap.within(t, 4)
}

// bombSize is the length of a body of as many parts as possible: 1 MiB with -long.
func bombSize() int {
	if *long {
		return 1 << 20
	}
	return 1 << 17
}

// peak measures how much the heap grows while a body is read, at moments spread over its batches.
type peak struct {
	body, batches int
	before, most  uint64
	events        int
}

func newPeak(body int) *peak {
	p := &peak{body: body}
	p.before = p.heap()
	return p
}

func (p *peak) heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (p *peak) ingest(events []event.Event) error {
	p.events += len(events)
	switch p.batches++; p.batches {
	case 1, 8, 64, 512:
		p.most = max(p.most, p.heap())
	}
	return nil
}

// within holds that the heap has not grown by more than so many times the body.
func (p *peak) within(t *testing.T, times int) {
	t.Helper()
	slack := 0
	if !*long {
		slack = 1 << 20 // the bounds of an item and of a batch are greater than four times a small body
	}
	if grown := int(p.most) - int(p.before); grown > times*p.body+slack || p.batches == 0 {
		t.Errorf("a body of %d bytes made the heap grow by %d in %d batches, want at most %d times it", p.body, grown, p.batches, times)
	}
}
