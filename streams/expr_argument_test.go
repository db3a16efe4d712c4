package streams

import (
	"strings"
	"testing"

	"zeta/event"
)

func TestPatch(t *testing.T) {
	for text, want := range map[string]string{
		`{state: "x"}`: `{host:web1 service:df-root state:x description:äöü disk metric:0.95 time:90.25 ttl:30 tags:[prod web] attributes:{any key:x dc:eu port:443}}`,
		`{state: nil, description: nil, tags: nil, attributes: nil}`:                                     `{host:web1 service:df-root metric:0.95 time:90.25 ttl:30}`,
		`{metric: metric * 2, state: string(metric), description: nil, tags: [], attributes: {}}`:        `{host:web1 service:df-root state:0.95 metric:1.9 time:90.25 ttl:30 attributes:{any key:x dc:eu port:443}}`,
		`{host: service, service: host, description: nil, tags: [host], attributes: nil}`:                `{host:df-root service:web1 state:ok metric:0.95 time:90.25 ttl:30 tags:[web1]}`,
		`{"attributes.dc": "us", description: nil, "attributes.port": nil, "attributes.any key": state}`: `{host:web1 service:df-root state:ok metric:0.95 time:90.25 ttl:30 tags:[prod web] attributes:{any key:ok dc:us}}`,
		`{attributes: {dc: "us", port: nil, new: upper(host)}, description: nil}`:                        `{host:web1 service:df-root state:ok metric:0.95 time:90.25 ttl:30 tags:[prod web] attributes:{any key:x dc:us new:WEB1}}`,
		`{"attributes.new": "1", attributes: nil, description: nil}`:                                     `{host:web1 service:df-root state:ok metric:0.95 time:90.25 ttl:30 tags:[prod web] attributes:{new:1}}`,
		`{ttl: "5m", time: now(), metric: nil, description: nil}`:                                        `{host:web1 service:df-root state:ok time:100.5 ttl:300 tags:[prod web] attributes:{any key:x dc:eu port:443}}`,
		`{metric: ttl ?? 0, state: attributes.none, description: nil, attributes: nil}`:                  `{host:web1 service:df-root metric:30 time:90.25 ttl:30 tags:[prod web]}`,
	} {
		c, ps := testChecker()
		p, ok := compilePatch(c, parseTest(t, text))
		if !ok {
			t.Errorf("%s: %s", text, *ps)
			continue
		}
		e := fullEvent()
		p.in = testInput(e)
		if got := eventText(p.Event(e)); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
		if eventText(e) != eventText(fullEvent()) {
			t.Errorf("%s changed the original", text)
		}
	}
}

