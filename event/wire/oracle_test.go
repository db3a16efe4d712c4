package wire

import (
	"math"
	"strings"
	"unicode/utf8"

	"zeta/event"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"
)

// oracle reads payload with protobuf-go and applies the rules of the package comment to what it says.
func oracle(payload []byte) (*Msg, error) {
	var in proto.Msg
	if err := pb.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	m := &Msg{
		OK: in.GetOk(), HasOK: in.Ok != nil,
		Error: fixed(in.GetError()), HasError: in.Error != nil,
		Query: fixed(in.GetQuery().GetString_()), HasQuery: in.Query != nil,
	}
	for _, e := range in.Events {
		m.Events = append(m.Events, oracleEvent(e))
	}
	return m, nil
}

func oracleEvent(in *proto.Event) event.Event {
	var e event.Event
	text := func(s *string, set func(string)) {
		if s != nil {
			set(fixed(*s))
		}
	}
	text(in.Host, e.SetHost)
	text(in.Service, e.SetService)
	text(in.State, e.SetState)
	text(in.Description, e.SetDescription)
	switch {
	case in.TimeMicros != nil:
		e.SetTime(*in.TimeMicros)
	case in.Time != nil:
		switch s := *in.Time; {
		case s > math.MaxInt64/1_000_000:
			e.SetTime(math.MaxInt64)
		case s < math.MinInt64/1_000_000:
			e.SetTime(math.MinInt64)
		default:
			e.SetTime(s * 1_000_000)
		}
	}
	if in.Ttl != nil {
		e.SetTTL(float64(*in.Ttl))
	}
	switch {
	case in.MetricSint64 != nil:
		e.SetInt(*in.MetricSint64)
	case in.MetricD != nil:
		e.SetFloat(*in.MetricD)
	case in.MetricF != nil:
		e.SetFloat(float64(*in.MetricF))
	}
	var tags []string
	for _, t := range in.Tags {
		tags = append(tags, fixed(t))
	}
	var attrs []event.Attr
	fill := map[string]string{}
	for _, a := range in.Attributes {
		key, value := fixed(a.GetKey()), fixed(a.GetValue())
		switch key {
		case "host", "service", "state", "description":
			fill[key] = value
		case "tags", "time", "ttl", "metric":
		default:
			attrs = append(attrs, event.Attr{Key: key, Value: value})
		}
	}
	for key, value := range fill {
		switch {
		case key == "host" && in.Host == nil:
			e.SetHost(value)
		case key == "service" && in.Service == nil:
			e.SetService(value)
		case key == "state" && in.State == nil:
			e.SetState(value)
		case key == "description" && in.Description == nil:
			e.SetDescription(value)
		}
	}
	e.Set = event.NewSet(tags, attrs)
	return e
}

func fixed(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// difference names the first field in which two messages differ; "" if they do not.
func difference(a, b *Msg) string {
	switch {
	case a.HasOK != b.HasOK || a.OK != b.OK:
		return "ok"
	case a.HasError != b.HasError || a.Error != b.Error:
		return "error"
	case a.HasQuery != b.HasQuery || a.Query != b.Query:
		return "query"
	case len(a.Events) != len(b.Events):
		return "number of events"
	}
	for i := range a.Events {
		if d := eventDifference(&a.Events[i], &b.Events[i]); d != "" {
			return d
		}
	}
	return ""
}

func eventDifference(a, b *event.Event) string {
	switch {
	case a.Has != b.Has:
		return "presence"
	case a.Host != b.Host:
		return "host"
	case a.Service != b.Service:
		return "service"
	case a.State != b.State:
		return "state"
	case a.Description != b.Description:
		return "description"
	case !a.Set.Equal(b.Set):
		return "set"
	case a.Time != b.Time:
		return "time"
	case math.Float64bits(a.TTL) != math.Float64bits(b.TTL) && !(math.IsNaN(a.TTL) && math.IsNaN(b.TTL)):
		return "ttl"
	case a.Int != b.Int:
		return "metric (integer)"
	case math.Float64bits(a.Float) != math.Float64bits(b.Float) && !(math.IsNaN(a.Float) && math.IsNaN(b.Float)):
		return "metric (float)"
	case a.Own || b.Own || a.Series != nil || b.Series != nil:
		return "own or series set"
	}
	return ""
}
