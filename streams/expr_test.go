package streams

import (
	"fmt"
	"math"
	"testing"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"zeta/event"
)

// told is a problem as a checker reports it.
type told struct {
	at                file.Location
	found, want, hint string
	warning           bool
}

func (p told) String() string {
	s := fmt.Sprintf("%d-%d: %s", p.at.From, p.at.To, p.found)
	if p.warning {
		s = "warning: " + s
	}
	for _, part := range []string{p.want, p.hint} {
		if part != "" {
			s += " | " + part
		}
	}
	return s
}

// testChecker returns a checker with a byBuilder name, let constants and the problems it reports.
func testChecker() (*checker, *[]told) {
	var ps []told
	return &checker{
		in:     Events,
		vars:   map[string]int{"h": 0},
		consts: map[string]Datum{"limit": FloatDatum(0.9), "disks": {Kind: List, List: []Datum{StringDatum("sda"), StringDatum("sdb")}}},
		report: func(at file.Location, _, found, want, hint string) {
			ps = append(ps, told{at, found, want, hint, false})
		},
		warn: func(at file.Location, _, found, want, hint string) {
			ps = append(ps, told{at, found, want, hint, true})
		},
	}, &ps
}

func parseTest(t testing.TB, text string) ast.Node {
	t.Helper()
	n, _, found := parseStatement(text, 0)
	if n == nil {
		t.Fatalf("parse %s: %s", text, found)
	}
	return n
}

// testIndex finds one event.
type testIndex struct{ e *event.Event }

func (testIndex) Put(*event.Event)                      {}
func (testIndex) Delete(string, string, event.Presence) {}
func (x testIndex) Lookup(host, service string) *event.Event {
	if x.e != nil && x.e.Host == host && x.e.Service == service {
		return x.e
	}
	return nil
}

func testInput(e *event.Event) *Input {
	other := &event.Event{Host: "db1", Service: "maintenance", State: "on", Has: event.HasHost | event.HasService | event.HasState}
	other.SetInt(7)
	return &Input{
		Value: EventValue(e), Vars: []Datum{StringDatum("web1")},
		rt: &Runtime{Clock: NewClock(100_500_000), Index: testIndex{other}},
	}
}

// fullEvent has every field.
func fullEvent() *event.Event {
	e := &event.Event{Host: "web1", Service: "df-root", State: "ok", Description: "äöü disk",
		Has: event.HasHost | event.HasService | event.HasState | event.HasDescription}
	e.SetFloat(0.95)
	e.SetTime(90_250_000)
	e.SetTTL(30)
	e.Set = event.NewSet([]string{"prod", "web"}, []event.Attr{{Key: "dc", Value: "eu"}, {Key: "any key", Value: "x"}, {Key: "port", Value: "443"}})
	return e
}

func evalTest(t testing.TB, text string, in *Input) Datum {
	t.Helper()
	c, ps := testChecker()
	eval, _, _ := compileExpr(c, parseTest(t, text))
	for _, p := range *ps {
		if !p.warning {
			t.Fatalf("%s: %s", text, p)
		}
	}
	return eval(in)
}

