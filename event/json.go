package event

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends e as one line of JSON in Riemann's shape: the keys host, service, state, description,
// metric, tags, time and ttl in this order, null where e has no such field, then the attributes beside
// them. An attribute named like one of the eight is left out.
//
// time is UTC with three decimals, truncated. An integer metric has no decimal point, a float always has
// one or an exponent, and what JSON has no number for is "NaN", "Infinity" or "-Infinity". The result is
// valid JSON and valid UTF-8 whatever e holds, and may stand inside HTML. It allocates nothing but room
// in dst.
func AppendJSON(dst []byte, e *Event) []byte {
	dst = append(dst, `{"host":`...)
	dst = appendText(dst, e.Host, e.Has&HasHost != 0)
	dst = append(dst, `,"service":`...)
	dst = appendText(dst, e.Service, e.Has&HasService != 0)
	dst = append(dst, `,"state":`...)
	dst = appendText(dst, e.State, e.Has&HasState != 0)
	dst = append(dst, `,"description":`...)
	dst = appendText(dst, e.Description, e.Has&HasDescription != 0)
	dst = append(dst, `,"metric":`...)
	switch {
	case e.Has&HasInt != 0:
		dst = strconv.AppendInt(dst, e.Int, 10)
	case e.Has&HasFloat != 0:
		dst = appendNumber(dst, e.Float)
	default:
		dst = append(dst, `null`...)
	}
	dst = append(dst, `,"tags":`...)
	if tags := e.Tags(); tags != nil {
		dst = append(dst, '[')
		for i, tag := range tags {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, tag)
		}
		dst = append(dst, ']')
	} else {
		dst = append(dst, `null`...)
	}
	dst = append(dst, `,"time":`...)
	if e.Has&HasTime != 0 {
		dst = append(dst, '"')
		dst = AppendTime(dst, e.Time)
		dst = append(dst, '"')
	} else {
		dst = append(dst, `null`...)
	}
	dst = append(dst, `,"ttl":`...)
	if e.Has&HasTTL != 0 {
		dst = appendNumber(dst, e.TTL)
	} else {
		dst = append(dst, `null`...)
	}
	attrs := e.Attrs()
	for i := range attrs {
		if isField(attrs[i].Key) {
			continue
		}
		dst = append(dst, ',')
		dst = appendString(dst, attrs[i].Key)
		dst = append(dst, ':')
		dst = appendString(dst, attrs[i].Value)
	}
	return append(dst, '}')
}

// isField reports whether key is one of the eight keys of an event.
func isField(key string) bool {
	switch key {
	case "host", "service", "state", "description", "metric", "tags", "time", "ttl":
		return true
	}
	return false
}

func appendText(dst []byte, s string, has bool) []byte {
	if !has {
		return append(dst, `null`...)
	}
	return appendString(dst, s)
}

// appendNumber writes a float so that it reads back as the same float, and as one.
func appendNumber(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	for _, c := range dst[from:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, '.', '0')
}

const hexDigits = "0123456789abcdef"

// plain says which bytes stand for themselves in a string: ASCII without controls, quotes, backslashes
// and what HTML cares about.
var plain = func() (ok [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		switch c {
		case '"', '\\', '<', '>', '&':
		default:
			ok[c] = true
		}
	}
	return ok
}()

// appendString writes s as a JSON string; invalid UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[from:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(dst, s[from:i]...)
			dst = append(dst, "\uFFFD"...)
			from = i + n
		case r == '\u2028' || r == '\u2029': // line ends in old JavaScript
			dst = append(dst, s[from:i]...)
			dst = append(dst, '\\', 'u', '2', '0', '2', hexDigits[r&15])
			from = i + n
		}
		i += n
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// AppendTime appends the time us, in microseconds since the epoch, as 2026-11-22T09:30:00.125Z: UTC,
// truncated toward zero to milliseconds. A year outside 0 to 9999 is written with a sign and six digits,
// which JavaScript reads.
func AppendTime(dst []byte, us int64) []byte {
	ms := us / 1000
	days := ms / 86_400_000
	rest := ms % 86_400_000
	if rest < 0 {
		rest += 86_400_000
		days--
	}
	year, month, day := civil(days)
	switch {
	case year < 0:
		dst = append(dst, '-')
		dst = appendDigits(dst, -year, 6)
	case year > 9999:
		dst = append(dst, '+')
		dst = appendDigits(dst, year, 6)
	default:
		dst = appendDigits(dst, year, 4)
	}
	dst = append(dst, '-')
	dst = appendDigits(dst, month, 2)
	dst = append(dst, '-')
	dst = appendDigits(dst, day, 2)
	dst = append(dst, 'T')
	dst = appendDigits(dst, rest/3_600_000, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, rest/60_000%60, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, rest/1000%60, 2)
	dst = append(dst, '.')
	dst = appendDigits(dst, rest%1000, 3)
	return append(dst, 'Z')
}

// civil converts days since the epoch to a date of the proleptic Gregorian calendar. It counts in years
// that begin in March, so that the leap day is the last day of its year.
func civil(days int64) (year, month, day int64) {
	const (
		era    = 146_097 // days in 400 years
		toZero = 719_468 // days from 0000-03-01 to the epoch
	)
	days += toZero
	eras := days / era
	if days%era < 0 {
		eras--
	}
	inEra := days - eras*era
	years := (inEra - inEra/1460 + inEra/36_524 - inEra/(era-1)) / 365
	inYear := inEra - (365*years + years/4 - years/100)
	march := (5*inYear + 2) / 153 // months since March
	day = inYear - (153*march+2)/5 + 1
	month = march + 3
	if month > 12 {
		month -= 12
	}
	year = years + eras*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

// appendDigits writes n, which is not negative, in exactly width digits.
func appendDigits(dst []byte, n int64, width int) []byte {
	var b [6]byte
	for i := width - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, b[:width]...)
}
