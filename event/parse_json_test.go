package event_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"zeta/event"
)

// parseTests: want is the event as AppendJSON writes it, err the whole text of the error.
var parseTests = []struct {
	name, in, want, err string
}{
	{"nothing", `{}`, `{"host":null,"service":null,"state":null,"description":null,"metric":null,"tags":null,"time":null,"ttl":null}`, ""},
	{"all fields", ` { "host" : "h", "service":"s","state":"ok","description":"d","metric":1.5,"tags":["a","b"],"time":"2026-11-22T09:46:44.123Z","ttl":5,"k":"v" } ` + "\r\n",
		`{"host":"h","service":"s","state":"ok","description":"d","metric":1.5,"tags":["a","b"],"time":"2026-11-22T09:46:44.123Z","ttl":5.0,"k":"v"}`, ""},
	{"nulls", `{"host":null,"service":null,"state":null,"description":null,"metric":null,"tags":null,"time":null,"ttl":null,"k":null,"attributes":null}`,
		`{"host":null,"service":null,"state":null,"description":null,"metric":null,"tags":null,"time":null,"ttl":null}`, ""},
	{"last of repeated keys", `{"host":"a","host":"b","k":"1","k":"2","metric":1,"metric":2.0,"tags":["a"],"tags":[]}`,
		`{"host":"b","service":null,"state":null,"description":null,"metric":2.0,"tags":[],"time":null,"ttl":null,"k":"2"}`, ""},
	{"null comes last", `{"host":"a","host":null,"k":"1","k":null,"metric":1,"metric":null,"time":1,"time":null,"ttl":1,"ttl":null,"tags":["a"],"tags":null,"state":"s","state":null,"description":"s","description":null,"service":"s","service":null}`,
		`{"host":null,"service":null,"state":null,"description":null,"metric":null,"tags":null,"time":null,"ttl":null}`, ""},
	{"seconds", `{"time":1.5}`, `{"host":null,"service":null,"state":null,"description":null,"metric":null,"tags":null,"time":"1970-01-01T00:00:01.500Z","ttl":null}`, ""},
	{"attributes of all kinds", `{"n":1e3,"t":true,"f":false,"attributes":{"x":"y","z":-0.5}}`,
		`{"host":null,"service":null,"state":null,"description":null,"metric":null,"tags":null,"time":null,"ttl":null,"f":"false","n":"1e3","t":"true","x":"y","z":"-0.5"}`, ""},
	{"an attribute named attributes", `{"attributes":"x"}`,
		`{"host":null,"service":null,"state":null,"description":null,"metric":null,"tags":null,"time":null,"ttl":null,"attributes":"x"}`, ""},
	{"attributes named like fields", `{"attributes":{"host":"moved","state":"lost","metric":"5","tags":"t"},"state":"kept"}`,
		`{"host":"moved","service":null,"state":"kept","description":null,"metric":null,"tags":null,"time":null,"ttl":null}`, ""},
	{"words for numbers", `{"metric":"NaN","ttl":"Infinity"}`,
		`{"host":null,"service":null,"state":null,"description":null,"metric":"NaN","tags":null,"time":null,"ttl":"Infinity"}`, ""},
	{"large integers", `{"metric":9223372036854775807,"ttl":9223372036854775808}`,
		`{"host":null,"service":null,"state":null,"description":null,"metric":9223372036854775807,"tags":null,"time":null,"ttl":9223372036854776000.0}`, ""},
	{"integer beyond 64 bits", `{"metric":9223372036854775808}`,
		`{"host":null,"service":null,"state":null,"description":null,"metric":9223372036854776000.0,"tags":null,"time":null,"ttl":null}`, ""},
	{"escapes", `{"host":"\u0041\n\ud83d\ude00\ud83dx\/"}`,
		`{"host":"A\n😀` + "\uFFFD" + `x/","service":null,"state":null,"description":null,"metric":null,"tags":null,"time":null,"ttl":null}`, ""},
	{"invalid UTF-8", "{\"host\":\"a\xffb\"}",
		"{\"host\":\"a\uFFFDb\",\"service\":null,\"state\":null,\"description\":null,\"metric\":null,\"tags\":null,\"time\":null,\"ttl\":null}", ""},

	{"empty", ``, "", `json: at byte 0: found the end of the line, want an object, {…}`},
	{"a list", `[]`, "", `json: at byte 0: found a list, want an object, {…}`},
	{"null itself", `null`, "", `json: at byte 0: found null, want an object, {…}`},
	{"text after", `{} {}`, "", `json: at byte 3: found an object after the event, want the end of the line`},
	{"host a number", `{"host":1}`, "", `json: "host" at byte 8: found the number 1, want a string or null`},
	{"state a bool", `{"state": true}`, "", `json: "state" at byte 10: found true, want a string or null`},
	{"metric a string", `{"metric":"5"}`, "", `json: "metric" at byte 10: found the string "5", want a number, "NaN", "Infinity", "-Infinity" or null`},
	{"metric a list", `{"metric":[1]}`, "", `json: "metric" at byte 10: found a list, want a number, "NaN", "Infinity", "-Infinity" or null`},
	{"metric too large", `{"metric":1e999}`, "", `json: "metric" at byte 10: found 1e999, which is too large for a number`},
	{"metric with a zero in front", `{"metric":01}`, "", `json: "metric" at byte 10: found the number 01, want a number, "NaN", "Infinity", "-Infinity" or null`},
	{"tags a string", `{"tags":"a"}`, "", `json: "tags" at byte 8: found a string, want a list of strings or null`},
	{"tag a number", `{"tags":["a",1]}`, "", `json: "tags" at byte 13: found the number 1, want a string`},
	{"tags cut off", `{"tags":["a"`, "", `json: "tags" at byte 12: found the end of the line, want "," or "]"`},
	{"tags with a comma at the end", `{"tags":["a",]}`, "", `json: "tags" at byte 13: found ']', want a string`},
	{"time in words", `{"time":"yesterday"}`, "", `json: "time" at byte 8: found "yesterday", want ISO 8601 such as 2026-11-22T09:30:00.125Z`},
	{"time too far", `{"time":1e15}`, "", `json: "time" at byte 8: found 1e15, which is too far away to be a time in seconds`},
	{"time a bool", `{"time":false}`, "", `json: "time" at byte 8: found false, want ISO 8601 text, a number of seconds or null`},
	{"ttl a string", `{"ttl":"60"}`, "", `json: "ttl" at byte 7: found the string "60", want a number of seconds or null`},
	{"nested attribute", `{"a":{"b":1}}`, "", `json: "a" at byte 5: found an object, want a string, a number, true, false or null`},
	{"nested in attributes", `{"attributes":{"b":[]}}`, "", `json: "b" at byte 19: found a list, want a string, a number, true, false or null`},
	{"key without quotes", `{host:"a"}`, "", `json: at byte 1: found host, want a key in quotes`},
	{"no colon", `{"host" "a"}`, "", `json: "host" at byte 8: found a string, want ":"`},
	{"no comma", `{"host":"a" "b":1}`, "", `json: at byte 12: found a string, want "," or "}"`},
	{"comma at the end", `{"host":"a",}`, "", `json: at byte 12: found '}', want a key in quotes`},
	{"string without end", `{"host":"a`, "", `json: "host" at byte 8: a string without its closing "`},
	{"bad escape", `{"host":"\x41"}`, "", `json: "host" at byte 9: found "\\x41\"}", want one of \" \\ \/ \b \f \n \r \t \uXXXX`},
	{"raw newline", "{\"host\":\"a\nb\"}", "", `json: "host" at byte 10: a control character 0x0a in a string, want \u000a`},
	{"cut off", `{"host":"a"`, "", `json: at byte 11: found the end of the line, want "," or "}"`},
	{"half a word", `{"host":nul}`, "", `json: "host" at byte 8: found nul, want a string or null`},
}

