package server

import (
	"math/bits"
	"time"
)

// engineCounts are the engine's figures. They belong to its lock.
type engineCounts struct {
	events          uint64
	batches         uint64
	latency         latencies // of batches, waiting for the lock included
	sweeps          uint64
	expired         uint64
	reinjectDropped uint64
	panics          uint64
}

func (c *engineCounts) batch(events int, took time.Duration) {
	c.batches++
	c.events += uint64(events)
	c.latency.add(took)
}

// latencies is a histogram with four buckets for each power of two of nanoseconds: quantiles are right to a
// fifth, and adding costs a few nanoseconds.
type latencies struct {
	buckets [latencyBuckets]uint64
	count   uint64
	sum     time.Duration
}

const latencyBuckets = 4 * 44 // up to 2^43 ns, over two hours

func (l *latencies) add(d time.Duration) {
	l.buckets[latencyBucket(d)]++
	l.count++
	l.sum += d
}

func latencyBucket(d time.Duration) int {
	n := uint64(max(d, 4))
	top := bits.Len64(n) - 1
	return min(4*(top-2)+int(n>>(top-2)&3), latencyBuckets-1)
}

// latencyBound returns the upper bound of bucket i.
func latencyBound(i int) time.Duration {
	top := i/4 + 2
	return time.Duration(uint64(5+i%4) << (top - 2))
}

// since returns the histogram of what was added after the state old.
func (l *latencies) since(old *latencies) latencies {
	d := latencies{count: l.count - old.count, sum: l.sum - old.sum}
	for i := range d.buckets {
		d.buckets[i] = l.buckets[i] - old.buckets[i]
	}
	return d
}

// quantile returns an upper bound of the q-quantile; 0 if nothing was added.
func (l *latencies) quantile(q float64) time.Duration {
	if l.count == 0 {
		return 0
	}
	rank := uint64(q * float64(l.count))
	if rank >= l.count {
		rank = l.count - 1
	}
	for i, n := range l.buckets {
		if rank < n {
			return latencyBound(i)
		}
		rank -= n
	}
	return latencyBound(latencyBuckets - 1)
}

// counts returns a copy of the figures.
func (e *Engine) counts() engineCounts {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count
}
