package sinks

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"zeta/tls"
)

const (
	maxAnswer   = 64 << 10 // how much of an answer's body is read, so that the connection can be used again
	keptAnswer  = 2 << 10  // how much of it a dead letter keeps
	shownAnswer = 200      // how much of it is told of a failure that is retried
)

// newHTTPClient returns a client for a sink's target: bounded in time, without redirects for what it
// posts, trusting the certificates in caFile, or the system's if it is "".
func newHTTPClient(caFile string, timeout time.Duration) (*http.Client, error) {
	config, err := tls.NewClient(tls.ClientFiles{CA: caFile})
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig:       config,
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: timeout,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   2,
		ForceAttemptHTTP2:     true,
	}
	return &http.Client{
		Transport: transport,
		Timeout:   timeout,
		CheckRedirect: func(req *http.Request, _ []*http.Request) error {
			return Broken(fmt.Errorf("the target redirects to %s; name that address in the rules if it is right", req.URL.Host))
		},
	}, nil
}

// checkURL says what is wrong with the address of a target.
func checkURL(address, example string) error {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return fmt.Errorf("url is missing, e.g. %s", example)
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("url %q: want http://HOST:PORT/… or https://HOST:PORT/…", address)
	}
	return nil
}

// post makes a request with a body, which it compresses if asked to.
func post(ctx context.Context, to, contentType string, body []byte, pack bool) (*http.Request, error) {
	if pack {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		z.Write(body)
		z.Close()
		body = packed.Bytes()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, Permanent(withoutURL(err))
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", "zeta")
	if pack {
		req.Header.Set("Content-Encoding", "gzip")
	}
	return req, nil
}

// statusError tells what an HTTP answer means for the delivery: nil for 2xx, a retried error for 408, 429
// and 5xx, a permanent one for the rest. It reads the body's beginning for the text and closes it.
func statusError(resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return nil
	}
	told := func(bytes int) error {
		return fmt.Errorf("the target answered %s: %q", resp.Status, body[:min(len(body), bytes)])
	}
	err := told(shownAnswer)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable:
		if d, ok := parseRetryAfter(resp.Header.Get("Retry-After"), time.Now()); ok {
			return RetryAfter(err, d)
		}
		return err
	case resp.StatusCode == http.StatusRequestTimeout || resp.StatusCode >= 500:
		return err
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		// A key can be mended without losing what waits.
		return Broken(fmt.Errorf("%w; check the sink's key or token", err))
	}
	return Permanent(told(keptAnswer))
}

// parseRetryAfter reads a Retry-After header: seconds or an HTTP date.
func parseRetryAfter(s string, now time.Time) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	if n, err := strconv.ParseInt(s, 10, 32); err == nil && n >= 0 {
		return time.Duration(n) * time.Second, true
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(t.Sub(now), 0), true
	}
	return 0, false
}

// withoutURL removes the URL, which may hold a secret, from an error of net/http.
func withoutURL(err error) error {
	var u interface {
		error
		Unwrap() error
		Timeout() bool
	}
	if errors.As(err, &u) && u.Unwrap() != nil {
		return u.Unwrap()
	}
	return err
}
