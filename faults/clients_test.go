package faults

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"zeta/event"
	"zeta/event/wire"

	"github.com/gorilla/websocket"
)

func has(text, part string) bool { return strings.Contains(text, part) }

// TestHostileClients surrounds an honest sender with clients that never read, send a byte of a frame and wait, send
// garbage, and websockets that do not read: all that the honest one sends is answered, and memory stays bounded.
func TestHostileClients(t *testing.T) {
	j := newJudge(t)
	s := newSetup(t, j.rules())
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	before := c.memory()
	random := rand.New(rand.NewPCG(*seed, 2))
	message := wire.AppendFrame(nil, &wire.Msg{Events: []event.Event{plainEvent("flood")}})
	pipeline := []byte(strings.Repeat(string(message), 2000))
	garbage := make([]byte, 1<<10)
	for range size(8, 500) {
		for _, kind := range []string{"never reads", "slow", "garbage", "huge"} {
			nc, err := net.Dial("tcp", s.tcp)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			nc.SetDeadline(time.Now().Add(200 * time.Millisecond))
			switch kind {
			case "never reads":
				for range 20 {
					if _, err := nc.Write(pipeline); err != nil {
						break
					}
				}
			case "slow":
				nc.Write(message[:5])
			case "garbage":
				for i := range garbage {
					garbage[i] = byte(random.Uint32())
				}
				nc.Write(garbage)
			case "huge":
				nc.Write([]byte{0x7f, 0xff, 0xff, 0xff})
			}
		}
		ws, _, err := websocket.DefaultDialer.Dial("ws://"+s.http+"/index?query=true&subscribe=true", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer ws.Close()
	}
	if n := j.send("honest", s.tcp, 200); n != 200 {
		t.Fatalf("the honest sender got %d of 200 answers:\n%s", n, c.log)
	}
	j.verdict("hostile clients", 0)
	if grown := c.memory() - before; grown > 256<<20 {
		t.Errorf("memory grew by %d MiB", grown>>20)
	}
}

// TestIdleConnections holds many connections that say nothing, and sends over one more.
func TestIdleConnections(t *testing.T) {
	j := newJudge(t)
	s := newSetup(t, j.rules())
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	before := c.memory()
	n := size(1000, 10_000)
	for i := range n {
		nc, err := net.Dial("tcp", s.tcp)
		if err != nil {
			t.Skipf("this machine allows %d open connections of one process: %v", i, err)
		}
		defer nc.Close()
	}
	if got := j.send("sender", s.tcp, 20); got != 20 {
		t.Fatalf("%d of 20 answers beside %d idle connections", got, n)
	}
	each := (c.memory() - before) / int64(n)
	t.Logf("%d idle connections: %d bytes each", n, each)
	if each > 32<<10 {
		t.Errorf("an idle connection costs %d bytes, want at most 32 KiB", each)
	}
	j.verdict("idle connections", 0)
}

var residentSize = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// memory returns the child's resident bytes; 0 where the system does not tell.
func (c *child) memory() int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	m := residentSize.FindSubmatch(text)
	if m == nil {
		return 0
	}
	kib, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return kib << 10
}

func plainEvent(service string) event.Event {
	var e event.Event
	e.SetHost("h")
	e.SetService(service)
	e.SetInt(1)
	return e
}
