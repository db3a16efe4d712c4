package event_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"
	"unicode/utf8"

	"zeta/event"
)

func TestAppendJSON(t *testing.T) {
	const nothing = `"host":null,"service":null,"state":null,"description":null,`
	tests := []struct {
		name string
		make func(e *event.Event)
		want string
	}{
		{"no fields", func(*event.Event) {}, `{` + nothing + `"metric":null,"tags":null,"time":null,"ttl":null}`},
		{"all fields", func(e *event.Event) {
			e.SetHost("web1")
			e.SetService("http latency")
			e.SetState("ok")
			e.SetDescription("fine")
			e.SetFloat(0.5)
			e.SetTime(10_000_000)
			e.SetTTL(60)
			e.Set = event.NewSet([]string{"b", "a", "a"}, []event.Attr{{Key: "z", Value: "1"}, {Key: "plugin", Value: "df"}})
		}, `{"host":"web1","service":"http latency","state":"ok","description":"fine","metric":0.5,"tags":["b","a","a"],` +
			`"time":"1970-01-01T00:00:10.000Z","ttl":60.0,"plugin":"df","z":"1"}`},
		{"empty is not missing", func(e *event.Event) {
			e.SetHost("")
			e.SetService("")
			e.SetState("")
			e.SetDescription("")
			e.Set = event.NewSet([]string{}, nil)
		}, `{"host":"","service":"","state":"","description":"","metric":null,"tags":[],"time":null,"ttl":null}`},
		{"integer", func(e *event.Event) { e.SetInt(math.MinInt64) }, `{` + nothing + `"metric":-9223372036854775808,"tags":null,"time":null,"ttl":null}`},
		{"zero", func(e *event.Event) { e.SetInt(0); e.SetTTL(0) }, `{` + nothing + `"metric":0,"tags":null,"time":null,"ttl":0.0}`},
		{"whole float", func(e *event.Event) { e.SetFloat(2) }, `{` + nothing + `"metric":2.0,"tags":null,"time":null,"ttl":null}`},
		{"large float", func(e *event.Event) { e.SetFloat(1e21) }, `{` + nothing + `"metric":1e+21,"tags":null,"time":null,"ttl":null}`},
		{"small float", func(e *event.Event) { e.SetFloat(-1.5e-7) }, `{` + nothing + `"metric":-1.5e-07,"tags":null,"time":null,"ttl":null}`},
		{"minus zero", func(e *event.Event) { e.SetFloat(math.Copysign(0, -1)) }, `{` + nothing + `"metric":-0.0,"tags":null,"time":null,"ttl":null}`},
		{"NaN", func(e *event.Event) { e.SetFloat(math.NaN()); e.SetTTL(math.NaN()) }, `{` + nothing + `"metric":"NaN","tags":null,"time":null,"ttl":"NaN"}`},
		{"infinities", func(e *event.Event) { e.SetFloat(math.Inf(-1)); e.SetTTL(math.Inf(1)) }, `{` + nothing + `"metric":"-Infinity","tags":null,"time":null,"ttl":"Infinity"}`},
		{"attributes named like fields", func(e *event.Event) {
			e.Set = event.NewSet(nil, []event.Attr{{Key: "metric", Value: "5"}, {Key: "host", Value: "x"}, {Key: "Host", Value: "y"}})
		}, `{` + nothing + `"metric":null,"tags":null,"time":null,"ttl":null,"Host":"y"}`},
		{"escapes", func(e *event.Event) { e.SetState("\x00\t\n\r\"\\/</script>&\u2028\u2029\x7fé\xff😀") },
			`{"host":null,"service":null,"state":"\u0000\t\n\r\"\\/\u003c/script\u003e\u0026\u2028\u2029` + "\x7fé\uFFFD😀" +
				`","description":null,"metric":null,"tags":null,"time":null,"ttl":null}`},
		{"awkward keys", func(e *event.Event) {
			e.Set = event.NewSet(nil, []event.Attr{{Key: "", Value: "e"}, {Key: "a\"b", Value: "q"}, {Key: "network:ip", Value: ""}})
		}, `{` + nothing + `"metric":null,"tags":null,"time":null,"ttl":null,"":"e","a\"b":"q","network:ip":""}`},
	}
	for _, tt := range tests {
		var e event.Event
		tt.make(&e)
		got := event.AppendJSON([]byte("# "), &e)
		if string(got) != "# "+tt.want {
			t.Errorf("%s:\n got %s\nwant # %s", tt.name, got, tt.want)
		}
		if !json.Valid(got[2:]) {
			t.Errorf("%s: not JSON: %s", tt.name, got)
		}
	}
}

