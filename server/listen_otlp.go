package server

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"zeta/streams"
)

func init() {
	streams.RegisterListener(streams.ListenerSpec[OTLPOptions]{
		Name:    "otlp",
		Summary: "Take OpenTelemetry's metrics, logs and spans over HTTP and gRPC.",
		Doc: "HTTP takes protobuf or JSON, gzip or not, at /v1/metrics, /v1/logs and /v1/traces; gRPC (unary, without TLS or with it) is on the same port. " +
			"host is the resource's host.name, else k8s.pod.name, else the sender's address; all attributes of resource and item become attributes, one named like a field of an event with tag at its end. Time is the item's. " +
			"A metric's name is the service, apart names attributes whose values are appended. Gauges are as they are. A sum that only grows is a rate per second, made of two points that follow each other, so that the first tells nothing and a restart begins anew; sums: \"value\" leaves it as it came. " +
			"A histogram becomes \"NAME count\" (a rate likewise), \"NAME sum\" and \"NAME 0.5\", … for the quantiles of what was added since the last point, estimated within their bucket; an exponential histogram likewise but without quantiles; a summary becomes its count, sum and quantiles. " +
			"A log record: service is the resource's service.name (else \"log\"), state ok up to INFO, warning for WARN, critical from ERROR on, description the body. " +
			"A span: service is its name, metric its time in seconds, state critical if its status is an error, else ok, time its end; trace_id and span_id are attributes. " +
			"A request that cannot be read whole, that may become more than maxEvents events, or of which an item has more than 256 attributes or very many other parts, is refused and not taken at all.",
		Defaults: OTLPOptions{DoorOptions: doorOptions(50_000), Sums: "rate", Quantiles: []float64{0.5, 0.95, 0.99}},
		Check: func(o OTLPOptions) error {
			for _, q := range o.Quantiles {
				if q < 0 || q > 1 {
					return fmt.Errorf("listen.otlp: quantile %v; want 0 to 1", q)
				}
			}
			return o.DoorOptions.check()
		},
		Examples: []streams.Example{
			{Title: "for this machine only", Rule: `listen.otlp("127.0.0.1:4318");`},
			{Title: "for a network, routes told apart", Rule: `listen.otlp(":4318", {tls: {cert: "server.pem", key: "server.key"}, token: env("OTLP_TOKEN"), apart: ["http.route"]});`},
		},
	})
}

// OTLPOptions are the options of listen.otlp.
type OTLPOptions struct {
	Address   string        `arg:"1" doc:"HOST:PORT to listen on; port 0 takes any free one"`
	Apart     []string      `opt:"apart" doc:"attributes of points whose values are appended to the service; \"*\" for all"`
	Sums      string        `opt:"sums" enum:"rate,value" doc:"what becomes of sums that only grow, and of counts"`
	Quantiles []float64     `opt:"quantiles" doc:"quantiles of histograms"`
	TTL       time.Duration `opt:"ttl" doc:"the events' ttl; 0: none"`
	DoorOptions
}

// otlpDoor takes OpenTelemetry's exports.
type otlpDoor struct {
	*bodyDoor
	mapping *otlpMapping
}

func (o OTLPOptions) open(s *Server) (listener, error) {
	mux := http.NewServeMux()
	b, err := openDoor(s, "otlp", o.Address, o.DoorOptions, mux)
	if err != nil {
		return nil, err
	}
	d := &otlpDoor{b, newOTLPMapping(o)}
	d.mapping.full = func() {
		s.refusals.refuse("otlp", "series", "", fmt.Errorf("%d series of sums and histograms are remembered; a new one tells nothing until others end", maxOTLPSeries))
	}
	for signal, path := range map[string]string{
		"metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
		"logs":    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
		"traces":  "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
	} {
		mux.HandleFunc("POST /v1/"+signal, func(w http.ResponseWriter, r *http.Request) { d.overHTTP(w, r, signal) })
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { d.overGRPC(w, r, signal) })
	}
	return d, nil
}

