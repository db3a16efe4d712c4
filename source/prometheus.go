package source

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	slashpath "path"
	"strings"
	"time"

	"zeta/event"
	"zeta/streams"
	"zeta/tls"
)

func init() {
	streams.RegisterSource(streams.SourceSpec[PrometheusOptions]{
		Name:    "source.prometheus",
		Summary: "Read a page in Prometheus' text format again and again.",
		Doc: "Each sample is an event: the metric's name is the service, the labels are attributes (host is the event's host; others named like a field of an event get tag at the end), the value is the metric, without a state. " +
			"apart names labels whose values are appended to the service, so that their series stay apart in the index. Counters and buckets are as they stand: rate or ddt make rates of them. " +
			"One event more, \"scrape PATH\" or \"scrape :PORT/PATH\", says how it went: metric is the time it took in seconds, state is critical if it failed. Without a label host it is the address's host. " +
			"A line that cannot be read is left out; the event's state is then warning. Redirects are followed on the same host only.",
		Defaults: PrometheusOptions{MaxSamples: 10_000, MaxBody: 16 << 20, Interval: 15 * time.Second, Timeout: 10 * time.Second},
		Check:    checkPrometheus,
		Open:     openPrometheus,
		Examples: []streams.Example{
			{Title: "some of node_exporter", Rule: `source.prometheus("http://web1:9100/metrics", {only: ["node_load*", "node_filesystem_*"], apart: ["mountpoint"]});`},
		},
	})
}

// PrometheusOptions are the options of source.prometheus.
type PrometheusOptions struct {
	URL        string            `arg:"1" doc:"http:// or https:// address of the page"`
	Headers    map[string]string `opt:"headers" secret:"true" doc:"headers of the request; Host sets the name asked for"`
	Only       []string          `opt:"only" doc:"names of metrics that are taken, * stands for any text; left out: all"`
	Apart      []string          `opt:"apart" doc:"labels whose values are appended to the service; \"*\" for all"`
	MaxSamples int               `opt:"maxSamples" min:"1" max:"9999" doc:"samples of one look; more are dropped, and the scrape's state is warning"`
	MaxBody    int               `opt:"maxBody" min:"1" max:"268435456" doc:"bytes of the page that are read"`
	CA         string            `opt:"ca" doc:"file of the authorities that sign the server's certificate; left out: the system's"`
	Interval   time.Duration     `opt:"interval" min:"1s" max:"24h" doc:"time between two looks"`
	Timeout    time.Duration     `opt:"timeout" min:"10ms" max:"5m" doc:"longest time of one look"`
	Host       string            `opt:"host" doc:"the events' host; left out: the address's"`
	Tags       []string          `opt:"tags" doc:"the events' tags"`
	TTL        time.Duration     `opt:"ttl" doc:"the events' ttl; 0: three intervals and the timeout"`
}

func checkPrometheus(o PrometheusOptions) error {
	for _, pattern := range o.Only {
		if _, err := slashpath.Match(pattern, ""); err != nil {
			return fmt.Errorf("source.prometheus: only: %q is no pattern", pattern)
		}
	}
	_, err := httpTarget("source.prometheus", o.URL)
	return err
}

// prometheusSource reads one page.
type prometheusSource struct {
	observer
	o       PrometheusOptions
	service string
	client  *http.Client
}

func openPrometheus(o PrometheusOptions, _ *slog.Logger) (streams.Source, error) {
	if err := checkPrometheus(o); err != nil {
		return nil, err
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, err
	}
	s := &prometheusSource{o: o, service: "scrape " + orDefault(u.EscapedPath(), "/")}
	if p := u.Port(); p != "" {
		s.service = "scrape :" + p + orDefault(u.EscapedPath(), "/")
	}
	s.observer = newObserver(common{o.Interval, o.Timeout, o.TTL, o.Host, o.Tags}, u.Hostname(), event.Attr{Key: "source", Value: "prometheus"})
	s.client, err = newWebClient(u, tls.ClientFiles{CA: o.CA}, "host")
	return s, err
}

// page is what one look found.
type page struct {
	events         []event.Event
	broken, beyond int // lines that cannot be read, samples over the limit
	first          error
}

// Look implements streams.Source.
func (s *prometheusSource) Look(ctx context.Context) []event.Event {
	began := time.Now()
	var p page
	err := s.read(ctx, &p)
	took := time.Since(began)
	if err != nil {
		return append(p.events, s.event(s.service, "critical", reason(err)))
	}
	e := s.event(s.service, "ok", fmt.Sprintf("%d samples in %s", len(p.events), milliseconds(took)))
	switch {
	case p.broken > 0:
		e.SetState("warning")
		e.SetDescription(clip(fmt.Sprintf("%d lines cannot be read, the first: %v", p.broken, p.first)))
	case p.beyond > 0:
		e.SetState("warning")
		e.SetDescription(fmt.Sprintf("%d samples more than maxSamples were dropped", p.beyond))
	}
	e.SetFloat(took.Seconds())
	return append(p.events, e)
}

// read asks for the page and reads it line by line.
func (s *prometheusSource) read(ctx context.Context, p *page) error {
	headers := map[string]string{
		"Accept":          "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4",
		"Accept-Encoding": "gzip",
	}
	for k, v := range s.o.Headers {
		headers[k] = v
	}
	resp, err := request(ctx, s.client, http.MethodGet, s.o.URL, "", headers)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the page answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	body := io.Reader(resp.Body)
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			return err
		}
	}
	left := &io.LimitedReader{R: body, N: int64(s.o.MaxBody) + 1}
	lines := bufio.NewScanner(left)
	lines.Buffer(nil, maxSampleLine)
	openMetrics := strings.HasPrefix(resp.Header.Get("Content-Type"), "application/openmetrics-text")
	for lines.Scan() {
		if left.N == 0 {
			return fmt.Errorf("the page has more than %d bytes", s.o.MaxBody)
		}
		s.take(p, lines.Text(), openMetrics)
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a line has more than %d bytes", maxSampleLine)
	}
	return lines.Err()
}

// maxSampleLine bounds a line of the page, in bytes.
const maxSampleLine = 64 << 10

// take adds the sample of a line.
func (s *prometheusSource) take(p *page, line string, openMetrics bool) {
	m, err := parseSample(line, openMetrics)
	switch {
	case err == errNoSample || err == nil && !s.wanted(m.name):
		return
	case err != nil:
		if p.broken++; p.first == nil {
			p.first = err
		}
		return
	case len(p.events) >= s.o.MaxSamples:
		p.beyond++
		return
	}
	e := event.FromLabels(m.name, m.labels, s.o.Apart)
	if len(s.tags) > 0 {
		e.Set = e.Set.WithTags(s.tags)
	}
	if !e.Is(event.HasHost) {
		e.SetHost(s.host)
	}
	e.SetFloat(m.value)
	e.SetTTL(s.ttl)
	if m.timed {
		e.SetTime(m.time)
	} else {
		e.SetTime(time.Now().UnixMicro())
	}
	p.events = append(p.events, e)
}

func (s *prometheusSource) wanted(name string) bool {
	if len(s.o.Only) == 0 {
		return true
	}
	for _, pattern := range s.o.Only {
		if ok, err := slashpath.Match(pattern, name); ok && err == nil {
			return true
		}
	}
	return false
}
