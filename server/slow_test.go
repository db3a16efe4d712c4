package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeta/streams"
)

// trickle sends what begins a message and then a byte a second; it returns after how long the other end closed.
func trickle(c net.Conn, begin string) time.Duration {
	begun := time.Now()
	go io.Copy(io.Discard, c) // a pipe has no room for an answer
	_, err := io.WriteString(c, begin)
	for err == nil {
		time.Sleep(time.Second)
		_, err = c.Write([]byte{'1'})
	}
	return time.Since(begun)
}

// doors opens the listeners of rules without letting them accept.
func doors(t *testing.T, s *Server, rules string) listener {
	t.Helper()
	r, problems := streams.LoadText("rules", rules, streams.LoadOptions{Serve: true})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	l, err := s.openListener(r.Listeners[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// A line that comes at a byte a second is given up, whatever its protocol and framing.
func TestSlowLinesAreClosed(t *testing.T) {
	for kind, begin := range map[string]string{
		"graphite": "a.b ",
		"opentsdb": "put ",
		"json":     `{"service":"`,
		"influx":   "cpu,host=",
		"statsd":   "a:",
		"syslog":   "<34>1 - ",
		"syslog ":  "900 <34>1 - ", // with its length in front
	} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &logBuffer{}
				s := pipeServer(t, log)
				options := ""
				if name := strings.TrimSpace(kind); name == "statsd" || name == "syslog" {
					options = `, {protocol: "tcp"}`
				}
				d := doors(t, s, fmt.Sprintf(`listen.%s("127.0.0.1:0"%s);`, strings.TrimSpace(kind), options)).(*lineDoor)
				ours, theirs := net.Pipe()
				go func() {
					defer theirs.Close()
					d.converse(newSession(theirs))
				}()
				if took := trickle(ours, begin); took < frameGrace || took > frameGrace+2*time.Second {
					t.Errorf("closed after %v, want a little over %v", took, frameGrace)
				}
				synctest.Wait()
				if !strings.Contains(log.String(), "reason=slow") {
					t.Errorf("log: %s, want reason=slow", log)
				}
				ours.Close()
			})
		})
	}
}

// A peer that sends one line and begins another at once, again and again, is not slow.
func TestSteadyLinesAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		s := pipeServer(t, log)
		d := doors(t, s, `listen.graphite("127.0.0.1:0");`).(*lineDoor)
		ours, theirs := net.Pipe()
		done := make(chan struct{})
		go func() { d.converse(newSession(theirs)); close(done) }()
		for i := range 60 {
			if _, err := fmt.Fprintf(ours, "b 1 -1\na.%d", i); err != nil {
				t.Fatalf("after %d s: %v", i, err)
			}
			time.Sleep(time.Second)
			io.WriteString(ours, " 1 -1\nx")
			io.WriteString(ours, "y 1 -1\n")
		}
		ours.Close()
		<-done
		if strings.Contains(log.String(), "slow") {
			t.Errorf("log: %s", log)
		}
	})
}

// visit has a listener for HTTP serve one connection over a pipe.
func visit(s *Server, w *web) (ours net.Conn, end func()) {
	ours, theirs := net.Pipe()
	s.descriptors.take()
	w.open++
	done := make(chan struct{})
	go func() {
		w.http.Serve((*webListener)(w))
		close(done)
	}()
	w.accepted <- &visitor{Conn: theirs, web: w}
	return ours, func() {
		ours.Close()
		w.http.Close()
		<-done
	}
}

