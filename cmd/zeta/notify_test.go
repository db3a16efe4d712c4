package main

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"
)

func TestNotify(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.SetReadDeadline(time.Now().Add(10 * time.Second))
	env := func(key string) string {
		return map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "2000"}[key]
	}
	said := func() string {
		var b [100]byte
		n, err := l.Read(b[:])
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	notify(env, "READY=1")
	if got := said(); got != "READY=1" {
		t.Errorf("systemd was told %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		watchdog(ctx, env, func() { asked++ })
	}()
	for range 2 {
		if got := said(); got != "WATCHDOG=1" {
			t.Errorf("systemd was told %q", got)
		}
	}
	cancel()
	<-done
	if asked < 2 {
		t.Errorf("the server was asked %d times whether it lives, want once before each word", asked)
	}
	notify(func(string) string { return "" }, "READY=1")           // no systemd
	notify(func(string) string { return name + "-none" }, "READY") // nobody listens
}
