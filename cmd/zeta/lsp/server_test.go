package lsp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestProblemsWhileTyping(t *testing.T) {
	e := newEditor(t, nil)
	e.initialize()
	e.open("zeta.expr", "where(description == \"😀ä\" and metrc > 5, index);\nlet half = 5;\n")
	e.want(e.problems("zeta.expr"), `0:31-36 1 where: unknown name metrc`)
	change := func(text string, at *span) {
		e.notify("textDocument/didChange", map[string]any{
			"textDocument":   map[string]any{"uri": e.uri("zeta.expr"), "version": 2},
			"contentChanges": []any{map[string]any{"range": at, "text": text}},
		})
	}
	// Columns count UTF-16 code units: the smiling face is two.
	change("metric", &span{position{0, 31}, position{0, 36}})
	e.want(e.problems("zeta.expr"), `1:4-8 2 let: half is not used`)
	change("", &span{position{1, 0}, position{9, 0}})
	e.want(e.problems("zeta.expr"))
	change("where(", nil)
	e.want(e.problems("zeta.expr"), `0:5-6 1 ( is not closed`)
	e.notify("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": e.uri("zeta.expr")}})
	e.want(e.problems("zeta.expr"))
	e.exit()
}

// TestIncluded checks a file of rules together with the file that includes it, on disk or open.
func TestIncluded(t *testing.T) {
	e := newEditor(t, map[string]string{
		"zeta.expr":      "let ops = tap(\"ops\");\ninclude(\"rules.d/*.expr\");\n",
		"rules.d/b.expr": "where(metric > limit, ops);\n",
		"rules.d/c.expr": "let limit = 5;\n",
		"other.expr":     "let unrelated = 5;\n",
	})
	e.initialize()
	e.open("rules.d/b.expr", "where(metric > limit, ops); where(metric > limt, ops);\n")
	e.want(e.problems("rules.d/b.expr"), `0:43-47 1 where: unknown name limt`)
	e.open("rules.d/c.expr", "let limt = 5;\n")
	e.want(e.problems("rules.d/b.expr"), `0:15-20 1 where: unknown name limit`)
	var at []location
	e.result(&at, "textDocument/definition", e.place("rules.d/b.expr", "where(metric > limt, o|ps);\n"))
	if len(at) != 1 || at[0].URI != e.uri("zeta.expr") || at[0].Range.Start != (position{0, 4}) {
		t.Errorf("ops is defined at %v", at)
	}
	e.result(&at, "textDocument/definition", e.place("rules.d/b.expr", "where(metric > limt|, ops);\n"))
	if len(at) != 1 || at[0].URI != e.uri("rules.d/c.expr") {
		t.Errorf("limt is defined at %v", at)
	}
	e.exit()
}

func TestHover(t *testing.T) {
	e := newEditor(t, nil)
	e.initialize()
	for text, want := range map[string]string{
		`thro|ttle(1, "1h", index);`:                         "throttle(limit, every, streams…)",
		`fixedTimeWindow("1m", smap(mea|n, index));`:         "**mean**",
		`where(upp|er(state) == "X", index);`:                "upper(s string) string",
		`where(metr|ic > 5, index);`:                         "The measured value",
		`where(attributes.plug|in == "df", index);`:          "attributes.plugin",
		`changedState({in|it: "ok"}, index);`:                "`{init}`",
		`with({sta|te: "ok"}, index);`:                       "state string",
		`let limit = 5; where(metric > lim|it, index);`:      "let limit = 5",
		`def(tell(to), index); tel|l("x");`:                  "def(tell(to), index)",
		`te|st("x", at(0), expect(index, []));`:              "Try an example with the rules",
		`where(tag|ged("x"), index);`:                        "---",
		`where(state == "thro|ttle", index); // a comment`:   "",
		`index; // throt|tle`:                                "",
		`where(metric > 5 |  , index);`:                      "",
		`by(host, where(metric > 5, else(frob|nicate)));`:    "",
		`/* 😀 */ rollup|(3, "1h", index);`:                   "rollup(",
		`where(event.sta|te == "x", index);`:                 "Such as ok",
		"where(state == `raw\n \" ; string`, thr|ottle(1));": "throttle",
	} {
		var got hover
		e.result(&got, "textDocument/hover", e.place("zeta.expr", text))
		if !strings.Contains(got.Contents.Value, want) || want == "" && got.Contents.Value != "" {
			t.Errorf("%s: got %q, want %q", text, got.Contents.Value, want)
		}
	}
	e.exit()
}

