package wire

import (
	"fmt"
	"testing"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"
)

// BenchmarkDecode reads 10,000 series, host by host; ns/event is what matters. protobuf-go's figures stand
// beside it to calibrate the machine.
func BenchmarkDecode(b *testing.B) {
	samples := []struct {
		name string
		make func(batch, n int) []byte
	}{{"app", appSample}, {"collectd", collectdSample}}
	readers := []struct {
		name string
		make func() func(payload []byte) error
	}{
		{"zeta", func() func([]byte) error {
			d, m := NewDecoder(Limits{}), new(Msg)
			return func(p []byte) error { return d.Decode(m, p) }
		}},
		{"protobuf-go", func() func([]byte) error {
			return func(p []byte) error { return pb.Unmarshal(p, new(proto.Msg)) }
		}},
	}
	for _, sample := range samples {
		for _, n := range []int{1, 100, 1000} {
			var payloads [][]byte
			for batch := range 10_000 / n {
				payloads = append(payloads, sample.make(batch, n))
			}
			for _, reader := range readers {
				b.Run(fmt.Sprintf("%s/%d/%s", sample.name, n, reader.name), func(b *testing.B) {
					decode := reader.make()
					for _, p := range payloads {
						if err := decode(p); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportAllocs()
					b.ResetTimer()
					for i := 0; i < b.N; i++ {
						if err := decode(payloads[i%len(payloads)]); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/event")
				})
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, sample := range map[string]func(batch, n int) []byte{"app": appSample, "collectd": collectdSample} {
		b.Run(name, func(b *testing.B) {
			var m Msg
			if err := NewDecoder(Limits{}).Decode(&m, sample(0, 1000)); err != nil {
				b.Fatal(err)
			}
			var buf []byte
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				buf = AppendFrame(buf[:0], &m)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
		})
	}
}
