package lines

import (
	"errors"
	"strings"
	"testing"
)

func TestAppendJSON(t *testing.T) {
	for _, c := range []struct {
		name, in string
		services string // of the events, behind one another
		reason   string
		err      string
	}{
		{"object", `{"service": "a", "metric": 1}`, "a", "", ""},
		{"objects", "{\"service\": \"a\"}\n{\"service\": \"b\"}\r\n", "ab", "", ""},
		{"no line between", `{"service":"a"}{"service":"b"}`, "ab", "", ""},
		{"array", ` [{"service": "a"}, {"service": "b"}] `, "ab", "", ""},
		{"empty array", `[]`, "", "json", "an empty message, want a JSON object"},
		{"nothing", ``, "", "json", "an empty message, want a JSON object"},
		{"blanks", " \n", "", "json", "an empty message, want a JSON object"},
		{"one is wrong", `[{"service": "a"}, {"service": 1}, {"service": "c"}]`, "ac", "json", `item 2: json: "service" at byte 12: found the number 1, want a string or null`},
		{"several are wrong", `1 2 {"service": "c"}`, "c", "json", `and 1 more of the 3 items`},
		{"array not ended", `[{"service": "a"}`, "a", "json", "after 1 items: unexpected EOF"},
		{"object not ended", `{"service": "a"} {"serv`, "a", "json", "after 1 items: unexpected EOF"},
		{"trailing", `[{"service": "a"}] {}`, "a", "json", "after 1 items: something follows the array"},
		{"no JSON", `<xml>`, "", "json", "after 0 items: invalid character '<' looking for beginning of value"},
		{"too many", `[{"service":"a"},{"service":"b"},{"service":"c"},{"service":"d"}]`, "abc", "limit", "more than 3 events in a message; raise maxEvents, or send fewer in one"},
	} {
		events, err := AppendJSON(nil, []byte(c.in), 3)
		got := ""
		for _, e := range events {
			got += e.Service
		}
		reason, text := "", ""
		if refused := (*Error)(nil); errors.As(err, &refused) {
			reason, text = refused.Reason, err.Error()
		}
		if got != c.services || reason != c.reason || (c.err == "") != (err == nil) || !strings.Contains(text, c.err) {
			t.Errorf("%s: %s: got %q, %q, %q; want %q, %q, %q", c.name, c.in, got, reason, text, c.services, c.reason, c.err)
		}
	}
}

func FuzzAppendJSON(f *testing.F) {
	recorded(f, "json")
	for _, seed := range []string{`{"service":"a","metric":1}`, `[{"service":"a"},{"service":"b","tags":["x"]}]`, "{}\n{}", `[`, `[1`, `]`, ``, `[[[]]]`, "\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := AppendJSON(nil, b, 100)
		if _, ok := err.(*Error); err != nil && !ok {
			t.Errorf("error of type %T: %v", err, err)
		}
		if len(events) > 100 || len(events) > len(b)/2 {
			t.Errorf("%d events of %d bytes", len(events), len(b))
		}
	})
}
