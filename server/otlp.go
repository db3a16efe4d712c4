package server

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"zeta/event"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// otlpMapping turns OpenTelemetry's messages into events. It remembers the last point of each sum that only
// grows, as a rate needs two. Safe for concurrent use.
type otlpMapping struct {
	apart     []string
	rates     bool
	quantiles []float64
	ttl       float64

	mu      sync.Mutex
	last    map[otlpKey]*otlpPoint
	buckets int // held in last
	swept   time.Time
	full    func() // told when a series cannot be remembered; nil: nobody is
}

// otlpKey is a hash that stands for a series: its name and attributes may be long.
type otlpKey [sha256.Size]byte

// otlpPoint is the last point of a series.
type otlpPoint struct {
	start, time uint64 // ns
	sum         float64
	count       float64
	buckets     []uint64
	seen        time.Time
}

// The bounds of what is remembered and told.
const (
	maxOTLPSeries  = 100_000
	maxOTLPBuckets = 2_000_000
	otlpIdle       = 15 * time.Minute // a series without points for so long is forgotten when room is needed
	maxOTLPText    = 16 << 10         // bytes of one attribute or body
)

func newOTLPMapping(o OTLPOptions) *otlpMapping {
	return &otlpMapping{apart: o.Apart, rates: o.Sums == "rate", quantiles: o.Quantiles, ttl: o.TTL.Seconds(), last: map[otlpKey]*otlpPoint{}}
}

// otlpSource is what the items of one resource have in common.
type otlpSource struct {
	host    string
	service string
	attrs   []event.Attr
}

func newOTLPSource(r *resourcepb.Resource, peer string) otlpSource {
	s := otlpSource{attrs: appendOTLP(nil, r.GetAttributes())}
	pod := ""
	for _, a := range s.attrs {
		switch a.Key {
		case "host.name":
			s.host = a.Value
		case "k8s.pod.name":
			pod = a.Value
		case "service.name":
			s.service = a.Value
		}
	}
	if s.host == "" {
		s.host = pod
	}
	if s.host == "" {
		s.host = peer
	}
	return s
}

// appendOTLP appends attributes as text.
func appendOTLP(dst []event.Attr, kvs []*commonpb.KeyValue) []event.Attr {
	for _, kv := range kvs {
		dst = append(dst, event.Attr{Key: kv.GetKey(), Value: otlpText(kv.GetValue(), 0)})
	}
	return dst
}

