package main

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"
)

// notify tells systemd a change of state, such as READY=1, over the socket named in NOTIFY_SOCKET. Without one, or
// when nobody listens, nothing happens: the service manager has its own time limits.
func notify(env func(string) string, state string) {
	name := env("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	if name[0] == '@' {
		name = "\x00" + name[1:] // an abstract socket
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	conn.Write([]byte(state))
}

// watchdog tells systemd at half the time it asks for that zeta works, as long as alive returns; until ctx is done.
func watchdog(ctx context.Context, env func(string) string, alive func()) {
	us, err := strconv.ParseInt(env("WATCHDOG_USEC"), 10, 64)
	if err != nil || us <= 0 {
		return
	}
	if pid := env("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return
	}
	ticker := time.NewTicker(time.Duration(us) * time.Microsecond / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			alive()
			notify(env, "WATCHDOG=1")
		case <-ctx.Done():
			return
		}
	}
}