func TestArgumentProblems(t *testing.T) {
	patch := func(c *checker, text string) { compilePatch(c, parseTest(t, text)) }
	mapper := func(c *checker, text string) { compileMapper(c, parseTest(t, text)) }
	pattern := func(c *checker, text string) { compilePattern(c, parseTest(t, text)) }
	fieldName := func(c *checker, text string) { compileFieldName(c, parseTest(t, text)) }
	keys := func(c *checker, text string) { compileKeys(c, parseTest(t, text)) }
	points := func(c *checker, text string) { compilePoints(c, parseTest(t, text)) }
	constant := func(c *checker, text string) { compileConst(c, parseTest(t, text)) }
	const fields = "an event has host, service, state, metric, description, tags, time, ttl; attributes are "
	for _, x := range []struct {
		compile    func(*checker, string)
		text, want string
	}{
		{patch, `{stat: "x"}`, `1-5: an event has no field stat | ` + fields + `"attributes.NAME" | did you mean "state"?`},
		{patch, `{state: 5}`, `8-9: 5 is a number | state takes a string | string(5) makes it one`},
		{patch, `{metric: "5"}`, `9-12: "5" is a string | metric takes a number`},
		{patch, `{state: "a", state: "b"}`, `13-18: state is set twice`},
		{patch, `{tags: "a"}`, `7-10: "a" is a string | tags takes a list`},
		{patch, `{tags: [1]}`, `7-8: [1] holds numbers | tags are strings`},
		{patch, `{ttl: "5 min"}`, `6-13: "5 min" is no duration | a ttl is seconds or a duration such as "5m"`},
		{patch, `{attributes: {dc: 5}}`, `18-19: 5 is a number | attributes.dc takes a string | string(5) makes it one`},
		{patch, `{(host): "x"}`, `2-6: a computed key | the keys of a patch are fields`},
		{patch, `state`, `0-5: state is no patch | a patch is a map of fields: {state: "ok", metric: metric * 2}`},
		{mapper, `metric`, `0-6: metric is a number | an event is expected: a fold, a patch such as {state: "ok"}, or event | write {metric: metric}`},
		{mapper, `sortedSample`, `0-12: sortedSample without points | call it with points: sortedSample([0, 0.5, 1])`},
		{mapper, `sortedSample([2])`, `14-15: 2 is no point | points are a list of numbers from 0 to 1, or a map of them to suffixes: {0.5: " median"}`},
		{mapper, `mean(1)`, `0-4: the fold mean is called | a fold is a bare name here | write mean`},
		{mapper, `meen`, `0-4: unknown name meen | a fold such as mean or sum, a patch, or an expression over the event | did you mean "mean"?`},
		{pattern, `metric`, `0-6: metric depends on the event | a constant is expected here`},
		{pattern, `regex("(")`, `6-9: the pattern "(" does not compile: missing closing ) | patterns are Go's regular expressions`},
		{pattern, `regex(1)`, `6-7: 1 is no string | it is regex("pattern")`},
		{pattern, `{a: metric}`, `4-10: metric depends on the event | a constant is expected here`},
		{fieldName, `metrik`, `0-6: an event has no field metrik | ` + fields + `attributes.NAME | did you mean "metric"?`},
		{fieldName, `"metric"`, `0-8: "metric" is a string | a field is a bare name | write metric`},
		{fieldName, `event`, `0-5: event is no field | a field is a bare name: state, metric, attributes.NAME`},
		{fieldName, `5`, `0-1: 5 is no field | a field is a bare name: state, metric, attributes.NAME`},
		{keys, `[]`, `0-1: no keys | a field, an expression or a list of them`},
		{keys, `["host"]`, `1-7: "host" is the same for all events | a key is a field or an expression over the event | write host without quotes`},
		{keys, `[host, servce]`, `7-13: unknown name servce | ` + fields + `attributes.NAME | did you mean "service"?`},
		{points, `{x: ".min"}`, `1-2: "x" is no point | points are a list of numbers from 0 to 1, or a map of them to suffixes: {0.5: " median"}`},
		{points, `{0.5: 1}`, `6-7: 1 is no suffix | points are a list of numbers from 0 to 1, or a map of them to suffixes: {0.5: " median"}`},
		{points, `0.5`, `0-3: 0.5 is no list of points | points are a list of numbers from 0 to 1, or a map of them to suffixes: {0.5: " median"}`},
		{constant, `metric + 1`, `7-8: metric + 1 depends on the event | a constant is expected here`},
		{constant, `now()`, `0-3: now() depends on the event | a constant is expected here`},
	} {
		c, ps := testChecker()
		x.compile(c, x.text)
		var got []string
		for _, p := range *ps {
			got = append(got, p.String())
		}
		if s := strings.Join(got, "\n"); s != x.want {
			t.Errorf("%s\n got %s\nwant %s", x.text, s, x.want)
		}
	}
}

func TestWindowInput(t *testing.T) {
	c, ps := testChecker()
	c.in = Windows
	compileCond(c, parseTest(t, `metric > 1`))
	if len(*ps) != 1 || !strings.Contains((*ps)[0].found, "the input here is a window") {
		t.Errorf("a field of a window: %s", *ps)
	}
	w := testInput(nil)
	w.Value = WindowValue([]*event.Event{fullEvent(), nil})
	for text, want := range map[string]bool{
		`len(event) == 2`: true, `event[0].metric == 0.95`: true, `event[1] == nil`: true, `event[1].metric == nil`: true, `event[-2].host == "web1"`: true,
		`event[7].host == "web1"`: false, `len(event[1:]) == 1`: true,
	} {
		c, ps := testChecker()
		c.in = Windows
		if test, _ := compileCond(c, parseTest(t, text)); len(*ps) > 0 || test(w) != want {
			t.Errorf("%s: want %v %s", text, want, *ps)
		}
	}
}

func TestPattern(t *testing.T) {
	for _, x := range []struct {
		value, pattern string
		want           bool
	}{
		{`service`, `"df-root"`, true}, {`service`, `"df"`, false}, {`service`, `["x", "df-root"]`, true}, {`service`, `[]`, false},
		{`service`, `regex("oo")`, true}, {`service`, `regex("^oo")`, false}, {`metric`, `regex("9")`, false},
		{`metric`, `0.95`, true}, {`ttl`, `30`, true}, {`ttl`, `[1, 30.0]`, true}, {`ttl`, `-30`, false}, {`attributes.none`, `nil`, true}, {`host`, `nil`, false},
		{`attributes.none`, `["x", nil]`, true}, {`host`, `["x", nil]`, false}, {`metric > 0`, `true`, true},
		{`event`, `{state: regex("^o"), host: "web1"}`, true}, {`event`, `{state: "ok", host: "web2"}`, false}, {`event`, `{}`, true}, {`host`, `{}`, false},
		{`event`, `{attributes: {dc: "eu", none: nil}}`, true}, {`event`, `{attributes: {dc: ["us", "cn"]}}`, false}, {`event`, `{dc: "eu"}`, true},
		{`attributes`, `{dc: "eu"}`, true}, {`event`, `{metric: [0.95, 1]}`, true}, {`service`, `limit`, false}, {`0.9`, `limit`, true},
	} {
		c, ps := testChecker()
		p, ok := compilePattern(c, parseTest(t, x.pattern))
		if !ok {
			t.Errorf("%s: %s", x.pattern, *ps)
			continue
		}
		if got := p.Match(evalTest(t, x.value, testInput(fullEvent()))); got != x.want {
			t.Errorf("%s fits %s = %v", x.value, x.pattern, got)
		}
	}
}

