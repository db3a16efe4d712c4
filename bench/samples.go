package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"
)

// sample says which events are sent. Each host has 50 services; a message holds events that follow one another.
type sample struct {
	Shape  string // app: 69 bytes an event; collectd: 212, with six attributes
	Series int
	Order  string // "": a host's services together, as agents send; random; unique: each event a new series
	Batch  int    // events in a message
	Rounds int    // how often each series is in the pool, with another metric and state each time
}

const servicesPerHost = 50

// pool is framed messages, one behind the other.
type pool struct {
	bytes  []byte
	at     []int // where each message begins, and the end of the last one
	events int   // in one message
}

func (p *pool) messages() int { return len(p.at) - 1 }

// make encodes the messages as the Go client does.
func (s sample) make(now int64) (*pool, error) {
	rounds := max(s.Rounds, 1)
	p := &pool{events: s.Batch}
	order := make([]int, 0, s.Series*rounds)
	for range rounds {
		for i := range s.Series {
			order = append(order, i)
		}
	}
	if s.Order == "random" {
		r := rand.New(rand.NewPCG(1, 2))
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	n := len(order) / s.Batch
	if n == 0 {
		return nil, fmt.Errorf("%d series do not fill a message of %d events", s.Series, s.Batch)
	}
	event := make([]byte, 0, 512)
	for m := range n {
		p.at = append(p.at, len(p.bytes))
		p.bytes = append(p.bytes, 0, 0, 0, 0)
		for i := m * s.Batch; i < (m+1)*s.Batch; i++ {
			var err error
			if event, err = (pb.MarshalOptions{}).MarshalAppend(event[:0], s.event(order[i], i, now)); err != nil {
				return nil, err
			}
			p.bytes = append(p.bytes, 6<<3|2)
			p.bytes = binary.AppendUvarint(p.bytes, uint64(len(event)))
			p.bytes = append(p.bytes, event...)
		}
		at := p.at[m]
		binary.BigEndian.PutUint32(p.bytes[at:], uint32(len(p.bytes)-at-4))
	}
	p.at = append(p.at, len(p.bytes))
	return p, nil
}

// event makes number i of the pool, an event of the given series.
func (s sample) event(series, i int, now int64) *proto.Event {
	host := fmt.Sprintf("web-%03d.prod1", series/servicesPerHost)
	n := series % servicesPerHost
	metric := float64(i*7919%1000) / 7 // 0 to 142
	if s.Shape == "collectd" {
		plugin := fmt.Sprintf("vd%c%d", 'a'+n%26, n/26)
		e := &proto.Event{
			Host: &host, Service: pb.String("disk-" + plugin + "/disk_octets/read"), State: pb.String("ok"), Tags: []string{"prod"},
			Ttl: pb.Float32(20), MetricD: &metric, TimeMicros: pb.Int64(now),
		}
		for _, a := range [][2]string{{"plugin", "disk"}, {"plugin_instance", plugin}, {"type", "disk_octets"},
			{"type_instance", ""}, {"ds_name", "read"}, {"ds_type", "derive"}} {
			e.Attributes = append(e.Attributes, &proto.Attribute{Key: pb.String(a[0]), Value: pb.String(a[1])})
		}
		return e
	}
	state := "ok"
	if i*7919%101 < 2 {
		state = "warning"
	}
	service := fmt.Sprintf("http latency p%02d", n)
	if n%10 == 0 {
		service = fmt.Sprintf("df-mount-%02d/used", n)
	}
	return &proto.Event{
		Host: &host, Service: &service, State: &state, Tags: []string{"prod"},
		Ttl: pb.Float32(60), MetricD: &metric, Time: pb.Int64(now / 1_000_000),
	}
}
