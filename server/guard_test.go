package server

import "testing"

func TestOwnHost(t *testing.T) {
	h := &httpListener{opts: HTTPOptions{Address: "zeta.internal:5556", Hosts: []string{"status.example.com"}}}
	for host, want := range map[string]bool{
		"127.0.0.1":          true,
		"[::1]":              true,
		"192.0.2.7":          true, // an address cannot be rebound
		"localhost":          true,
		"LOCALHOST":          true,
		"app.localhost":      true,
		"box1":               true,
		"box1.example.org":   true,
		"box2":               false,
		"zeta.internal":      true,
		"Status.Example.Com": true,
		"evil.example":       false,
		"":                   false,
		"notlocalhost":       false,
	} {
		if got := h.ownHost(host, "box1.example.org"); got != want {
			t.Errorf("host %q: got %v, want %v", host, got, want)
		}
	}
}

func TestOwnOrigin(t *testing.T) {
	h := &httpListener{opts: HTTPOptions{Origins: []string{"https://status.example.com/"}}}
	for _, c := range []struct {
		origin, host string
		want         bool
	}{
		{"http://127.0.0.1:4567", "127.0.0.1", true}, // riemann-dash beside it
		{"http://zeta:4567", "zeta", true},
		{"https://ZETA", "zeta", true},
		{"http://[::1]:4567", "[::1]", true},
		{"http://evil.example", "127.0.0.1", false},
		{"http://127.0.0.1.evil.example", "127.0.0.1", false},
		{"null", "127.0.0.1", false},
		{"file://", "127.0.0.1", false},
		{"https://status.example.com", "zeta", true},
		{"http://status.example.com", "zeta", false},
		{"chrome-extension://zeta", "zeta", false},
	} {
		if got := h.ownOrigin(c.origin, c.host); got != c.want {
			t.Errorf("origin %q at %q: got %v, want %v", c.origin, c.host, got, c.want)
		}
	}
	all := &httpListener{opts: HTTPOptions{Origins: []string{"*"}}}
	if !all.ownOrigin("http://evil.example", "zeta") {
		t.Error("\"*\" does not allow every origin")
	}
}
