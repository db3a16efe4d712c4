package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"zeta/tls"
)

// target is a running server.
type target struct {
	cmd   *exec.Cmd
	addr  map[string]string // by listener; pprof too
	log   *strings.Builder
	data  string // its data directory, "" without; removed at the end
	ended chan struct{}
}

// build builds a program of this module.
func build(ctx context.Context, out, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, pkg)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
	}
	return nil
}

// writeCertificates puts ca.pem, server.pem and server.key into dir.
func writeCertificates(dir string) error {
	ca, err := tls.NewAuthority("bench")
	if err != nil {
		return err
	}
	cert, key, err := ca.Issue(tls.Request{Name: "bench", Hosts: []string{"localhost"}, Server: true})
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"ca.pem": ca.PEM(), "server.pem": cert, "server.key": key} {
		if err := tls.WriteFile(filepath.Join(dir, name), text, name == "server.key"); err != nil {
			return err
		}
	}
	return nil
}

// start runs the server with rules and waits until it listens.
func (c *config) start(ctx context.Context, rules string) (*target, error) {
	ack := c.ack
	if ack == "" {
		ack = "safe"
	}
	listeners := fmt.Sprintf(`listen.tcp("127.0.0.1:0", {maxConnections: 20000, ack: %q});
listen.tcp("127.0.0.1:0", {tls: {cert: %q, key: %q}});
listen.udp("127.0.0.1:0"); listen.http("127.0.0.1:0");
`, ack, filepath.Join(c.dir, "server.pem"), filepath.Join(c.dir, "server.key"))
	file := filepath.Join(c.dir, "bench.expr")
	if err := os.WriteFile(file, []byte(listeners+rules), 0o600); err != nil {
		return nil, err
	}
	data := ""
	if c.journal {
		var err error
		if data, err = os.MkdirTemp(c.dir, "data-"); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, c.zeta, "serve", "--data="+data, "--config", file, "--log-json", "--pprof", "127.0.0.1:0", "--health", "no")
	if c.procs > 0 {
		cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", c.procs))
	}
	t := &target{cmd: cmd, addr: map[string]string{}, log: &strings.Builder{}, data: data, ended: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go func() {
		defer close(t.ended)
		t.follow(stderr, ready)
		cmd.Wait()
	}()
	select {
	case <-ready:
		return t, nil
	case <-t.ended:
		return nil, fmt.Errorf("the server ended:\n%s", t.log)
	case <-time.After(20 * time.Second):
		t.stop()
		return nil, errors.New("the server does not listen after 20 s")
	}
}

// follow reads the log until the server ends; ready is closed when it runs.
func (t *target) follow(r io.Reader, ready chan<- struct{}) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var m struct{ Msg, Listener, Address string }
		if ready != nil && t.log.Len() < 1<<16 {
			t.log.WriteString(lines.Text() + "\n")
		}
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			continue
		}
		switch m.Msg {
		case "listening":
			t.addr[m.Listener] = m.Address
		case "profiles":
			t.addr["pprof"] = m.Address
		case "zeta is running":
			if ready != nil {
				close(ready)
				ready = nil
			}
		}
	}
}

func (t *target) pid() int        { return t.cmd.Process.Pid }
func (t *target) metrics() string { return "http://" + t.addr["http"] + "/metrics" }

// collect makes the server collect its garbage.
func (t *target) collect() error {
	c := http.Client{Timeout: 30 * time.Second}
	resp, err := c.Get(t.addr["pprof"] + "heap?gc=1")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// stop ends the server and removes what it kept.
func (t *target) stop() {
	defer func() {
		if t.data != "" {
			os.RemoveAll(t.data)
		}
	}()
	t.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-t.ended:
	case <-time.After(10 * time.Second):
		t.cmd.Process.Kill()
		<-t.ended
	}
}

// ask runs a child of this program and returns what it measured.
func ask[R any](ctx context.Context, kind string, what any) (*R, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-child", kind)
	cmd.Stdin = strings.NewReader(string(text))
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", kind, err, problem.String())
	}
	r := new(R)
	return r, json.Unmarshal(out, r)
}

// helper is a child that works until it is told to end.
type helper struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// engage starts a child and waits until it says that it is ready.
func engage(ctx context.Context, kind string, what any) (*helper, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-child", kind)
	cmd.Stderr = os.Stderr
	h := &helper{cmd: cmd}
	if h.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := json.NewEncoder(h.in).Encode(what); err != nil {
		return nil, err
	}
	if _, err := h.out.ReadString('\n'); err != nil {
		cmd.Wait()
		return nil, fmt.Errorf("%s did not start: %w", kind, err)
	}
	return h, nil
}

// dismiss ends a child; result, unless nil, takes what it measured.
func (h *helper) dismiss(result any) error {
	h.in.Close()
	var err error
	if result != nil {
		err = json.NewDecoder(h.out).Decode(result)
	}
	return errors.Join(err, h.cmd.Wait())
}
