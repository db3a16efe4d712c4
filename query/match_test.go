package query

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"zeta/event"
)

func TestMatch(t *testing.T) {
	var full event.Event
	full.SetHost("h")
	full.SetService("s")
	full.SetState("ok")
	full.SetTime(5_000_000)
	full.SetTTL(60)
	full.SetInt(1 << 53)
	full.Set = event.NewSet([]string{"a", "b"}, []event.Attr{{Key: "host2", Value: "h"}, {Key: "n", Value: "1"}})
	nan := full
	nan.SetFloat(math.NaN())
	frac := full
	frac.SetTime(5_500_000)
	for _, c := range []struct {
		query string
		e     *event.Event
		want  bool
	}{
		{`host = host2`, &full, true},
		{`host = nothing`, &full, false},
		{`nothing = nothing2`, &full, true},
		{`tags = tags`, &full, true},
		{`tags = "a"`, &full, false},
		{`tags`, &full, true},
		{`tags = nil`, &full, false},
		{`host2 and n`, &full, true},
		{`description`, &full, false},
		{`1 and "x" and true`, &full, true},
		{`0 and ""`, &full, true},
		{`false or nil`, &full, false},
		{`true = true`, &full, true},
		{`nil = false`, &full, false},
		{`n = 1`, &full, false},
		{`n = "1"`, &full, true},
		{`time = 5`, &full, true},
		{`time = 5.0`, &full, false},
		{`time = 5.5`, &frac, true},
		{`time > 5 and time < 6 and time >= 5.5`, &frac, true},
		{`ttl = 60.0 and not ttl = 60 and ttl >= 60`, &full, true},
		{`metric = 9007199254740992`, &full, true},
		{`metric > 9007199254740991`, &full, true},
		{`metric < 9007199254740993`, &full, true},
		{`metric < 9007199254740993.0`, &full, false}, // as floats the two are equal
		{`metric < 99999999999999999999N`, &full, true},
		{`metric > -99999999999999999999N`, &full, true},
		{`metric = 99999999999999999999N`, &full, false},
		{`99999999999999999999N = 99999999999999999999N`, &full, true},
		{`99999999999999999998N < 99999999999999999999N`, &full, true},
		{`0.5 < 99999999999999999999N`, &full, true},
		{`metric = NaN`, &nan, false},
		{`metric = metric`, &nan, false},
		{`metric != NaN`, &nan, true},
		{`metric <= 1 or metric >= 1`, &nan, false},
		{`metric`, &nan, true},
		{`-0.0 = 0.0`, &full, true},
		{`state > 1`, &full, false},
		{`"b" > 1`, &full, false},
		{`metric ~= "9"`, &full, false},
		{`tags =~ "%"`, &full, false},
		{`"abc" =~ "a%"`, &full, true},
		{`nil =~ "%"`, &full, false},
		{`metric_f = nil`, &full, true},
	} {
		if got := MustParse(c.query).Match(c.e); got != c.want {
			t.Errorf("%s: %v, want %v", c.query, got, c.want)
		}
	}
}

// oracle is =~ as Riemann says it: ^…$ with % as .*, where neither . crosses a line end nor $ minds one
// at the very end.
func oracle(pattern, s string) bool {
	parts := strings.Split(pattern, "%")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	re := regexp.MustCompile(`\A(?s:` + strings.Join(parts, `[^\n\r\x{85}\x{2028}\x{2029}]*`) + `)\z`)
	if re.MatchString(s) {
		return true
	}
	for _, end := range []string{"\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"} {
		if cut, ok := strings.CutSuffix(s, end); ok {
			return re.MatchString(cut)
		}
	}
	return false
}

func TestWildcard(t *testing.T) {
	patterns := []string{"", "%", "%%", "a", "a%", "%a", "a%a", "%a%", "a%b%a", "%ab%ab%", "a\n%", "%\n", "%\n%", "\r", "%\r\n", "é%", "a%\u2028%b", "ab%ba"}
	texts := []string{"", "a", "aa", "ab", "aba", "abab", "ababa", "ba", "a\n", "a\r\n", "a\nb", "\n", "\n\n", "a\r", "a\u0085", "\u2029", "a\u2028b", "éa", "é\n", "abba", "aXab\nab"}
	for _, p := range patterns {
		w := newWildcard(p)
		for _, s := range texts {
			if got, want := w.match(s), oracle(p, s); got != want {
				t.Errorf("%q =~ %q is %v, want %v", s, p, got, want)
			}
		}
	}
}

