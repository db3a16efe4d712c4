package event

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxJSONBytes is the length up to which ParseJSON reads a line.
const MaxJSONBytes = 1 << 20

// The bounds of an event that arrives as JSON.
const (
	maxJSONTags  = 64
	maxJSONAttrs = 64
	maxJSONName  = 1 << 10  // bytes of host, service, state, a tag or a key
	maxJSONText  = 64 << 10 // bytes of any other string
)

// JSONError says what is wrong with a line of JSON, and where.
type JSONError struct {
	Key    string // the key whose value is wrong; "" where it is not about a key
	Offset int    // in bytes from the start of the line
	Reason string // what was found and what was expected
}

func (e *JSONError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("json: at byte %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("json: %q at byte %d: %s", e.Key, e.Offset, e.Reason)
}

// ParseJSON reads one event from a line of JSON: an object with any of the keys host, service, state,
// description (strings), metric (a number, or "NaN", "Infinity", "-Infinity"), tags (a list of strings),
// time (ISO 8601 text, or a number of seconds) and ttl (a number of seconds). null counts as missing, and
// the last of repeated keys wins. Every other key is an attribute; its value may be a string, or a number,
// true or false, which are kept as written. Nested values are refused, except that "attributes" may hold
// an object of attributes; one of them named like a string field fills that field when it is missing and is
// otherwise left out, as are tags, time, ttl and metric there.
//
// A metric without point or exponent is an integer if it fits in 64 bits. A time without an offset is UTC.
// The event does not refer to line. The error is a *JSONError.
func ParseJSON(line []byte) (Event, error) {
	p := jsonParser{s: line}
	if len(line) > MaxJSONBytes {
		return Event{}, &JSONError{Reason: fmt.Sprintf("the line has %d bytes, limit %d", len(line), MaxJSONBytes)}
	}
	if err := p.event(); err != nil {
		return Event{}, err
	}
	return p.e, nil
}

// jsonParser reads one line; i is the next byte.
type jsonParser struct {
	s []byte
	i int

	e       Event
	tags    []string
	attrs   []Attr
	nested  []Attr // of "attributes" that are named like a string field
	scratch []byte
}

func (p *jsonParser) event() error {
	if err := p.object("", p.member); err != nil {
		return err
	}
	p.space()
	if p.i < len(p.s) {
		return p.fail("", p.i, "found %s after the event, want the end of the line", p.kind())
	}
	for _, a := range p.nested {
		switch {
		case a.Key == "host" && !p.e.Is(HasHost):
			p.e.SetHost(a.Value)
		case a.Key == "service" && !p.e.Is(HasService):
			p.e.SetService(a.Value)
		case a.Key == "state" && !p.e.Is(HasState):
			p.e.SetState(a.Value)
		case a.Key == "description" && !p.e.Is(HasDescription):
			p.e.SetDescription(a.Value)
		}
	}
	p.e.Set = NewSet(p.tags, p.attrs)
	return nil
}

// member reads the value of key, which starts at byte at, and stores it.
func (p *jsonParser) member(key string, at int) error {
	if p.null() {
		p.clear(key)
		return nil
	}
	switch key {
	case "host", "service", "state", "description":
		limit := maxJSONName
		if key == "description" {
			limit = maxJSONText
		}
		s, err := p.text(key, "a string or null", limit)
		if err != nil {
			return err
		}
		p.setText(key, s)
		return nil
	case "metric":
		return p.metric()
	case "tags":
		return p.list()
	case "time":
		return p.time()
	case "ttl":
		ttl, _, err := p.number(key, "a number of seconds or null")
		if err != nil {
			return err
		}
		p.e.SetTTL(ttl)
		return nil
	case "attributes":
		if p.i < len(p.s) && p.s[p.i] == '{' {
			return p.object(key, p.nestedMember)
		}
	}
	v, err := p.scalar(key)
	if err != nil {
		return err
	}
	return p.attribute(key, v, at)
}

// clear makes key, whose value is null, missing.
func (p *jsonParser) clear(key string) {
	switch key {
	case "host":
		p.e.Clear(HasHost)
	case "service":
		p.e.Clear(HasService)
	case "state":
		p.e.Clear(HasState)
	case "description":
		p.e.Clear(HasDescription)
	case "metric":
		p.e.Clear(HasMetric)
	case "tags":
		p.tags = nil
	case "time":
		p.e.Clear(HasTime)
	case "ttl":
		p.e.Clear(HasTTL)
	default:
		for i := range p.attrs {
			if p.attrs[i].Key == key {
				p.attrs = append(p.attrs[:i], p.attrs[i+1:]...)
				break
			}
		}
	}
}

func (p *jsonParser) setText(key, s string) {
	switch key {
	case "host":
		p.e.SetHost(s)
	case "service":
		p.e.SetService(s)
	case "state":
		p.e.SetState(s)
	case "description":
		p.e.SetDescription(s)
	}
}

// nestedMember reads a member of the object "attributes".
func (p *jsonParser) nestedMember(key string, at int) error {
	if p.null() {
		return nil
	}
	v, err := p.scalar(key)
	if err != nil {
		return err
	}
	switch key {
	case "host", "service", "state", "description":
		if len(p.nested) < maxJSONAttrs {
			p.nested = append(p.nested, Attr{key, v})
		}
		return nil
	case "metric", "tags", "time", "ttl":
		return nil
	}
	return p.attribute(key, v, at)
}

// attribute keeps an attribute, once for each key.
func (p *jsonParser) attribute(key, value string, at int) error {
	for i := range p.attrs {
		if p.attrs[i].Key == key {
			p.attrs[i].Value = value
			return nil
		}
	}
	if len(p.attrs) == maxJSONAttrs {
		return p.fail(key, at, "more than %d attributes", maxJSONAttrs)
	}
	p.attrs = append(p.attrs, Attr{key, value})
	return nil
}

func (p *jsonParser) metric() error {
	const want = `a number, "NaN", "Infinity", "-Infinity" or null`
	at := p.i
	f, integer, err := p.number("metric", want)
	if err != nil {
		return err
	}
	if integer {
		if n, err := strconv.ParseInt(string(p.s[at:p.i]), 10, 64); err == nil {
			p.e.SetInt(n)
			return nil
		}
	}
	p.e.SetFloat(f)
	return nil
}

func (p *jsonParser) list() error {
	if p.i >= len(p.s) || p.s[p.i] != '[' {
		return p.fail("tags", p.i, "found %s, want a list of strings or null", p.kind())
	}
	p.i++
	p.tags = []string{}
	for first := true; ; first = false {
		p.space()
		switch {
		case p.i < len(p.s) && p.s[p.i] == ']' && first:
			p.i++
			return nil
		case !first && p.i < len(p.s) && p.s[p.i] == ']':
			p.i++
			return nil
		case !first && (p.i >= len(p.s) || p.s[p.i] != ','):
			return p.fail("tags", p.i, `found %s, want "," or "]"`, p.kind())
		case !first:
			p.i++
			p.space()
		}
		if len(p.tags) == maxJSONTags {
			return p.fail("tags", p.i, "more than %d tags", maxJSONTags)
		}
		tag, err := p.text("tags", "a string", maxJSONName)
		if err != nil {
			return err
		}
		p.tags = append(p.tags, tag)
	}
}

func (p *jsonParser) time() error {
	at := p.i
	if p.i < len(p.s) && p.s[p.i] == '"' {
		s, err := p.text("time", "", maxJSONName)
		if err != nil {
			return err
		}
		us, ok := parseTime(s)
		if !ok {
			return p.fail("time", at, "found %.40q, want ISO 8601 such as 2026-11-22T09:30:00.125Z", s)
		}
		p.e.SetTime(us)
		return nil
	}
	f, integer, err := p.number("time", "ISO 8601 text, a number of seconds or null")
	if err != nil {
		return err
	}
	if integer {
		if n, err := strconv.ParseInt(string(p.s[at:p.i]), 10, 64); err == nil && n <= math.MaxInt64/1_000_000 && n >= math.MinInt64/1_000_000 {
			p.e.SetTime(n * 1_000_000)
			return nil
		}
	}
	if !(math.Abs(f) < math.MaxInt64/1e6) {
		return p.fail("time", at, "found %s, which is too far away to be a time in seconds", p.s[at:p.i])
	}
	p.e.SetTime(SecondsToMicros(f))
	return nil
}

// timeLayouts are the forms of ISO 8601 that are understood; fractions of a second may follow the seconds.
var timeLayouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04Z0700",
	"2006-01-02T15:04",
	"2006-01-02",
}

