package streams

import (
	"math"

	"zeta/event"
)

// samples are the events of one interval, each with a metric. A source sends the same again and again but for metric
// and time: that is kept once, as an origin, and of each event there are 24 bytes without pointers, which the garbage
// collector does not look at. An event that differs in more than metric and time is an origin of its own. What an
// interval needed is kept for the next one, so that a steady stream makes no garbage. The zero value is empty.
type samples struct {
	chunks  [][]sampled // all but the first have room for sampleChunk; those behind the last one used are empty
	n       int
	origins []origin
	free    []uint32 // origins that no sample refers to any more
	next    uint32   // the origin behind that of the last event: sources mostly send in the same order
	table   []uint32 // open addressing by series: 1 + the origin its last event had; 0: none
	taken   int      // places of table
	bytes   int      // that the events hold on to
}

// sampled is an event: its origin with another metric and time.
type sampled struct {
	metric uint64 // the int64's or float64's bits
	time   int64
	origin uint32
	float  bool
}

// origin is what the events of a source have in common, in one line of the processor's cache.
type origin struct {
	series      *event.Series // has host and service
	set         *event.Set
	state       string
	description string
	ttl         float64
	uses        uint32 // by samples; 0: it is free
	has         event.Presence
	own         bool
	alone       bool // the events have no series: this one has just their names
}

func newOrigin(e *event.Event) origin {
	o := origin{series: e.Series, set: e.Set, state: e.State, description: e.Description, ttl: e.TTL, has: e.Has &^ event.HasMetric, own: e.Own}
	if o.series == nil {
		o.series, o.alone = &event.Series{Host: e.Host, Service: e.Service}, true
	}
	return o
}

// event returns an event without time and metric.
func (o *origin) event() event.Event {
	e := event.Event{
		Host: o.series.Host, Service: o.series.Service, State: o.state, Description: o.description,
		Set: o.set, Series: o.series, TTL: o.ttl, Has: o.has, Own: o.own,
	}
	if o.alone {
		e.Series = nil
	}
	return e
}

func (o *origin) size() int {
	e := o.event()
	return sizeOf(&e)
}

// isOf reports whether the events are those of a series; nil: of none.
func (o *origin) isOf(series *event.Series) bool {
	return !o.alone && o.series == series || o.alone && series == nil
}

// fits reports whether e, of the same series, is like the others but for metric and time.
func (o *origin) fits(e *event.Event) bool {
	return o.uses > 0 && o.has == e.Has&^event.HasMetric && o.own == e.Own &&
		o.state == e.State && o.description == e.Description &&
		math.Float64bits(o.ttl) == math.Float64bits(e.TTL) && (o.set == e.Set || o.set.Equal(e.Set)) &&
		(!o.alone || o.series.Host == e.Host && o.series.Service == e.Service)
}

const (
	sampleChunk = 256
	sampleBytes = 24
)

// full reports whether there is no room for another event: limit events are held, or too many bytes.
func (s *samples) full(limit int) bool { return s.n >= limit || s.bytes >= maxHeldBytes }

func (s *samples) len() int { return s.n }

func (s *samples) at(i int) *sampled { return &s.chunks[i/sampleChunk][i%sampleChunk] }

// event returns the i-th event, in order of arrival.
func (s *samples) event(i int) event.Event {
	x := s.at(i)
	e := s.origins[x.origin].event()
	e.Time = x.time
	if x.float {
		e.Float, e.Has = math.Float64frombits(x.metric), e.Has|event.HasFloat
	} else {
		e.Int, e.Has = int64(x.metric), e.Has|event.HasInt
	}
	return e
}

func (x *sampled) number() number {
	if x.float {
		return floatNumber(math.Float64frombits(x.metric))
	}
	return intNumber(int64(x.metric))
}

// add keeps a copy of e, which has a metric.
func (s *samples) add(e *event.Event) {
	o, known := s.origin(e)
	if !known {
		o = s.addOrigin(e, sizeOf(e))
	}
	s.push(newSample(e, o))
}

func (s *samples) push(x sampled) {
	i := s.n / sampleChunk
	if i == len(s.chunks) {
		var chunk []sampled // the first one grows: most instances need little
		if i > 0 {
			chunk = make([]sampled, 0, sampleChunk)
		}
		s.chunks = append(s.chunks, chunk)
	}
	s.chunks[i] = append(s.chunks[i], x)
	s.origins[x.origin].uses++
	s.n++
	s.bytes += sampleBytes
}

func newSample(e *event.Event, origin uint32) sampled {
	if e.Has&event.HasInt != 0 {
		return sampled{uint64(e.Int), e.Time, origin, false}
	}
	return sampled{math.Float64bits(e.Float), e.Time, origin, true}
}

