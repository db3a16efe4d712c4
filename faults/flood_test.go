package faults

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// figure reads a value of the child's /metrics by the beginning of its line; 0 if there is none.
func (c *child) figure(prefix string) (v float64) {
	_, body := c.get("/metrics")
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			fmt.Sscan(rest, &v)
		}
	}
	return v
}

// TestConnectionFlood dials far more often than zeta may have files open. Connections that are there go on, and
// alerts still reach their target, for which zeta has to open a connection of its own.
func TestConnectionFlood(t *testing.T) {
	j := newJudge(t)
	s := newSetup(t, j.rules())
	s.files = size(256, 1024)
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	if status, _ := c.get("/readyz"); status != 200 { // this connection stays and asks for the figures later
		t.Fatalf("readyz: %d", status)
	}
	dials, kept := size(600, 5000), 0
	before, err := net.Dial("tcp", s.tcp)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	for i := range dials {
		nc, err := net.DialTimeout("tcp", s.tcp, 10*time.Second)
		if err != nil {
			t.Fatalf("dial %d: %v", i, err)
		}
		defer nc.Close()
		kept++
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		open := c.figure(`zeta_server_connections{listener="tcp"} `)
		refused := c.figure(`zeta_server_refusals_total{listener="tcp",reason="descriptors"} `)
		if int(open+refused) >= kept+1 {
			t.Logf("%d files: of %d connections %.0f are open, %.0f were refused", s.files, kept+1, open, refused)
			break
		}
		if time.Now().After(end) {
			t.Fatalf("of %d connections %.0f are open and %.0f refused:\n%s", kept+1, open, refused, c.log)
		}
	}
	if n := c.figure(`zeta_server_refusals_total{listener="tcp",reason="accept"} `); n != 0 {
		t.Errorf("zeta ran out of files %.0f times", n)
	}
	if n := j.over(before, "flooded", 20); n != 20 {
		t.Fatalf("%d of 20 answers on a connection from before the flood:\n%s", n, c.log)
	}
	j.verdict("a flood of connections", 0)
}

// TestSlowloris (-long) surrounds honest senders with thousands of clients that send a byte of a frame a second.
func TestSlowloris(t *testing.T) {
	if !*long {
		t.Skip("it takes a minute; -long runs it, and the server's tests run it on a clock of their own")
	}
	j := newJudge(t)
	s := newSetup(t, j.rules())
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	const slow, honest = 5000, 1000
	measure := func(sender string) float64 {
		begun := time.Now()
		if n := j.sendPadding(s.tcp, honest); n != honest {
			t.Fatalf("%s: %d of %d answers:\n%s", sender, n, honest, c.log)
		}
		return honest / time.Since(begun).Seconds()
	}
	alone := measure("alone")
	begun := time.Now()
	var closed atomic.Int64
	var last atomic.Int64
	for range slow {
		nc, err := net.Dial("tcp", s.tcp)
		if err != nil {
			t.Skipf("this machine allows too few open connections: %v", err)
		}
		defer nc.Close()
		go func() {
			_, err := nc.Write([]byte{0, 0, 0xff, 0xff})
			for err == nil {
				time.Sleep(time.Second)
				nc.SetReadDeadline(time.Now().Add(time.Millisecond))
				if _, rerr := nc.Read(make([]byte, 1)); rerr == io.EOF {
					break
				}
				_, err = nc.Write([]byte{0x32})
			}
			last.Store(int64(time.Since(begun)))
			closed.Add(1)
		}()
	}
	beside := measure("beside them")
	for end := begun.Add(60 * time.Second); closed.Load() < slow && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
	}
	took := time.Duration(last.Load())
	t.Logf("%.0f answers a second alone, %.0f beside %d slow clients (%+.1f %%); %d of them were closed, the last after %v",
		alone, beside, slow, 100*(beside/alone-1), closed.Load(), took.Round(time.Millisecond))
	if closed.Load() != slow || took > 30*time.Second {
		t.Errorf("%d of %d slow clients were closed, the last after %v; want all within 30 s", closed.Load(), slow, took)
	}
	if beside < alone/2 {
		t.Errorf("honest senders got %.0f answers a second beside slow ones, %.0f without", beside, alone)
	}
	j.verdict("slow clients", 0)
}
