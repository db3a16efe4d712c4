package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zeta/lines"
	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[StatsdOptions]{
		Name:    "statsd",
		Summary: "Take statsd's metrics, with the tags, events and service checks of DogStatsD, and add them up.",
		Doc: "Metrics of one name, host and set of tags are added up and given to the rules every interval, at the time of the flush. A counter (c) becomes its rate per second, or with counts what it has counted; " +
			"it gives 0 while it counts nothing. A gauge (g) is the last value, +n and -n change it; without a new value it gives nothing, but is remembered. " +
			"Timers, histograms and distributions (ms, h, d) give NAME P for each percentile P, NAME mean, NAME min, NAME max and NAME rate, in the unit that came. A set (s) gives how many different members it has had. " +
			"Sample rates are considered. Tags key:value are attributes (host, state and description fill those fields), bare ones tags. " +
			"An event (_e) has its title as the service, its text as the description, error and warning as the states critical and warning, else ok, and the tag event; a service check (_sc) has the states ok, warning, critical and unknown; both go to the rules at once. " +
			"A series without a value for forget is forgotten. A timer keeps at most 4096 samples an interval, a fair choice when there are more. Several lines may stand in one datagram.",
		Defaults: StatsdOptions{Protocol: "udp", Host: peerHost, Interval: 10 * time.Second, Percentiles: []float64{0.5, 0.95, 0.99}, Forget: 5 * time.Minute, MaxSeries: 100_000,
			LineLimits: lineLimits(8<<10, 65_507, peerRate)},
		Check: func(o StatsdOptions) error {
			for _, p := range o.Percentiles {
				if !lines.ValidPercentile(p) {
					return fmt.Errorf("percentile %v; want numbers from 0 to 1", p)
				}
			}
			if o.Forget < o.Interval {
				return errors.New("forget is shorter than interval")
			}
			return checkTLS(o.TLS)
		},
		Examples: []streams.Example{
			{Title: "for this machine only", Rule: `listen.statsd("127.0.0.1:8125");`},
			{Title: "every second, counters as counts", Rule: `listen.statsd("127.0.0.1:8125", {interval: "1s", counts: true, percentiles: [0.5, 0.999]});`},
		},
	})
}

// StatsdOptions are the options of listen.statsd.
type StatsdOptions struct {
	Address     string        `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	Protocol    string        `opt:"protocol" enum:"tcp,udp,both" doc:"what to listen with"`
	Interval    time.Duration `opt:"interval" min:"100ms" max:"1h" doc:"time between two flushes"`
	Counts      bool          `opt:"counts" doc:"counters as counts for each interval rather than as rates per second"`
	Percentiles []float64     `opt:"percentiles" doc:"of timers, histograms and distributions"`
	Forget      time.Duration `opt:"forget" doc:"a series without a value for so long is forgotten"`
	MaxSeries   int           `opt:"maxSeries" min:"1" max:"10000000" doc:"series added up at a time; more are refused and counted"`
	Host        string        `opt:"host" doc:"host of events without a tag host: a name, \"peer\" for the sender's address (this machine's name for senders on it), or \"\" for none, which adds up all senders"`
	TLS         *TLSOptions   `opt:"tls" doc:"certificate, key and, to require client certificates, their authority; left out: plain TCP"`
	Allow       []string      `opt:"allow" doc:"networks that may send, e.g. 10.0.0.0/8; left out: everyone who can reach the address"`
	Insecure    bool          `opt:"insecure" doc:"allow an address that is open to the network without an allow list"`
	LineLimits
}

func (o StatsdOptions) open(s *Server) (listener, error) {
	sums := lines.NewStatsd(lines.StatsdOptions{
		Percentiles: o.Percentiles, Counts: o.Counts, Interval: o.Interval.Seconds(),
		Idle: int((o.Forget + o.Interval - 1) / o.Interval), MaxSeries: o.MaxSeries,
	})
	d, err := openLines(s, "statsd", lineOptions{
		address: o.Address, allow: o.Allow, LineLimits: o.LineLimits,
		protocol: o.Protocol, tls: o.TLS, insecure: o.Insecure, host: o.Host,
	}, lineProtocol{take: sums.Parse})
	if err != nil {
		return nil, err
	}
	flush := func() {
		events := sums.Flush(nil)
		for len(events) > 0 {
			n := min(len(events), eventsPerRun)
			d.ingest(events[:n], "")
			events = events[n:]
		}
	}
	d.work = func(ctx context.Context) {
		tick := time.NewTicker(o.Interval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				flush()
			}
		}
	}
	d.stop = flush // what has been added up since the last one
	return d, nil
}