func TestEval(t *testing.T) {
	for text, want := range map[string]string{
		`host`:                               "web1",
		`metric`:                             "0.95",
		`time`:                               "90.25",
		`ttl`:                                "30",
		`tags`:                               "[prod web]",
		`attributes`:                         "{any key:x dc:eu port:443}",
		`attributes.dc`:                      "eu",
		`attributes["any key"]`:              "x",
		`attributes["d" + "c"]`:              "eu",
		`attributes[state + "x"] ?? "none"`:  "none",
		`event.metric`:                       "0.95",
		`event.attributes.dc`:                "eu",
		`event["host"]`:                      "web1",
		`event?.host`:                        "web1",
		`h`:                                  "web1",
		`host == h`:                          "true",
		`metric > limit`:                     "true",
		`"sda" in disks`:                     "true",
		`host + "/" + service`:               "web1/df-root",
		`1 + 2 * 3`:                          "7",
		`2 ** 10`:                            "1024",
		`7 % 3`:                              "1",
		`-7 % 3`:                             "-1",
		`7.5 % 2`:                            "1.5",
		`1/2`:                                "0.5",
		`9223372036854775807 + 1`:            "9223372036854776000",
		`-metric`:                            "-0.95",
		`+metric`:                            "0.95",
		`metric > 0.5 ? "high" : "low"`:      "high",
		`metric > 0.99 ? nil : state`:        "ok",
		`description[0]`:                     "ä",
		`description[-1]`:                    "k",
		`description[99] ?? "out"`:           "out",
		`description[0:3]`:                   "äöü",
		`description[4:]`:                    "disk",
		`description[:-5]`:                   "äöü",
		`tags[1]`:                            "web",
		`tags[1:]`:                           "[web]",
		`tags[5] ?? "none"`:                  "none",
		`len(description)`:                   "8",
		`len(tags)`:                          "2",
		`len(attributes)`:                    "3",
		`abs(-3)`:                            "3",
		`ceil(metric)`:                       "1",
		`floor(metric)`:                      "0",
		`round(2.5)`:                         "3",
		`max(metric, 3)`:                     "3",
		`min(metric, 3, -1)`:                 "-1",
		`int(3.9)`:                           "3",
		`int(attributes.port) + 1`:           "444",
		`float("0.5")`:                       "0.5",
		`int("x") ?? -1`:                     "-1",
		`string(metric) + "%"`:               "0.95%",
		`string(1e21)`:                       "1e+21",
		`string(1e20)`:                       "100000000000000000000",
		`string(tags)`:                       "[prod web]",
		`upper(state)`:                       "OK",
		`lower("ÄB")`:                        "äb",
		`trim("  x ")`:                       "x",
		`trim("--x-", "-")`:                  "x",
		`trimPrefix(service, "df-")`:         "root",
		`trimSuffix(service, "-root")`:       "df",
		`replace(service, "-", ".")`:         "df.root",
		`join(tags, ", ")`:                   "prod, web",
		`join(tags)`:                         "prodweb",
		`hasPrefix(service, "df-")`:          "true",
		`hasSuffix(service, "df-")`:          "false",
		`indexOf(service, "root")`:           "3",
		`indexOf(description, "d")`:          "4",
		`indexOf(service, "zzz")`:            "-1",
		`now()`:                              "100.5",
		`now() - time`:                       "10.25",
		`duration("1m30s")`:                  "90",
		`expired()`:                          "false",
		`tagged("prod")`:                     "true",
		`tagged(["prod", "x"])`:              "false",
		`taggedAll(["prod", "web"])`:         "true",
		`taggedAny(["x", "web"])`:            "true",
		`lookup("db1", "maintenance").state`: "on",
		`lookup("db1", "maintenance").metric + 1`:         "8",
		`lookup("db1", "nothing").state ?? "off"`:         "off",
		`lookup("db1", "nothing") == nil`:                 "true",
		`1 in 1..3`:                                       "true",
		`2.0 in 1..3`:                                     "true",
		`4 in 1..3`:                                       "false",
		`"dc" in attributes`:                              "true",
		`"web" in tags`:                                   "true",
		`"web" not in tags`:                               "false",
		`host in [h, "other"]`:                            "true",
		`state in ["a","b","c","d","e","f","g","h","ok"]`: "true",
		`metric in [1,2,3,4,5,6,7,8,9,0.95]`:              "true",
		`host matches "^web\\d+$"`:                        "true",
		`host not matches "^db"`:                          "true",
		`not (host == "web1")`:                            "false",
		`!(host == "web1") or true`:                       "true",
		`0 < metric < 1`:                                  "true",
		`host < "x"`:                                      "true",
		`tags == ["prod", "web"]`:                         "true",
		`true == (metric > 0)`:                            "true",
		`nil == nil`:                                      "true",
		`1 == 1.0`:                                        "true",
		`[1, host]`:                                       "[1 web1]",
	} {
		if got := evalTest(t, text, testInput(fullEvent())).Text(); got != want {
			t.Errorf("%s = %s, want %s", text, got, want)
		}
	}
}