func TestParseJSON(t *testing.T) {
	for _, tt := range parseTests {
		e, err := event.ParseJSON([]byte(tt.in))
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s: %s:\n got %v\nwant %s", tt.name, tt.in, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %s: %v", tt.name, tt.in, err)
			continue
		}
		if got := string(event.AppendJSON(nil, &e)); got != tt.want {
			t.Errorf("%s: %s:\n got %s\nwant %s", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestParseJSONMetric(t *testing.T) {
	for in, want := range map[string]event.Presence{
		"1": event.HasInt, "-0": event.HasInt, "1.0": event.HasFloat, "1e2": event.HasFloat,
		"-9223372036854775808": event.HasInt, "-9223372036854775809": event.HasFloat, `"NaN"`: event.HasFloat,
	} {
		e, err := event.ParseJSON([]byte(`{"metric":` + in + `}`))
		if err != nil || e.Has != want {
			t.Errorf("%s: presence %b, error %v, want %b", in, e.Has, err, want)
		}
	}
}

func TestParseJSONTime(t *testing.T) {
	tests := []struct {
		in string
		us int64
	}{
		{`"2026-01-02T03:04:05Z"`, 1_767_323_045_000_000},
		{`"2026-01-02T03:04:05.678901Z"`, 1_767_323_045_678_901},
		{`"2026-01-02T03:04:05.6789019Z"`, 1_767_323_045_678_901},
		{`"2026-01-02T03:04:05+02:00"`, 1_767_315_845_000_000},
		{`"2026-01-02T03:04:05-0130"`, 1_767_328_445_000_000},
		{`"2026-01-02T03:04:05"`, 1_767_323_045_000_000},
		{`"2026-01-02 03:04:05"`, 1_767_323_045_000_000},
		{`"2026-01-02t03:04z"`, 1_767_323_040_000_000},
		{`"2026-01-02"`, 1_767_312_000_000_000},
		{`0`, 0},
		{`-1.5`, -1_500_000},
		{`1767323045`, 1_767_323_045_000_000},
		{`1767323045.678901`, 1_767_323_045_678_901},
		{`9223372036854`, 9_223_372_036_854_000_000},
	}
	for _, tt := range tests {
		e, err := event.ParseJSON([]byte(`{"time":` + tt.in + `}`))
		if err != nil || e.Has != event.HasTime || e.Time != tt.us {
			t.Errorf("%s: %d (presence %b), error %v, want %d", tt.in, e.Time, e.Has, err, tt.us)
		}
	}
}

func TestParseJSONBounds(t *testing.T) {
	many := func(n int, one func(i int) string) string {
		var parts []string
		for i := range n {
			parts = append(parts, one(i))
		}
		return strings.Join(parts, ",")
	}
	quoted := func(i int) string { return fmt.Sprintf(`"k%d"`, i) }
	pair := func(i int) string { return fmt.Sprintf(`"k%d":%d`, i, i) }
	tests := []struct{ name, in, err string }{
		{"tags", `{"tags":[` + many(65, quoted) + `]}`, `json: "tags" at byte 383: more than 64 tags`},
		{"attributes", `{` + many(65, pair) + `}`, `json: "k64" at byte 557: more than 64 attributes`},
		{"host", `{"host":"` + strings.Repeat("h", 1025) + `"}`, `json: "host" at byte 8: a string of 1025 bytes, limit 1024`},
		{"description", `{"description":"` + strings.Repeat("h", 65537) + `"}`, `json: "description" at byte 15: a string of 65537 bytes, limit 65536`},
		{"line", strings.Repeat(" ", 1<<20) + `{}`, `json: at byte 0: the line has 1048578 bytes, limit 1048576`},
		{"depth", strings.Repeat(`{"a":`, 100_000), `json: "a" at byte 5: found an object, want a string, a number, true, false or null`},
		{"depth of attributes", strings.Repeat(`{"attributes":`, 70_000), `json: "attributes" at byte 28: found an object, want a string, a number, true, false or null`},
	}
	for _, tt := range tests {
		if _, err := event.ParseJSON([]byte(tt.in)); err == nil || err.Error() != tt.err {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.err)
		}
	}
	full := `{"host":"` + strings.Repeat("h", 1024) + `","tags":[` + many(64, quoted) + `],` + many(64, pair) + `}`
	if e, err := event.ParseJSON([]byte(full)); err != nil || len(e.Tags()) != 64 || len(e.Attrs()) != 64 {
		t.Errorf("at the bounds: %d tags, %d attributes, error %v", len(e.Tags()), len(e.Attrs()), err)
	}
}

// TestParseJSONKeepsNothing: the line may be reused.
func TestParseJSONKeepsNothing(t *testing.T) {
	line := []byte(`{"host":"web1","k":"v","tags":["t"],"n":12}`)
	e, err := event.ParseJSON(line)
	if err != nil {
		t.Fatal(err)
	}
	before := string(event.AppendJSON(nil, &e))
	for i := range line {
		line[i] = 'X'
	}
	if after := string(event.AppendJSON(nil, &e)); after != before {
		t.Errorf("got %s, want %s", after, before)
	}
}

func TestNaNSurvives(t *testing.T) {
	var e event.Event
	e.SetFloat(math.Inf(1))
	e.SetTTL(math.NaN())
	back, err := event.ParseJSON(event.AppendJSON(nil, &e))
	if err != nil || !math.IsInf(back.Float, 1) || !math.IsNaN(back.TTL) {
		t.Errorf("got %v, %v, error %v", back.Float, back.TTL, err)
	}
}