// replace puts e in the place of the i-th event, unless that would hold on to too many bytes.
func (s *samples) replace(i int, e *event.Event) {
	x := s.at(i)
	old := &s.origins[x.origin]
	o, known := s.origin(e)
	if !known {
		size, freed := sizeOf(e), 0
		if old.uses == 1 {
			freed = old.size()
		}
		if size > freed && s.bytes-freed+size > maxHeldBytes {
			return
		}
		o = s.addOrigin(e, size)
		old = &s.origins[x.origin] // they may have moved
	}
	s.origins[o].uses++
	if old.uses--; old.uses == 0 {
		s.bytes -= old.size()
		*old = origin{} // lets go of strings and sets
		s.free = append(s.free, x.origin)
	}
	*x = newSample(e, o)
}

// origin returns the origin of e, if it is the one expected or that of the last event of e's series.
func (s *samples) origin(e *event.Event) (o uint32, known bool) {
	o = s.next
	if int(o) >= len(s.origins) || !s.origins[o].isOf(e.Series) || !s.origins[o].fits(e) {
		if len(s.table) == 0 {
			return 0, false
		}
		p := s.place(e.Series)
		if *p == 0 || !s.origins[*p-1].fits(e) {
			return 0, false
		}
		o = *p - 1
	}
	if s.next = o + 1; int(s.next) == len(s.origins) {
		s.next = 0
	}
	return o, true
}

// addOrigin makes e, of the given size, an origin without uses.
func (s *samples) addOrigin(e *event.Event, size int) uint32 {
	x := newOrigin(e)
	s.bytes += size
	var o uint32
	if n := len(s.free); n > 0 {
		o, s.free = s.free[n-1], s.free[:n-1]
		s.origins[o] = x
	} else {
		o = uint32(len(s.origins))
		s.origins = append(s.origins, x)
	}
	if 2*s.taken >= len(s.table) {
		s.spread()
	}
	p := s.place(e.Series)
	if *p == 0 {
		s.taken++
	}
	*p = o + 1
	return o
}

// place returns the series' place in the table, which has room.
func (s *samples) place(series *event.Series) *uint32 {
	var h uint32
	if series != nil {
		h = series.ID * 0x9e3779b1
		h ^= h >> 15
	}
	for mask := uint32(len(s.table) - 1); ; h++ {
		p := &s.table[h&mask]
		if *p == 0 || s.origins[*p-1].isOf(series) {
			return p
		}
	}
}

// spread makes the table large enough for all origins.
func (s *samples) spread() {
	size := 16
	for size < 4*len(s.origins) {
		size *= 2
	}
	if size == len(s.table) {
		clear(s.table)
	} else {
		s.table = make([]uint32, size)
	}
	s.taken = 0
	for i := range s.origins {
		x := &s.origins[i]
		if x.uses == 0 {
			continue
		}
		series := x.series
		if x.alone {
			series = nil
		}
		p := s.place(series)
		if *p == 0 {
			s.taken++
		}
		*p = uint32(i) + 1
	}
}

// clear removes everything, and the memory that the interval did not need.
func (s *samples) clear() {
	used := (s.n + sampleChunk - 1) / sampleChunk
	clear(s.chunks[used:])
	s.chunks = s.chunks[:used]
	for i, c := range s.chunks {
		s.chunks[i] = c[:0]
	}
	if n := len(s.origins); n < cap(s.origins)/4 {
		s.origins, s.table = nil, nil
	} else {
		clear(s.origins)
		clear(s.table)
		s.origins = s.origins[:0]
	}
	s.free = s.free[:0]
	s.n, s.taken, s.bytes, s.next = 0, 0, 0, 0
}

// save writes each origin with the first sample that has it.
func (s *samples) save(to *Saver) {
	to.Uint(uint64(s.n))
	numbers := make([]uint64, len(s.origins)) // 1 + the number it is saved under
	var known uint64
	var before int64
	for i := range s.n {
		x := s.at(i)
		if number := &numbers[x.origin]; *number != 0 {
			to.Uint(*number - 1)
		} else {
			to.Uint(known)
			e := s.origins[x.origin].event()
			to.Event(&e)
			known++
			*number = known
		}
		to.Bool(x.float)
		if x.float {
			to.Float(math.Float64frombits(x.metric))
		} else {
			to.Int(int64(x.metric))
		}
		to.Int(x.time - before)
		before = x.time
	}
}

func (s *samples) load(l *Loader) {
	var before int64
	for range l.Len() {
		o := l.Uint()
		if o == uint64(len(s.origins)) {
			if e := loadEvent(l); l.Err() == nil {
				s.addOrigin(&e, sizeOf(&e))
			}
		}
		if o >= uint64(len(s.origins)) {
			l.Fail(errStateShort)
			return
		}
		x := sampled{origin: uint32(o), float: l.Bool()}
		if x.float {
			x.metric = math.Float64bits(l.Float())
		} else {
			x.metric = uint64(l.Int())
		}
		before += l.Int()
		x.time = before
		if l.Err() != nil {
			return
		}
		s.push(x)
	}
}
