package main

import "testing"

// BenchmarkInside is what bench measures without sockets, for profiles: go test ./bench -run x -bench Inside/streams -cpuprofile cpu.
func BenchmarkInside(b *testing.B) {
	for _, c := range []struct{ name, rules string }{
		{"index", indexOnly}, {"predicates", fivePredicates}, {"streams", fiveStreams}, {"changes", stateChanges},
	} {
		b.Run(c.name, func(b *testing.B) {
			in, err := newInside(c.rules, sample{Shape: "app", Series: 10_000, Batch: 100, Rounds: 3}, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer in.close()
			if err := in.warm(); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			began := cpuOf(0)
			for b.Loop() {
				if err := in.take(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuOf(0)-began)/float64(b.N*in.pool.events), "cpu-ns/event")
		})
	}
}
