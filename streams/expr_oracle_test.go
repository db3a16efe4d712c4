package streams

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"zeta/event"
)

// exprWriter writes random expressions that mean the same to zeta and to expr's own machine. Where zeta
// departs from it on purpose, nothing is written, rather than differences tolerated: divisors and moduli are
// constants other than 0, whole numbers stay far from 2^53, strings are cut in ASCII only, indexes are in
// range, no value is missing, and functions that order NaN are left out where the metric is NaN (nan).
type exprWriter struct {
	r   *rand.Rand
	nan bool
}

func (w *exprWriter) pick(from ...string) string { return from[w.r.IntN(len(from))] }

// cond writes a bool.
func (w *exprWriter) cond(depth int) string {
	if depth <= 0 {
		return w.test(0)
	}
	switch w.r.IntN(9) {
	case 0, 1:
		return "(" + w.cond(depth-1) + w.pick(" and ", " && ") + w.cond(depth-1) + ")"
	case 2:
		return "(" + w.cond(depth-1) + w.pick(" or ", " || ") + w.cond(depth-1) + ")"
	case 3:
		return w.pick("not (", "!(") + w.cond(depth-1) + ")"
	case 4:
		return "(" + w.cond(depth-1) + " ? " + w.cond(depth-1) + " : " + w.cond(depth-1) + ")"
	case 5:
		return "((" + w.cond(depth-1) + w.pick(") == (", ") != (") + w.cond(depth-1) + "))"
	}
	return w.test(depth - 1)
}

// test writes a bool made of numbers and strings.
func (w *exprWriter) test(depth int) string {
	switch w.r.IntN(14) {
	case 0, 1:
		return "metric " + w.pick("<", "<=", ">", ">=", "==", "!=") + " " + w.number()
	case 2, 3:
		return w.num(depth) + " " + w.pick("<", "<=", ">", ">=", "==", "!=") + " " + w.num(depth)
	case 4:
		return w.number() + w.pick(" < ", " <= ") + w.num(depth) + w.pick(" < ", " <= ") + w.number()
	case 5:
		return w.num(depth) + w.pick(" in ", " not in ") + w.pick("[0, 1, 2.5]", "[0, 1, 2, 3, 4, 5, 6.5, 7, 8, 9]", "[0, 1, 2, 3, 4, 5, 6.5, 7, 8, 9, 10, 11, 0.95, 13, 14, 15, 16, 17]", "0..3", "["+w.num(depth-1)+", 3]")
	case 6, 7:
		return w.str(depth) + " " + w.pick("==", "!=", "<", "<=", ">", ">=") + " " + w.str(depth)
	case 8:
		return w.field() + w.pick(" == ", " != ") + w.text()
	case 9:
		return w.str(depth) + w.pick(" contains ", " startsWith ", " endsWith ", " not contains ", " not startsWith ") + w.str(depth-1)
	case 10:
		return w.str(depth) + w.pick(" in ", " not in ") + w.pick("tags", "attributes", `["ok"]`, `["web1", ""]`, `["a", "b", "ok", "df-root"]`,
			`["a", "b", "c", "d", "e", "f", "g", "web1", "ok", "eu"]`, `["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "", "web1", "ok", "eu"]`, "["+w.str(depth-1)+", host]")
	case 11:
		return w.str(depth) + w.pick(" matches ", " not matches ") + w.pick(`"^web"`, `"^df-.*t$"`, `"o"`, `"[äö]"`, `"(?i)WEB\\d"`, `"^$"`, `"\\bdisk\\b"`, `"^(ok|warning)$"`)
	case 12:
		return w.pick("hasPrefix", "hasSuffix") + "(" + w.str(depth) + ", " + w.str(depth-1) + ")"
	}
	return w.pick("true", "false", `"prod" in tags`, `"dc" in attributes`, "metric != nil", "state == nil")
}

func (w *exprWriter) number() string {
	return w.pick("0", "1", "-1", "2", "7", "100", "0.5", "-0.25", "3.0", "0.95", "1e3", "90.25", "30")
}