// otlpText prints a value: text as it is, lists in brackets, maps in braces.
func otlpText(v *commonpb.AnyValue, depth int) string {
	if depth > 8 {
		return "…"
	}
	var s string
	switch x := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		s = x.StringValue
	case *commonpb.AnyValue_BoolValue:
		s = strconv.FormatBool(x.BoolValue)
	case *commonpb.AnyValue_IntValue:
		s = strconv.FormatInt(x.IntValue, 10)
	case *commonpb.AnyValue_DoubleValue:
		s = strconv.FormatFloat(x.DoubleValue, 'g', -1, 64)
	case *commonpb.AnyValue_BytesValue:
		s = base64.StdEncoding.EncodeToString(x.BytesValue)
	case *commonpb.AnyValue_ArrayValue:
		var parts []string
		for _, e := range x.ArrayValue.GetValues() {
			parts = append(parts, otlpText(e, depth+1))
		}
		s = "[" + strings.Join(parts, ", ") + "]"
	case *commonpb.AnyValue_KvlistValue:
		var parts []string
		for _, kv := range x.KvlistValue.GetValues() {
			parts = append(parts, kv.GetKey()+": "+otlpText(kv.GetValue(), depth+1))
		}
		s = "{" + strings.Join(parts, ", ") + "}"
	}
	if len(s) > maxOTLPText {
		s = s[:maxOTLPText]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// event makes an event without state and metric.
func (m *otlpMapping) event(s *otlpSource, service string, own []event.Attr, at uint64) event.Event {
	all := append(slices.Clone(s.attrs), own...)
	e := event.FromLabels(service, all, nil)
	e.SetHost(s.host)
	if at > 0 && at <= math.MaxInt64 {
		e.SetTime(int64(at / 1000))
	}
	if m.ttl > 0 {
		e.SetTTL(m.ttl)
	}
	return e
}

// otlpMetric is a metric without its points.
type otlpMetric struct {
	*otlpRead
	source *otlpSource
	head   metricspb.Metric
}

// add appends an event of a point, under the metric's name and a suffix.
func (m *otlpMetric) add(attrs []*commonpb.KeyValue, suffix string, at uint64) *event.Event {
	own := appendOTLP(nil, attrs)
	service := event.FromLabels(m.head.GetName(), slices.Clone(own), m.apart).Service + suffix
	if m.head.GetUnit() != "" {
		own = append(own, event.Attr{Key: "unit", Value: m.head.GetUnit()})
	}
	return m.put(m.source, service, own, at)
}

// key tells the series of points with these attributes from others.
func (m *otlpMetric) key(attrs []*commonpb.KeyValue) (key otlpKey) {
	h := sha256.New()
	io.WriteString(h, m.head.GetName())
	for _, list := range [][]event.Attr{slices.Clone(m.source.attrs), appendOTLP(nil, attrs), {{Key: "\x00", Value: m.source.host}}} {
		slices.SortFunc(list, func(a, b event.Attr) int { return strings.Compare(a.Key, b.Key) })
		for _, a := range list {
			io.WriteString(h, "\x00"+a.Key+"\x01"+a.Value)
		}
	}
	h.Sum(key[:0])
	return key
}

// number tells a point of a gauge, or of a sum.
func (m *otlpMetric) number(sum *metricspb.Sum, p *metricspb.NumberDataPoint) {
	if p.GetValue() == nil {
		return
	}
	if sum == nil || !m.rates || !sum.GetIsMonotonic() {
		setNumber(m.add(p.GetAttributes(), "", p.GetTimeUnixNano()), p)
		return
	}
	now := &otlpPoint{start: p.GetStartTimeUnixNano(), time: p.GetTimeUnixNano(), sum: number(p)}
	if d, ok := m.since(m.key(p.GetAttributes()), now, sum.GetAggregationTemporality()); ok {
		m.add(p.GetAttributes(), "", now.time).SetFloat(d.sum / d.seconds)
	}
}

func (m *otlpMetric) histogram(kind metricspb.AggregationTemporality, p *metricspb.HistogramDataPoint) {
	now := &otlpPoint{start: p.GetStartTimeUnixNano(), time: p.GetTimeUnixNano(), sum: p.GetSum(), count: float64(p.GetCount()), buckets: p.GetBucketCounts()}
	d, ok := m.since(m.key(p.GetAttributes()), now, kind)
	if m.rates && !ok {
		return
	}
	m.totals(p.GetAttributes(), now, d, p.Sum != nil)
	for _, q := range m.quantiles {
		if v, ok := bucketQuantile(q, p.GetExplicitBounds(), d.buckets); ok {
			m.add(p.GetAttributes(), " "+strconv.FormatFloat(q, 'g', -1, 64), now.time).SetFloat(v)
		}
	}
}

func (m *otlpMetric) exponential(kind metricspb.AggregationTemporality, p *metricspb.ExponentialHistogramDataPoint) {
	now := &otlpPoint{start: p.GetStartTimeUnixNano(), time: p.GetTimeUnixNano(), sum: p.GetSum(), count: float64(p.GetCount())}
	if d, ok := m.since(m.key(p.GetAttributes()), now, kind); ok || !m.rates {
		m.totals(p.GetAttributes(), now, d, p.Sum != nil)
	}
}

// totals tells count and sum of a histogram.
func (m *otlpMetric) totals(attrs []*commonpb.KeyValue, now *otlpPoint, d otlpDelta, hasSum bool) {
	count, sum := now.count, now.sum
	if m.rates {
		count, sum = d.count/d.seconds, d.sum/d.seconds
	}
	m.add(attrs, " count", now.time).SetFloat(count)
	if hasSum {
		m.add(attrs, " sum", now.time).SetFloat(sum)
	}
}

func (m *otlpMetric) summary(p *metricspb.SummaryDataPoint) {
	m.add(p.GetAttributes(), " count", p.GetTimeUnixNano()).SetFloat(float64(p.GetCount()))
	m.add(p.GetAttributes(), " sum", p.GetTimeUnixNano()).SetFloat(p.GetSum())
	for _, q := range p.GetQuantileValues() {
		m.add(p.GetAttributes(), " "+strconv.FormatFloat(q.GetQuantile(), 'g', -1, 64), p.GetTimeUnixNano()).SetFloat(q.GetValue())
	}
}

func setNumber(e *event.Event, p *metricspb.NumberDataPoint) {
	if i, ok := p.GetValue().(*metricspb.NumberDataPoint_AsInt); ok {
		e.SetInt(i.AsInt)
		return
	}
	e.SetFloat(p.GetAsDouble())
}

func number(p *metricspb.NumberDataPoint) float64 {
	if i, ok := p.GetValue().(*metricspb.NumberDataPoint_AsInt); ok {
		return float64(i.AsInt)
	}
	return p.GetAsDouble()
}

// otlpDelta is what was added between two points.
type otlpDelta struct {
	seconds, sum, count float64
	buckets             []uint64
}

// since returns what a point adds to the one before: all of it for deltas, the difference for totals. ok is
// false when there is no time between, or no point before, or the total began anew.
func (m *otlpMapping) since(key otlpKey, now *otlpPoint, kind metricspb.AggregationTemporality) (d otlpDelta, ok bool) {
	if kind == metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA {
		d = otlpDelta{seconds: float64(now.time-now.start) / 1e9, sum: now.sum, count: now.count, buckets: now.buckets}
		return d, now.start > 0 && now.time > now.start
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now.seen = time.Now()
	old := m.last[key]
	if old != nil && now.time <= old.time {
		return otlpDelta{}, false // sent again, or out of order
	}
	if old == nil && !m.room(len(now.buckets)) {
		if m.full != nil {
			m.full()
		}
		return otlpDelta{}, false
	}
	if old != nil {
		m.buckets -= len(old.buckets)
	}
	m.buckets += len(now.buckets)
	m.last[key] = now
	if old == nil || old.start != now.start || now.sum < old.sum && now.count == 0 || now.count < old.count || len(now.buckets) != len(old.buckets) {
		return otlpDelta{}, false
	}
	d = otlpDelta{seconds: float64(now.time-old.time) / 1e9, sum: now.sum - old.sum, count: now.count - old.count, buckets: make([]uint64, len(now.buckets))}
	for i := range d.buckets {
		if now.buckets[i] < old.buckets[i] {
			return otlpDelta{}, false
		}
		d.buckets[i] = now.buckets[i] - old.buckets[i]
	}
	return d, true
}

// room reports whether another series may be remembered; when it is full, idle ones are forgotten, at most once
// a minute. m.mu is held.
func (m *otlpMapping) room(buckets int) bool {
	full := func() bool { return len(m.last) >= maxOTLPSeries || m.buckets+buckets > maxOTLPBuckets }
	if full() && time.Since(m.swept) > time.Minute {
		m.swept = time.Now()
		for key, p := range m.last {
			if time.Since(p.seen) > otlpIdle {
				m.buckets -= len(p.buckets)
				delete(m.last, key)
			}
		}
	}
	return !full()
}

// bucketQuantile estimates a quantile, evenly within its bucket. The first bucket begins at 0, or at its bound if
// that is below; in the last, which has no end, the estimate is its beginning.
func bucketQuantile(q float64, bounds []float64, counts []uint64) (v float64, ok bool) {
	total := 0.0
	for _, n := range counts {
		total += float64(n)
	}
	if total == 0 || len(counts) != len(bounds)+1 || len(bounds) == 0 {
		return 0, false
	}
	rank := q * total
	for i, n := range counts {
		if rank > float64(n) || n == 0 {
			rank -= float64(n)
			continue
		}
		if i == len(bounds) {
			break
		}
		low := min(0, bounds[0])
		if i > 0 {
			low = bounds[i-1]
		}
		return low + (bounds[i]-low)*max(rank, 0)/float64(n), true
	}
	return bounds[len(bounds)-1], true
}

// record turns a log record into an event.
func (r *otlpRead) record(s *otlpSource, l *logspb.LogRecord) {
	service := s.service
	if service == "" {
		service = "log"
	}
	own := appendOTLP(nil, l.GetAttributes())
	own = append(own, event.Attr{Key: "severity", Value: l.GetSeverityText()}, event.Attr{Key: "event_name", Value: l.GetEventName()},
		event.Attr{Key: "trace_id", Value: otlpID(l.GetTraceId(), r.isJSON)}, event.Attr{Key: "span_id", Value: otlpID(l.GetSpanId(), r.isJSON)})
	at := l.GetTimeUnixNano()
	if at == 0 {
		at = l.GetObservedTimeUnixNano()
	}
	e := r.put(s, service, own, at)
	if state := logState(l.GetSeverityNumber()); state != "" {
		e.SetState(state)
	}
	if l.GetBody() != nil {
		e.SetDescription(otlpText(l.GetBody(), 0))
	}
}

// logState is the state of a severity; "" if it is not given.
func logState(n logspb.SeverityNumber) string {
	switch {
	case n <= 0:
		return ""
	case n < logspb.SeverityNumber_SEVERITY_NUMBER_WARN:
		return "ok"
	case n < logspb.SeverityNumber_SEVERITY_NUMBER_ERROR:
		return "warning"
	}
	return "critical"
}

// latency turns a span into an event.
func (r *otlpRead) latency(s *otlpSource, sp *tracepb.Span) {
	own := appendOTLP(nil, sp.GetAttributes())
	kind := strings.ToLower(strings.TrimPrefix(sp.GetKind().String(), "SPAN_KIND_"))
	own = append(own, event.Attr{Key: "span_kind", Value: kind},
		event.Attr{Key: "trace_id", Value: otlpID(sp.GetTraceId(), r.isJSON)}, event.Attr{Key: "span_id", Value: otlpID(sp.GetSpanId(), r.isJSON)})
	e := r.put(s, sp.GetName(), own, sp.GetEndTimeUnixNano())
	e.SetState("ok")
	if sp.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		e.SetState("critical")
	}
	if text := sp.GetStatus().GetMessage(); text != "" {
		e.SetDescription(text)
	}
	if sp.GetEndTimeUnixNano() >= sp.GetStartTimeUnixNano() {
		e.SetFloat(float64(sp.GetEndTimeUnixNano()-sp.GetStartTimeUnixNano()) / 1e9)
	}
}

// otlpID is an id as hexadecimal text. In JSON it is so already, but was read as base64 like other bytes.
func otlpID(id []byte, isJSON bool) string {
	if isJSON {
		return base64.StdEncoding.EncodeToString(id)
	}
	return hex.EncodeToString(id)
}
