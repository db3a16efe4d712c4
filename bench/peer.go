package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// telegrafVersion is the release of Telegraf that zeta is compared with.
const telegrafVersion = "v1.37.2"

// buildTelegraf builds Telegraf with nothing but the Riemann listener and outputs, from the module proxy.
func buildTelegraf(ctx context.Context, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	module := "github.com/influxdata/telegraf"
	text, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", module+"@"+telegrafVersion).Output()
	if err != nil {
		return "", fmt.Errorf("download Telegraf: %w", err)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(text, &m); err != nil {
		return "", err
	}
	source := filepath.Join(dir, "telegraf-source") // go build wants to write there
	if err := os.CopyFS(source, os.DirFS(m.Dir)); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "telegraf")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "custom,inputs.riemann_listener,outputs.discard,outputs.file,serializers.influx,parsers.influx", "-o", binary, "./cmd/telegraf")
	cmd.Dir = source
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build Telegraf: %w\n%s", err, text)
	}
	return binary, os.RemoveAll(source)
}

const telegrafConfig = `[agent]
metric_batch_size = 10000
metric_buffer_limit = 1000000
omit_hostname = true
[[outputs.discard]]
[[inputs.riemann_listener]]
service_address = "tcp://%s"
`

// printPeer measures Telegraf's riemann_listener with the loads of the first goals. It has no rules and no index.
func printPeer(ctx context.Context, c *config) error {
	binary, err := buildTelegraf(ctx, c.dir)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a free port
	if err != nil {
		return err
	}
	addr := l.Addr().String()
	l.Close()
	file := filepath.Join(c.dir, "telegraf.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, telegrafConfig, addr), 0o600); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Telegraf %s, riemann_listener to outputs.discard, without rules and index; zeta with five predicates and the index\n\n", telegrafVersion)
	fmt.Fprintln(c.out, "| events | batch | in flight | Telegraf ns/event | RSS MiB | zeta ns/event | RSS MiB | times |")
	fmt.Fprintln(c.out, "|---|--:|--:|--:|--:|--:|--:|--:|")
	for _, shape := range []string{"app", "collectd"} {
		for _, batch := range []int{1, 100, 1000} {
			r := row{Rules: "predicates", Network: "tcp", Shape: shape, Batch: batch, Conns: 1, Depth: flights[batch]}
			ours, err := c.median(ctx, r)
			if err != nil {
				return err
			}
			theirs, err := c.repeatedly(func() (*loadResult, error) { return c.runTelegraf(ctx, binary, file, addr, r) })
			if err != nil {
				return fmt.Errorf("telegraf: %s: %w", r.name(), err)
			}
			fmt.Fprintf(c.out, "| %s | %d | %d | %s | %.0f | %s | %.0f | %.1f |\n", shape, batch, r.Depth, figure(theirs.CPU), theirs.RSS, figure(ours.CPU), ours.RSS,
				theirs.CPU/theirs.Calibration/(ours.CPU/ours.Calibration))
		}
	}
	fmt.Fprintln(c.out)
	return nil
}

func (c *config) runTelegraf(ctx context.Context, binary, file, addr string, r row) (*loadResult, error) {
	cmd := exec.CommandContext(ctx, binary, "--config", file, "--quiet")
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", max(c.procs, 1)))
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		cmd.Wait()
		kill.Stop()
	}()
	for range 100 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			l := c.loadOf(&target{cmd: cmd, addr: map[string]string{}}, r)
			l.Addr, l.Metrics, l.Plain = addr, "", true
			return ask[loadResult](ctx, "load", l)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("it does not listen on %s", addr)
}
