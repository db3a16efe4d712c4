package server

import (
	"math/bits"
	"time"

	"zeta/streams"
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

	silences, waiting  int    // in force, and alerts they hold
	silenced, heldLost uint64 // alerts held back; those not kept because too many were
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
	c, s := e.count, &e.silences
	c.silences, c.waiting, c.silenced, c.heldLost = len(s.all), len(s.held), s.total, s.dropped
	return c
}

// troubles returns the places in the rules that failed or shed something, one for each position: a template
// that is used twice, or two operators at one place, count together.
func (e *Engine) troubles() []streams.NodeStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.graph == nil {
		return nil
	}
	var found []streams.NodeStats
	at := map[[2]string]int{}
	for _, n := range e.graph.Stats() {
		if n.Failures == 0 && n.Shed == 0 {
			continue
		}
		key := [2]string{n.Operator, n.Pos}
		i, ok := at[key]
		if !ok {
			at[key] = len(found)
			found = append(found, n)
			continue
		}
		found[i].Failures += n.Failures
		found[i].Shed += n.Shed
	}
	return found
}
