package lines

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"

	"zeta/event"
)

// StatsdOptions are what a Statsd is made with.
type StatsdOptions struct {
	Percentiles []float64 // of timers, histograms and distributions, each between 0 and 1
	Counts      bool      // counters as counts per flush rather than as rates per second
	Interval    float64   // seconds between two flushes
	Idle        int       // flushes without a value after which a series is forgotten
	MaxSeries   int       // series that are added up at a time; more are refused
}

// Statsd adds up statsd's metrics, with the tags of DogStatsD, until they are flushed. Its memory is bounded by
// MaxSeries and maxSamples. Safe for concurrent use.
type Statsd struct {
	o StatsdOptions

	mu      sync.Mutex
	series  map[string]*statsdSeries
	order   []*statsdSeries // as they came
	samples int             // of all timers and sets
	random  *rand.Rand
}

const (
	maxSamples       = 4 << 20 // of all series together
	maxSeriesSamples = 4096    // of one timer between two flushes: beyond it, a fair choice of them
	maxSetMembers    = 65_536  // of one set
)

type statsdSeries struct {
	key    string
	kind   byte // c, g, t (timers and their like), s
	source event.Event
	idle   int
	fresh  bool // has had a value since the last flush

	value  float64 // of a counter or a gauge
	count  float64 // of a timer, sampling considered
	seen   int     // of a timer, as they came
	sum    float64
	lo, hi float64
	sample []float64
	member map[string]struct{}
}

// NewStatsd returns a Statsd that has added up nothing.
func NewStatsd(o StatsdOptions) *Statsd {
	return &Statsd{o: o, series: map[string]*statsdSeries{}, random: rand.New(rand.NewPCG(1, 2))}
}

// Parse takes one line: a metric name:value[:value…]|type[|@rate][|#tag:value,…], which is added up and gives no
// event yet, or one of DogStatsD's events (_e) and service checks (_sc), which does at once.
func (s *Statsd) Parse(dst []event.Event, line []byte, host string) ([]event.Event, error) {
	line = bytes.TrimSpace(line)
	switch {
	case len(line) == 0:
		return dst, nil
	case bytes.HasPrefix(line, []byte("_e{")):
		return statsdEvent(dst, line, host)
	case bytes.HasPrefix(line, []byte("_sc|")):
		return statsdCheck(dst, line, host)
	}
	parts := bytes.Split(line, []byte{'|'})
	name, values, ok := bytes.Cut(parts[0], []byte{':'})
	if !ok || len(name) == 0 || len(parts) < 2 {
		return dst, refuse("fields", "%s; want name:value|type", quote(line))
	}
	var e event.Event
	var attrs []event.Attr
	var tags []string
	rate := 1.0
	for _, p := range parts[2:] {
		if len(p) == 0 {
			continue
		}
		switch p[0] {
		case '@':
			if rate, ok = number(p[1:]); !ok || rate <= 0 || rate > 1 {
				return dst, refuse("rate", "sample rate %s; want a number above 0, at most 1", quote(p))
			}
		case '#':
			var err error
			if tags, attrs, err = statsdTags(&e, p[1:]); err != nil {
				return dst, err
			}
		}
		// Others, as c: for a container and T for a time, are left out: what is added up has the flush's time.
	}
	kind := byte(0)
	switch string(parts[1]) {
	case "c", "m":
		kind = 'c'
	case "g":
		kind = 'g'
	case "ms", "h", "d":
		kind = 't'
	case "s":
		kind = 's'
	default:
		return dst, refuse("type", "type %s; want c, g, ms, h, d or s", quote(parts[1]))
	}
	e.SetService(text(name))
	source(&e, host)
	e.Set = event.NewSet(tags, attrs)
	return dst, s.add(kind, &e, values, rate)
}

// add adds the values to their series.
func (s *Statsd) add(kind byte, e *event.Event, values []byte, rate float64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := statsdKey(kind, e)
	x := s.series[key]
	if x == nil {
		if len(s.series) >= s.o.MaxSeries {
			return refuse("series", "more than %d series; raise maxSeries to allow more", s.o.MaxSeries)
		}
		x = &statsdSeries{key: key, kind: kind, source: *e}
		if kind == 's' {
			x.member = map[string]struct{}{}
		}
	}
	for values != nil {
		v, rest, more := bytes.Cut(values, []byte{':'})
		if values = rest; !more {
			values = nil
		}
		if kind == 's' {
			if len(v) == 0 || len(v) > 256 {
				return refuse("metric", "a member of %d bytes; want 1 to 256", len(v))
			}
			if _, known := x.member[string(v)]; !known {
				if len(x.member) >= maxSetMembers || s.samples >= maxSamples {
					return refuse("set", "a set of more than %d members, or %d samples of all series", maxSetMembers, maxSamples)
				}
				x.member[text(v)] = struct{}{}
				s.samples++
			}
		} else {
			n, ok := number(v)
			if !ok {
				return refuse("metric", "value %s; want a number", quote(v))
			}
			s.number(x, v[0] == '+' || v[0] == '-', n, rate)
		}
		x.fresh = true
		if s.series[key] == nil {
			s.series[key] = x
			s.order = append(s.order, x)
		}
	}
	return nil
}

