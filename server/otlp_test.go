package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"zeta/event"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const otlpLogs = `{"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"web1"}},{"key":"service.name","value":{"stringValue":"shop"}}]},
"scopeLogs":[{"logRecords":[{"timeUnixNano":"1700000000000000000","severityNumber":17,"severityText":"ERROR","body":{"stringValue":"disk \"x\" is full"},
"traceId":"5b8efff798038103d269b633813fc60c","attributes":[{"key":"state","value":{"stringValue":"odd"}},{"key":"n","value":{"intValue":"7"}},{"key":"l","value":{"arrayValue":{"values":[{"boolValue":true},{"doubleValue":0.5}]}}}]},
{"severityNumber":9,"body":{"stringValue":"fine"}}]}]}]}`

const otlpSpans = `{"resourceSpans":[{"resource":{"attributes":[{"key":"k8s.pod.name","value":{"stringValue":"pod-1"}}]},"scopeSpans":[{"spans":[
{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","name":"GET /","kind":2,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000250000000","status":{"code":2,"message":"no"},"unknown":1}]}]}]}`

// counterPoint is a sum and a histogram of one process at a time in seconds.
func counterPoint(seconds uint64, total int64, buckets []uint64) *metricspb.MetricsData {
	at, start := seconds*1e9, uint64(1e9)
	sum := float64(total)
	count := uint64(0)
	for _, n := range buckets {
		count += n
	}
	route := []*commonpb.KeyValue{{Key: "route", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "/x"}}}}
	return &metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{
		Resource: &resourcepb.Resource{},
		ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{
			{Name: "requests", Unit: "1", Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{IsMonotonic: true, AggregationTemporality: 2, DataPoints: []*metricspb.NumberDataPoint{
				{Attributes: route, StartTimeUnixNano: start, TimeUnixNano: at, Value: &metricspb.NumberDataPoint_AsInt{AsInt: total}}}}}},
			{Name: "latency", Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{AggregationTemporality: 2, DataPoints: []*metricspb.HistogramDataPoint{
				{StartTimeUnixNano: start, TimeUnixNano: at, Count: count, Sum: &sum, BucketCounts: buckets, ExplicitBounds: []float64{1, 2, 4}}}}}},
			{Name: "temp", Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: []*metricspb.NumberDataPoint{
				{TimeUnixNano: at, Value: &metricspb.NumberDataPoint_AsDouble{AsDouble: 21.5}}, {TimeUnixNano: at}}}}},
		}}},
	}}}
}

