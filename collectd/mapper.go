package collectd

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"zeta/event"
)

// Options of a Mapper.
type Options struct {
	Types     Types
	TTLFactor float64  // ttl = interval × this; 0: 2
	Tags      []string // of every event
	MaxRates  int      // data sources remembered for their rates; 0: 200 000
	RawCounts bool     // counters as they are, rather than as rates
}

// Mapper turns value lists and notifications into events as write_riemann does:
//
//	host         collectd's host
//	service      plugin[-instance]/type[-instance], and /data source where the type has several
//	metric       a gauge as it is; a counter, derive or absolute value as its rate per second
//	time, ttl    the reading's; interval × TTLFactor
//	attributes   plugin, plugin_instance, type, type_instance, ds_name, ds_type, ds_index
//
// The first reading of a counter, one after a restart of what it counts, and a value outside the bounds of
// types.db give NaN, as in collectd. A notification has no data source and no ttl; its severity is the state, its
// message the description, and it has the tag notification.
type Mapper struct {
	o      Options
	last   map[rateKey]rateState
	swept  int64 // when idle ones were forgotten
	Forgot uint64
	Full   uint64 // values without a rate because MaxRates was reached
}

// rateKey is a data source of a reading.
type rateKey struct {
	Identity
	index int
}

type rateState struct {
	time  int64 // of the reading, microseconds
	count uint64
	until int64 // forgotten when it has been silent until then
}

// NewMapper returns a mapper that remembers nothing yet.
func NewMapper(o Options) *Mapper {
	if o.TTLFactor == 0 {
		o.TTLFactor = 2
	}
	if o.MaxRates == 0 {
		o.MaxRates = 200_000
	}
	return &Mapper{o: o, last: map[rateKey]rateState{}}
}

// Append appends the events of a packet to dst. now, in microseconds since the epoch, stands in for times that
// are missing.
func (m *Mapper) Append(dst []event.Event, p *Packet, now int64) []event.Event {
	for i := range p.Values {
		dst = m.AppendValues(dst, &p.Values[i], now)
	}
	for i := range p.Notifications {
		dst = m.AppendNotification(dst, &p.Notifications[i])
	}
	return dst
}

// AppendValues appends one event for each data source.
func (m *Mapper) AppendValues(dst []event.Event, l *ValueList, now int64) []event.Event {
	base := l.Identity.service()
	sources := m.o.Types[l.Type]
	if len(sources) != len(l.Values) {
		sources = nil
	}
	for i, v := range l.Values {
		name := "value"
		switch {
		case i < len(l.Names):
			name = l.Names[i]
		case sources != nil:
			name = sources[i].Name
		case len(l.Values) > 1:
			name = strconv.Itoa(i)
		}
		e := l.Identity.event()
		if len(l.Values) > 1 {
			e.SetService(base + "/" + name)
		} else {
			e.SetService(base)
		}
		kind := v.Kind.String()
		switch {
		case v.Kind == Gauge:
			e.SetFloat(inside(v.Gauge, sources, i))
		case l.Rates:
			e.SetFloat(inside(v.Gauge, sources, i))
			kind += ":rate"
		case !m.o.RawCounts:
			e.SetFloat(inside(m.rate(l, i, now), sources, i))
			kind += ":rate"
		case v.Kind == Derive || v.Count <= math.MaxInt64:
			e.SetInt(int64(v.Count))
		default:
			e.SetFloat(float64(v.Count))
		}
		if l.Time != 0 {
			e.SetTime(l.Time)
		}
		if ttl := l.Interval * m.o.TTLFactor; ttl > 0 && ttl < 1e9 {
			e.SetTTL(ttl)
		}
		e.Set = event.NewSet(m.o.Tags, append(l.attrs(),
			event.Attr{Key: "ds_name", Value: name}, event.Attr{Key: "ds_type", Value: kind}, event.Attr{Key: "ds_index", Value: strconv.Itoa(i)}))
		dst = append(dst, e)
	}
	return dst
}