// A header at a byte a second ends after five seconds, a body after ten; both are counted.
func TestSlowRequestsAreClosed(t *testing.T) {
	for _, kind := range []string{"http", "alertmanager", "otlp", "remoteWrite", "influxHTTP", "collectdHTTP"} {
		for part, c := range map[string]struct {
			begin  string
			within time.Duration
		}{
			"header": {"POST /write HTTP/1.1\r\nHost: localhost\r\nX: ", headerTimeout},
			"body":   {"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\nContent-Type: application/x-protobuf\r\n%s\r\n[", frameGrace},
		} {
			t.Run(kind+"/"+part, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					log := &logBuffer{}
					s := pipeServer(t, log)
					l := doors(t, s, fmt.Sprintf(`listen.%s("127.0.0.1:0");`, kind))
					w := webOf(l)
					begin, within := c.begin, c.within
					if part == "body" {
						path, header := "/write", ""
						switch kind {
						case "http":
							path, within = "/api/v1/events", bodyStall // a stream of events may rest between two
						case "otlp":
							path = "/v1/logs"
						case "remoteWrite":
							header = "Content-Encoding: snappy\r\n"
						}
						begin = fmt.Sprintf(begin, path, header)
					}
					ours, end := visit(s, w)
					took := trickle(ours, begin)
					end()
					if took < within || took > within+3*time.Second {
						t.Errorf("closed after %v, want a little over %v", took, within)
					}
					if text := log.String(); !strings.Contains(text, "reason=slow") {
						t.Errorf("log: %s, want reason=slow", text)
					}
					if n := w.connections(); n != 0 {
						t.Errorf("%d connections are still counted", n)
					}
				})
			})
		}
	}
}

func webOf(l listener) *web {
	switch l := l.(type) {
	case *httpListener:
		return l.web
	case *bodyDoor:
		return l.web
	case *otlpDoor:
		return l.web
	}
	panic(fmt.Sprintf("%T has no web", l))
}

// A body that arrives at a decent speed may be long under way.
func TestSteadyBodyIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pipeServer(t, io.Discard)
		w := webOf(doors(t, s, `listen.influxHTTP("127.0.0.1:0");`))
		ours, end := visit(s, w)
		defer end()
		const seconds = 40
		line := strings.Repeat("x", 1000) + " value=1\n"
		chunk := strings.Repeat(line, 80<<10/len(line)) // 80 KiB a second
		fmt.Fprintf(ours, "POST /write HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", seconds*len(chunk))
		for i := range seconds {
			if _, err := io.WriteString(ours, chunk); err != nil {
				t.Fatalf("after %d s: %v", i, err)
			}
			time.Sleep(time.Second)
		}
		answer := make([]byte, 12)
		if _, err := io.ReadFull(ours, answer); err != nil || string(answer) != "HTTP/1.1 204" {
			t.Errorf("answer %q %v, want 204", answer, err)
		}
	})
}

// A sender that was told a wrong path or method gets its answer and is counted: nobody else would tell.
func TestRequestsToWrongPathsAreCounted(t *testing.T) {
	s := serve(t, `listen.otlp("127.0.0.1:0"); listen.influxHTTP("127.0.0.1:0");`+httpDoor)
	for _, c := range []struct {
		kind, method, path string
		status             int
		counted            float64
	}{
		{"otlp", "POST", "/v1/metrics/v1/metrics", 404, 1},
		{"otlp", "GET", "/v1/logs", 405, 2},
		{"otlp", "POST", "/v1/traces", 415, 2}, // counted as what it is
		{"influxHTTP", "POST", "/api/v3/write_lp", 404, 1},
		{"influxHTTP", "GET", "/ping", 204, 1},
		{"influxHTTP", "POST", "/write", 204, 1},
	} {
		req, err := http.NewRequest(c.method, "http://"+s.Addr(c.kind).String()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := s.refused(c.kind, "path"); resp.StatusCode != c.status || got != c.counted {
			t.Errorf("%s %s: %s and %v counted, want %d and %v", c.method, c.path, resp.Status, got, c.status, c.counted)
		}
	}
}

// Headers beyond 64 KiB and requests that are none are refused and counted.
func TestBadRequestsAreCounted(t *testing.T) {
	s := serve(t, httpDoor)
	for name, text := range map[string]string{
		"long":    "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", maxHeaderBytes+8<<10) + "\r\n\r\n",
		"garbage": "HELLO\r\n\r\n",
	} {
		c := s.dial("http")
		io.WriteString(c, text)
		if b, err := io.ReadAll(c); !strings.HasPrefix(string(b), "HTTP/1.1 4") && err == nil {
			t.Errorf("%s: %q %v, want a refusal", name, b, err)
		}
	}
	until(t, "both are counted", func() bool { return s.refused("http", "request") == 2 })
}
