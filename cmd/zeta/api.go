package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// api is how to reach a server's HTTP listener.
type api struct {
	serverFlags
	tokenFile string
}

// maxAnswer bounds an answer of the API, in bytes.
const maxAnswer = 256 << 20

func (a *api) declare(fs *flag.FlagSet) {
	a.addr = "127.0.0.1:5556"
	a.serverFlags.declare(fs)
	fs.StringVar(&a.tokenFile, "token-file", "", "`FILE` with the token to send (default the variable ZETA_TOKEN, else none)")
	fs.Lookup("addr").Usage = "`HOST:PORT` of the server's HTTP listener"
}

// token is what the server is shown, where its listener has the option tokens; "" for nothing.
func (a *api) token() (string, error) {
	token := os.Getenv("ZETA_TOKEN")
	if a.tokenFile != "" {
		text, err := os.ReadFile(a.tokenFile)
		if err != nil {
			return "", fmt.Errorf("--token-file: %w", err)
		}
		token = string(text)
	}
	token = strings.TrimSpace(token)
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("the token has blanks or other characters that no token has; want one word")
	}
	return token, nil
}

// request makes one request. The caller closes the answer's body, which may go on as long as it likes if it streams.
func (a *api) request(ctx context.Context, method, path string, body []byte, header http.Header, streams bool) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+a.addr+path, bytes.NewReader(body)) // TLS, where there is any, is dial's
	if err != nil {
		return nil, usageError{err}
	}
	for name, values := range header {
		req.Header[name] = values
	}
	token, err := a.token()
	if err != nil {
		return nil, usageError{err}
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	dial := func(context.Context, string, string) (net.Conn, error) {
		conn, err := a.dial()
		if err == nil && streams {
			err = conn.SetDeadline(time.Time{})
		}
		return conn, err
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL, which the user did not write
	}
	return resp, err
}

// call makes one request of the API, with a body in JSON unless it is nil, and decodes the answer.
func (a *api) call(method, path string, q url.Values, body, answer any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	resp, err := a.request(context.Background(), method, path, text, nil, false)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		var refused struct{ Error string }
		if json.Unmarshal(text, &refused) == nil && refused.Error != "" {
			return errors.New(refused.Error)
		}
		return fmt.Errorf("%s answers %s, which is not an answer of zeta", a.addr, resp.Status)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	return nil
}
