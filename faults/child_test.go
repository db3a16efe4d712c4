package faults

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

var (
	long   = flag.Bool("long", false, "run the full sizes")
	cycles = flag.Int("cycles", 10, "kills of the test of kills")
	seed   = flag.Uint64("seed", 1, "seed of the random faults")
)

// size picks how much of something a test does.
func size(quick, full int) int {
	if *long {
		return full
	}
	return quick
}

var (
	binary string // the child's program
	built  sync.Once
)

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "zeta-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "zeta")
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// child is a zeta that runs as a process of its own.
type child struct {
	t         *testing.T
	cmd       *exec.Cmd
	log       *tail
	ended     chan struct{}
	tcp, http string
}

// tail keeps the end of a child's log.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *tail) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 64<<10 {
		l.b.Reset()
	}
	return l.b.Write(b)
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// freePorts returns addresses of loopback that nobody listens on, below those that outgoing connections take: a
// child must get its own back in the next life.
func freePorts(t *testing.T, n int) (addrs []string) {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 10_000+rand.IntN(22_000)))
		if err != nil {
			continue
		}
		defer l.Close()
		if addrs = append(addrs, l.Addr().String()); len(addrs) == n {
			return addrs
		}
	}
	t.Fatal("no free port of loopback was found")
	return nil
}

// setup is what lives of a child share: its data, rules and addresses.
type setup struct {
	t         *testing.T
	data      string
	rules     string // file
	files     int    // open files that a child may have; 0: as many as the tests
	group     string // file that takes the processes of the child's control group; "": that of the test
	tcp, http string
}

func newSetup(t *testing.T, rules string) *setup {
	t.Helper()
	built.Do(func() {
		build := exec.Command("go", "build", "-tags", "faultpoints", "-o", binary, "zeta/cmd/zeta")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build zeta: %v\n%s", err, out)
		}
	})
	if _, err := os.Stat(binary); err != nil {
		t.Fatal("zeta could not be built")
	}
	addrs := freePorts(t, 2)
	s := &setup{t: t, data: filepath.Join(t.TempDir(), "data"), tcp: addrs[0], http: addrs[1]}
	s.rules = filepath.Join(t.TempDir(), "zeta.expr")
	s.write(rules)
	return s
}

// write writes the rules file, with the listeners.
func (s *setup) write(rules string) {
	s.t.Helper()
	text := fmt.Sprintf("listen.tcp(%q, {maxConnections: 20000});\nlisten.udp(%q);\nlisten.http(%q);\n%s\n", s.tcp, s.tcp, s.http, rules)
	if err := os.WriteFile(s.rules, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// start starts a child; points are fault points as ZETA_FAULTPOINTS takes them. It does not wait for it to be ready.
func (s *setup) start(points string, env ...string) *child {
	s.t.Helper()
	c := &child{t: s.t, log: &tail{}, ended: make(chan struct{}), tcp: s.tcp, http: s.http}
	line := []string{binary, "serve", "--config", s.rules, "--data", s.data, "--health", "no", "--grace", "5s"}
	if s.files > 0 {
		line = append([]string{"sh", "-c", `ulimit -n "$0" && exec "$@"`, strconv.Itoa(s.files)}, line...)
	}
	if s.group != "" {
		line = append([]string{"sh", "-c", `echo $$ > "$0" && exec "$@"`, s.group}, line...)
	}
	c.cmd = exec.Command(line[0], line[1:]...)
	c.cmd.Env = append(append(os.Environ(), "ZETA_FAULTPOINTS="+points), env...)
	c.cmd.Stderr = c.log
	if err := c.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		c.cmd.Wait()
		close(c.ended)
	}()
	s.t.Cleanup(c.kill)
	return c
}

// ready waits until the child answers, and reports whether it does; it does not when it has died.
func (c *child) ready() bool {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		select {
		case <-c.ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
		if nc, err := net.Dial("tcp", c.tcp); err == nil {
			nc.Close()
			return true
		}
	}
	c.t.Fatalf("zeta did not come up within 20 s:\n%s", c.log)
	return false
}

// kill ends the child as kill -9 does and waits for its end.
func (c *child) kill() {
	c.cmd.Process.Kill()
	<-c.ended
}

// get asks the child's HTTP listener; "" when it does not answer.
func (c *child) get(path string) (status int, body string) {
	resp, err := http.Get("http://" + c.http + path)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	b.ReadFrom(resp.Body)
	return resp.StatusCode, b.String()
}
