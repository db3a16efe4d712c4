package server

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"

	"zeta/event"
	"zeta/event/wire"
)

// benchRules are five predicates and the index, as the goals are measured with.
const benchRules = `
default(ttl, 60, index);
where(service startsWith "df-" and metric > 0.9, publish("a"));
where(state in ["critical", "warning"], publish("b"));
where("prod" in tags and metric > 1e9, publish("c"));
where(host matches "^db-[0-9]+", publish("d"));
where(service == "nothing" and state == "ok", publish("e"));
`

// appBatch makes a message as an application sends it: n events of one host with 50 services, 69 bytes each.
func appBatch(n, host int) []byte {
	events := make([]event.Event, n)
	for i := range events {
		e := ev(fmt.Sprintf("web-%04d.prod", host), fmt.Sprintf("api latency %04d", i%50), 0.25*float64(i))
		e.SetState("ok")
		e.SetTTL(60)
		e.SetTime(1_700_000_000_000_000 + int64(i)*1_000_000)
		e.Set = event.NewSet([]string{"prod-eu"}, nil)
		events[i] = e
	}
	return wire.AppendMsg(nil, &wire.Msg{Events: events})
}

// benchConn decodes and runs messages as a connection does, without a socket.
type benchConn struct{ conn }

func newBenchConn(s *Server) *benchConn {
	c := &benchConn{}
	c.server, c.name, c.decoder, c.desk = s, "tcp", wire.NewDecoder(wire.DefaultLimits), &desk{}
	return c
}

func (c *benchConn) take(tb testing.TB, payload []byte) {
	if err := c.answer(payload); err != nil {
		tb.Fatal(err)
	}
	c.out = c.out[:0]
}

// BenchmarkIngest is a message's whole way without the socket: decode, five rules, index, answer.
func BenchmarkIngest(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("app/b%d", n), func(b *testing.B) {
			s := newServer(Options{RulesText: benchRules, Logger: slog.New(slog.DiscardHandler)})
			defer func() { s.cancel(); s.hub.Close() }()
			if _, err := s.load(); err != nil {
				b.Fatal(err)
			}
			c := newBenchConn(s)
			var batches [][]byte
			for h := range 200 {
				batches = append(batches, appBatch(n, h))
			}
			for _, m := range batches {
				c.take(b, m)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				c.take(b, batches[i%len(batches)])
				i++
			}
			events := float64(b.N) * float64(n)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/events, "ns/event")
			b.ReportMetric(events/b.Elapsed().Seconds()/1e6, "Mevents/s")
		})
	}
}

// BenchmarkTCP is the same over loopback sockets: clients keep several messages in flight. The client's work,
// writing and counting bytes, is included.
func BenchmarkTCP(b *testing.B) {
	for _, c := range []struct{ n, clients, inFlight int }{{1, 16, 1}, {1, 4, 64}, {100, 1, 32}, {1000, 1, 8}, {100, 4, 32}} {
		b.Run(fmt.Sprintf("b%d/c%d/d%d", c.n, c.clients, c.inFlight), func(b *testing.B) {
			s, err := New(Options{RulesText: benchRules + listeners, Logger: slog.New(slog.DiscardHandler), Quiet: true})
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			defer s.Shutdown(b.Context())
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for i := range c.clients {
				share := b.N / c.clients
				if i == 0 {
					share += b.N % c.clients
				}
				conn, err := net.Dial("tcp", s.Addr("tcp").String())
				if err != nil {
					b.Fatal(err)
				}
				wg.Go(func() {
					defer conn.Close()
					payload := appBatch(c.n, i)
					one := append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
					burst := bytes.Repeat(one, c.inFlight)
					acks := make([]byte, len(wire.AckOK)*c.inFlight)
					for share > 0 {
						k := min(share, c.inFlight)
						conn.Write(burst[:k*len(one)])
						if _, err := io.ReadFull(conn, acks[:k*len(wire.AckOK)]); err != nil {
							b.Error(err)
							return
						}
						share -= k
					}
				})
			}
			wg.Wait()
			events := float64(b.N) * float64(c.n)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/events, "ns/event")
		})
	}
}
