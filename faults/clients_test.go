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

// TestOverload sends over many connections as fast as they take it, reading answers late, and datagrams beside them:
// every message over TCP is evaluated and answered, memory stays bounded, and what UDP lost is told by the sender's
// count.
func TestOverload(t *testing.T) {
	j := newJudge(t)
	s := newSetup(t, j.rules())
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	before := c.memory()
	events := make([]event.Event, 500)
	for i := range events {
		events[i] = plainEvent(fmt.Sprint("load ", i))
	}
	frame := wire.AppendFrame(nil, &wire.Msg{Events: events})
	rounds := size(100, 2000)
	const conns = 8
	answers := make(chan int, conns)
	for range conns {
		go func() {
			nc, err := net.Dial("tcp", s.tcp)
			if err != nil {
				answers <- 0
				return
			}
			defer nc.Close()
			nc.SetDeadline(time.Now().Add(5 * time.Minute))
			go func() {
				for range rounds {
					if _, err := nc.Write(frame); err != nil {
						return
					}
				}
			}()
			frames, n := wire.NewFrameReader(nc, 1<<20), 0
			for n < rounds {
				if _, ok, err := frames.Next(); err != nil {
					break
				} else if ok {
					n++
				} else if frames.Fill() != nil {
					break
				}
			}
			answers <- n
		}()
	}
	datagrams := 0
	if nc, err := net.Dial("udp", s.tcp); err == nil {
		defer nc.Close()
		packet := wire.AppendMsg(nil, &wire.Msg{Events: []event.Event{plainEvent("datagram")}})
		for range rounds * 20 {
			if _, err := nc.Write(packet); err == nil {
				datagrams++
			}
		}
	}
	acked := 0
	for range conns {
		acked += <-answers
	}
	if acked != conns*rounds {
		t.Errorf("%d of %d messages were answered", acked, conns*rounds)
	}
	var evaluated, udp float64
	settled := -1.0
	until(t, "the figures come to rest", func() bool {
		_, body := c.get("/metrics")
		m := regexp.MustCompile(`(?m)^zeta_server_events_total (\S+)$`).FindStringSubmatch(body)
		if m == nil {
			return false
		}
		evaluated, _ = strconv.ParseFloat(m[1], 64)
		rest := evaluated == settled
		settled = evaluated
		return rest
	})
	udp = evaluated - float64(acked*len(events))
	t.Logf("sent %d over TCP and %d datagrams; evaluated %.0f; %.0f datagrams lost in the kernel", conns*rounds*len(events), datagrams, evaluated, float64(datagrams)-udp)
	if udp < 0 || udp > float64(datagrams)+1000 { // zeta's own events are few
		t.Errorf("%.0f events beyond what TCP sent, of %d datagrams", udp, datagrams)
	}
	if grown := c.memory() - before; grown > 300<<20 {
		t.Errorf("memory grew by %d MiB", grown>>20)
	}
}
