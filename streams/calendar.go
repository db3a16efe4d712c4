package streams

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// span is one time of a calendar: days, and hours on them.
type span struct {
	days     []dayRange // none: every day
	from, to int        // minutes since midnight; from > to goes over midnight, equal is all day
}

// dayRange is a range of days of one sort, both ends included. A range that ends before it begins goes over
// the end of the week or the year.
type dayRange struct {
	sort     daySort
	from, to int
}

type daySort uint8

const (
	weekday daySort = iota // 0 is Sunday
	yearly                 // month·100 + day
	once                   // (year·100 + month)·100 + day
)

// holds reports whether the local time t lies in the span.
func (s *span) holds(t time.Time) bool {
	minute := t.Hour()*60 + t.Minute()
	switch {
	case s.from == s.to:
		return s.on(t)
	case s.from < s.to:
		return minute >= s.from && minute < s.to && s.on(t)
	case minute >= s.from:
		return s.on(t)
	case minute < s.to:
		y, m, d := t.Date()
		return s.on(time.Date(y, m, d-1, 12, 0, 0, 0, time.UTC))
	}
	return false
}

// on reports whether the date of t is one of the days.
func (s *span) on(t time.Time) bool {
	if len(s.days) == 0 {
		return true
	}
	y, m, d := t.Date()
	for _, r := range s.days {
		var day int
		switch r.sort {
		case weekday:
			day = int(t.Weekday())
		case yearly:
			day = int(m)*100 + d
		default:
			day = (y*100+int(m))*100 + d
		}
		inside := r.from <= day && day <= r.to
		if r.from > r.to {
			inside = day >= r.from || day <= r.to
		}
		if inside {
			return true
		}
	}
	return false
}

func parseSpans(texts []string) ([]span, error) {
	var spans []span
	for _, text := range texts {
		s, err := parseSpan(text)
		if err != nil {
			return nil, fmt.Errorf("time %q: %w", text, err)
		}
		spans = append(spans, s)
	}
	return spans, nil
}

// parseSpan reads "mon-fri 09:00-17:00", or one of the two words alone.
func parseSpan(text string) (span, error) {
	words := strings.Fields(strings.ToLower(text))
	var s span
	if len(words) == 0 || len(words) > 2 {
		return s, fmt.Errorf("want days, hours or both, e.g. \"mon-fri 09:00-17:00\"")
	}
	last := words[len(words)-1]
	if strings.Contains(last, ":") {
		var err error
		if s.from, s.to, err = parseHours(last); err != nil {
			return s, err
		}
		words = words[:len(words)-1]
	}
	for _, word := range words {
		if s.days != nil || strings.Contains(word, ":") {
			return s, fmt.Errorf("want days first, then hours")
		}
		for _, part := range strings.Split(word, ",") {
			r, err := parseDays(part)
			if err != nil {
				return s, err
			}
			s.days = append(s.days, r)
		}
	}
	return s, nil
}

// parseHours reads "09:00-17:00". A whole day comes back as 0, 0.
func parseHours(word string) (from, to int, err error) {
	a, b, ok := strings.Cut(word, "-")
	if !ok {
		return 0, 0, fmt.Errorf("hours %q: want two times of day, e.g. 09:00-17:00", word)
	}
	if from, err = parseMinute(a); err != nil {
		return 0, 0, err
	}
	if to, err = parseMinute(b); err != nil {
		return 0, 0, err
	}
	switch {
	case from == 0 && to == 24*60:
		return 0, 0, nil
	case from == to || from == 24*60:
		return 0, 0, fmt.Errorf("hours %q: they are empty; a whole day is 00:00-24:00", word)
	}
	return from, to, nil
}

func parseMinute(text string) (int, error) {
	h, m, ok := strings.Cut(text, ":")
	hour, err1 := strconv.Atoi(h)
	minute, err2 := strconv.Atoi(m)
	if !ok || err1 != nil || err2 != nil || len(h) == 0 || len(h) > 2 || len(m) != 2 || hour < 0 || minute < 0 || minute > 59 || hour*60+minute > 24*60 {
		return 0, fmt.Errorf("%q is no time of day, e.g. 09:00", text)
	}
	return hour*60 + minute, nil
}

var weekdays = map[string]int{"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}

// parseDays reads a day or a range of days: mon, mon-fri, 12-24, 12-24..01-02, 2026-12-24, 2026-12-24..2027-01-02.
func parseDays(part string) (dayRange, error) {
	a, b, ranged := strings.Cut(part, "..")
	if !ranged {
		if from, to, ok := strings.Cut(part, "-"); ok {
			if _, isWeekday := weekdays[from]; isWeekday {
				a, b, ranged = from, to, true
			}
		}
	}
	from, sort, err := parseDay(a)
	if err != nil {
		return dayRange{}, err
	}
	if !ranged {
		return dayRange{sort, from, from}, nil
	}
	to, sortTo, err := parseDay(b)
	switch {
	case err != nil:
		return dayRange{}, err
	case sort != sortTo:
		return dayRange{}, fmt.Errorf("days %q: the ends are of two sorts", part)
	case sort == once && to < from:
		return dayRange{}, fmt.Errorf("days %q: they end before they begin", part)
	}
	return dayRange{sort, from, to}, nil
}

func parseDay(text string) (int, daySort, error) {
	if d, ok := weekdays[text]; ok {
		return d, weekday, nil
	}
	// A leap year, so that 02-29 is a day.
	if t, err := time.Parse("2006-01-02", "2024-"+text); err == nil {
		return int(t.Month())*100 + t.Day(), yearly, nil
	}
	if t, err := time.Parse("2006-01-02", text); err == nil {
		return (t.Year()*100+int(t.Month()))*100 + t.Day(), once, nil
	}
	return 0, 0, fmt.Errorf("%q is no day; want mon, tue, …, MM-DD or YYYY-MM-DD", text)
}
