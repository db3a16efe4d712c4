package wire

import (
	"encoding/binary"
	"math"

	"zeta/event"
)

// What fast has seen besides the bits of event.Presence.
const (
	sawSeconds event.Presence = 1 << (iota + 10)
	sawMicros
	sawInt
	sawDouble
	sawFloat
	sawRun
)

// fast decodes the event b into e the way senders write events: tags of one byte, lengths below 16 KiB,
// tags and attributes in one stretch (with at most the ttl between them). It returns false, with nothing counted and e untouched, for anything
// else and for anything wrong; slow then starts over. Where both can read an event they agree.
func (d *Decoder) fast(e *event.Event, b []byte) bool {
	var (
		host, service, state, description string
		run                               *entry
		seconds, micros                   int64
		metricInt                         int64
		metricDouble                      float64
		metricFloat, ttl                  float32
		has                               event.Presence
		invalid                           uint64
	)
	for i := 0; i < len(b); {
		tag := b[i]
		switch tag {
		case tagHost, tagService, tagState, tagDescription:
			from, to, ok := span(b, i+1)
			if !ok {
				return false
			}
			i = to
			text := b[from:to]
			switch tag {
			case tagHost:
				if h := d.host; h != nil && h.raw == string(text) {
					host = h.val
					invalid += one(h.bad)
				} else {
					if len(text) > d.limits.Name {
						return false
					}
					h := d.hosts.get(text)
					d.host, host = h, h.val
					invalid += one(h.bad)
				}
				has |= event.HasHost
			case tagService:
				if len(text) > d.limits.Name {
					return false
				}
				s := d.services.get(text)
				service = s.val
				invalid += one(s.bad)
				has |= event.HasService
			case tagState:
				if string(text) == "ok" {
					state = "ok"
				} else {
					s := d.state
					if s == nil || s.raw != string(text) {
						if len(text) > d.limits.Name {
							return false
						}
						s = d.states.get(text)
						d.state = s
					}
					state = s.val
					invalid += one(s.bad)
				}
				has |= event.HasState
			case tagDescription:
				if len(text) > d.limits.Description {
					return false
				}
				if len(text) <= keyBytes {
					s := d.texts.get(text)
					description = s.val
					invalid += one(s.bad)
				} else {
					s, bad := validText(string(text))
					description = s
					invalid += one(bad)
				}
				has |= event.HasDescription
			}
		case tagTags, tagAttributes:
			if has&sawRun != 0 {
				return false // split: slow joins the pieces
			}
			has |= sawRun
			if g := d.sets.guess(); g != nil && startsRun(b[i:], g.raw) {
				d.sets.last = g
				run = g
				i += len(g.raw)
			} else {
				to, ok := d.runEnd(b, i)
				if !ok {
					return false
				}
				var err *runError
				if run, err = d.run(b[i:to]); err != nil {
					return false
				}
				i = to
			}
			if run.hasTTL {
				ttl = run.ttl
				has |= event.HasTTL
			}
		case tagTime, tagMicros, tagInt:
			v, next, ok := varint(b, i+1)
			if !ok {
				return false
			}
			i = next
			switch tag {
			case tagTime:
				seconds = int64(v)
				has |= sawSeconds
			case tagMicros:
				micros = int64(v)
				has |= sawMicros
			case tagInt:
				metricInt = unzigzag(v)
				has |= sawInt
			}
		case tagTTL, tagFloat:
			if len(b)-i < 5 {
				return false
			}
			v := math.Float32frombits(binary.LittleEndian.Uint32(b[i+1:]))
			i += 5
			if tag == tagTTL {
				ttl = v
				has |= event.HasTTL
			} else {
				metricFloat = v
				has |= sawFloat
			}
		case tagDouble:
			if len(b)-i < 9 {
				return false
			}
			metricDouble = math.Float64frombits(binary.LittleEndian.Uint64(b[i+1:]))
			i += 9
			has |= sawDouble
		default:
			return false
		}
	}

	switch {
	case has&sawMicros != 0:
		has |= event.HasTime
	case has&sawSeconds != 0:
		if seconds > math.MaxInt64/1_000_000 || seconds < math.MinInt64/1_000_000 {
			return false
		}
		micros = seconds * 1_000_000
		has |= event.HasTime
	}
	metric := 0.0
	switch {
	case has&sawInt != 0:
		has |= event.HasInt
	case has&sawDouble != 0:
		metric = metricDouble
		has |= event.HasFloat
	case has&sawFloat != 0:
		metric = float64(metricFloat)
		has |= event.HasFloat
	}
	if invalid != 0 {
		d.Stats.InvalidUTF8 += invalid
	}

	e.Host, e.Service, e.State, e.Description = host, service, state, description
	e.Set, e.Series = nil, nil
	e.Time, e.TTL, e.Int, e.Float = micros, float64(ttl), metricInt, metric
	e.Has, e.Own = has&(sawSeconds-1), false
	if run != nil {
		e.Set = run.set
		if run.odd != nil {
			run.odd.apply(e, &d.Stats)
		}
	}
	if e.Has&event.HasService != 0 && e.Service == "" {
		d.Stats.EmptyServices++
	}
	return true
}

// startsRun reports whether the run raw is the run that b starts with.
func startsRun(b []byte, raw string) bool {
	if len(b) < len(raw) || string(b[:len(raw)]) != raw {
		return false
	}
	return len(b) == len(raw) || !inRun(b[len(raw)])
}

// inRun reports whether a field with this tag continues a run.
func inRun(tag byte) bool { return tag == tagTags || tag == tagAttributes || tag == tagTTL }

// runEnd returns the end of the run at b[i]; not ok: it is malformed, or longer than the limits allow.
func (d *Decoder) runEnd(b []byte, i int) (int, bool) {
	fields := d.limits.Tags + d.limits.Attributes + 1
	for ; i < len(b) && inRun(b[i]); fields-- {
		if fields == 0 {
			return i, false
		}
		if b[i] == tagTTL {
			if i += 5; i > len(b) {
				return i, false
			}
			continue
		}
		_, to, ok := span(b, i+1)
		if !ok {
			return i, false
		}
		i = to
	}
	return i, true
}

// span reads a length of one or two bytes at b[i] and returns the bounds of what follows it.
func span(b []byte, i int) (from, to int, ok bool) {
	if i >= len(b) {
		return 0, 0, false
	}
	n := int(b[i])
	i++
	if n >= 0x80 {
		if i >= len(b) || b[i] >= 0x80 {
			return 0, 0, false
		}
		n = n&0x7f | int(b[i])<<7
		i++
	}
	return i, i + n, n <= len(b)-i
}

// varint reads a number of at most nine bytes at b[i]; longer ones, among them all negative times, are
// left to the slow path.
func varint(b []byte, i int) (v uint64, next int, ok bool) {
	for shift := uint(0); i < len(b) && shift < 63; shift += 7 {
		c := b[i]
		i++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, i, true
		}
	}
	return 0, i, false
}

func one(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