func (s *Statsd) number(x *statsdSeries, signed bool, n, rate float64) {
	switch {
	case x.kind == 'c':
		x.value += n / rate
	case x.kind == 'g' && signed:
		x.value += n
	case x.kind == 'g':
		x.value = n
	default:
		if x.seen == 0 {
			x.lo, x.hi = n, n
		}
		x.lo, x.hi = min(x.lo, n), max(x.hi, n)
		x.count += 1 / rate
		x.sum += n / rate
		x.seen++
		switch {
		case len(x.sample) == 0, len(x.sample) < maxSeriesSamples && s.samples < maxSamples:
			x.sample = append(x.sample, n)
			s.samples++
		default:
			if i := s.random.IntN(x.seen); i < len(x.sample) {
				x.sample[i] = n
			}
		}
	}
}

// Flush appends what has been added up to dst, in the order in which the series came, and begins anew. A counter
// that has counted nothing gives 0, others nothing, until they are forgotten; a gauge is remembered for deltas.
func (s *Statsd) Flush(dst []event.Event) []event.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples = 0
	kept := s.order[:0]
	for _, x := range s.order {
		if x.fresh {
			x.idle = 0
		} else if x.idle++; x.idle >= s.o.Idle {
			delete(s.series, x.key)
			continue
		}
		kept = append(kept, x)
		dst = x.flush(dst, &s.o)
		x.fresh = false
	}
	clear(s.order[len(kept):])
	s.order = kept
	return dst
}

func (x *statsdSeries) flush(dst []event.Event, o *StatsdOptions) []event.Event {
	give := func(suffix string, metric float64) {
		e := x.source
		if suffix != "" {
			e.SetService(e.Service + " " + suffix)
		}
		e.SetFloat(metric)
		dst = append(dst, e)
	}
	switch x.kind {
	case 'c':
		if !o.Counts {
			x.value /= o.Interval
		}
		give("", x.value)
		x.value = 0
	case 'g':
		if x.fresh {
			give("", x.value)
		}
	case 's':
		if x.fresh {
			give("", float64(len(x.member)))
			clear(x.member)
		}
	default:
		if !x.fresh {
			break
		}
		slices.Sort(x.sample)
		for _, p := range o.Percentiles {
			i := min(int(float64(len(x.sample))*p), len(x.sample)-1)
			give(strconv.FormatFloat(p, 'g', -1, 64), x.sample[i])
		}
		give("mean", x.sum/x.count)
		give("min", x.lo)
		give("max", x.hi)
		give("rate", x.count/o.Interval)
		x.count, x.sum, x.seen, x.sample = 0, 0, 0, x.sample[:0]
		if cap(x.sample) > 256 {
			x.sample = nil
		}
	}
	return dst
}

// statsdKey is the same for values that are added up together.
func statsdKey(kind byte, e *event.Event) string {
	key := append([]byte{kind}, e.Host...)
	key = append(append(key, 0), e.Service...)
	key = append(append(append(key, 0), e.State...), 0)
	key = append(key, e.Description...)
	for _, t := range e.Tags() {
		key = append(append(key, 1), t...)
	}
	for _, a := range e.Attrs() {
		key = append(append(append(append(key, 2), a.Key...), 0), a.Value...)
	}
	return string(key)
}

// statsdTags reads DogStatsD's tags: key:value is an attribute, a bare word a tag.
func statsdTags(e *event.Event, b []byte) (tags []string, attrs []event.Attr, err error) {
	for n := 0; len(b) > 0; n++ {
		var tag []byte
		tag, b, _ = bytes.Cut(b, []byte{','})
		if n >= maxAttrs {
			return nil, nil, refuse("tags", "more than %d tags", maxAttrs)
		}
		if k, v, ok := bytes.Cut(tag, []byte{':'}); ok && len(k) > 0 {
			attrs = attribute(e, attrs, text(k), text(v))
		} else if len(tag) > 0 {
			tags = append(tags, text(tag))
		}
	}
	return tags, attrs, nil
}

