package source

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"zeta/event"
)

func TestParseSample(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`up 1`, `up [] 1`},
		{` up	1  `, `up [] 1`},
		{`http_requests_total{method="post",code="200"} 1027 1395066363000`, `http_requests_total [{method post} {code 200}] 1027 @1395066363000000`},
		{`m{path="C:\\DIR\\FILE.TXT",error="Cannot find \"x\":\n\q",} +Inf`, `m [{path C:\DIR\FILE.TXT} {error Cannot find "x":` + "\n" + `\q}] +Inf`},
		{`m{} NaN -1`, `m [] NaN @-1000`},
		{`m{a="}",b="é` + "\xff" + `"} 1e-3`, `m [{a }} {b é` + "\uFFFD" + `}] 0.001`},
		{`{"my.metric","a.b"="c"} 4`, `my.metric [{a.b c}] 4`},
		{`m_bucket{le="1"} 5 # {trace_id="x"} 0.5`, `m_bucket [{le 1}] 5`},
		{`# HELP m text`, `no sample`},
		{``, `no sample`},
		{`m`, `value "" is no number at byte 1`},
		{`m{`, `a label without a value at byte 2`},
		{`m{a=b} 1`, `want a text in quotes at byte 4`},
		{`m{a="b} 1`, `the text does not end at byte 9`},
		{`m{a="b" c="d"} 1`, `want , or } at byte 8`},
		{`m 0x10`, `value "0x10" is no number at byte 6`},
		{`m 1 soon`, `time "soon" is no number at byte 8`},
		{`{a="b"} 1`, `no name at byte 7`},
		{`m{="b"} 1`, `a label without a name, or more than 100 labels at byte 6`},
	} {
		s, err := parseSample(tt.in, false)
		got := fmt.Sprintf("%s %v %v", s.name, s.labels, s.value)
		if s.timed {
			got += fmt.Sprintf(" @%d", s.time)
		}
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
	if s, err := parseSample(`m 1 1.5`, true); err != nil || s.time != 1_500_000 {
		t.Errorf("OpenMetrics: %+v %v", s, err)
	}
}

func TestScrape(t *testing.T) {
	page := "# TYPE m counter\nm{host=\"db\",mount=\"/\"} 3\nm{mount=\"/var\"} 4 1700000000000\nload 0.5\n"
	contentType := "text/plain; version=0.0.4"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, page)
		z.Close()
	}))
	defer srv.Close()
	rule := func(options string) string {
		return fmt.Sprintf(`source.prometheus("%s/metrics", {%s});`, srv.URL, options)
	}
	events := lookAll(t, rule(`apart: ["mount"], only: ["m"], tags: ["scraped"], host: "db1"`))
	if len(events) != 3 {
		t.Fatalf("%d events, want two samples and the scrape", len(events))
	}
	if e := events[0]; e.Service != "m /" || e.Host != "db" || e.Float != 3 || !e.Set.HasTag("scraped") || e.Is(event.HasState) || !e.Is(event.HasTime) {
		t.Errorf("first: %+v %v", e, e.Set)
	}
	if e := events[1]; e.Host != "db1" || e.Service != "m /var" || e.Time != 1_700_000_000_000_000 {
		t.Errorf("second: %+v", e)
	}
	if e := events[2]; e.State != "ok" || !strings.HasPrefix(e.Service, "scrape :") || !strings.HasSuffix(e.Service, "/metrics") || !strings.HasPrefix(e.Description, "2 samples in ") {
		t.Errorf("the scrape: %+v", e)
	}
	last := func(options string) event.Event {
		events := lookAll(t, rule(options))
		return events[len(events)-1]
	}
	if e := last(`maxSamples: 1`); e.State != "warning" || e.Description != "2 samples more than maxSamples were dropped" {
		t.Errorf("over maxSamples: %+v", e)
	}
	if e := last(`maxBody: 10`); e.State != "critical" || !strings.Contains(e.Description, "more than 10 bytes") {
		t.Errorf("over maxBody: %+v", e)
	}
	page = "good 1\nbad{ 1\nworse\n"
	if e := last(``); e.State != "warning" || !strings.HasPrefix(e.Description, "2 lines cannot be read, the first: ") {
		t.Errorf("bad lines: %+v", e)
	}
	page = strings.Repeat("x", maxSampleLine+1)
	if e := last(``); e.State != "critical" || !strings.Contains(e.Description, "a line has more than") {
		t.Errorf("a long line: %+v", e)
	}
	if e := look(t, fmt.Sprintf(`source.prometheus("%s/");`, srv.URL)); e.State != "critical" || e.Description != "the page answers 404 Not Found" {
		t.Errorf("a page that is not there: %+v", e)
	}
}

func FuzzParseSample(f *testing.F) {
	for _, s := range []string{`a{b="c",d="e\n"} 1 2`, `{"x",y="z"} NaN`, `a 1 # {} 2`, `a{b=`,
		// of Debian's node_exporter
		`go_gc_duration_seconds{quantile="1"} 0`, `process_start_time_seconds 1.79555195403e+09`,
		`node_filesystem_avail_bytes{device="/dev/vda",fstype="ext4",mountpoint="/"} 5.7413566464e+10`,
		`node_exporter_build_info{branch="debian/sid",goarch="amd64",goos="linux",goversion="go1.19.8",revision="1.5.0-1+b6",version="1.5.0"} 1`} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, line string, open bool) {
		s, err := parseSample(line, open)
		if err != nil && len(err.Error()) > 500 {
			t.Fatalf("an error of %d bytes", len(err.Error()))
		}
		if err == nil && (s.name == "" || len(s.labels) > maxSampleLabels) {
			t.Fatalf("%q: %+v", line, s)
		}
	})
}