func marshal(t *testing.T, m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// byService maps events by their service.
func byService(events []event.Event) map[string]event.Event {
	all := map[string]event.Event{}
	for _, e := range events {
		all[e.Service] = e
	}
	return all
}

func decodeOTLP(m *otlpMapping, b []byte, signal string, isJSON bool, peer string) ([]event.Event, error) {
	r := &otlpRead{otlpMapping: m, peer: peer, isJSON: isJSON, most: 10_000_000}
	err := r.read(b, signal)
	return r.events, err
}

func TestOTLPMetrics(t *testing.T) {
	o := OTLPOptions{Sums: "rate", Quantiles: []float64{0.5, 1}, Apart: []string{"route"}}
	m := newOTLPMapping(o)
	read := func(p *metricspb.MetricsData) map[string]event.Event {
		events, err := decodeOTLP(m, marshal(t, p), "metrics", false, "peer")
		if err != nil {
			t.Fatal(err)
		}
		return byService(events)
	}
	if first := read(counterPoint(10, 100, []uint64{1, 1, 1, 1})); len(first) != 1 || first["temp"].Float != 21.5 || first["temp"].Host != "peer" || first["temp"].Time != 10_000_000 {
		t.Fatalf("first points: %v, want the gauge only", first)
	}
	second := read(counterPoint(20, 150, []uint64{1, 5, 1, 1}))
	for service, want := range map[string]float64{"requests /x": 5, "latency count": 0.4, "latency sum": 5, "latency 0.5": 1.5, "latency 1": 2, "temp": 21.5} {
		if got := second[service].Float; got != want {
			t.Errorf("%s is %v, want %v", service, got, want)
		}
	}
	e := second["requests /x"]
	route, _ := e.Attr("route")
	if unit, _ := e.Attr("unit"); route != "/x" || unit != "1" || len(second) != 6 {
		t.Errorf("%+v %v of %d", e, e.Set, len(second))
	}
	if again := read(counterPoint(20, 150, []uint64{1, 5, 1, 1})); len(again) != 1 {
		t.Errorf("sent again: %v, want the gauge only", again)
	}
	if less := read(counterPoint(30, 3, []uint64{1, 0, 0, 0})); len(less) != 1 {
		t.Errorf("a total that fell: %v, want the gauge only", less)
	}
	if next := read(counterPoint(40, 13, []uint64{3, 0, 0, 0})); next["requests /x"].Float != 1 || next["latency count"].Float != 0.2 {
		t.Errorf("after the fall: %v", next)
	}
	o.Sums = "value"
	events, err := decodeOTLP(newOTLPMapping(o), marshal(t, counterPoint(10, 100, []uint64{1, 0, 0, 0})), "metrics", false, "peer")
	if got := byService(events); err != nil || got["requests /x"].Int != 100 || got["latency count"].Float != 1 {
		t.Errorf("as values: %v %v", got, err)
	}
}

func TestOTLPLogsAndSpans(t *testing.T) {
	m := newOTLPMapping(OTLPOptions{Sums: "rate"})
	events, err := decodeOTLP(m, []byte(otlpLogs), "logs", true, "peer")
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	got := string(event.AppendJSON(nil, &events[0]))
	want := `{"host":"web1","service":"shop","state":"critical","description":"disk \"x\" is full","metric":null,"tags":null,"time":"2023-11-14T22:13:20.000Z","ttl":null,` +
		`"host.name":"web1","l":"[true, 0.5]","n":"7","service.name":"shop","severity":"ERROR","statetag":"odd","trace_id":"5b8efff798038103d269b633813fc60c"}`
	if got != want {
		t.Errorf("log:\n got %s\nwant %s", got, want)
	}
	if e := events[1]; e.State != "ok" || e.Description != "fine" || e.Is(event.HasTime) {
		t.Errorf("second log: %+v", e)
	}
	events, err = decodeOTLP(m, []byte(otlpSpans), "traces", true, "peer")
	if err != nil || len(events) != 1 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	e := events[0]
	kind, _ := e.Attr("span_kind")
	id, _ := e.Attr("span_id")
	if e.Host != "pod-1" || e.Service != "GET /" || e.State != "critical" || e.Description != "no" || e.Float != 0.25 || kind != "server" || !strings.EqualFold(id, "EEE19B7EC3C1B174") {
		t.Errorf("span: %+v %v", e, e.Set)
	}
}

func TestBucketQuantile(t *testing.T) {
	for _, tt := range []struct {
		q      float64
		bounds []float64
		counts []uint64
		want   float64
		ok     bool
	}{
		{0.5, []float64{1, 2}, []uint64{0, 10, 0}, 1.5, true},
		{0, []float64{1, 2}, []uint64{0, 10, 0}, 1, true},
		{1, []float64{1, 2}, []uint64{0, 0, 3}, 2, true},
		{0.5, []float64{10}, []uint64{4, 0}, 5, true},
		{0.5, []float64{-10, 0}, []uint64{4, 0, 0}, -10, true},
		{0.5, []float64{1}, []uint64{0, 0}, 0, false},
		{0.5, nil, []uint64{5}, 0, false},
		{0.5, []float64{1, 2}, []uint64{5}, 0, false},
	} {
		if got, ok := bucketQuantile(tt.q, tt.bounds, tt.counts); got != tt.want || ok != tt.ok {
			t.Errorf("%+v: %v %t", tt, got, ok)
		}
	}
}

func TestOTLPDoor(t *testing.T) {
	s := serveOptions(t, Options{RulesText: `listen.otlp("127.0.0.1:0", {maxBody: 100000, maxEvents: 8}); index;`, Quiet: true})
	base := "http://" + s.Addr("otlp").String()
	send := func(path string, body []byte, header ...string) (int, string) {
		t.Helper()
		req, err := http.NewRequest("POST", base+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	zip := func(b []byte) []byte {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		w.Write(b)
		w.Close()
		return z.Bytes()
	}
	for _, tt := range []struct {
		path   string
		body   []byte
		header []string
		status int
		want   string
	}{
		{"/v1/logs", []byte(otlpLogs), []string{"Content-Type", "application/json; charset=utf-8"}, 200, "{}"},
		{"/v1/traces", zip([]byte(otlpSpans)), []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, 200, "{}"},
		{"/v1/metrics", marshal(t, counterPoint(10, 1, []uint64{1, 0, 0, 0})), []string{"Content-Type", "application/x-protobuf"}, 200, ""},
		{"/v1/logs", []byte(otlpLogs), []string{"Content-Type", "text/plain"}, 415, "want application/x-protobuf"},
		{"/v1/logs", []byte(`{"resourceLogs":5}`), []string{"Content-Type", "application/json"}, 400, "logs: "},
		{"/v1/metrics", []byte("\xff\xff"), []string{"Content-Type", "application/x-protobuf"}, 400, "metrics: "},
		{"/v1/logs", make([]byte, 100_001), []string{"Content-Type", "application/json"}, 413, "more than 100000 bytes"},
		{"/v1/logs", zip(make([]byte, 10_000_000)), []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, 413, "more than 100000 bytes"},
		{"/v1/logs", []byte("x"), []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, 400, "read body"},
		{"/v1/logs", nil, []string{"Content-Type", "application/json", "Content-Encoding", "zstd"}, 415, "want gzip"},
		{"/v1/logs", []byte(otlpLogs), []string{"Content-Type", "application/json", "Origin", "http://evil.example"}, 403, "web pages"},
		{"/v1/logs", []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{},{},{},{},{},{},{},{}]}]}]}`), []string{"Content-Type", "application/json"}, 413, "more than 8 events"},
		{"/v1/other", nil, nil, 404, ""},
	} {
		if status, body := send(tt.path, tt.body, tt.header...); status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s %v: %d %s, want %d …%s…", tt.path, tt.header, status, body, tt.status, tt.want)
		}
	}
	machine, _ := os.Hostname()
	for _, want := range [][2]string{{"web1", "shop"}, {"pod-1", "GET /"}, {machine, "temp"}} {
		found := false
		s.scan("true", func(batch []event.Event) error {
			for _, e := range batch {
				found = found || e.Host == want[0] && e.Service == want[1]
			}
			return nil
		})
		if !found {
			t.Errorf("no event of %v", want)
		}
	}
}

// A unary call as gRPC sends it: HTTP/2 without TLS, a framed message, the status in a trailer.
func TestOTLPOverGRPC(t *testing.T) {
	s := serveOptions(t, Options{RulesText: `listen.otlp("127.0.0.1:0", {token: "t"}); index;`, Quiet: true})
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols, DialContext: (&net.Dialer{}).DialContext}
	defer transport.CloseIdleConnections()
	frame := func(flag byte, b []byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(b))), b...)
	}
	call := func(body []byte, token string) (status string, answer []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(context.Background(), "POST", "http://"+s.Addr("otlp").String()+"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/grpc")
		req.Header.Set("Grpc-Encoding", "gzip")
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if answer, err = io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 200 {
			return resp.Status, answer
		}
		return resp.Trailer.Get("Grpc-Status"), answer
	}
	msg := marshal(t, counterPoint(10, 1, []uint64{1, 0, 0, 0}))
	if status, answer := call(frame(0, msg), "t"); status != "0" || !bytes.Equal(answer, make([]byte, 5)) {
		t.Errorf("status %q, answer %x", status, answer)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(msg)
	w.Close()
	if status, _ := call(frame(1, z.Bytes()), "t"); status != "0" {
		t.Errorf("compressed: status %q", status)
	}
	if status, _ := call(frame(0, []byte("\xff")), "t"); status != "3" {
		t.Errorf("garbage: status %q, want 3", status)
	}
	if status, _ := call(msg, "t"); status != "3" {
		t.Errorf("no frame: status %q, want 3", status)
	}
	if status, _ := call(frame(0, msg), "other"); status != "401 Unauthorized" {
		t.Errorf("a wrong token: %q", status)
	}
	if s.index.Len() != 1 {
		t.Errorf("%d series, want the gauge", s.index.Len())
	}
}

func FuzzOTLP(f *testing.F) {
	for _, piece := range recorded(f, "otlp") {
		for signal := range otlpSignals {
			f.Add(piece, signal, false)
		}
	}
	f.Add([]byte(otlpLogs), "logs", true)
	f.Add([]byte(otlpSpans), "traces", true)
	b, err := proto.Marshal(counterPoint(10, 100, []uint64{1, 1, 1, 1}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, "metrics", false)
	if b, err = protojson.Marshal(counterPoint(10, 100, []uint64{1, 1, 1, 1})); err != nil {
		f.Fatal(err)
	}
	f.Add(b, "metrics", true)
	f.Fuzz(func(t *testing.T, b []byte, signal string, isJSON bool) {
		if _, ok := otlpSignals[signal]; !ok {
			return
		}
		m := newOTLPMapping(OTLPOptions{Sums: "rate", Quantiles: []float64{0.5}, Apart: []string{"*"}})
		for range 2 {
			events, err := decodeOTLP(m, b, signal, isJSON, "peer")
			if len(events) > 3*len(b)+1 || err != nil && len(events) > 0 {
				t.Fatalf("%d events out of %d bytes, %v", len(events), len(b), err)
			}
		}
	})
}
