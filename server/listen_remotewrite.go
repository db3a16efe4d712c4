package server

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"zeta/streams"

	"github.com/klauspost/compress/snappy"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[RemoteWriteOptions]{
		Name:    "remoteWrite",
		Summary: "Take what Prometheus sends by remote write, 1.0 and 2.0.",
		Doc: "POST to any path. A series' name is the service, its labels are attributes, one named like a field of an event with tag at its end; host is the label host, else the host in instance, else the sender's address. " +
			"apart names labels whose values are appended to the service, so that their series stay apart in the index. Values are as they come: rate or ddt make rates of counters. Time is the sample's. " +
			"A native histogram becomes \"NAME count\" and \"NAME sum\". The marker by which Prometheus says that a series has ended becomes an event with state expired. Exemplars and metadata are skipped. " +
			"A message that cannot be read is answered 400 and not taken at all; Prometheus does not send it again.",
		Defaults: RemoteWriteOptions{DoorOptions: doorOptions(50_000)},
		Check:    func(o RemoteWriteOptions) error { return o.DoorOptions.check() },
		Examples: []streams.Example{
			{Title: "from a Prometheus on this machine", Rule: `listen.remoteWrite("127.0.0.1:9201", {apart: ["mountpoint"]});`},
		},
	})
}

// RemoteWriteOptions are the options of listen.remoteWrite.
type RemoteWriteOptions struct {
	Address string        `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	Apart   []string      `opt:"apart" doc:"labels whose values are appended to the service; \"*\" for all"`
	TTL     time.Duration `opt:"ttl" doc:"the events' ttl; 0: none"`
	DoorOptions
}

func (o RemoteWriteOptions) open(s *Server) (listener, error) {
	mux := http.NewServeMux()
	d, err := openDoor(s, "remoteWrite", o.Address, o.DoorOptions, mux)
	if err != nil {
		return nil, err
	}
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		m := &remoteWrite{apart: o.Apart, ttl: o.TTL.Seconds(), most: o.MaxEvents, peer: d.peer(r)}
		if err := d.remoteWrite(w, r, m); err != nil {
			d.refuse(w, r, err)
			return
		}
		w.Header().Set("X-Prometheus-Remote-Write-Samples-Written", strconv.Itoa(m.samples))
		w.Header().Set("X-Prometheus-Remote-Write-Histograms-Written", strconv.Itoa(m.histograms))
		w.Header().Set("X-Prometheus-Remote-Write-Exemplars-Written", "0")
		w.WriteHeader(http.StatusNoContent)
	})
	return d, nil
}

// remoteWrite takes one request.
func (d *bodyDoor) remoteWrite(w http.ResponseWriter, r *http.Request, m *remoteWrite) error {
	version := 1
	kind, parameters, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(kind) != "application/x-protobuf" || r.Header.Get("Content-Encoding") != "snappy" {
		return refuseRequest(http.StatusUnsupportedMediaType, "encoding", "want Content-Type application/x-protobuf and Content-Encoding snappy")
	}
	switch proto := strings.TrimSpace(parameters); proto {
	case "", "proto=prometheus.WriteRequest":
	case "proto=io.prometheus.write.v2.Request":
		version = 2
	default:
		return refuseRequest(http.StatusUnsupportedMediaType, "encoding", "%.80q is no known message", proto)
	}
	if err := d.enter(r.Context()); err != nil {
		return err
	}
	defer d.leave()
	b, err := d.body(w, r)
	if err != nil {
		return err
	}
	// The length stands at the front, so that nothing is unpacked that would be too much.
	if n, err := snappy.DecodedLen(b); err != nil {
		return refuseRequest(http.StatusBadRequest, "decode", "the body is not compressed with snappy")
	} else if n > d.opts.MaxBody {
		return d.readError(errTooLarge)
	}
	if b, err = snappy.Decode(nil, b); err != nil {
		return refuseRequest(http.StatusBadRequest, "decode", "the body is not compressed with snappy: %w", err)
	}
	m.ingest = d.taker(r)
	return d.decoded(m.read(b, version), http.StatusBadRequest)
}
