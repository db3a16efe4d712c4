package streams

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"zeta/event"
)

// maxShrinks bounds the runs in which a breach is made smaller.
const maxShrinks = 3000

// shrink looks for fewer and simpler steps that break the same check: it leaves out ever smaller parts, then fields
// of the events that are left, then the time between them.
func (r *Rules) shrink(p *Property, check *propertyCheck, steps []testStep, opts RunOptions) []testStep {
	tries := 0
	still := func(s []testStep) bool {
		if tries++; tries > maxShrinks {
			return false
		}
		b, err := r.breaks(p, s, opts)
		return err == nil && b != nil && b.check == check
	}
	for size := len(steps) / 2; size > 0; {
		less := false
		for from := 0; from < len(steps); {
			to := min(from+size, len(steps))
			if s := slices.Concat(steps[:from], steps[to:]); still(s) {
				steps, less = s, true
			} else {
				from = to
			}
		}
		if !less || size > len(steps) {
			size /= 2
		}
	}
	for i := range steps {
		for _, simpler := range simplifications {
			e := *steps[i].events[0]
			simpler(&e)
			s := slices.Clone(steps)
			if s[i].events = []*event.Event{&e}; still(s) {
				steps = s
			}
		}
		for _, gap := range [...]int64{0, 1_000_000, 60_000_000, 3600_000_000} {
			if s := withGap(steps, i, gap); s != nil && still(s) {
				steps = s
				break
			}
		}
	}
	return steps
}

// simplifications each take something off an event.
var simplifications = []func(e *event.Event){
	func(e *event.Event) { e.Set = nil },
	func(e *event.Event) { e.TTL, e.Has = 0, e.Has&^event.HasTTL },
	func(e *event.Event) { e.ClearMetric() },
	func(e *event.Event) {
		if m, ok := e.Metric(); ok {
			setNumber(e, float64(int64(m)))
		}
	},
	func(e *event.Event) { e.State, e.Has = "", e.Has&^event.HasState },
	func(e *event.Event) { e.Service, e.Has = "", e.Has&^event.HasService },
	func(e *event.Event) { e.Host, e.Has = "", e.Has&^event.HasHost },
}

// withGap returns steps with so much time before the i-th; nil if it has no more than that. The first comes at 0.
func withGap(steps []testStep, i int, gap int64) []testStep {
	before := int64(0)
	if i > 0 {
		before = steps[i-1].at
	}
	less := steps[i].at - before - gap
	if less <= 0 {
		return nil
	}
	s := slices.Clone(steps)
	for j := i; j < len(s); j++ {
		s[j].at -= less
	}
	return s
}

// testText prints steps as a test of what their breach saw, ready to be put into the rules.
func testText(p *Property, b *breach, steps []testStep) string {
	var t strings.Builder
	t.WriteString("test(" + strconv.Quote(p.Name) + ",")
	for i, s := range steps {
		if i > 0 && s.at == steps[i-1].at {
			t.WriteString(", ")
		} else {
			if i > 0 {
				t.WriteString("),")
			}
			t.WriteString("\n  at(" + secondsText(s.at) + ", ")
		}
		t.WriteString("event(" + seenText(EventValue(s.events[0])) + ")")
	}
	end := p.over.After.Microseconds()
	if len(steps) > 0 {
		t.WriteString("),")
		end += steps[len(steps)-1].at
	}
	name := b.check.tap
	if !isName(name) {
		name = strconv.Quote(name)
	}
	t.WriteString("\n  at(" + secondsText(end) + "),\n  expect(" + name + ", [")
	for i, v := range b.seen[:min(len(b.seen), maxTold)] {
		if i > 0 {
			t.WriteString(", ")
		}
		t.WriteString(seenText(v))
	}
	t.WriteString("])); // what comes out; write what should")
	return t.String()
}

// maxTold bounds the values that are printed.
const maxTold = 20

// secondsText prints a time of a script as rules write it, and one of a calendar as a date.
func secondsText(us int64) string {
	if us >= 1e15 { // after 2001
		return time.UnixMicro(us).UTC().Format(time.RFC3339Nano)
	}
	return strconv.FormatFloat(float64(us)/1e6, 'f', -1, 64)
}
