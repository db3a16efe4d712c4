package server

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"zeta/event"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
)

// TestOTLPMemory holds that no body becomes more than four times its size in the heap: of as many parts as possible it
// is read some at a time, and what cannot be read so is refused before it is decoded.
func TestOTLPMemory(t *testing.T) {
	size := bombSize()
	repeat := func(b []byte) []byte { return bytes.Repeat(b, size/len(b)) }
	inside := func(b []byte, numbers ...protowire.Number) []byte { // the last number is the innermost
		for i := len(numbers) - 1; i >= 0; i-- {
			b = pbBytes(numbers[i], b)
		}
		return b
	}
	attribute := func(n protowire.Number, value []byte) []byte {
		return pbBytes(n, pbJoin(pbBytes(1, []byte("k")), pbBytes(2, value)))
	}
	list := inside(repeat(pbBytes(1, nil)), 5) // an AnyValue of an array of empty values
	deep := []byte{}
	for range 200 {
		deep = inside(deep, 5, 1)
	}
	text := func(open, item, end string) []byte {
		return []byte(open + strings.Repeat(item+",", size/(len(item)+1)) + item + end)
	}
	for _, tt := range []struct {
		name, signal string
		b            []byte
		isJSON       bool
		want         string // of the error; "": all events
	}{
		{"gauge points", "metrics", inside(repeat(pbBytes(1, pbDouble(4, 0))), 1, 2, 2, 5), false, ""},
		{"empty sum points", "metrics", inside(repeat(pbBytes(1, nil)), 1, 2, 2, 7), false, ""},
		{"empty histogram points", "metrics", inside(repeat(pbBytes(1, nil)), 1, 2, 2, 9), false, ""},
		{"empty summary points", "metrics", inside(repeat(pbBytes(1, nil)), 1, 2, 2, 11), false, ""},
		{"metrics", "metrics", inside(repeat(inside(nil, 2, 5, 1)), 1, 2), false, ""},
		{"empty metrics", "metrics", inside(repeat(pbBytes(2, nil)), 1, 2), false, ""},
		{"empty resources", "metrics", repeat(pbBytes(1, nil)), false, ""},
		{"logs", "logs", inside(repeat(pbBytes(2, nil)), 1, 2), false, ""},
		{"resources with a log", "logs", repeat(inside(nil, 1, 2, 2)), false, ""},
		{"spans", "traces", inside(repeat(pbBytes(2, nil)), 1, 2), false, ""},
		{"packed buckets", "metrics", inside(pbBytes(6, make([]byte, size)), 1, 2, 2, 9, 1), false, "too many parts"},
		{"quantiles", "metrics", inside(repeat(pbBytes(6, nil)), 1, 2, 2, 11, 1), false, "too many parts"},
		{"exemplars", "metrics", inside(repeat(pbBytes(5, nil)), 1, 2, 2, 5, 1), false, "too many parts"},
		{"attributes", "logs", inside(repeat(pbBytes(6, nil)), 1, 2, 2), false, "too many parts"},
		{"attributes within bounds", "logs", inside(bytes.Repeat(pbBytes(6, nil), 300), 1, 2, 2), false, "300 attributes of one item"},
		{"resource attributes", "logs", pbBytes(1, pbJoin(pbBytes(1, bytes.Repeat(attribute(1, pbBytes(1, []byte("v"))), 257)), inside(nil, 2, 2))), false, "257 attributes of one item"},
		{"a list of empty values", "logs", inside(pbBytes(5, list), 1, 2, 2), false, "too many parts"},
		{"a list in an attribute", "logs", inside(attribute(6, list), 1, 2, 2), false, "too many parts"},
		{"a list in a resource", "traces", inside(attribute(1, list), 1, 1), false, "too many parts"},
		{"metadata", "metrics", inside(repeat(pbBytes(12, nil)), 1, 2, 2), false, "too many parts"},
		{"lists inside lists", "logs", inside(pbBytes(5, deep), 1, 2, 2), false, "inside one another"},
		{"JSON points", "metrics", text(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[`, `{"asInt":1}`, `]}}]}]}]}`), true, ""},
		{"empty JSON points", "metrics", text(`{"resource_metrics":[{"scope_metrics":[{"metrics":[{"exponential_histogram":{"data_points":[`, `{}`, `]}}]}]}]}`), true, ""},
		{"JSON logs", "logs", text(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[`, `{}`, `]}]}]}`), true, ""},
		{"JSON list", "logs", text(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[`, `{}`, `]}}}]}]}]}`), true, "too many parts"},
		{"JSON resource", "logs", text(`{"resourceLogs":[{"resource":{"attributes":[`, `{}`, `]}}]}`), true, "too many parts"},
		{"JSON of brackets", "logs", []byte(strings.Repeat("[", 5000) + strings.Repeat("]", 5000)), true, "want an object"},
	} {
		heap := newPeak(max(len(tt.b), size))
		r := &otlpRead{otlpMapping: newOTLPMapping(OTLPOptions{Sums: "value"}), isJSON: tt.isJSON, most: 10_000_000, ingest: heap.ingest}
		err := r.read(tt.b, tt.signal)
		heap.most = max(heap.most, heap.heap())
		heap.batches++
		heap.within(t, 4)
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) || heap.events > 0 {
				t.Errorf("%s: %d events, %v, want …%s…", tt.name, heap.events, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if r.count == 0 {
			continue
		}
		r.most, r.count, heap.events = r.count-1, 0, 0
		if err := r.read(tt.b, tt.signal); !errors.Is(err, errTooMany) || heap.events > 0 {
			t.Errorf("%s: with one event too many %d were taken, %v", tt.name, heap.events, err)
		}
	}
}

// TestOTLPForms holds that protobuf and JSON, in the order of their fields and in another, give the same events.
func TestOTLPForms(t *testing.T) {
	show := func(b []byte, isJSON bool) string {
		t.Helper()
		events, err := decodeOTLP(newOTLPMapping(OTLPOptions{Sums: "value", Quantiles: []float64{0.5}}), b, "metrics", isJSON, "peer")
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for i := range events {
			out = append(out, string(event.AppendJSON(nil, &events[i])))
		}
		return strings.Join(out, "\n")
	}
	message := counterPoint(10, 100, []uint64{1, 5, 1, 1})
	want := show(marshal(t, message), false)
	for name, o := range map[string]protojson.MarshalOptions{"JSON": {}, "names of the schema": {UseProtoNames: true}, "with blanks": {Multiline: true, EmitUnpopulated: true}} {
		b, err := o.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(b, true); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	// The name behind the points, the resource behind the scopes.
	var metric metricspb.Metric
	point := pbJoin(pbDouble(3, 10e9), pbDouble(4, 0))
	turned := pbJoin(pbBytes(5, pbBytes(1, point)), pbBytes(1, []byte("temp")))
	if err := (otlpPart{b: turned}).decode(&metric); err != nil || metric.Name != "temp" {
		t.Fatal(err)
	}
	host := pbBytes(1, pbJoin(pbBytes(1, []byte("host.name")), pbBytes(2, pbBytes(1, []byte("web1")))))
	got := show(pbBytes(1, pbJoin(pbBytes(2, pbBytes(2, turned)), pbBytes(1, host))), false)
	if !strings.Contains(got, `"host":"web1"`) || !strings.Contains(got, `"service":"temp"`) {
		t.Errorf("turned round: %s", got)
	}
}
