package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
)

// guard refuses requests that a foreign web page may have made: those with a Host that is not one of ours
// (DNS rebinding), and those with an Origin of another host (a page that its visitor does not expect to read
// or send events here).
func (h *httpListener) guard(next http.Handler) http.Handler {
	machine, _ := os.Hostname() // without it, the other rules hold
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived(w, r)
		host := hostName(r.Host)
		if !h.ownHost(host, machine) {
			h.server.refusals.refuse("http", "host", r.RemoteAddr, fmt.Errorf("host %q", r.Host))
			writeError(w, http.StatusForbidden, fmt.Errorf("host %q is not one of this server's; name it in listen.http(…, {hosts: [%q]})", host, host))
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && !h.ownOrigin(origin, host) {
			h.server.refusals.refuse("http", "origin", r.RemoteAddr, fmt.Errorf("origin %q", origin))
			writeError(w, http.StatusForbidden, fmt.Errorf("pages of %q may not connect; name it in listen.http(…, {origins: [%q]})", origin, origin))
			return
		}
		if err := h.tokens.check(w, r, rightFor(r)); err != nil {
			h.server.refusals.refuse("http", err.reason, r.RemoteAddr, err)
			writeError(w, err.status, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// crossSite refuses what a web page of another origin, be it on this very host, has a browser send.
var crossSite = http.NewCrossOriginProtection()

// owners lets requests through that may change something: those with a token, whose right has been looked at, or,
// where tokens are not used, those from this machine. Pages of other sites may make neither.
func (h *httpListener) owners(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := crossSite.Check(r)
		if err == nil && h.tokens == nil {
			err = onThisMachine(r)
		}
		if err != nil {
			h.server.refusals.refuse("http", "owner", r.RemoteAddr, err)
			writeError(w, http.StatusForbidden, err)
			return
		}
		next(w, r)
	}
}

// onThisMachine refuses requests that come from elsewhere, through a proxy on this machine too.
func onThisMachine(r *http.Request) error {
	peer, _, _ := net.SplitHostPort(r.RemoteAddr)
	if ip, err := netip.ParseAddr(peer); err != nil || !ip.Unmap().IsLoopback() {
		return errors.New("this is allowed on this machine only, over loopback, or with a token of listen.http(…, {tokens: \"FILE\"}) that has the right admin")
	}
	for _, forwarded := range [...]string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(forwarded) != "" {
			return errors.New("this is not allowed through a proxy, but for those who have a token with the right admin")
		}
	}
	return nil
}

// ownHost reports whether host is a name this server is reached by. An IP address cannot be rebound.
func (h *httpListener) ownHost(host, machine string) bool {
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	if machine != "" && (strings.EqualFold(host, machine) || strings.EqualFold(host, strings.SplitN(machine, ".", 2)[0])) {
		return true
	}
	if bound, _, err := net.SplitHostPort(h.opts.Address); err == nil && bound != "" && strings.EqualFold(host, bound) {
		return true
	}
	return slices.ContainsFunc(h.opts.Hosts, func(own string) bool { return strings.EqualFold(own, host) })
}

// ownOrigin reports whether a page of origin may connect to host: it comes from the same host name, on any
// port, or is on the list.
func (h *httpListener) ownOrigin(origin, host string) bool {
	if slices.Contains(h.opts.Origins, "*") || slices.ContainsFunc(h.opts.Origins, func(o string) bool {
		return strings.EqualFold(strings.TrimSuffix(o, "/"), origin)
	}) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Hostname(), strings.Trim(host, "[]"))
}

// hostName returns a Host header without its port.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
