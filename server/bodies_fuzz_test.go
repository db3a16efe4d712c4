package server

import (
	"errors"
	"os"
	"strings"
	"testing"

	"zeta/collectd"
	"zeta/event"
)

// FuzzBodies holds of bodies that are taken item by item: what is wrong refuses the request and nothing else, and what
// is said to be taken has been taken.
func FuzzBodies(f *testing.F) {
	for _, door := range []string{"influx", "influx-telegraf", "alertmanager"} {
		for _, piece := range recorded(f, door) {
			f.Add(piece)
		}
	}
	for _, name := range []string{"testdata/influx/telegraf", "../collectd/testdata/notification", "../collectd/testdata/command_2"} {
		b, err := os.ReadFile(name + ".txt")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`[{"host":"h","plugin":"p","type":"gauge","values":[1],"dstypes":["gauge"],"dsnames":["value"]},{}]`))
	types := collectd.Types{"gauge": {{Name: "value", Kind: collectd.Gauge}}, "counter": {{Name: "value", Kind: collectd.Counter}}}
	door := &otlpDoor{bodyDoor: &bodyDoor{opts: doorOptions(100)}}
	door.opts.MaxBody = 1 << 16
	f.Fuzz(func(t *testing.T, b []byte) {
		taken := 0
		ingest := func(events []event.Event) error {
			taken += len(events)
			return nil
		}
		check := func(err error) {
			if refused := (*doorError)(nil); err != nil && !errors.As(err, &refused) {
				t.Fatalf("error %T: %v", err, err)
			}
		}
		w := &influxWrite{ingest: ingest, most: 100}
		check(w.read(b))
		if w.taken != taken || taken > 100 || w.line > strings.Count(string(b), "\n")+2 {
			t.Fatalf("%d events taken, %d said, of %d lines", taken, w.taken, w.line)
		}
		taken = 0
		c := &collectdBody{collectdBodies: &collectdBodies{types: types, mapper: collectd.NewMapper(collectd.Options{Types: types})}, ingest: ingest, most: 100}
		check(c.read(b))
		if taken > 100 || c.taken > len(b) {
			t.Fatalf("%d events of %d items", taken, c.taken)
		}
		if out, err := door.unframe(b, "gzip"); err == nil && len(out) > max(door.opts.MaxBody, len(b)) {
			t.Fatalf("%d bytes of a call of %d", len(out), len(b))
		} else {
			check(err)
		}
	})
}
