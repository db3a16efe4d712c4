package wire

import (
	"fmt"

	"zeta/event"
)

// appSample is message number batch of n events as an application sends them: about 70 bytes each, a
// state, a service, a host, one tag, a ttl, a time and a double.
func appSample(batch, n int) []byte {
	m := Msg{Events: make([]event.Event, n)}
	set := event.NewSet([]string{"prod"}, nil)
	for i := range m.Events {
		e := &m.Events[i]
		series := batch*n + i
		e.SetHost(fmt.Sprintf("web-%03d.prod1", series/50%200))
		e.SetService(fmt.Sprintf("http latency p%02d", series%50))
		e.SetState("ok")
		if series%17 == 0 {
			e.SetState("warning")
		}
		e.SetFloat(float64(series) / 7)
		e.SetTime(1_795_340_804_000_000 + int64(series))
		e.SetTTL(60)
		e.Set = set
	}
	return stripFloat(&m)
}

// collectdSample is the same as collectd sends it: about 210 bytes each, with six attributes.
func collectdSample(batch, n int) []byte {
	m := Msg{Events: make([]event.Event, n)}
	for i := range m.Events {
		e := &m.Events[i]
		series := batch*n + i
		plugin := fmt.Sprintf("disk-vd%c", 'a'+series%50)
		e.SetHost(fmt.Sprintf("web-%03d.prod1", series/50%200))
		e.SetService(plugin + "/disk_octets/read")
		e.SetFloat(float64(series) / 7)
		e.SetTime(1_795_340_804_000_000 + int64(series))
		e.SetTTL(20)
		e.Set = event.NewSet([]string{"collectd"}, []event.Attr{
			{Key: "plugin", Value: "disk"}, {Key: "type", Value: "disk_octets"}, {Key: "ds_name", Value: "read"},
			{Key: "plugin_instance", Value: plugin[5:]}, {Key: "ds_type", Value: "derive:rate"}, {Key: "ds_index", Value: "0"},
		})
	}
	return stripFloat(&m)
}

// stripFloat encodes m without the metric_f that clients do not send.
func stripFloat(m *Msg) []byte {
	var out []byte
	for i := range m.Events {
		b := AppendEvent(nil, &m.Events[i])
		b = b[:len(b)-5]
		out = append(out, tagEvents, byte(len(b)))
		if len(b) >= 0x80 {
			out[len(out)-1] |= 0x80
			out = append(out, byte(len(b)>>7))
		}
		out = append(out, b...)
	}
	return out
}