// overHTTP takes one export and answers with an empty response message.
func (d *otlpDoor) overHTTP(w http.ResponseWriter, r *http.Request, signal string) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	kind = strings.TrimSpace(kind)
	if kind != "application/json" && kind != "application/x-protobuf" {
		d.refuse(w, r, refuseRequest(http.StatusUnsupportedMediaType, "encoding", "Content-Type is %.60q; want application/x-protobuf or application/json", kind))
		return
	}
	if err := d.export(w, r, signal, kind == "application/json", nil); err != nil {
		d.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", kind)
	if kind == "application/json" {
		w.Write([]byte("{}"))
	}
}

// export reads, decodes and ingests one export; unframe takes the message out of the body, nil: it is the body.
func (d *otlpDoor) export(w http.ResponseWriter, r *http.Request, signal string, isJSON bool, unframe func([]byte) ([]byte, error)) error {
	if err := d.enter(r.Context()); err != nil {
		return err
	}
	defer d.leave()
	b, err := d.body(w, r)
	if err == nil && unframe != nil {
		b, err = unframe(b)
	}
	if err != nil {
		return err
	}
	e := &otlpRead{otlpMapping: d.mapping, peer: d.peer(r), isJSON: isJSON, most: d.opts.MaxEvents, ingest: d.taker(r)}
	return d.decoded(e.read(b, signal), http.StatusRequestEntityTooLarge)
}

// The statuses of gRPC that are answered.
const (
	grpcInvalid         = 3
	grpcExhausted       = 8
	grpcUnimplemented   = 12
	grpcInternal        = 13
	grpcUnavailable     = 14
	grpcUnauthenticated = 16
)

// overGRPC takes one export as gRPC frames it: a byte that says whether it is compressed, four of length, the
// message. The answer is an empty message, with the status behind it in a trailer.
func (d *otlpDoor) overGRPC(w http.ResponseWriter, r *http.Request, signal string) {
	if r.ProtoMajor != 2 || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		d.refuse(w, r, refuseRequest(http.StatusUnsupportedMediaType, "encoding", "this path is for gRPC; over HTTP the path is /v1/%s", signal))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Trailer", "Grpc-Status, Grpc-Message")
	err := d.export(w, r, signal, false, func(b []byte) ([]byte, error) { return d.unframe(b, r.Header.Get("Grpc-Encoding")) })
	if err != nil {
		status := grpcInternal
		switch d.refused(r, err) {
		case http.StatusBadRequest:
			status = grpcInvalid
		case http.StatusRequestEntityTooLarge:
			status = grpcExhausted
		case http.StatusUnsupportedMediaType:
			status = grpcUnimplemented
		case http.StatusServiceUnavailable, http.StatusRequestTimeout:
			status = grpcUnavailable
		case http.StatusUnauthorized:
			status = grpcUnauthenticated
		}
		h.Set("Grpc-Status", strconv.Itoa(status))
		h.Set("Grpc-Message", grpcText(err.Error()))
		return
	}
	w.Write(make([]byte, 5))
	h.Set("Grpc-Status", "0")
}

// unframe takes the one message out of a unary call.
func (d *otlpDoor) unframe(b []byte, encoding string) ([]byte, error) {
	if len(b) < 5 || b[0] > 1 || uint64(binary.BigEndian.Uint32(b[1:])) != uint64(len(b)-5) {
		return nil, refuseRequest(http.StatusBadRequest, "decode", "the call is not one message with its length")
	}
	if b[0] == 0 {
		return b[5:], nil
	}
	if encoding != "gzip" {
		return nil, refuseRequest(http.StatusUnsupportedMediaType, "encoding", "compressed with %.40q; want gzip or none", encoding)
	}
	out, err := d.gunzip(b[5:])
	if err != nil {
		return nil, d.readError(err)
	}
	return out, nil
}

// grpcText escapes a text for a header as gRPC wants it.
func grpcText(s string) string {
	var b strings.Builder
	for i := 0; i < len(s) && i < 500; i++ {
		if c := s[i]; c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