// TestEvalMissing evaluates on an event without any field.
func TestEvalMissing(t *testing.T) {
	fields := []string{"host", "service", "state", "description", "attributes.dc", "event.host"}
	numbers := []string{"metric", "time", "ttl", "event.metric"}
	check := func(text, want string) {
		t.Helper()
		for name, in := range map[string]*Input{"no field": testInput(&event.Event{}), "nil": testInput(nil)} {
			d := evalTest(t, text, in)
			got := d.Text()
			if d.IsMissing() {
				got = "missing"
			}
			if got != want {
				t.Errorf("%s with %s = %s, want %s", text, name, got, want)
			}
		}
	}
	for _, f := range fields {
		for _, c := range []string{`%s == "x"`, `%s == ""`, `"x" == %s`, `%s == %[1]s`, `%s in ["x", "y"]`, `%s in ["", "x", "y"]`, `%s in ["x"]`, `%s in [""]`, `%s in tags`, `%s in attributes`,
			`%s matches ".*"`, `%s contains ""`, `%s startsWith ""`, `%s startsWith "x"`, `%s endsWith ""`, `%s < "x"`, `%s >= ""`, `"" contains %s`, `hasPrefix(%s, "")`, `hasSuffix("", %s)`,
			`%s in ["a","b","c","d","e","f","g","h",""]`, `%s in ["a","b","c","d","e","f","g","h","i","j","k","l","m","n","o","p",""]`, `%s in ["a", host]`, `%s != nil`} {
			check(fmt.Sprintf(c, f), "false")
		}
		for _, c := range []string{`%s != "x"`, `%s != ""`, `%s != %[1]s`, `%s not in ["x"]`, `%s not matches ".*"`, `not (%s == "x")`, `%s == nil`, `nil == %s`} {
			check(fmt.Sprintf(c, f), "true")
		}
		for _, c := range []string{`%s + "x"`, `"x" + %s`, `%s[0]`, `%s[0:1]`, `upper(%s)`, `trim(%s)`, `trim("x", %s)`, `len(%s)`, `replace("x", "x", %s)`, `int(%s)`, `float(%s)`, `string(%s)`,
			`indexOf(%s, "")`, `join(["x"], %s)`, `lookup(%s, "x").state`, `true ? %s : "x"`, `%s ?? %[1]s`} {
			check(fmt.Sprintf(c, f), "missing")
		}
		check(f+` ?? "d"`, "d")
	}
	for _, f := range numbers {
		for _, op := range []string{"==", "<", "<=", ">", ">="} {
			for _, c := range []string{"0", "0.0", "9007199254740993", "metric", "ttl + 1"} {
				check(f+" "+op+" "+c, "false")
				check(c+" "+op+" "+f, "false")
			}
		}
		for _, c := range []string{`%s in [0]`, `%s in [1,2,3,4,5,6,7,8,9,0]`, `%s in 0..20`, `%s in 0..3`, `%s != nil`} {
			check(fmt.Sprintf(c, f), "false")
		}
		for _, c := range []string{`%s != 0`, `%s == nil`, `%s not in [0]`} {
			check(fmt.Sprintf(c, f), "true")
		}
		for _, c := range []string{`%s + 1`, `1 - %s`, `%s * 0`, `%s / 2`, `2 / %s`, `%s %% 2`, `%s ** 0`, `-%s`, `abs(%s)`, `round(%s)`, `max(%s, 1)`, `min(1, %s)`, `int(%s)`, `float(%s)`, `string(%s)`, `tags[%s]`} {
			check(fmt.Sprintf(c, f), "missing")
		}
		check(f+` ?? 3`, "3")
	}
}

func TestEvalOddities(t *testing.T) {
	in := testInput(fullEvent())
	in.Event.SetInt(9007199254740993) // 2^53+1
	for text, want := range map[string]string{
		`metric == 9007199254740993`:     "true",
		`metric == 9007199254740992`:     "false",
		`metric == 9007199254740992.0`:   "false",
		`metric > 9007199254740992.0`:    "true",
		`metric < 9007199254740994.0`:    "true",
		`metric <= 9007199254740992.0`:   "false",
		`metric < 1e300`:                 "true",
		`metric > -1e300`:                "true",
		`metric > 1e300`:                 "false",
		`metric >= -1e300`:               "true",
		`metric / 0.5`:                   "18014398509481984",
		`metric / (metric - metric)`:     "",
		`metric % (metric - metric)`:     "",
		`metric - 1`:                     "9007199254740992",
		`9223372036854775807 * 2 > 1e18`: "true",
		`(metric - metric) ** -1`:        "+Inf",
		`max(metric, 1.5)`:               "9007199254740993",
		`round(metric)`:                  "9007199254740993",
	} {
		if got := evalTest(t, text, in).Text(); got != want {
			t.Errorf("%s = %s, want %s", text, got, want)
		}
	}
	nan := testInput(fullEvent())
	nan.Event.SetFloat(math.NaN())
	for text, want := range map[string]string{
		`metric == metric`: "false", `metric != metric`: "true", `metric > 0`: "false", `metric <= 0`: "false", `not (metric > 0)`: "true",
		`metric in [1,2,3,4,5,6,7,8,9]`: "false", `metric in 1..40`: "false", `metric == nil`: "false", `metric != nil`: "true", `max(metric, 1)`: "1", `max(1, metric)`: "1",
		`metric + 1`: "NaN", `int(metric) ?? 5`: "5",
	} {
		if got := evalTest(t, text, nan).Text(); got != want {
			t.Errorf("NaN: %s = %s, want %s", text, got, want)
		}
	}
}
