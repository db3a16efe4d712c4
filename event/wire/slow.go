package wire

import (
	"math"

	"zeta/event"
)

// slow decodes any legal event into e, and says what is wrong with any other. The offset in the error
// counts from the start of b; the number of the event is left to the caller.
func (d *Decoder) slow(e *event.Event, b []byte) *DecodeError {
	*e = event.Event{}
	var (
		seconds, micros int64
		double, float   float64
		has             event.Presence
	)
	from, to, split := 0, 0, false // the run
	for i := 0; i < len(b); {
		f, reason := readField(b, i)
		if reason == "" && f.typ == typeGroupEnd {
			reason = "the end of a group that was not begun"
		}
		if reason != "" {
			return &DecodeError{Field: f.num, Offset: i, Reason: reason}
		}
		i = f.to
		text := b[f.from:f.to]
		var err *DecodeError
		switch {
		case f.num == 4 && f.typ == typeBytes:
			e.Host, err = d.name(&d.hosts, f, text)
			e.Has |= event.HasHost
		case f.num == 3 && f.typ == typeBytes:
			e.Service, err = d.name(&d.services, f, text)
			e.Has |= event.HasService
		case f.num == 2 && f.typ == typeBytes:
			e.State, err = d.name(&d.states, f, text)
			e.Has |= event.HasState
		case f.num == 5 && f.typ == typeBytes:
			if len(text) > d.limits.Description {
				text = cutText(text, d.limits.Description)
				d.Stats.Truncated++
			}
			e.Description = d.text(text)
			e.Has |= event.HasDescription
		case (f.num == 7 || f.num == 9) && f.typ == typeBytes:
			if from == to {
				from = f.at
			} else if f.at != to {
				split = true
			}
			to = f.to
		case f.num == 1 && f.typ == typeVarint:
			seconds, has = int64(f.v), has|sawSeconds
		case f.num == 10 && f.typ == typeVarint:
			micros, has = int64(f.v), has|sawMicros
		case f.num == 13 && f.typ == typeVarint:
			e.Int, has = unzigzag(f.v), has|sawInt
		case f.num == 14 && f.typ == typeFixed64:
			double, has = math.Float64frombits(f.v), has|sawDouble
		case f.num == 15 && f.typ == typeFixed32:
			float, has = float32of(f.v), has|sawFloat
		case f.num == 8 && f.typ == typeFixed32:
			e.SetTTL(float32of(f.v))
		}
		if err != nil {
			return err
		}
	}
	switch {
	case has&sawMicros != 0:
		e.SetTime(micros)
	case has&sawSeconds != 0:
		e.SetTime(d.micros(seconds))
	}
	switch {
	case has&sawInt != 0:
		e.SetInt(e.Int)
	case has&sawDouble != 0:
		e.SetFloat(double)
	case has&sawFloat != 0:
		e.SetFloat(float)
	}
	if from < to {
		bytes := b[from:to]
		if split {
			bytes = join(bytes)
		}
		run, err := d.run(bytes)
		if err != nil {
			return d.locate(err, b)
		}
		e.Set = run.set
		if run.odd != nil {
			run.odd.apply(e, &d.Stats)
		}
	}
	if e.Has&event.HasService != 0 && e.Service == "" {
		d.Stats.EmptyServices++
	}
	return nil
}

// name reads a host, service or state.
func (d *Decoder) name(c *cache, f field, text []byte) (string, *DecodeError) {
	if len(text) > d.limits.Name {
		return "", &DecodeError{Field: f.num, Offset: f.at, Reason: overLimit(len(text), "bytes", d.limits.Name), Limit: true}
	}
	s := c.get(text)
	d.Stats.InvalidUTF8 += one(s.bad)
	return s.val, nil
}

// join copies the tags and attributes of b, which holds other fields between them, into one run.
func join(b []byte) []byte {
	var run []byte
	for i := 0; i < len(b); {
		f, _ := readField(b, i)
		i = f.to
		if (f.num == 7 || f.num == 9) && f.typ == typeBytes {
			run = append(run, b[f.at:f.to]...)
		}
	}
	return run
}

// micros converts a time in seconds.
func (d *Decoder) micros(seconds int64) int64 {
	switch {
	case seconds > math.MaxInt64/1_000_000:
		d.Stats.TimesClamped++
		return math.MaxInt64
	case seconds < math.MinInt64/1_000_000:
		d.Stats.TimesClamped++
		return math.MinInt64
	}
	return seconds * 1_000_000
}

// locate finds the tag or attribute that a runError counts in the event b.
func (d *Decoder) locate(err *runError, b []byte) *DecodeError {
	out := &DecodeError{Reason: err.reason, Limit: err.limit}
	n := 0
	for i := 0; i < len(b); {
		f, _ := readField(b, i)
		i = f.to
		if f.typ != typeBytes || f.num != 7 && f.num != 9 {
			continue
		}
		if out.Field, out.Offset = f.num, f.at; n == err.n {
			break
		}
		n++
	}
	return out
}
