package source

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"zeta/event"
)

// sample is one line of a page in Prometheus' text format.
type sample struct {
	name   string
	labels []event.Attr
	value  float64
	time   int64 // microseconds since the epoch, if timed
	timed  bool
}

// The bounds of one line.
const (
	maxSampleLabels = 100
	maxMetricName   = 1000
)

var errNoSample = errors.New("no sample")

// parseSample reads a line such as
//
//	http_requests_total{code="200",method="get"} 1027 1395066363000
//
// of Prometheus' text format 0.0.4 or of OpenMetrics; the last number, where it is given, is milliseconds or,
// in OpenMetrics, seconds. Comments and empty lines give errNoSample. Exemplars are skipped. Names may be
// quoted, as Prometheus 3 writes those that have other characters.
func parseSample(line string, openMetrics bool) (s sample, err error) {
	line = strings.Trim(line, " \t\r")
	if line == "" || line[0] == '#' {
		return s, errNoSample
	}
	p := linePos{text: line}
	if p.text[0] != '{' {
		s.name = p.word("{ \t")
	}
	if p.skip(); p.next('{') {
		if err := p.labels(&s); err != nil {
			return s, err
		}
	}
	switch {
	case s.name == "":
		return s, p.fault("no name")
	case len(s.name) > maxMetricName:
		return s, p.fault("a name of more than 1000 bytes")
	}
	p.skip()
	number := p.word(" \t#")
	if s.value, err = parseValue(number); err != nil {
		return s, p.fault(fmt.Sprintf("value %.40q is no number", number))
	}
	p.skip()
	if p.at == len(p.text) || p.text[p.at] == '#' {
		return s, nil
	}
	stamp := p.word(" \t#")
	t, err := strconv.ParseFloat(stamp, 64)
	if err != nil || math.IsNaN(t) {
		return s, p.fault(fmt.Sprintf("time %.40q is no number", stamp))
	}
	if !openMetrics {
		t /= 1000
	}
	s.time, s.timed = event.SecondsToMicros(t), true
	return s, nil
}

// parseValue reads a number as Prometheus writes it.
func parseValue(s string) (float64, error) {
	if strings.ContainsAny(s, "_xXpP") {
		return 0, strconv.ErrSyntax // Go would read more than Prometheus writes
	}
	return strconv.ParseFloat(s, 64)
}

// linePos reads a line from the left.
type linePos struct {
	text string
	at   int
}

func (p *linePos) fault(text string) error { return fmt.Errorf("%s at byte %d", text, p.at) }

func (p *linePos) skip() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

func (p *linePos) next(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// word reads up to one of the bytes in ends.
func (p *linePos) word(ends string) string {
	from := p.at
	if i := strings.IndexAny(p.text[p.at:], ends); i >= 0 {
		p.at += i
	} else {
		p.at = len(p.text)
	}
	return p.text[from:p.at]
}

// labels reads what stands in braces: pairs, and perhaps the quoted name.
func (p *linePos) labels(s *sample) error {
	for {
		p.skip()
		if p.next('}') {
			return nil
		}
		quoted := p.at < len(p.text) && p.text[p.at] == '"'
		key, err := "", error(nil)
		if quoted {
			key, err = p.quoted()
		} else {
			key = p.word("= \t,}\"")
		}
		if err != nil {
			return err
		}
		p.skip()
		switch {
		case p.next('='):
			p.skip()
			value, err := p.quoted()
			if err != nil {
				return err
			}
			if key == "" || len(s.labels) >= maxSampleLabels {
				return p.fault("a label without a name, or more than 100 labels")
			}
			s.labels = append(s.labels, event.Attr{Key: key, Value: value})
		case quoted && s.name == "":
			s.name = key
		default:
			return p.fault("a label without a value")
		}
		p.skip()
		if !p.next(',') && (p.at >= len(p.text) || p.text[p.at] != '}') {
			return p.fault("want , or }")
		}
	}
}

// quoted reads a text in double quotes with the escapes \\, \" and \n.
func (p *linePos) quoted() (string, error) {
	if !p.next('"') {
		return "", p.fault("want a text in quotes")
	}
	from := p.at
	var b []byte
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case '"':
			part := p.text[from:p.at]
			p.at++
			if b == nil {
				return strings.ToValidUTF8(part, string(utf8.RuneError)), nil
			}
			return strings.ToValidUTF8(string(append(b, part...)), string(utf8.RuneError)), nil
		case '\\':
			if p.at+1 >= len(p.text) {
				return "", p.fault("the text does not end")
			}
			b = append(b, p.text[from:p.at]...)
			switch e := p.text[p.at+1]; e {
			case 'n':
				b = append(b, '\n')
			case '\\', '"':
				b = append(b, e)
			default:
				b = append(b, '\\', e)
			}
			p.at += 2
			from = p.at
		default:
			p.at++
		}
	}
	return "", p.fault("the text does not end")
}