// AppendNotification appends the event of a notification.
func (m *Mapper) AppendNotification(dst []event.Event, n *Notification) []event.Event {
	e := n.Identity.event()
	e.SetService(n.Identity.service())
	e.SetState(n.Severity)
	e.SetDescription(n.Message)
	if n.Time != 0 {
		e.SetTime(n.Time)
	}
	e.Set = event.NewSet(append([]string{"notification"}, m.o.Tags...), n.Identity.attrs())
	return append(dst, e)
}

// rate returns the rate per second of value i since the reading before it; NaN if there is none.
func (m *Mapper) rate(l *ValueList, i int, now int64) float64 {
	t := l.Time
	if t == 0 {
		t = now
	}
	v := l.Values[i]
	key := rateKey{l.Identity, i}
	before, known := m.last[key]
	if !known && len(m.last) >= m.o.MaxRates && !m.forget(now) {
		m.Full++
		return math.NaN()
	}
	if known && t <= before.time {
		return math.NaN() // a duplicate, or out of order: the newer one stays
	}
	keep := int64(min(max(10*l.Interval, 60), 86_400) * 1e6)
	m.last[key] = rateState{t, v.Count, now + keep}
	if v.Kind == Absolute {
		if known {
			return float64(v.Count) / event.MicrosToSeconds(t-before.time)
		}
		if l.Interval > 0 {
			return float64(v.Count) / l.Interval
		}
	}
	if !known {
		return math.NaN()
	}
	return change(v, before.count) / event.MicrosToSeconds(t-before.time)
}

// change returns by how much a value has grown; NaN after a reset. A counter that is smaller than before has
// wrapped if it was in the last quarter of 32 or 64 bits and is in the first one now; else what it counts began anew.
func change(v Value, before uint64) float64 {
	if v.Kind == Derive {
		return float64(int64(v.Count - before))
	}
	switch {
	case v.Count >= before:
		return float64(v.Count - before)
	case before <= math.MaxUint32 && before >= 3<<30 && v.Count < 1<<30:
		return float64(uint32(v.Count) - uint32(before))
	case before >= 3<<62 && v.Count < 1<<62:
		return float64(v.Count - before)
	}
	return math.NaN()
}

// forget drops what has been silent for ten intervals, at most once a minute; false if there is still no room.
func (m *Mapper) forget(now int64) bool {
	if m.swept != 0 && now-m.swept < 60e6 {
		return false
	}
	m.swept = now
	for key, s := range m.last {
		if now > s.until {
			delete(m.last, key)
			m.Forgot++
		}
	}
	return len(m.last) < m.o.MaxRates
}

// inside returns v, or NaN if types.db says that source i cannot be so.
func inside(v float64, sources []Source, i int) float64 {
	if sources != nil && (v < sources[i].Min || v > sources[i].Max) {
		return math.NaN()
	}
	return v
}

// service is the identity's name below its host, as write_riemann forms it.
func (id *Identity) service() string {
	var b strings.Builder
	b.WriteString(id.Plugin)
	if id.PluginInstance != "" {
		b.WriteByte('-')
		b.WriteString(id.PluginInstance)
	}
	b.WriteByte('/')
	b.WriteString(id.Type)
	if id.TypeInstance != "" {
		b.WriteByte('-')
		b.WriteString(id.TypeInstance)
	}
	return b.String()
}

func (id *Identity) event() event.Event {
	var e event.Event
	if id.Host != "" {
		e.SetHost(id.Host)
	}
	return e
}

// attrs are what the sender says beside, and then what was read.
func (l *ValueList) attrs() []event.Attr {
	if len(l.Meta) == 0 {
		return l.Identity.attrs()
	}
	return append(slices.Clone(l.Meta), l.Identity.attrs()...)
}

func (id *Identity) attrs() []event.Attr {
	attrs := make([]event.Attr, 0, 8)
	for _, a := range [...]event.Attr{
		{Key: "plugin", Value: id.Plugin}, {Key: "plugin_instance", Value: id.PluginInstance},
		{Key: "type", Value: id.Type}, {Key: "type_instance", Value: id.TypeInstance},
	} {
		if a.Value != "" {
			attrs = append(attrs, a)
		}
	}
	return attrs
}
