package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"zeta/event"
	"zeta/streams"
	"zeta/tls"
)

func init() {
	streams.RegisterSource(streams.SourceSpec[HTTPOptions]{
		Name:    "probe.http",
		Summary: "Ask a web address again and again and tell whether it answers as it should.",
		Doc: "One event a look: metric is the time to the end of the answer in seconds, state is critical if there is no answer, the status is not wanted, the certificate is not valid " +
			"or a text is not as it should be, warning or critical if it was slow, else ok; description says why. Without an answer there is no metric. " +
			"host is the address's host, service is its scheme and path, such as \"https /health\"; a query is not told, since it may hold a secret. Each look makes a connection of its own, without a proxy. " +
			"Redirects are followed on the same host only, ten at most; with follow: \"any\" also to other hosts, if their address is public. A name that leads to a link-local address is refused.",
		Defaults: HTTPOptions{Method: "GET", Follow: "host", MaxBody: 1 << 20, Interval: 30 * time.Second, Timeout: 10 * time.Second},
		Check: func(o HTTPOptions) error {
			_, err := httpTarget("probe.http", o.URL)
			return err
		},
		Open: openHTTP,
		Examples: []streams.Example{
			{Title: "a health page each half minute", Rule: `probe.http("https://shop.example.com/health", {expect: "ok", warning: "1s", critical: "5s"});`},
			{Title: "an API that wants a token", Rule: `probe.http("https://api.example.com/v1/ping", {method: "HEAD", status: [200, 204], headers: {"Authorization": "Bearer " + env("API_TOKEN")}, service: "api"});`},
		},
	})
}

// HTTPOptions are the options of probe.http.
type HTTPOptions struct {
	URL      string            `arg:"1" doc:"http:// or https:// address"`
	Method   string            `opt:"method" enum:"GET,HEAD,POST,PUT,OPTIONS" doc:"method of the request"`
	Headers  map[string]string `opt:"headers" secret:"true" doc:"headers of the request; Host sets the name asked for"`
	Body     string            `opt:"body" secret:"true" doc:"body of the request"`
	Status   []float64         `opt:"status" doc:"statuses that are wanted; left out: 200 to 299"`
	Expect   string            `opt:"expect" doc:"text that the answer's body must contain"`
	Forbid   string            `opt:"forbid" doc:"text that the answer's body must not contain"`
	MaxBody  int               `opt:"maxBody" min:"0" max:"67108864" doc:"bytes of the answer's body that are read"`
	Follow   string            `opt:"follow" enum:"none,host,any" doc:"redirects that are followed"`
	CA       string            `opt:"ca" doc:"file of the authorities that sign the server's certificate; left out: the system's"`
	Insecure bool              `opt:"insecure" doc:"accept any certificate"`
	Warning  time.Duration     `opt:"warning" doc:"time from which state is warning; 0: never"`
	Critical time.Duration     `opt:"critical" doc:"time from which state is critical; 0: never"`
	Interval time.Duration     `opt:"interval" min:"1s" max:"24h" doc:"time between two looks"`
	Timeout  time.Duration     `opt:"timeout" min:"10ms" max:"5m" doc:"longest time of one look"`
	Host     string            `opt:"host" doc:"the events' host; left out: the address's"`
	Service  string            `opt:"service" doc:"the events' service"`
	Tags     []string          `opt:"tags" doc:"the events' tags"`
	TTL      time.Duration     `opt:"ttl" doc:"the events' ttl; 0: three intervals and the timeout"`
}

// httpTarget reads an address of the web.
func httpTarget(where, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: the address cannot be read: %w", where, errors.Unwrap(err))
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, fmt.Errorf("%s: %q is no address of the web; want http://HOST/PATH or https://HOST/PATH", where, u.Redacted())
	}
	return u, nil
}

// httpProbe asks one address.
type httpProbe struct {
	observer
	o       HTTPOptions
	url     *url.URL
	service string
	client  *http.Client
}

