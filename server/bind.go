package server

import (
	"fmt"
	"net"
	"net/netip"
)

// checkBind refuses an address that others than this machine can reach, unless the door is protected or the
// rules say that it is wanted so. protection names what would protect it, for the error.
func checkBind(kind, address string, protected, insecure bool, protection string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listen.%s(%q): %w; want HOST:PORT, e.g. 127.0.0.1:5555", kind, address, err)
	}
	if protected || insecure || isLoopback(host) {
		return nil
	}
	return fmt.Errorf("listen.%s(%q): this address is open to the network without protection; add %s, or bind 127.0.0.1, or write listen.%s(%q, {insecure: true}) if that is what you want",
		kind, address, protection, kind, address)
}

// isLoopback reports whether only this machine can reach host, whatever names it has.
func isLoopback(host string) bool {
	if host == "" {
		return false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback()
	}
	ips, err := net.LookupIP(host)
	if err != nil || len(ips) == 0 {
		return false
	}
	for _, ip := range ips {
		if !ip.IsLoopback() {
			return false
		}
	}
	return true
}
