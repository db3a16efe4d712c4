package streams

import (
	"fmt"
	"time"
	_ "time/tzdata" // zones are known in an image that holds nothing but the binary
)

func init() {
	Register(Spec[BetweenOptions]{
		Name:    "between",
		Summary: "Pass inputs at certain times of the week or the year; others go to else(…).",
		Doc: `The times are a list of texts, each of days, a span of hours, or both: "mon-fri 09:00-17:00", "sat,sun", "22:00-06:00", "12-24..12-26", "2026-07-04 00:00-12:00". Days are names of weekdays, dates that come every year (MM-DD) or once (YYYY-MM-DD); ranges include their last day and may go over the end of the week or the year. Hours include the first minute and exclude the last, which may be 24:00; a span that ends before it begins goes over midnight and belongs to the day on which it begins. An input passes when one of the times holds and none of except does.
What counts is the wall clock of the zone at the moment of arrival, so spans move with daylight-saving time: an hour that is skipped does not come, one that is repeated comes twice.`,
		Clock: "engine clock",
		Check: func(o BetweenOptions) error {
			_, err := newCalendar(o)
			return err
		},
		New: func(env *Env, o BetweenOptions, next Stream) (Stream, error) {
			c, err := newCalendar(o)
			if err != nil {
				return nil, err
			}
			return &between{env: env, calendar: c, next: next, other: o.Else.Build(env)}, nil
		},
		Defaults: BetweenOptions{Zone: "UTC"},
		Examples: []Example{
			{
				Title: "working hours in Tokyo; at other times to somebody else",
				Rule:  `between("mon-fri 09:00-18:00", {zone: "Asia/Tokyo", except: ["01-01"]}, day, else(night))`,
				Test: `at(3599, event({metric: 0})), at(86400, event({metric: 1})), at(118799, event({metric: 2})), at(118800, event({metric: 3})),
expect(day, [{metric: 1}, {metric: 2}]), expect(night, [{metric: 0}, {metric: 3}])`,
			},
			{
				Title: "a maintenance window over midnight",
				Rule:  `between("23:00-01:00", bitBucket, else(out))`,
				Test:  `at(3599, event({metric: 0})), at(3600, event({metric: 1})), at(82800, event({metric: 2})), at(90000, event({metric: 3})), expect(out, [{metric: 1}, {metric: 3}])`,
			},
		},
	})
}

// BetweenOptions are the options of between.
type BetweenOptions struct {
	Times  []string `arg:"1" doc:"a text or a list of texts: the times"`
	Else   Branch   `arg:"else" doc:"what gets the inputs at other times"`
	Zone   string   `opt:"zone" doc:"the time zone, e.g. \"Europe/Berlin\""`
	Except []string `opt:"except" doc:"times at which nothing passes, e.g. holidays; in the same form"`
}

type between struct {
	env         *Env
	calendar    *calendar
	next, other Stream
}

// Push implements Stream.
func (n *between) Push(v Value) {
	if n.calendar.open(n.env.Now()) {
		n.next.Push(v)
	} else {
		n.other.Push(v)
	}
}

// calendar tells whether a moment lies in its times.
type calendar struct {
	zone          *time.Location
	times, except []span
	minute        int64 // for which verdict holds
	verdict       bool
	known         bool
}

func newCalendar(o BetweenOptions) (*calendar, error) {
	zone, err := time.LoadLocation(o.Zone)
	if err != nil || o.Zone == "Local" {
		return nil, fmt.Errorf("unknown zone %q; write one of the tz database, e.g. \"Europe/Berlin\"", o.Zone)
	}
	c := &calendar{zone: zone}
	if len(o.Times) == 0 {
		return nil, fmt.Errorf("wants at least one time, e.g. \"mon-fri 09:00-17:00\"")
	}
	if c.times, err = parseSpans(o.Times); err != nil {
		return nil, err
	}
	if c.except, err = parseSpans(o.Except); err != nil {
		return nil, err
	}
	return c, nil
}

// open reports whether the moment us, in microseconds, lies in the times. Spans begin and end on minutes
// and zones are whole minutes apart, so that one verdict holds for a minute.
func (c *calendar) open(us int64) bool {
	const perMinute = 60_000_000
	minute := us / perMinute
	if us%perMinute < 0 {
		minute--
	}
	if !c.known || c.minute != minute {
		t := time.Unix(minute*60, 0).In(c.zone)
		c.minute, c.known = minute, true
		c.verdict = anySpan(c.times, t) && !anySpan(c.except, t)
	}
	return c.verdict
}

func anySpan(spans []span, t time.Time) bool {
	for i := range spans {
		if spans[i].holds(t) {
			return true
		}
	}
	return false
}
