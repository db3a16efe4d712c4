package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/index"
	"zeta/server"
)

// inside is a server in this process that is given messages without a socket: what is left is decoding, rules
// and index, and small differences can be told.
type inside struct {
	server  *server.Server
	decoder *wire.Decoder
	msg     wire.Msg
	pool    *pool
	next    int
}

func newInside(rules string, s sample, maxSeries int) (*inside, error) {
	srv, err := server.New(server.Options{
		RulesText: "listen.tcp(\"127.0.0.1:0\");\n" + rules, Quiet: true, HistorySeries: -1, MaxSeries: maxSeries,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	p, err := s.make(time.Now().UnixMicro())
	if err != nil {
		return nil, err
	}
	return &inside{server: srv, decoder: wire.NewDecoder(wire.DefaultLimits), pool: p}, nil
}

func (i *inside) close() { i.server.Shutdown(context.Background()) }

// take handles the next message of the pool.
func (i *inside) take() error {
	message := i.pool.bytes[i.pool.at[i.next]+4 : i.pool.at[i.next+1]]
	if i.next++; i.next == i.pool.messages() {
		i.next = 0
	}
	if err := i.decoder.Decode(&i.msg, message); err != nil {
		return err
	}
	return i.server.Ingest(i.msg.Events)
}

// warm sends the whole pool.
func (i *inside) warm() error {
	for range i.pool.messages() {
		if err := i.take(); err != nil {
			return err
		}
	}
	return nil
}

// cost returns ns of CPU an event.
func (i *inside) cost(long time.Duration) (float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	events := 0
	began := cpuOf(0)
	for cpuOf(0)-began < long {
		for range max(1, 1000/i.pool.events) {
			if err := i.take(); err != nil {
				return 0, err
			}
			events += i.pool.events
		}
	}
	return float64(cpuOf(0)-began) / float64(events), nil
}

// compare returns the median cost of each set of rules, all measured in turn, and the calibration.
func (c *config) compare(s sample, maxSeries int, rules ...string) (costs []float64, calibration float64, err error) {
	var servers []*inside
	defer func() {
		for _, i := range servers {
			i.close()
		}
	}()
	for _, r := range rules {
		i, err := newInside(r, s, maxSeries)
		if err != nil {
			return nil, 0, err
		}
		servers = append(servers, i)
		if err := i.warm(); err != nil {
			return nil, 0, err
		}
	}
	runtime.GC()
	all := make([][]float64, len(rules)+1)
	for range 2*c.repeat + 1 {
		for n, i := range servers {
			v, err := i.cost(c.time / 5)
			if err != nil {
				return nil, 0, err
			}
			all[n] = append(all[n], v)
		}
		k, err := calibrate(s.Shape, c.time/10)
		if err != nil {
			return nil, 0, err
		}
		all[len(rules)] = append(all[len(rules)], k)
	}
	for _, values := range all {
		costs = append(costs, middle(values))
	}
	return costs[:len(rules)], costs[len(rules)], nil
}

func middle(values []float64) float64 {
	slices.SortFunc(values, cmp.Compare)
	return values[len(values)/2]
}

func measureRules(ctx context.Context, c *config) ([]measured, error) {
	s := sample{Shape: "app", Series: 10_000, Batch: 1000, Rounds: 3}
	v, k, err := c.compare(s, 0, indexOnly, fivePredicates, manyRules(200, 10), stateChanges)
	if err != nil {
		return nil, err
	}
	return []measured{{(v[1] - v[0]) / 5, k}, {v[2], k}, {v[3] - v[0], k}}, nil
}

// measureSweep looks for expired entries among a million of which each was refreshed in time.
func measureSweep(ctx context.Context, c *config) ([]measured, error) {
	x := index.New(index.Options{})
	var now int64 = 1_700_000_000_000_000
	put := func() {
		x.Advance(now)
		e := event.Event{}
		e.SetTTL(60)
		e.SetState("ok")
		for h := range 20_000 {
			e.SetHost(fmt.Sprintf("web-%05d.prod1", h))
			for n := range servicesPerHost {
				e.SetService(insideServices[n])
				e.SetTime(now)
				e.Series = x.Resolve(&e)
				x.Put(&e)
			}
		}
	}
	put()
	var took []float64
	for range 2*c.repeat + 1 {
		now += 50_000_000
		put()
		runtime.GC()
		now += 20_000_000 // the first deadlines have passed, so every host must be looked at
		began := cpuOf(0)
		if n := x.Expire(now, func(*event.Event) {}); n != 0 {
			return nil, fmt.Errorf("%d entries expired", n)
		}
		took = append(took, ms(cpuOf(0)-began))
	}
	k, err := calibrate("app", c.time/8)
	if err != nil {
		return nil, err
	}
	return []measured{{middle(took), k}}, nil
}

var insideServices = func() (names [servicesPerHost]string) {
	for i := range names {
		names[i] = fmt.Sprintf("http latency p%02d", i)
	}
	return names
}()