// parseTime reads ISO 8601 text as microseconds since the epoch.
func parseTime(s string) (int64, bool) {
	if len(s) > 10 && (s[10] == ' ' || s[10] == 't') {
		s = s[:10] + "T" + s[11:]
	}
	if strings.HasSuffix(s, "z") {
		s = s[:len(s)-1] + "Z"
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMicro(), true
		}
	}
	return 0, false
}

// number reads a number, or one of the words that stand for what JSON has no number for. integer says that
// it has neither point nor exponent.
func (p *jsonParser) number(key, want string) (f float64, integer bool, err error) {
	at := p.i
	if p.i < len(p.s) && p.s[p.i] == '"' {
		s, err := p.text(key, want, maxJSONText)
		if err != nil {
			return 0, false, err
		}
		switch s {
		case "NaN":
			return math.NaN(), false, nil
		case "Infinity":
			return math.Inf(1), false, nil
		case "-Infinity":
			return math.Inf(-1), false, nil
		}
		return 0, false, p.fail(key, at, "found the string %.40q, want %s", s, want)
	}
	digits, integer, ok := p.digits()
	if !ok {
		return 0, false, p.fail(key, at, "found %s, want %s", p.kindAt(at), want)
	}
	f, err = strconv.ParseFloat(string(digits), 64)
	if err != nil {
		return 0, false, p.fail(key, at, "found %.40s, which is too large for a number", digits)
	}
	return f, integer, nil
}