// num writes a number.
func (w *exprWriter) num(depth int) string {
	if depth <= 0 {
		return w.pick("metric", "metric", "time", "ttl", w.number(), w.number(), w.whole(0))
	}
	switch w.r.IntN(11) {
	case 0, 1:
		return "(" + w.num(depth-1) + w.pick(" + ", " - ") + w.num(depth-1) + ")"
	case 2:
		return "(" + w.num(depth-1) + " * " + w.pick("2", "-3", "0.5", "0", "1.0") + ")"
	case 3:
		return "(" + w.num(depth-1) + " / " + w.pick("2", "-3", "0.5", "1024") + ")"
	case 4:
		return "(" + w.num(0) + w.pick(" ** ", " ^ ") + w.pick("0", "1", "2", "3") + ")"
	case 5:
		return "-(" + w.num(depth-1) + ")"
	case 6:
		return w.pick("abs", "ceil", "floor", "round", "float") + "(" + w.num(depth-1) + ")"
	case 7:
		if !w.nan {
			// expr takes the kind of the first argument for that of the result, which an int there makes wrong.
			return w.pick("min", "max") + "(metric, " + w.num(depth-1) + ")"
		}
	case 8:
		return "(" + w.cond(depth-1) + " ? " + w.num(depth-1) + " : " + w.num(depth-1) + ")"
	case 9:
		return "(" + w.num(depth-1) + " ?? " + w.num(depth-1) + ")"
	}
	return w.whole(depth)
}

// whole writes what is an int to both.
func (w *exprWriter) whole(depth int) string {
	switch w.r.IntN(6) {
	case 0:
		return "len(" + w.str(depth-1) + ")"
	case 1:
		return "len(" + w.pick("tags", "attributes") + ")"
	case 2:
		return "(" + w.pick("len(host)", "len(tags)", "17", "-17") + " % " + w.pick("2", "3", "-5") + ")"
	case 3:
		return "indexOf(" + w.ascii() + ", " + w.pick(`"o"`, `"-"`, `"b1"`, `"zz"`) + ")"
	case 4:
		return w.pick(`int("12")`, "int(attributes.port)", "int(2.9)", "int(ttl)", "int(-0.5)")
	}
	return w.pick("3", "0", "12")
}

func (w *exprWriter) field() string {
	return w.pick("host", "service", "state", "description", "attributes.dc", `attributes["any key"]`)
}

func (w *exprWriter) ascii() string { return w.pick("host", "service", "state", "attributes.dc") }

func (w *exprWriter) text() string {
	return w.pick(`"web1"`, `"df-root"`, `"ok"`, `"eu"`, `""`, `"o"`, `"df-"`, `"disk"`, `"ä"`, `"dc"`)
}

// str writes a string.
func (w *exprWriter) str(depth int) string {
	if depth <= 0 {
		return w.pick(w.field(), w.field(), w.text())
	}
	switch w.r.IntN(10) {
	case 0, 1:
		return "(" + w.str(depth-1) + " + " + w.str(depth-1) + ")"
	case 2:
		return w.pick("upper", "lower", "trim") + "(" + w.str(depth-1) + ")"
	case 3:
		return w.pick("trim", "trimPrefix", "trimSuffix") + "(" + w.str(depth-1) + ", " + w.str(depth-1) + ")"
	case 4:
		return "replace(" + w.str(depth-1) + ", " + w.pick(`"o"`, `"-"`, `"ä"`) + ", " + w.str(depth-1) + ")"
	case 5:
		return w.pick(`join(tags, ",")`, "join(tags)", `join(tags, host)`, "tags[0]", "tags[-1]", "tags[1]")
	case 6:
		return w.ascii() + w.pick("[1:]", "[:2]", "[0:1]", "[-2:]", "[:-1]", "[5:2]", "[2:99]", "[:]")
	case 7:
		return "(" + w.cond(depth-1) + " ? " + w.str(depth-1) + " : " + w.str(depth-1) + ")"
	case 8:
		return "string(" + w.pick("metric", w.whole(depth-1), w.cond(depth-1), w.str(depth-1)) + ")"
	}
	return "(" + w.str(depth-1) + " ?? " + w.str(depth-1) + ")"
}

// randomEvent has every field.
func randomEvent(r *rand.Rand, nan bool) *event.Event {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	e := fullEvent()
	e.SetHost(pick("web1", "db-2", "WEB9", "o"))
	e.SetService(pick("df-root", "load", "disk-o", ""))
	e.SetState(pick("ok", "warning", "critical", "expired", ""))
	e.SetDescription(pick("äöü disk", "disk full", "  o ", ""))
	switch r.IntN(4) {
	case 0:
		e.SetInt(r.Int64N(21) - 10)
	case 1:
		e.SetInt(r.Int64N(2_000_000) - 1_000_000)
	case 2:
		e.SetFloat(float64(r.IntN(41)-20) / 8)
	default:
		e.SetFloat([]float64{0.95, 0.5, -0.25, 99.9, 3}[r.IntN(5)])
	}
	if nan {
		e.SetFloat(math.NaN())
	}
	e.SetTime(r.Int64N(200) * 250_000)
	e.SetTTL(float64(r.IntN(60)) / 2)
	tags := []string{pick("prod", "ok"), pick("web", "o"), pick("web1", "x")}
	e.Set = event.NewSet(tags[:2+r.IntN(2)], []event.Attr{{Key: "dc", Value: pick("eu", "us")}, {Key: "any key", Value: pick("o", "ok", "")}, {Key: "port", Value: pick("443", "-7")}})
	return e
}

