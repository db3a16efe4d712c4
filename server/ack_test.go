package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"testing"

	"zeta/event/wire"
)

// BenchmarkAck is what the ack levels cost over one loopback connection, with messages of so many events, one or
// 32 of them under way at a time.
func BenchmarkAck(b *testing.B) {
	for _, level := range []Ack{AckProcessed, AckSafe, AckDurable} {
		for _, c := range []struct{ events, inFlight int }{{1, 1}, {1, 32}, {100, 1}, {100, 32}} {
			b.Run(fmt.Sprintf("%s/b%d/d%d", level, c.events, c.inFlight), func(b *testing.B) {
				log := slog.New(slog.DiscardHandler)
				store, err := OpenStore(b.TempDir(), log)
				if err != nil {
					b.Fatal(err)
				}
				defer store.Close(context.Background())
				s, err := New(Options{RulesText: fmt.Sprintf(`listen.tcp("127.0.0.1:0", {ack: %q});`, level) + benchRules, Store: store, Logger: log, Quiet: true})
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Start(b.Context()); err != nil {
					b.Fatal(err)
				}
				defer s.Shutdown(context.Background())
				conn, err := net.Dial("tcp", s.Addr("tcp").String())
				if err != nil {
					b.Fatal(err)
				}
				defer conn.Close()
				payload := appBatch(c.events, 1)
				message := append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
				burst := bytes.Repeat(message, c.inFlight)
				acks := make([]byte, len(wire.AckOK)*c.inFlight)
				conn.Write(burst)
				b.ResetTimer()
				begun := 0 // bytes of an answer that is not here whole
				for left := b.N; left > 0; {
					n, err := conn.Read(acks)
					if err != nil {
						b.Fatal(err)
					}
					answers := (begun + n) / len(wire.AckOK)
					begun = (begun + n) % len(wire.AckOK)
					left -= answers
					conn.Write(burst[:answers*len(message)]) // as many as were answered
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N), "µs/answer")
				b.ReportMetric(float64(b.N*c.events)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}
