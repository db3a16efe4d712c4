package main

import (
	"math/bits"
	"time"
)

// latencies is a histogram with 32 buckets for each power of two of nanoseconds: quantiles are right to 3 %.
type latencies struct {
	buckets [32 * 40]uint32
	count   uint64
}

func (l *latencies) add(d time.Duration, n int) {
	v := uint64(max(d, 32))
	top := bits.Len64(v) - 1
	i := 32*(top-5) + int(v>>(top-5)&31)
	l.buckets[min(i, len(l.buckets)-1)] += uint32(n)
	l.count += uint64(n)
}

func (l *latencies) merge(o *latencies) {
	for i, n := range o.buckets {
		l.buckets[i] += n
	}
	l.count += o.count
}

// quantile returns the middle of the bucket in which the quantile lies; 0 without any sample.
func (l *latencies) quantile(q float64) time.Duration {
	left := uint64(q * float64(l.count))
	for i, n := range l.buckets {
		if uint64(n) > left {
			top := i/32 + 5
			return time.Duration((uint64(32+i%32)<<1 + 1) << (top - 5) >> 1)
		}
		left -= uint64(n)
	}
	return 0
}
