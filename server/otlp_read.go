package server

import (
	"encoding/json"
	"fmt"

	"zeta/event"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// otlpRead is the reading of one export. It is read twice, first to see that it can be read whole and how many
// events it may have, so that no more than some of them are in memory at once.
type otlpRead struct {
	*otlpMapping
	peer   string
	isJSON bool
	most   int                       // events
	ingest func([]event.Event) error // takes the events, some at a time; nil: they all stay in events

	counting bool // the first time
	count    int  // events there may be
	events   []event.Event
	labels   int // held by events
}

// otlpSignals say how exports are built: resources have scopes, which have items.
var otlpSignals = map[string]struct {
	resources, scopes, items otlpField
	take                     func(*otlpRead, *otlpSource, otlpPart) error
}{
	"metrics": {otlpField{1, "resourceMetrics", true}, otlpField{2, "scopeMetrics", true}, otlpField{2, "metrics", true}, (*otlpRead).metric},
	"logs":    {otlpField{1, "resourceLogs", true}, otlpField{2, "scopeLogs", true}, otlpField{2, "logRecords", true}, (*otlpRead).log},
	"traces":  {otlpField{1, "resourceSpans", true}, otlpField{2, "scopeSpans", true}, otlpField{2, "spans", true}, (*otlpRead).span},
}

var otlpResource = otlpField{number: 1, name: "resource"}

// read reads an export of a signal.
func (r *otlpRead) read(b []byte, signal string) error {
	if r.isJSON && !json.Valid(b) {
		return fmt.Errorf("%s: the body is not valid JSON", signal)
	}
	s := otlpSignals[signal]
	for _, r.counting = range []bool{true, false} {
		err := otlpPart{b, r.isJSON}.each(s.resources, func(p otlpPart) error {
			var resource resourcepb.Resource
			if err := p.each(otlpResource, func(p otlpPart) error { return p.decode(&resource) }); err != nil {
				return err
			}
			if err := tooManyAttrs(resource.GetAttributes()); err != nil {
				return err
			}
			source := newOTLPSource(&resource, r.peer)
			return p.each(s.scopes, func(p otlpPart) error {
				return p.each(s.items, func(p otlpPart) error { return s.take(r, &source, p) })
			})
		})
		if err != nil {
			return fmt.Errorf("%s: %w", signal, err)
		}
	}
	return r.flush()
}

func tooManyAttrs(attrs []*commonpb.KeyValue) error {
	if len(attrs) > maxOTLPAttrs {
		return fmt.Errorf("%d attributes of one item, limit %d", len(attrs), maxOTLPAttrs)
	}
	return nil
}

// counted counts the events that an item may become; the first time that is all there is to do with it.
func (r *otlpRead) counted(events int, attrs []*commonpb.KeyValue) (done bool, err error) {
	if !r.counting {
		return false, nil
	}
	if r.count += events; r.count > r.most {
		return true, errTooMany
	}
	return true, tooManyAttrs(attrs)
}

// put appends an event.
func (r *otlpRead) put(s *otlpSource, service string, own []event.Attr, at uint64) *event.Event {
	r.labels += len(s.attrs) + len(own)
	r.events = append(r.events, r.event(s, service, own, at))
	return &r.events[len(r.events)-1]
}

// pass lets events enter the rules when there are enough.
func (r *otlpRead) pass() error {
	if len(r.events) >= eventsPerRun || r.labels >= labelsPerRun {
		return r.flush()
	}
	return nil
}

func (r *otlpRead) flush() error {
	if r.ingest == nil || len(r.events) == 0 {
		return nil
	}
	err := r.ingest(r.events)
	clear(r.events)
	r.events, r.labels = r.events[:0], 0
	return err
}

// The kinds of data of a metric.
var (
	otlpGauge       = otlpField{number: 5, name: "gauge"}
	otlpSum         = otlpField{number: 7, name: "sum"}
	otlpHistogram   = otlpField{number: 9, name: "histogram"}
	otlpExponential = otlpField{number: 10, name: "exponentialHistogram"}
	otlpSummary     = otlpField{number: 11, name: "summary"}
	otlpPoints      = otlpField{number: 1, name: "dataPoints", repeated: true}
)

// metric reads a metric, point by point.
func (r *otlpRead) metric(s *otlpSource, p otlpPart) error {
	m := &otlpMetric{otlpRead: r, source: s}
	if err := p.decode(&m.head, otlpGauge, otlpSum, otlpHistogram, otlpExponential, otlpSummary); err != nil {
		return err
	}
	for _, kind := range []struct {
		field otlpField
		read  func(data otlpPart) error
	}{
		{otlpGauge, func(data otlpPart) error {
			return eachPoint(r, data, 1, func(p *metricspb.NumberDataPoint) { m.number(nil, p) })
		}},
		{otlpSum, func(data otlpPart) error {
			var sum metricspb.Sum
			if err := data.decode(&sum, otlpPoints); err != nil {
				return err
			}
			return eachPoint(r, data, 1, func(p *metricspb.NumberDataPoint) { m.number(&sum, p) })
		}},
		{otlpHistogram, func(data otlpPart) error {
			var head metricspb.Histogram
			if err := data.decode(&head, otlpPoints); err != nil {
				return err
			}
			return eachPoint(r, data, 2+len(r.quantiles), func(p *metricspb.HistogramDataPoint) { m.histogram(head.GetAggregationTemporality(), p) })
		}},
		{otlpExponential, func(data otlpPart) error {
			var head metricspb.ExponentialHistogram
			if err := data.decode(&head, otlpPoints); err != nil {
				return err
			}
			return eachPoint(r, data, 2, func(p *metricspb.ExponentialHistogramDataPoint) { m.exponential(head.GetAggregationTemporality(), p) })
		}},
		{otlpSummary, func(data otlpPart) error { return eachPoint(r, data, 2, m.summary) }},
	} {
		if err := p.each(kind.field, kind.read); err != nil {
			return err
		}
	}
	return nil
}

// eachPoint reads the points of a metric's data, each of which becomes so many events at most, beside the quantiles
// of a summary.
func eachPoint[T any, P interface {
	*T
	proto.Message
	GetAttributes() []*commonpb.KeyValue
}](r *otlpRead, data otlpPart, events int, take func(P)) error {
	return data.each(otlpPoints, func(p otlpPart) error {
		point := P(new(T))
		if err := p.decode(point); err != nil {
			return err
		}
		n := events
		if s, ok := any(point).(*metricspb.SummaryDataPoint); ok {
			n += len(s.GetQuantileValues())
		}
		if done, err := r.counted(n, point.GetAttributes()); done {
			return err
		}
		take(point)
		return r.pass()
	})
}

// log reads a log record.
func (r *otlpRead) log(s *otlpSource, p otlpPart) error {
	var record logspb.LogRecord
	if err := p.decode(&record); err != nil {
		return err
	}
	if done, err := r.counted(1, record.GetAttributes()); done {
		return err
	}
	r.record(s, &record)
	return r.pass()
}

// span reads a span.
func (r *otlpRead) span(s *otlpSource, p otlpPart) error {
	var span tracepb.Span
	if err := p.decode(&span); err != nil {
		return err
	}
	if done, err := r.counted(1, span.GetAttributes()); done {
		return err
	}
	r.latency(s, &span)
	return r.pass()
}