func TestCompletion(t *testing.T) {
	e := newEditor(t, map[string]string{"rules.d/names.expr": "def(page(who), index); where(attributes.rack == \"a\", index);"})
	e.initialize()
	for _, c := range []struct{ text, has, hasNot string }{
		{`|`, "throttle where let def include test listen", "metric mean upper"},
		{`let a = tap("x"); thr|`, "throttle a", "metric"},
		{`where(met|`, "metric service tagged upper", ""},
		{`include("rules.d/*.expr"); where(attributes.|`, "plugin rack type_instance", "host throttle"},
		{`include("rules.d/*.expr"); where(metric > 5, p|`, "page throttle index else", ""},
		{`smap(|`, "mean max", ""},
		{`changedState({|`, "init pairs", "host metric init:"},
		{`changedState({init: "ok", |`, "pairs", "init metric"},
		{`changedState({init: "ok", pairs: |`, "", "pairs"},
		{`with({|`, "host state metric", "throttle"},
		{`with({host: "a", |`, "state metric", "host"},
		{`test("x", at(0, event({|`, "host attributes", "throttle"},
		{`test("x", at(0), |`, "at expect", ""},
		{`splitp(|`, `"<" "!="`, "throttle"},
		{`where(state == "thr|`, "", "throttle metric"},
		{`index; // thr|`, "", "throttle metric"},
		{`index; /* ; */ |`, "throttle let", "metric"},
		{"where(state == 'a;b', `c\n;`, |", "throttle metric", "let"},
		{`where(event.|`, "host metric", "throttle"},
		{`nonsense({|`, "", "host init"},
		{`{|`, "", "host init"},
		{`)))]};|`, "throttle", "metric"},
	} {
		var got []completionItem
		e.result(&got, "textDocument/completion", e.place("zeta.expr", c.text))
		labels := map[string]bool{}
		for _, i := range got {
			labels[i.Label] = true
		}
		for _, name := range strings.Fields(c.has) {
			if !labels[name] {
				t.Errorf("%s: %s is not offered", c.text, name)
			}
		}
		for _, name := range strings.Fields(c.hasNot) {
			if labels[name] {
				t.Errorf("%s: %s is offered", c.text, name)
			}
		}
	}
	e.exit()
}

func TestFormattingAndSymbols(t *testing.T) {
	e := newEditor(t, nil)
	e.initialize()
	place := e.place("zeta.expr", "let 	a=5 ;|\ndef(f(x),index) ;;")
	var edits []textEdit
	e.result(&edits, "textDocument/formatting", place)
	if len(edits) != 1 || edits[0].NewText != "let a = 5;\ndef(f(x), index);\n" || edits[0].Range.End != (position{1, 18}) {
		t.Errorf("edits %+v", edits)
	}
	var symbols []symbol
	e.result(&symbols, "textDocument/documentSymbol", place)
	if len(symbols) != 2 || symbols[0].Name != "a" || symbols[0].Range.Start != (position{0, 5}) || symbols[1].Name != "f" {
		t.Errorf("symbols %+v", symbols)
	}
	e.result(&edits, "textDocument/formatting", e.place("zeta.expr", "where(|"))
	if len(edits) != 0 {
		t.Errorf("a text with mistakes is formatted: %+v", edits)
	}
	e.exit()
}