func openHTTP(o HTTPOptions, _ *slog.Logger) (streams.Source, error) {
	u, err := httpTarget("probe.http", o.URL)
	if err != nil {
		return nil, err
	}
	p := &httpProbe{o: o, url: u, service: orDefault(o.Service, webService(u))}
	p.observer = newObserver(common{o.Interval, o.Timeout, o.TTL, o.Host, o.Tags}, u.Hostname(), event.Attr{Key: "probe", Value: "http"})
	p.client, err = newWebClient(u, tls.ClientFiles{CA: o.CA, Insecure: o.Insecure}, o.Follow)
	return p, err
}

// webService is the service of an address: its scheme, its port where it is not the usual one, and its path.
func webService(u *url.URL) string {
	s := u.Scheme
	if p := u.Port(); p != "" && (u.Scheme != "http" || p != "80") && (u.Scheme != "https" || p != "443") {
		s += " :" + p
	}
	return strings.TrimSpace(s + " " + orDefault(u.EscapedPath(), "/"))
}

// newWebClient returns a client that makes a connection for each request and goes only where it may.
func newWebClient(target *url.URL, files tls.ClientFiles, follow string) (*http.Client, error) {
	config, err := tls.NewClient(files)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig:        config,
			DialContext:            guard{target.Hostname()}.dial,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 256 << 10,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			switch {
			case follow == "none":
				return http.ErrUseLastResponse
			case len(via) >= 10:
				return errors.New("more than ten redirects")
			case follow != "any" && req.URL.Hostname() != target.Hostname():
				return fmt.Errorf("it redirects to another host, %s; write follow: \"any\" if that is right", req.URL.Hostname())
			case target.Scheme == "https" && req.URL.Scheme != "https":
				return errors.New("it redirects from https to http")
			}
			if req.URL.Hostname() != target.Hostname() {
				req.Header = http.Header{} // what the rules say is for the target only
			}
			return nil
		},
	}, nil
}

// request sends a request with headers; Host is the name asked for.
func request(ctx context.Context, c *http.Client, method, address, body string, headers map[string]string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "zeta")
	for k, v := range headers {
		if strings.EqualFold(k, "Host") {
			req.Host = v
		} else {
			req.Header.Set(k, v)
		}
	}
	resp, err := c.Do(req)
	var about *url.Error
	if errors.As(err, &about) {
		err = about.Err // without the address, which may hold a secret
	}
	return resp, err
}

// Look implements streams.Source.
func (p *httpProbe) Look(ctx context.Context) []event.Event {
	began := time.Now()
	status, body, err := p.ask(ctx)
	took := time.Since(began)
	if err != nil {
		return []event.Event{p.event(p.service, "critical", reason(err))}
	}
	state, text := p.judge(status, body, took)
	e := p.event(p.service, state, text)
	e.SetFloat(took.Seconds())
	return []event.Event{e}
}

// ask returns the answer's status and the beginning of its body.
func (p *httpProbe) ask(ctx context.Context) (status int, body []byte, err error) {
	resp, err := request(ctx, p.client, p.o.Method, p.o.URL, p.o.Body, p.o.Headers)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, int64(p.o.MaxBody)))
	return resp.StatusCode, body, err
}

// judge returns the state of an answer and its reason.
func (p *httpProbe) judge(status int, body []byte, took time.Duration) (state, text string) {
	text = fmt.Sprintf("%d %s in %s", status, http.StatusText(status), milliseconds(took))
	wanted := status/100 == 2
	if len(p.o.Status) > 0 {
		wanted = slices.Contains(p.o.Status, float64(status))
	}
	switch {
	case !wanted:
		return "critical", text
	case p.o.Expect != "" && !strings.Contains(string(body), p.o.Expect):
		return "critical", fmt.Sprintf("%s; the body does not contain %q", text, p.o.Expect)
	case p.o.Forbid != "" && strings.Contains(string(body), p.o.Forbid):
		return "critical", fmt.Sprintf("%s; the body contains %q", text, p.o.Forbid)
	}
	return slow(took, p.o.Warning, p.o.Critical), text
}
