// Command remotewrite sends by Prometheus' remote write 2.0, with the client that the Prometheus project gives to Go
// programs; Debian's Prometheus knows version 1.0 only. It is a module of its own, so that zeta needs none of this.
//
//	go run . HOST:PORT
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/prometheus/client_golang/exp/api/remote"
	writev2 "github.com/prometheus/client_golang/exp/api/remote/genproto/v2"
)

func main() {
	if err := send(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func send(ctx context.Context, addr string) error {
	api, err := remote.NewAPI("http://" + addr)
	if err != nil {
		return err
	}
	symbols := writev2.NewSymbolTable()
	series := func(value float64, labels ...string) *writev2.TimeSeries {
		return &writev2.TimeSeries{
			LabelsRefs: symbols.SymbolizeLabels(labels, nil),
			Samples:    []*writev2.Sample{{Value: value, Timestamp: 1_700_000_000_123}},
			Metadata:   &writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_GAUGE, HelpRef: symbols.Symbolize("seconds, or so")},
		}
	}
	request := &writev2.Request{Timeseries: []*writev2.TimeSeries{
		series(0.25, "__name__", "v2_load", "host", "web1", "env", "prod"),
		series(4, "__name__", "v2_queue", "instance", "web2:9100", "device", "sda"),
	}}
	request.Symbols = symbols.Symbols()
	stats, err := api.Write(ctx, remote.WriteV2MessageType, request)
	if err != nil {
		return err
	}
	fmt.Printf("%d samples written\n", stats.Samples)
	return nil
}
