package journal_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"zeta/journal"
)

// eventBytes is about what an event takes in a message.
const eventBytes = 100

func BenchmarkAppend(b *testing.B) {
	for _, events := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint("events=", events), func(b *testing.B) {
			l := open(b, b.TempDir(), journal.Options{RetainBytes: 256 << 20, Logger: quiet})
			body := make([]byte, events*eventBytes)
			var head [8]byte
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for i := range b.N {
				for l.Behind() {
					l.WaitRoom(b.Context())
				}
				if _, err := l.Append(journal.KindBatch, int64(i), head[:], body); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
		})
	}
}

// BenchmarkCommit has 64 connections that each wait for every one of their messages.
func BenchmarkCommit(b *testing.B) {
	for _, level := range []string{"safe", "durable"} {
		b.Run(level, func(b *testing.B) {
			l := open(b, b.TempDir(), journal.Options{RetainBytes: 256 << 20, Logger: quiet})
			wait := l.WaitWritten
			if level == "durable" {
				wait = l.WaitSynced
			}
			body := make([]byte, 100*eventBytes)
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						seq, err := l.Append(journal.KindBatch, 1, body)
						if err == nil {
							err = wait(context.Background(), seq)
						}
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
			b.ReportMetric(float64(b.N)/float64(l.Stats().Groups), "messages/write")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	l := open(b, b.TempDir(), journal.Options{Logger: quiet})
	body := make([]byte, 100*eventBytes)
	const records = 20_000 // 2 M events, 200 MB
	for range records {
		for l.Behind() {
			l.WaitRoom(b.Context())
		}
		if _, err := l.Append(journal.KindBatch, 1, body); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.WaitSynced(b.Context(), records); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(records * int64(len(body)))
	b.ResetTimer()
	for range b.N {
		n := 0
		if _, err := l.Read(0, func(journal.Record) error { n++; return nil }); err != nil || n != records {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.N)*records*100/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkOutbox(b *testing.B) {
	o := openOutbox(b, filepath.Join(b.TempDir(), "outbox"), journal.OutboxOptions{QueueBytes: 1 << 40})
	body := make([]byte, 500)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				ticket, err := o.Put(journal.Entry{Sink: "slack", ID: journal.NumberID(uint64(n)), Stamp: n, Body: body})
				if err == nil {
					err = o.Wait(context.Background(), ticket)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
}