func FuzzWildcard(f *testing.F) {
	f.Add("a%b%", "axb\n")
	f.Add("%ab%ab%", "ab\u2028abab")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 200 || !utf8Valid(pattern, s) {
			return
		}
		if got, want := newWildcard(pattern).match(s), oracle(pattern, s); got != want {
			t.Errorf("%q =~ %q is %v, want %v", s, pattern, got, want)
		}
	})
}

func utf8Valid(ss ...string) bool {
	for _, s := range ss {
		if strings.ToValidUTF8(s, "") != s {
			return false
		}
	}
	return true
}

func TestLongTextsAreSearchedInPart(t *testing.T) {
	q := MustParse(`description ~= "needle"`)
	var e event.Event
	e.SetDescription(strings.Repeat("x", maxSubject-6) + "needle")
	if !q.Match(&e) {
		t.Error("the needle within the first 4 KiB is not found")
	}
	e.SetDescription(strings.Repeat("x", maxSubject-5) + "needle")
	if q.Match(&e) {
		t.Error("the needle beyond the first 4 KiB is found")
	}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		query         string
		host, service string
		ok            bool
		hosts         int // -1: not restricted
	}{
		{`host = "a" and service = "b"`, "a", "b", true, 1},
		{`service = "b" and host = "a"`, "a", "b", true, 1},
		{`("b" = service) and "a" = host`, "a", "b", true, 1},
		{`host = "" and service = ""`, "", "", true, 1},
		{`host = "a" and service = "b" and state = "c"`, "", "", false, 1},
		{`host = "a" and host = "b"`, "", "", false, 1},
		{`host = "a" and state = "b"`, "", "", false, 1},
		{`host = "a" or service = "b"`, "", "", false, -1},
		{`host = "a" and service != "b"`, "", "", false, 1},
		{`host = nil and service = "b"`, "", "", false, 1},
		{`host = "a" or host = "b" or host = "a"`, "", "", false, 2},
		{`(host = "a" or host = "b") and state = "x"`, "", "", false, 2},
		{`host = "a" and metric > 1 or host = nil and state = "x"`, "", "", false, 2},
		{`not host = "a"`, "", "", false, -1},
		{`host = service`, "", "", false, -1},
		{`true`, "", "", false, -1},
	} {
		q := MustParse(c.query)
		host, service, ok := q.HostService()
		if host != c.host || service != c.service || ok != c.ok {
			t.Errorf("%s: HostService %q %q %v, want %q %q %v", c.query, host, service, ok, c.host, c.service, c.ok)
		}
		hosts := -1
		if p := q.Plan(); p.Hosts != nil {
			hosts = len(p.Hosts)
		}
		if hosts != c.hosts {
			t.Errorf("%s: %d hosts, want %d", c.query, hosts, c.hosts)
		}
	}
}

func TestAllocs(t *testing.T) {
	q := MustParse(`host =~ "web%" and (service ~= "^h.t" or tagged "x") and metric >= 1 and time > 1.5 and env = "prod" and host != service and not ttl = nil`)
	e := &event.Event{}
	e.SetHost("web1")
	e.SetService("http")
	e.SetTime(5e6)
	e.SetTTL(5)
	e.SetFloat(2)
	e.Set = event.NewSet(nil, []event.Attr{{Key: "env", Value: "prod"}})
	if !q.Match(e) {
		t.Fatal("no match")
	}
	if n := testing.AllocsPerRun(1000, func() { q.Match(e) }); n != 0 {
		t.Errorf("%v allocations per match, want 0", n)
	}
}

func BenchmarkMatch(b *testing.B) {
	e := &event.Event{}
	e.SetHost("web00017.prod1")
	e.SetService("df-mount10/used")
	e.SetState("ok")
	e.SetFloat(0.5)
	for _, text := range []string{`true`, `state = "ok"`, `metric > 0.9`, `service =~ "df-%"`, `service =~ "df-%" and state = "critical"`, `host ~= "^web-\\d+"`} {
		q := MustParse(text)
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				q.Match(e)
			}
		})
	}
}