func oracleEnv(e *event.Event) map[string]any {
	attrs := map[string]string{}
	for _, a := range e.Attrs() {
		attrs[a.Key] = a.Value
	}
	var metric any = e.Float
	if e.Has&event.HasInt != 0 {
		metric = int(e.Int)
	}
	return map[string]any{"host": e.Host, "service": e.Service, "state": e.State, "description": e.Description, "metric": metric,
		"time": float64(e.Time) / 1e6, "ttl": e.TTL, "tags": e.Tags(), "attributes": attrs}
}

// differences runs one expression on events both ways and describes the first difference.
func differences(t testing.TB, r *rand.Rand, text string, nan bool, events int) string {
	program, err := expr.Compile(text, expr.Env(map[string]any{
		"host": "", "service": "", "state": "", "description": "", "metric": new(any), "time": 0.0, "ttl": 0.0, "tags": []string{}, "attributes": map[string]string{},
	}), expr.MaxNodes(0))
	if err != nil {
		return "expr refuses it: " + err.Error()
	}
	c, ps := testChecker()
	n := parseTest(t, text)
	x := c.compile(n)
	for _, p := range *ps {
		if !p.warning {
			return "zeta refuses it: " + p.String()
		}
	}
	var machine vm.VM
	for range events {
		e := randomEvent(r, nan)
		want, err := machine.Run(program, oracleEnv(e))
		if err != nil {
			return "expr fails: " + err.Error()
		}
		in := testInput(e)
		got := x.eval(in)
		if !sameResult(got, want) {
			return fmt.Sprintf("= %#v, expr says %#v, on %s", got.Text(), want, eventText(e))
		}
		if x.kind == kindBool && x.test(in) != got.Bool {
			return "test and eval differ"
		}
		if x.static {
			other := *e
			other.Clear(event.HasMetric | event.HasState | event.HasDescription | event.HasTime | event.HasTTL)
			if d := x.eval(testInput(&other)); !d.Equal(got) {
				return "it is static, but depends on more than the series"
			}
		}
		if x.kind == kindBool {
			fixed, rest := compileSplitCond(c, n)
			if holds := (fixed == nil || fixed(in)) && (rest == nil || rest(in)); holds != got.Bool {
				return "the parts of the condition differ from the whole"
			}
		}
	}
	return ""
}

// eventText prints an event for a failure.
func eventText(e *event.Event) string { return string(appendEventText(nil, e)) }

func sameResult(got Datum, want any) bool {
	switch want := want.(type) {
	case bool:
		return got.Kind == Bool && got.Bool == want
	case string:
		return got.Kind == String && got.Str == want
	case int:
		return got.Equal(IntDatum(int64(want)))
	case float64:
		return (got.Kind == Int || got.Kind == Float) && got.Equal(FloatDatum(want))
	}
	return false
}

func TestExprAgreesWithOracle(t *testing.T) {
	expressions, events := 1500, 14
	if *long {
		expressions, events = 200_000, 50
	}
	for seed := range uint64(expressions) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := &exprWriter{r: r, nan: seed%8 == 0}
		var text string
		switch depth := 1 + r.IntN(3); seed % 4 {
		case 0, 1:
			text = w.cond(depth)
		case 2:
			text = w.num(depth)
		default:
			text = w.str(depth)
		}
		if len(text) > 4000 {
			continue
		}
		if w.nan && strings.Contains(text, "string(metric)") {
			w.nan = false
		}
		if d := differences(t, r, text, w.nan, events); d != "" {
			t.Fatalf("seed %d: %s\n%s", seed, text, d)
		}
	}
}

func FuzzExprAgreesWithOracle(f *testing.F) {
	f.Add(uint64(1), uint64(2), uint8(2))
	f.Fuzz(func(t *testing.T, a, b uint64, depth uint8) {
		r := rand.New(rand.NewPCG(a, b))
		text := (&exprWriter{r: r}).cond(1 + int(depth%4))
		if len(text) > 4000 {
			return
		}
		if d := differences(t, r, text, false, 8); d != "" {
			t.Fatalf("%s\n%s", text, d)
		}
	})
}