// digits reads what JSON calls a number.
func (p *jsonParser) digits() (digits []byte, integer, ok bool) {
	at := p.i
	some := func() bool {
		from := p.i
		for p.i < len(p.s) && '0' <= p.s[p.i] && p.s[p.i] <= '9' {
			p.i++
		}
		return p.i > from
	}
	p.skip('-')
	zero := p.i < len(p.s) && p.s[p.i] == '0'
	from := p.i
	if !some() || zero && p.i > from+1 {
		return nil, false, false
	}
	integer = true
	if p.skip('.') {
		integer = false
		if !some() {
			return nil, false, false
		}
	}
	if p.skip('e') || p.skip('E') {
		integer = false
		if !p.skip('+') {
			p.skip('-')
		}
		if !some() {
			return nil, false, false
		}
	}
	return p.s[at:p.i], integer, true
}

// skip steps over c if it comes next.
func (p *jsonParser) skip(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

// scalar reads the value of an attribute as text.
func (p *jsonParser) scalar(key string) (string, error) {
	const want = "a string, a number, true, false or null"
	at := p.i
	switch {
	case p.word("true"):
		return "true", nil
	case p.word("false"):
		return "false", nil
	case p.i < len(p.s) && p.s[p.i] == '"':
		return p.text(key, want, maxJSONText)
	}
	if digits, _, ok := p.digits(); ok {
		if len(digits) > maxJSONName {
			return "", p.fail(key, at, "a number of %d bytes, limit %d", len(digits), maxJSONName)
		}
		return string(digits), nil
	}
	return "", p.fail(key, at, "found %s, want %s", p.kindAt(at), want)
}

// object reads an object and calls member at each value with its key and the place of the key. name is
// the key of the object itself.
func (p *jsonParser) object(name string, member func(key string, at int) error) error {
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != '{' {
		return p.fail(name, p.i, "found %s, want an object, {…}", p.kind())
	}
	p.i++
	for first := true; ; first = false {
		p.space()
		if p.skip('}') {
			return nil
		}
		if !first {
			if !p.skip(',') {
				return p.fail(name, p.i, `found %s, want "," or "}"`, p.kind())
			}
			p.space()
		}
		at := p.i
		key, err := p.text(name, "a key in quotes", maxJSONName)
		if err != nil {
			return err
		}
		p.space()
		if !p.skip(':') {
			return p.fail(key, p.i, `found %s, want ":"`, p.kind())
		}
		p.space()
		if err := member(key, at); err != nil {
			return err
		}
	}
}

// text reads a string of at most limit bytes and returns it as valid UTF-8.
func (p *jsonParser) text(key, want string, limit int) (string, error) {
	at := p.i
	if p.i >= len(p.s) || p.s[p.i] != '"' {
		return "", p.fail(key, p.i, "found %s, want %s", p.kind(), want)
	}
	p.i++
	out := p.scratch[:0]
	for {
		if p.i >= len(p.s) {
			return "", p.fail(key, at, `a string without its closing "`)
		}
		c := p.s[p.i]
		switch {
		case c == '"':
			p.i++
			p.scratch = out
			if len(out) > limit {
				return "", p.fail(key, at, "a string of %d bytes, limit %d", len(out), limit)
			}
			return string(out), nil
		case c == '\\':
			r, ok := p.escape()
			if !ok {
				return "", p.fail(key, p.i, `found %.6q, want one of \" \\ \/ \b \f \n \r \t \uXXXX`, p.s[p.i:])
			}
			out = utf8.AppendRune(out, r)
		case c < ' ':
			return "", p.fail(key, p.i, `a control character 0x%02x in a string, want \u%04x`, c, c)
		case c < utf8.RuneSelf:
			out = append(out, c)
			p.i++
		default:
			r, n := utf8.DecodeRune(p.s[p.i:])
			out = utf8.AppendRune(out, r)
			p.i += n
		}
	}
}

// escape reads an escape sequence; it moves on only if that is well-formed. Half a surrogate pair is U+FFFD.
func (p *jsonParser) escape() (rune, bool) {
	if p.i+1 >= len(p.s) {
		return 0, false
	}
	c := p.s[p.i+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r, ok := p.unicode(p.i)
		if !ok {
			return 0, false
		}
		p.i += 6
		if utf16.IsSurrogate(r) {
			if low, ok := p.unicode(p.i); ok {
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					p.i += 6
					return pair, true
				}
			}
			return utf8.RuneError, true
		}
		return r, true
	default:
		return 0, false
	}
	p.i += 2
	return rune(c), true
}

