package server

import (
	"testing"
	"time"
)

func TestLatencyBucketsAreInOrder(t *testing.T) {
	last := -1
	for d := time.Duration(1); d < 3*time.Hour; d += d/7 + 1 {
		i := latencyBucket(d)
		if i < last {
			t.Fatalf("%v is in bucket %d, before a shorter time's %d", d, i, last)
		}
		last = i
		if i < latencyBuckets-1 && (latencyBound(i) < d || i > 0 && latencyBound(i-1) > d) {
			t.Fatalf("%v is in bucket %d, which ends at %v after %v", d, i, latencyBound(i), latencyBound(max(i-1, 0)))
		}
	}
}

func TestQuantiles(t *testing.T) {
	var l latencies
	if got := l.quantile(0.5); got != 0 {
		t.Fatalf("quantile of nothing: %v, want 0", got)
	}
	for i := 1; i <= 1000; i++ {
		l.add(time.Duration(i) * time.Microsecond)
	}
	before := l
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{{0, time.Microsecond}, {0.5, 500 * time.Microsecond}, {0.99, 990 * time.Microsecond}, {1, time.Millisecond}} {
		got := l.quantile(c.q)
		if got < c.want || float64(got) > 1.3*float64(c.want) {
			t.Errorf("quantile %v: got %v, want a little over %v", c.q, got, c.want)
		}
	}
	l.add(time.Second)
	d := l.since(&before)
	if got := d.quantile(0.5); d.count != 1 || got < time.Second {
		t.Errorf("difference: %d values with median %v, want 1 of 1 s", d.count, got)
	}
}
