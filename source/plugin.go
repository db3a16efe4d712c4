package source

import (
	"math"
	"strconv"
	"strings"
)

// pluginOutput is what the output of a Nagios plugin says.
type pluginOutput struct {
	text string // the first line, up to its |
	data []perfDatum
}

// perfDatum is one item of performance data.
type perfDatum struct {
	label, unit          string
	value                float64
	warn, crit, min, max string
}

// maxPerfData bounds the items of one output; more are dropped.
const maxPerfData = 1000

// parsePlugin reads a plugin's output: text | data on the first line, then more text, and after a line with
// another | more data to the end. Data that cannot be read is left out.
func parsePlugin(out []byte) pluginOutput {
	first, rest, _ := strings.Cut(string(out), "\n")
	text, data, _ := strings.Cut(first, "|")
	p := pluginOutput{text: strings.TrimSpace(text)}
	p.read(data)
	if _, more, ok := strings.Cut(rest, "|"); ok {
		p.read(more)
	}
	return p
}

// read appends the items in s, which are separated by spaces; a label with spaces stands in quotes, in which
// two quotes are one.
func (p *pluginOutput) read(s string) {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" || len(p.data) >= maxPerfData {
			return
		}
		label := ""
		if s[0] == '\'' {
			var b strings.Builder
			s = s[1:]
			for {
				part, rest, ok := strings.Cut(s, "'")
				if !ok {
					return // the quote does not end
				}
				b.WriteString(part)
				s = rest
				if !strings.HasPrefix(s, "'") {
					break
				}
				b.WriteByte('\'')
				s = s[1:]
			}
			label = b.String()
			if !strings.HasPrefix(s, "=") {
				s = s[wordEnd(s):]
				continue
			}
			s = s[1:]
		} else {
			end := wordEnd(s)
			eq := strings.IndexByte(s[:end], '=')
			if eq < 0 {
				s = s[end:]
				continue
			}
			label, s = s[:eq], s[eq+1:]
		}
		end := wordEnd(s)
		if d, ok := perfValue(s[:end]); ok && label != "" && len(label) <= 200 {
			d.label = label
			p.data = append(p.data, d)
		}
		s = s[end:]
	}
}

func wordEnd(s string) int {
	if i := strings.IndexAny(s, " \t\r\n"); i >= 0 {
		return i
	}
	return len(s)
}

// perfValue reads value[unit];warn;crit;min;max. The value U says that there is none.
func perfValue(s string) (perfDatum, bool) {
	parts := strings.SplitN(s, ";", 6)
	for len(parts) < 5 {
		parts = append(parts, "")
	}
	n := strings.IndexFunc(parts[0], func(r rune) bool { return !strings.ContainsRune("0123456789.-+,eE", r) })
	if n < 0 {
		n = len(parts[0])
	}
	// An e that begins the unit belongs to it.
	for n > 0 && (parts[0][n-1] == 'e' || parts[0][n-1] == 'E') {
		n--
	}
	v, err := strconv.ParseFloat(strings.Replace(parts[0][:n], ",", ".", 1), 64)
	if err != nil {
		return perfDatum{}, false
	}
	return perfDatum{value: v, unit: parts[0][n:], warn: parts[1], crit: parts[2], min: parts[3], max: parts[4]}, true
}

// state returns what the thresholds say of the value; ok is false without thresholds.
func (d *perfDatum) state() (state string, ok bool) {
	crit, hasCrit := outside(d.crit, d.value)
	warn, hasWarn := outside(d.warn, d.value)
	switch {
	case crit:
		return "critical", true
	case warn:
		return "warning", true
	}
	return "ok", hasCrit || hasWarn
}

// outside reports whether v is outside a range of the plugins' convention, where an alert is due: "10" is 0 to
// 10, "10:" is from 10 on, "~:10" is up to 10, "10:20" is between; with @ before it, an alert is due inside.
// ok is false for no range.
func outside(threshold string, v float64) (alert, ok bool) {
	inside := strings.HasPrefix(threshold, "@")
	threshold = strings.TrimPrefix(threshold, "@")
	if threshold == "" {
		return false, false
	}
	low, high, ranged := strings.Cut(threshold, ":")
	if !ranged {
		low, high = "0", threshold
	}
	from, to := 0.0, math.Inf(1)
	var err error
	if low == "~" {
		from = math.Inf(-1)
	} else if low != "" {
		if from, err = strconv.ParseFloat(low, 64); err != nil {
			return false, false
		}
	}
	if high != "" {
		if to, err = strconv.ParseFloat(high, 64); err != nil {
			return false, false
		}
	}
	within := v >= from && v <= to
	return within == inside, true
}