func TestAppendTime(t *testing.T) {
	tests := []struct {
		us   int64
		want string
	}{
		{0, "1970-01-01T00:00:00.000Z"},
		{10_000_000, "1970-01-01T00:00:10.000Z"},
		{999, "1970-01-01T00:00:00.000Z"},
		{-999, "1970-01-01T00:00:00.000Z"},
		{-1_000, "1969-12-31T23:59:59.999Z"},
		{1_795_340_804_123_999, "2026-11-22T09:46:44.123Z"},
		{951_782_400_000_000, "2000-02-29T00:00:00.000Z"},
		{-62_167_219_200_000_000, "0000-01-01T00:00:00.000Z"},
		{-62_167_219_200_001_000, "-000001-12-31T23:59:59.999Z"},
		{253_402_300_800_000_000, "+010000-01-01T00:00:00.000Z"},
		{math.MaxInt64, "+294247-01-10T04:00:54.775Z"},
		{math.MinInt64, "-290308-12-21T19:59:05.225Z"},
	}
	for _, tt := range tests {
		if got := string(event.AppendTime(nil, tt.us)); got != tt.want {
			t.Errorf("AppendTime(%d) = %s, want %s", tt.us, got, tt.want)
		}
	}
	// Package time agrees, for every day of 800 years and some more.
	for us := int64(-20_000_000_000_000_000); us < 20_000_000_000_000_000; us += 86_399_999_000 {
		want := time.UnixMilli(us / 1000).UTC().Format("2006-01-02T15:04:05.000Z")
		if got := string(event.AppendTime(nil, us)); got != want {
			t.Fatalf("AppendTime(%d) = %s, want %s", us, got, want)
		}
	}
}

func TestAppendJSONAllocs(t *testing.T) {
	var e event.Event
	e.SetHost("web1")
	e.SetService("df-root/percent_bytes-free")
	e.SetFloat(math.Pi)
	e.SetTime(1_795_340_804_123_456)
	e.SetTTL(20)
	e.Set = event.NewSet([]string{"collectd"}, []event.Attr{{Key: "plugin", Value: "df"}})
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf = event.AppendJSON(buf[:0], &e) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// FuzzJSON: what ParseJSON accepts, AppendJSON writes as JSON that encoding/json accepts and ParseJSON
// reads back as the same event.
func FuzzJSON(f *testing.F) {
	for _, tt := range parseTests {
		f.Add([]byte(tt.in))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := event.ParseJSON(line)
		if err != nil {
			if je, ok := err.(*event.JSONError); !ok || je.Offset < 0 || je.Offset > len(line) || len(err.Error()) > 500 {
				t.Fatalf("%q: error %#v", line, err)
			}
			return
		}
		if !json.Valid(line) {
			t.Fatalf("accepted %q, which is not JSON", line)
		}
		out := event.AppendJSON(nil, &e)
		if !json.Valid(out) || !utf8.Valid(out) {
			t.Fatalf("%q became %q", line, out)
		}
		back, err := event.ParseJSON(out)
		if err != nil {
			if e.Has&event.HasTime != 0 && (e.Time < -62_167_219_200_000_000 || e.Time >= 253_402_300_800_000_000) {
				return // a year that ParseJSON does not read
			}
			t.Fatalf("%q became %q: %v", line, out, err)
		}
		e.Time -= e.Time % 1000
		if d := jsonDifference(&e, &back); d != "" {
			t.Fatalf("%s: %q became %q", d, line, out)
		}
	})
}

// FuzzAppendJSON: whatever strings an event holds, its JSON says the same to encoding/json.
func FuzzAppendJSON(f *testing.F) {
	f.Add("web1", "\xff<\u2028>\x00", int64(-1), 0.1)
	f.Fuzz(func(t *testing.T, host, text string, us int64, metric float64) {
		var e event.Event
		e.SetHost(host)
		e.SetTime(us)
		e.SetFloat(metric)
		e.Set = event.NewSet([]string{text}, []event.Attr{{Key: "x" + text, Value: host}})
		out := event.AppendJSON(nil, &e)
		if !utf8.Valid(out) || bytes.ContainsAny(out, "<>&\u2028\u2029\n") {
			t.Fatalf("%q", out)
		}
		var got struct {
			Host   string
			Tags   []string
			Metric any
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if !sameText(got.Host, host) || len(got.Tags) != 1 || !sameText(got.Tags[0], text) {
			t.Fatalf("%q: host %q, tags %q", out, got.Host, got.Tags)
		}
		if f, ok := got.Metric.(float64); ok && f != metric {
			t.Fatalf("metric %v became %v", metric, f)
		}
	})
}

// sameText compares as if every invalid byte were U+FFFD.
func sameText(got, want string) bool { return got == string([]rune(want)) }

func jsonDifference(a, b *event.Event) string {
	switch {
	case a.Has != b.Has:
		return "presence"
	case a.Host != b.Host || a.Service != b.Service || a.State != b.State || a.Description != b.Description:
		return "text"
	case a.Time != b.Time:
		return "time"
	case a.Int != b.Int || math.Float64bits(a.Float) != math.Float64bits(b.Float):
		return "metric"
	case math.Float64bits(a.TTL) != math.Float64bits(b.TTL):
		return "ttl"
	case !a.Set.Equal(b.Set):
		return "set"
	}
	return ""
}

func BenchmarkAppendJSON(b *testing.B) {
	var e event.Event
	e.SetHost("web1.example.com")
	e.SetService("df-root/percent_bytes-free")
	e.SetState("ok")
	e.SetFloat(7.5)
	e.SetTime(1_795_340_804_123_456)
	e.SetTTL(20)
	e.Set = event.NewSet([]string{"collectd"}, nil)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = event.AppendJSON(buf[:0], &e)
	}
}