func TestMapper(t *testing.T) {
	a, b := fullEvent(), fullEvent()
	b.SetFloat(3)
	b.SetService("b")
	window := WindowValue([]*event.Event{a, b})
	for _, x := range []struct {
		text         string
		in           Value
		takes, gives Kind
		want         string
	}{
		{`max`, window, Windows, Events, "b"}, {`maximum`, window, Windows, Events, "b"}, {`min`, window, Windows, Events, "df-root"},
		{`{service: service + "!"}`, EventValue(a), Events, Events, "df-root!"},
		{`event`, EventValue(a), Either, Events, "df-root"},
		{`[event, {service: "x"}]`, EventValue(a), Events, Events, "df-root x"},
		{`metric > 1 ? event : nil`, EventValue(a), Either, Events, "nil"},
		{`metric > 1 ? event : nil`, EventValue(b), Either, Events, "b"},
		{`sortedSample([0, 1])`, window, Windows, Windows, "[df-root 0 b 1]"},
		{`sortedSample({0: ".min"})`, window, Windows, Windows, "[df-root.min]"},
		{`{metric: 1}`, Value{}, Events, Events, "nil"},
		{`lookup("db1", "maintenance")`, EventValue(a), Either, Events, "maintenance"},
	} {
		c, ps := testChecker()
		m, ok := compileMapper(c, parseTest(t, x.text))
		if !ok {
			t.Errorf("%s: %s", x.text, *ps)
			continue
		}
		m.in = testInput(nil)
		vs, err := m.MapAll(x.in)
		if err != nil || m.takes != x.takes || m.gives != x.gives {
			t.Errorf("%s: takes %v gives %v %v", x.text, m.takes, m.gives, err)
		}
		var got []string
		for _, v := range vs {
			got = append(got, servicesOf(v))
		}
		if s := strings.Join(got, " "); s != x.want {
			t.Errorf("%s = %s, want %s", x.text, s, x.want)
		}
		if one, _ := m.Map(x.in); len(vs) > 0 && servicesOf(one) != got[0] {
			t.Errorf("%s: Map gives %s", x.text, servicesOf(one))
		}
	}
}

func servicesOf(v Value) string {
	switch {
	case v.IsWindow():
		var ss []string
		for _, e := range v.Window {
			ss = append(ss, e.Service)
		}
		return "[" + strings.Join(ss, " ") + "]"
	case v.IsNil():
		return "nil"
	}
	return v.Event.Service
}

func TestReduce(t *testing.T) {
	acc, e := fullEvent(), fullEvent()
	acc.SetInt(5)
	e.SetInt(2)
	for text, want := range map[string]string{`sum`: "7", `{metric: acc.metric * 10 + metric}`: "52", `acc`: "5"} {
		c, ps := testChecker()
		c.acc = true
		m, ok := compileMapper(c, parseTest(t, text))
		if !ok {
			t.Errorf("%s: %s", text, *ps)
			continue
		}
		m.in = testInput(nil)
		v, err := m.Reduce(EventValue(acc), EventValue(e))
		if err != nil || v.Event == nil || metricScalar(v.Event).datum().Text() != want {
			t.Errorf("%s = %s %v, want %s", text, eventText(v.Event), err, want)
		}
	}
}

func TestKeysAndFieldNames(t *testing.T) {
	c, ps := testChecker()
	keys, ok := compileKeys(c, parseTest(t, `[host, attributes.dc, upper(state), attributes["any key"]]`))
	if !ok || len(keys) != 4 {
		t.Fatal(*ps)
	}
	for i, want := range []struct {
		field  FieldName
		static bool
		value  string
	}{{FieldName{Name: "host"}, true, "web1"}, {FieldName{"attributes", "dc"}, true, "eu"}, {FieldName{}, false, "OK"}, {FieldName{"attributes", "any key"}, true, "x"}} {
		k := keys[i]
		k.in = testInput(nil)
		if k.field != want.field || k.static != want.static || k.Eval(EventValue(fullEvent())).Text() != want.value {
			t.Errorf("%s: %+v", k.Text, k)
		}
	}
	for text, want := range map[string]FieldName{`metric`: {Name: "metric"}, `attributes.dc`: {"attributes", "dc"}, `attributes["a b"]`: {"attributes", "a b"}, `tags`: {Name: "tags"}} {
		got, ok := compileFieldName(c, parseTest(t, text))
		if !ok || got != want {
			t.Errorf("%s = %v", text, got)
		}
	}
}
