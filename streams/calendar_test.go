package streams

import (
	"testing"
	"time"
)

func TestCalendar(t *testing.T) {
	for _, c := range []struct {
		times, except string
		zone          string
		at            string // local time
		want          bool
	}{
		{"mon-fri 09:00-17:00", "", "UTC", "2026-11-24 09:00", true}, // a Tuesday
		{"mon-fri 09:00-17:00", "", "UTC", "2026-11-24 08:59", false},
		{"mon-fri 09:00-17:00", "", "UTC", "2026-11-24 17:00", false},
		{"mon-fri 09:00-17:00", "", "UTC", "2026-11-28 12:00", false},
		{"MON,wed", "", "UTC", "2026-11-25 23:59", true},
		{"MON,wed", "", "UTC", "2026-11-24 00:00", false},
		{"sat-mon", "", "UTC", "2026-11-29 00:00", true},
		{"sat-mon", "", "UTC", "2026-12-01 00:00", false},
		{"fri 22:00-06:00", "", "UTC", "2026-11-28 05:59", true}, // Saturday morning belongs to Friday
		{"fri 22:00-06:00", "", "UTC", "2026-11-28 06:00", false},
		{"fri 22:00-06:00", "", "UTC", "2026-11-27 05:00", false},
		{"fri 22:00-06:00", "", "UTC", "2026-11-27 22:00", true},
		{"12-24..01-02", "", "UTC", "2027-01-01 12:00", true},
		{"12-24..01-02", "", "UTC", "2026-12-23 23:59", false},
		{"12-24..01-02", "", "UTC", "2027-01-03 00:00", false},
		{"02-29", "", "UTC", "2028-02-29 12:00", true},
		{"2026-07-04 00:00-12:00", "", "UTC", "2026-07-04 11:59", true},
		{"2026-07-04 00:00-12:00", "", "UTC", "2027-07-04 11:59", false},
		{"2026-12-31..2027-01-01", "", "UTC", "2027-01-01 23:00", true},
		{"00:00-24:00", "", "UTC", "2026-07-04 23:59", true},
		{"20:00-24:00", "", "UTC", "2026-07-04 23:59", true},
		{"20:00-24:00", "", "UTC", "2026-07-05 00:00", false},
		{"mon-sun", "12-25", "UTC", "2026-12-25 12:00", false},
		{"09:00-17:00", "", "Asia/Singapore", "2026-11-24 09:00", true},
		{"02:00-04:00", "", "Europe/Berlin", "2026-03-29 03:30", true}, // 02:00 to 03:00 does not exist
		{"02:00-03:00", "", "Europe/Berlin", "2026-03-29 03:30", false},
		{"09:00-17:00", "", "Australia/Adelaide", "2026-11-24 09:00", true}, // half an hour off
	} {
		o := BetweenOptions{Times: []string{c.times}, Zone: c.zone}
		if c.except != "" {
			o.Except = []string{c.except}
		}
		cal, err := newCalendar(o)
		if err != nil {
			t.Errorf("%q: %v", c.times, err)
			continue
		}
		at, err := time.ParseInLocation("2006-01-02 15:04", c.at, cal.zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range []time.Duration{0, 59*time.Second + 999*time.Millisecond} {
			if got := cal.open(at.Add(in).UnixMicro()); got != c.want {
				t.Errorf("%q in %s at %s + %s: %t, want %t", c.times, c.zone, c.at, in, got, c.want)
			}
		}
	}
}

// The verdict that is remembered for a minute is the one a fresh calendar gives, also before 1970.
func TestCalendarRemembersOneMinute(t *testing.T) {
	o := BetweenOptions{Times: []string{"mon-fri 09:00-09:01", "sun 23:59-00:01"}, Zone: "America/New_York"}
	remembers, _ := newCalendar(o)
	for us := int64(-7 * 86_400_000_000); us < 7*86_400_000_000; us += 29_999_999 {
		fresh, _ := newCalendar(o)
		if got, want := remembers.open(us), fresh.open(us); got != want {
			t.Fatalf("at %d: %t, want %t", us, got, want)
		}
	}
}

func TestCalendarErrors(t *testing.T) {
	for _, c := range []struct{ times, zone, want string }{
		{"", "UTC", `time "": want days, hours or both, e.g. "mon-fri 09:00-17:00"`},
		{"mon tue wed", "UTC", `time "mon tue wed": want days, hours or both, e.g. "mon-fri 09:00-17:00"`},
		{"09:00", "UTC", `time "09:00": hours "09:00": want two times of day, e.g. 09:00-17:00`},
		{"9-17:00", "UTC", `time "9-17:00": "9" is no time of day, e.g. 09:00`},
		{"25:00-26:00", "UTC", `time "25:00-26:00": "25:00" is no time of day, e.g. 09:00`},
		{"09:00-24:01", "UTC", `time "09:00-24:01": "24:01" is no time of day, e.g. 09:00`},
		{"09:00-09:00", "UTC", `time "09:00-09:00": hours "09:00-09:00": they are empty; a whole day is 00:00-24:00`},
		{"09:00-17:00 mon", "UTC", `time "09:00-17:00 mon": want days first, then hours`},
		{"monday", "UTC", `time "monday": "monday" is no day; want mon, tue, …, MM-DD or YYYY-MM-DD`},
		{"13-01", "UTC", `time "13-01": "13-01" is no day; want mon, tue, …, MM-DD or YYYY-MM-DD`},
		{"mon..12-24", "UTC", `time "mon..12-24": days "mon..12-24": the ends are of two sorts`},
		{"2026-02-02..2026-02-01", "UTC", `time "2026-02-02..2026-02-01": days "2026-02-02..2026-02-01": they end before they begin`},
		{"mon", "Mars/Olympus", `unknown zone "Mars/Olympus"; write one of the tz database, e.g. "Europe/Berlin"`},
		{"mon", "Local", `unknown zone "Local"; write one of the tz database, e.g. "Europe/Berlin"`},
	} {
		if _, err := newCalendar(BetweenOptions{Times: []string{c.times}, Zone: c.zone}); err == nil || err.Error() != c.want {
			t.Errorf("%q in %s\n got %v\nwant %s", c.times, c.zone, err, c.want)
		}
	}
}