// TestGarbage sends what no editor would. The server goes on.
func TestGarbage(t *testing.T) {
	e := newEditor(t, nil)
	code := func(m map[string]any) any {
		failed, _ := m["error"].(map[string]any)
		return failed["code"]
	}
	if c := code(e.request("textDocument/hover", nil)); c != float64(codeNotInitialized) {
		t.Errorf("before initialize: %v", c)
	}
	e.initialize()
	e.raw("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n\r\n")
	e.raw(strings.Repeat("x", 3*maxHeaderBytes) + "\r\n\r\n")
	e.raw("Content-Length: -5\r\n\r\nContent-Length: many\r\n\r\n")
	e.raw("Content-Length: 3\r\n\r\n{{{")
	if c := code(e.next()); c != float64(codeParse) {
		t.Errorf("no JSON: %v", c)
	}
	e.raw(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", maxMessageBytes+1, strings.Repeat("x", maxMessageBytes+1)))
	if c := code(e.next()); c != float64(codeInvalidRequest) {
		t.Errorf("a giant message: %v", c)
	}
	nested := strings.Repeat("[", 20_000)
	e.raw(fmt.Sprintf("content-length: %d\n\n%s", len(nested), nested))
	if c := code(e.next()); c != float64(codeParse) {
		t.Errorf("deep JSON: %v", c)
	}
	e.raw("Content-Length: 2\r\n\r\n{}")
	e.raw("Content-Length: 2\r\n\r\n[]")
	if c := code(e.next()); c != float64(codeParse) {
		t.Errorf("a batch: %v", c)
	}
	for _, params := range []any{nil, 5, "x", []any{}, map[string]any{"textDocument": 5}, map[string]any{"textDocument": map[string]any{"uri": "file:///nowhere"}}} {
		for method := range methods {
			if method == "initialize" || method == "shutdown" {
				continue
			}
			e.request(method, params)
		}
	}
	if c := code(e.request("textDocument/rename", map[string]any{})); c != float64(codeNoMethod) {
		t.Errorf("unknown method: %v", c)
	}
	e.asked = nil
	e.open("zeta.expr", "index;")
	e.want(e.problems("zeta.expr"))
	for _, at := range []position{{-1, -1}, {0, -5}, {0, 1 << 30}, {1 << 30, 0}, {5, 5}} {
		for _, method := range []string{"hover", "completion", "definition"} {
			m := e.request("textDocument/"+method, map[string]any{"textDocument": map[string]any{"uri": e.uri("zeta.expr")}, "position": at})
			if m["error"] != nil {
				t.Errorf("%s at %v: %v", method, at, m["error"])
			}
		}
	}
	e.open("untitled", "\xff\xfe where(\x00")
	e.request("shutdown", nil)
	if c := code(e.request("textDocument/hover", nil)); c != float64(codeInvalidRequest) {
		t.Errorf("after shutdown: %v", c)
	}
	e.notify("exit", nil)
	if err := <-e.done; err != nil {
		t.Error(err)
	}
}

func TestEnds(t *testing.T) {
	e := newEditor(t, nil)
	e.initialize()
	e.notify("exit", nil)
	if err := <-e.done; !errors.Is(err, ErrNoShutdown) {
		t.Errorf("exit without shutdown: %v", err)
	}
	e = newEditor(t, nil)
	e.initialize()
	e.raw("Content-Length: 100\r\n\r\n{")
	e.in.Close()
	if err := <-e.done; err != nil {
		t.Errorf("the end of the input: %v", err)
	}
}

// TestManyChanges are answered with the problems of the last text, whatever was skipped.
func TestManyChanges(t *testing.T) {
	e := newEditor(t, nil)
	e.initialize()
	e.open("zeta.expr", "index;")
	for i := range 200 {
		e.notify("textDocument/didChange", map[string]any{
			"textDocument":   map[string]any{"uri": e.uri("zeta.expr"), "version": i},
			"contentChanges": []any{map[string]any{"text": fmt.Sprintf("unknown%d;", i)}},
		})
	}
	var got []string
	for len(got) == 0 || got[0] != "0:0-10 1 unknown stream unknown199" {
		got = e.problems("zeta.expr")
	}
	e.exit()
}
