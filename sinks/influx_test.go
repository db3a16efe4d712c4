package sinks_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"zeta/sinks"
	"zeta/sinks/sinktest"
	"zeta/streams"
)

func TestInfluxOverHTTP(t *testing.T) {
	sinktest.RunHTTP(t, func(t *testing.T, url, secret string) sinks.Sender {
		return openSink(t, fmt.Sprintf(`influx({url: %q, bucket: "b", token: %q});`, url, secret))
	})
}

func TestInfluxRequests(t *testing.T) {
	type request struct{ uri, auth, body string }
	var got []request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			in = z
		}
		body, _ := io.ReadAll(in)
		got = append(got, request{r.URL.RequestURI(), r.Header.Get("Authorization"), string(body)})
		w.WriteHeader(http.StatusNoContent)
	}))
	defer srv.Close()
	line := "s,host=a value=1,state=\"ok\" 1700000000000000\n"
	for rule, want := range map[string]request{
		`influx({url: %q, db: "d", token: "me:secret"});`:                         {"/write?db=d&precision=u", "Basic bWU6c2VjcmV0", line},
		`influx({url: %q, org: "o", bucket: "b", token: "secret", gzip: false});`: {"/api/v2/write?bucket=b&org=o&precision=us", "Token secret", line},
	} {
		send(t, openSink(t, fmt.Sprintf(rule, srv.URL)), host("a"))
		if last := got[len(got)-1]; last != want {
			t.Errorf("%s: request %+v, want %+v", rule, last, want)
		}
	}
	send(t, openSink(t, fmt.Sprintf(`influx({url: %q, db: "d"});`, srv.URL)), &streams.Alert{Window: true})
	if len(got) != 2 {
		t.Errorf("%d requests, want none for nothing", len(got))
	}
}

// What names no target, or two, is told when the rules are loaded.
func TestTargetsThatCannotBe(t *testing.T) {
	for rule, want := range map[string]string{
		`influx({});`:                "url is missing",
		`influx({url: "http://x"});`: "db, for InfluxDB 1",
		`influx({url: "http://x", db: "d", bucket: "b"});`:                     "db, for InfluxDB 1",
		`influx({url: "x", db: "d"});`:                                         "want http://HOST:PORT",
		`graphite({});`:                                                        "to is missing",
		`graphite({to: "x"});`:                                                 "want HOST:PORT",
		`forward({to: "x:1", cert: "c"});`:                                     "belong together",
		`forward({to: "x:1", delivery: "sometimes"});`:                         "alert",
		`webhook({url: "http://x", delivery: "alert", wait: 0, batch: 5000});`: "batch",
	} {
		_, problems := streams.LoadText("zeta.expr", rule, streams.LoadOptions{})
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), want) {
			t.Errorf("%s: %v, want one problem with %q", rule, problems, want)
		}
	}
}
