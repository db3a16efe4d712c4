package client

import (
	"math"

	"zeta/event"
	"zeta/event/wire"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"
)

// acceptable reports whether a server with the usual limits takes e.
func acceptable(e *event.Event) bool {
	limits := &wire.DefaultLimits
	if max(len(e.Host), len(e.Service), len(e.State)) > limits.Name ||
		len(e.Tags()) > limits.Tags || len(e.Attrs()) > limits.Attributes || size(e) > limits.Frame/2 {
		return false
	}
	for _, tag := range e.Tags() {
		if len(tag) > limits.Text {
			return false
		}
	}
	for _, a := range e.Attrs() {
		if len(a.Key) > limits.Text {
			return false
		}
	}
	return true
}

// newMessage converts a batch. It does not use riemann-go-client's own conversion, which drops empty
// strings, cuts the ttl to whole seconds and cannot say that an event has no metric.
func newMessage(batch []event.Event) *proto.Msg {
	m := &proto.Msg{Events: make([]*proto.Event, len(batch))}
	for i := range batch {
		m.Events[i] = newEvent(&batch[i])
	}
	return m
}

func newEvent(e *event.Event) *proto.Event {
	out := &proto.Event{Tags: e.Tags()}
	if e.Is(event.HasHost) {
		out.Host = pb.String(e.Host)
	}
	if e.Is(event.HasService) {
		out.Service = pb.String(e.Service)
	}
	if e.Is(event.HasState) {
		out.State = pb.String(e.State)
	}
	if e.Is(event.HasDescription) {
		out.Description = pb.String(e.Description)
	}
	if e.Is(event.HasTime) {
		out.Time = pb.Int64(e.Time / 1_000_000)
		out.TimeMicros = pb.Int64(e.Time)
	}
	if e.Is(event.HasTTL) {
		out.Ttl = pb.Float32(float32(e.TTL))
	}
	switch {
	case e.Is(event.HasInt):
		out.MetricSint64 = pb.Int64(e.Int)
		out.MetricF = pb.Float32(float32(e.Int))
	case e.Is(event.HasFloat):
		out.MetricD = pb.Float64(e.Float)
		if f := float32(e.Float); !math.IsInf(float64(f), 0) {
			out.MetricF = pb.Float32(f)
		}
	}
	for _, a := range e.Attrs() {
		out.Attributes = append(out.Attributes, &proto.Attribute{Key: pb.String(a.Key), Value: pb.String(a.Value)})
	}
	return out
}
