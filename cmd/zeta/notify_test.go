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

func TestMemoryLimit(t *testing.T) {
	files := map[string]string{}
	read := func(name string) ([]byte, error) { return []byte(files[name]), nil }
	for _, c := range []struct {
		cgroup, max string
		want        int64
	}{
		{"0::/system.slice/zeta.service\n", "1000000000\n", 900_000_000},
		{"0::/system.slice/zeta.service\n", "max\n", 0},
		{"0::/system.slice/zeta.service\n", "", 0},
		{"12:memory:/x\n", "1000", 0},
		{"", "", 0},
	} {
		files["/proc/self/cgroup"] = c.cgroup
		files["/sys/fs/cgroup/system.slice/zeta.service/memory.max"] = c.max
		if got := memoryLimit(read); got != c.want {
			t.Errorf("cgroup %q with memory.max %q: %d, want %d", c.cgroup, c.max, got, c.want)
		}
	}
	// A limit of a group above counts as well.
	files["/proc/self/cgroup"] = "0::/system.slice/zeta.service\n"
	files["/sys/fs/cgroup/system.slice/zeta.service/memory.max"] = "2000"
	files["/sys/fs/cgroup/system.slice/memory.max"] = "1000"
	if got := memoryLimit(read); got != 900 {
		t.Errorf("with a lower limit above: %d, want 900", got)
	}
}
