package giveway

import (
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestNetworkGoesFirst: on one processor, a goroutine that waits for the network runs while another computes, and
// long before the runtime would look by itself. A process of its own has one processor from the start.
func TestNetworkGoesFirst(t *testing.T) {
	if os.Getenv("GIVEWAY_ALONE") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNetworkGoesFirst$", "-test.v")
		cmd.Env = append(os.Environ(), "GIVEWAY_ALONE=1", "GOMAXPROCS=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // answers every byte
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		var b [1]byte
		for {
			if _, err := c.Read(b[:]); err != nil {
				return
			}
			c.Write(b[:])
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answers := 0
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var b [1]byte
		for {
			if _, err := c.Write(b[:]); err != nil {
				return
			}
			if _, err := c.Read(b[:]); err != nil {
				return
			}
			answers++
		}
	}()
	var turn Turn
	began := time.Now()
	for turn.Taken() < 200 && time.Since(began) < 10*time.Second {
		turn.Next()
	}
	turn.Close()
	c.Close()
	<-ended
	// Each answer needs a look at the network on both sides. The runtime alone would have looked a few times.
	if answers < 50 {
		t.Errorf("%d answers in %d turns, want at least 50", answers, turn.Taken())
	}
}

// TestClose: what a turn took is given back, and it may be used again.
func TestClose(t *testing.T) {
	var turn Turn
	for range 3 {
		turn.give()
		turn.give()
		turn.Close()
	}
	if turn.Taken() != 6 {
		t.Errorf("gave way %d times, want 6", turn.Taken())
	}
}