// statsdEvent reads _e{title length,text length}:title|text|d:time|h:host|p:…|t:type|k:key|s:source|#tags.
func statsdEvent(dst []event.Event, line []byte, host string) ([]event.Event, error) {
	bad := func() ([]event.Event, error) {
		return dst, refuse("event", "%s; want _e{TITLE,TEXT}:title|text, with the lengths of both", quote(line))
	}
	head, rest, ok := bytes.Cut(line[3:], []byte("}:"))
	a, b, comma := bytes.Cut(head, []byte{','})
	n, err1 := strconv.Atoi(string(a))
	m, err2 := strconv.Atoi(string(b))
	if !ok || !comma || err1 != nil || err2 != nil || n < 1 || m < 0 || n > len(rest) || m > len(rest)-n-1 || rest[n] != '|' {
		return bad()
	}
	title, body, rest := rest[:n], rest[n+1:n+1+m], rest[n+1+m:]
	if len(rest) > 0 && rest[0] != '|' {
		return bad()
	}
	var e event.Event
	e.SetService(text(title))
	body = bytes.ReplaceAll(body, []byte(`\n`), []byte{'\n'})
	if len(body) == 0 {
		body = title
	}
	e.SetDescription(text(body))
	e.SetState("ok")
	tags, attrs := []string{"event"}, []event.Attr(nil)
	for _, p := range bytes.Split(rest, []byte{'|'}) {
		switch k, v, _ := bytes.Cut(p, []byte{':'}); string(k) {
		case "t":
			switch string(v) {
			case "error":
				e.SetState("critical")
			case "warning":
				e.SetState("warning")
			}
		case "k":
			attrs = append(attrs, event.Attr{Key: "aggregation_key", Value: text(v)})
		case "s":
			attrs = append(attrs, event.Attr{Key: "source_type", Value: text(v)})
		case "p":
			attrs = append(attrs, event.Attr{Key: "priority", Value: text(v)})
		}
	}
	return statsdRest(dst, &e, rest, tags, attrs, host)
}

// statsdCheck reads _sc|name|status|d:time|h:host|#tags|m:message.
func statsdCheck(dst []event.Event, line []byte, host string) ([]event.Event, error) {
	name, rest, _ := bytes.Cut(line[4:], []byte{'|'})
	status, rest, _ := bytes.Cut(rest, []byte{'|'})
	state := map[string]string{"0": "ok", "1": "warning", "2": "critical", "3": "unknown"}[string(status)]
	if len(name) == 0 || state == "" {
		return dst, refuse("check", "%s; want _sc|name|status, status 0 to 3", quote(line))
	}
	var e event.Event
	e.SetService(text(name))
	e.SetState(state)
	if before, message, ok := bytes.Cut(rest, []byte("m:")); ok && (len(before) == 0 || before[len(before)-1] == '|') {
		e.SetDescription(text(bytes.ReplaceAll(message, []byte(`\n`), []byte{'\n'}))) // the message is always the last
		rest = bytes.TrimSuffix(before, []byte{'|'})
	}
	return statsdRest(dst, &e, rest, nil, nil, host)
}

// statsdRest reads the fields that events and checks have in common.
func statsdRest(dst []event.Event, e *event.Event, rest []byte, tags []string, attrs []event.Attr, host string) ([]event.Event, error) {
	for _, p := range bytes.Split(rest, []byte{'|'}) {
		switch {
		case bytes.HasPrefix(p, []byte("d:")):
			seconds, ok := number(p[2:])
			us, sane := unixTime(seconds)
			if !ok || !sane {
				return dst, refuse("time", "invalid timestamp %s; want seconds since 1970", quote(p[2:]))
			}
			e.SetTime(us)
		case bytes.HasPrefix(p, []byte("h:")):
			e.SetHost(text(p[2:]))
		}
	}
	for _, p := range bytes.Split(rest, []byte{'|'}) {
		if len(p) > 0 && p[0] == '#' {
			moreTags, moreAttrs, err := statsdTags(e, p[1:])
			if err != nil {
				return dst, err
			}
			tags, attrs = append(tags, moreTags...), append(attrs, moreAttrs...)
		}
	}
	source(e, host)
	e.Set = event.NewSet(tags, attrs)
	return append(dst, *e), nil
}

// ValidPercentile reports whether p can be one.
func ValidPercentile(p float64) bool { return p >= 0 && p <= 1 && !math.IsNaN(p) }