// unicode reads \uXXXX at byte i.
func (p *jsonParser) unicode(i int) (rune, bool) {
	if len(p.s)-i < 6 || p.s[i] != '\\' || p.s[i+1] != 'u' {
		return 0, false
	}
	r := rune(0)
	for _, c := range p.s[i+2 : i+6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (p *jsonParser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\r', '\n':
			p.i++
		default:
			return
		}
	}
}

func (p *jsonParser) null() bool { return p.word("null") }

// word steps over w if it comes next and is not the start of a longer word.
func (p *jsonParser) word(w string) bool {
	rest := p.s[p.i:]
	if len(rest) < len(w) || string(rest[:len(w)]) != w {
		return false
	}
	if len(rest) > len(w) {
		if c := rest[len(w)] | 0x20; 'a' <= c && c <= 'z' {
			return false
		}
	}
	p.i += len(w)
	return true
}

// kind names what comes next, for an error.
func (p *jsonParser) kind() string { return p.kindAt(p.i) }

func (p *jsonParser) kindAt(i int) string {
	if i >= len(p.s) {
		return "the end of the line"
	}
	switch c := p.s[i]; {
	case c == '"':
		return "a string"
	case c == '{':
		return "an object"
	case c == '[':
		return "a list"
	case c == '-' || '0' <= c && c <= '9':
		end := i
		for end < len(p.s) && end < i+20 && strings.IndexByte("+-.eE0123456789", p.s[end]) >= 0 {
			end++
		}
		return "the number " + string(p.s[i:end])
	case 'a' <= c|0x20 && c|0x20 <= 'z':
		end := i
		for end < len(p.s) && end < i+20 && 'a' <= p.s[end]|0x20 && p.s[end]|0x20 <= 'z' {
			end++
		}
		return string(p.s[i:end])
	default:
		r, _ := utf8.DecodeRune(p.s[i:])
		return strconv.QuoteRune(r)
	}
}

func (p *jsonParser) fail(key string, at int, format string, args ...any) error {
	if len(key) > 40 {
		key = key[:40]
	}
	return &JSONError{Key: key, Offset: at, Reason: fmt.Sprintf(format, args...)}
}
