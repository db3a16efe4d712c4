package streams

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"zeta/event"
)

var (
	aNumber = []exprKind{kindNumber}
	aString = []exprKind{kindString}
)

// builtinTable is every function of expressions. A name means what it means in expr wherever expr has it.
var builtinTable = []exprFunction{
	{name: "abs", params: []param{{name: "x", kinds: aNumber}}, result: kindNumber,
		summary: "The number without its sign.", example: `abs(metric) > 10`,
		compile: numberFunction(func(x scalar) scalar {
			if x.kind == Int && x.i >= 0 {
				return x
			}
			if x.kind == Int {
				return negateScalar(x)
			}
			return floatScalar(math.Abs(x.f))
		})},
	{name: "ceil", params: []param{{name: "x", kinds: aNumber}}, result: kindNumber,
		summary: "The least whole number that is not less.", example: `ceil(metric) == 3`,
		compile: numberFunction(roundedBy(math.Ceil))},
	{name: "floor", params: []param{{name: "x", kinds: aNumber}}, result: kindNumber,
		summary: "The greatest whole number that is not greater.", example: `floor(metric) == 3`,
		compile: numberFunction(roundedBy(math.Floor))},
	{name: "round", params: []param{{name: "x", kinds: aNumber}}, result: kindNumber,
		summary: "The nearest whole number, halves away from zero.", example: `round(metric) == 3`,
		compile: numberFunction(roundedBy(math.Round))},
	{name: "max", params: []param{{name: "x", kinds: aNumber, rest: true}}, result: kindNumber,
		summary: "The greatest of the numbers.", example: `max(metric, 0)`,
		compile: extremeFunction(1)},
	{name: "min", params: []param{{name: "x", kinds: aNumber, rest: true}}, result: kindNumber,
		summary: "The least of the numbers.", example: `min(metric, 100)`,
		compile: extremeFunction(-1)},
	{name: "int", params: []param{{name: "x", kinds: []exprKind{kindNumber, kindString}}}, result: kindNumber,
		summary: "The whole part of a number, or the whole number that a string is; missing if there is none.", example: `int(attributes.port) == 443`,
		compile: compileInt},
	{name: "float", params: []param{{name: "x", kinds: []exprKind{kindNumber, kindString}}}, result: kindNumber,
		summary: "A number as a float64, or the number that a string is; missing if it is none.", example: `float(description) > 0.5`,
		compile: compileFloat},
	{name: "string", params: []param{{name: "x"}}, result: kindString,
		summary: "Any value as text.", example: `service + " " + string(metric)`,
		compile: compileString},
	{name: "len", params: []param{{name: "x", kinds: []exprKind{kindString, kindList, kindMap, kindWindow}}}, result: kindNumber,
		summary: "How many characters a string has, items a list, keys a map, events a window.", example: `len(tags) > 0`,
		compile: compileLen},
	{name: "upper", params: []param{{name: "s", kinds: aString}}, result: kindString,
		summary: "The string in upper case.", example: `upper(state)`,
		compile: textFunction(strings.ToUpper)},
	{name: "lower", params: []param{{name: "s", kinds: aString}}, result: kindString,
		summary: "The string in lower case.", example: `lower(host) == "web1"`,
		compile: textFunction(strings.ToLower)},
	{name: "trim", params: []param{{name: "s", kinds: aString}, {name: "cutset", kinds: aString, optional: true}}, result: kindString,
		summary: "The string without white space, or the characters of cutset, at both ends.", example: `trim(description)`,
		compile: cutFunction(strings.TrimSpace, strings.Trim)},
	{name: "trimPrefix", params: []param{{name: "s", kinds: aString}, {name: "prefix", kinds: aString}}, result: kindString,
		summary: "The string without prefix, if it starts with it.", example: `trimPrefix(service, "df-")`,
		compile: cutFunction(nil, strings.TrimPrefix)},
	{name: "trimSuffix", params: []param{{name: "s", kinds: aString}, {name: "suffix", kinds: aString}}, result: kindString,
		summary: "The string without suffix, if it ends with it.", example: `trimSuffix(host, ".example.com")`,
		compile: cutFunction(nil, strings.TrimSuffix)},
	{name: "replace", params: []param{{name: "s", kinds: aString}, {name: "old", kinds: aString}, {name: "new", kinds: aString}}, result: kindString,
		summary: "The string with every old replaced by new.", example: `replace(service, "/", ".")`,
		compile: compileReplace},
	{name: "join", params: []param{{name: "list", kinds: []exprKind{kindList}}, {name: "glue", kinds: aString, optional: true}}, result: kindString,
		summary: "The strings of a list with glue between them.", example: `join(tags, ", ")`,
		compile: compileJoin},
	{name: "hasPrefix", params: []param{{name: "s", kinds: aString}, {name: "prefix", kinds: aString}}, result: kindBool,
		summary: "Whether s starts with prefix; the same as startsWith.", example: `hasPrefix(service, "df-")`,
		compile: textTest(strings.HasPrefix)},
	{name: "hasSuffix", params: []param{{name: "s", kinds: aString}, {name: "suffix", kinds: aString}}, result: kindBool,
		summary: "Whether s ends with suffix; the same as endsWith.", example: `hasSuffix(host, ".prod")`,
		compile: textTest(strings.HasSuffix)},
	{name: "indexOf", params: []param{{name: "s", kinds: aString}, {name: "part", kinds: aString}}, result: kindNumber,
		summary: "Where part first is in s, in characters from 0; -1 if it is not there.", example: `service[:indexOf(service, "-")]`,
		compile: compileIndexOf},
	{name: "now", params: nil, result: kindNumber,
		summary: "The time on the engine's clock, in seconds since the epoch.", example: `now() - time > 30`,
		compile: compileNow},
	{name: "duration", params: []param{{name: "text", kinds: aString}}, result: kindNumber,
		summary: `The seconds of a constant such as "90s", "1h30m", "2d" or "250ms".`, example: `now() - time > duration("5m")`,
		compile: compileDuration},
	{name: "expired", params: nil, result: kindBool,
		summary: "Whether the event is expired: its state says so, or its age exceeds its ttl.", example: `not expired()`,
		compile: compileExpired},
	{name: "tagged", params: []param{{name: "tag", kinds: []exprKind{kindString, kindList}}}, result: kindBool,
		summary: "Whether the event has the tag, or all tags of the list.", example: `tagged("prod")`,
		compile: taggedFunction(true)},
	{name: "taggedAll", params: []param{{name: "tags", kinds: []exprKind{kindString, kindList}}}, result: kindBool,
		summary: "Whether the event has all tags of the list.", example: `taggedAll(["prod", "web"])`,
		compile: taggedFunction(true)},
	{name: "taggedAny", params: []param{{name: "tags", kinds: []exprKind{kindString, kindList}}}, result: kindBool,
		summary: "Whether the event has one or more tags of the list.", example: `taggedAny(["prod", "staging"])`,
		compile: taggedFunction(false)},
	{name: "lookup", params: []param{{name: "host", kinds: aString}, {name: "service", kinds: aString}}, result: kindEvent,
		summary: "The newest event of a host and service in the index, as the index is at that moment; missing if there is none, or if it has expired. Before index has taken the present event, that is the one before.", example: `lookup(host, "maintenance").state == "on"`,
		compile: compileLookup},
}

// numberFunction compiles a function of one number.
func numberFunction(f func(x scalar) scalar) func(*checker, ast.Node, []code) code {
	return func(_ *checker, _ ast.Node, args []code) code {
		num := args[0].asNumber()
		return numCode(func(in *Input) scalar {
			x := num(in)
			if x.kind == Missing {
				return x
			}
			return f(x)
		}).from(args...)
	}
}

// roundedBy gives a float64, as in expr, except for an int64 that no float64 equals.
func roundedBy(f func(float64) float64) func(scalar) scalar {
	return func(x scalar) scalar {
		if x.kind == Int {
			if c, _ := compareMixed(x.i, float64(x.i)); c != 0 {
				return x
			}
		}
		return floatScalar(f(x.float()))
	}
}

// extremeFunction compiles max (sign 1) and min (sign -1); of equal numbers the first is kept, as is the
// number where the other is NaN.
func extremeFunction(sign int) func(*checker, ast.Node, []code) code {
	return func(_ *checker, _ ast.Node, args []code) code {
		nums := make([]numFn, len(args))
		for i := range args {
			nums[i] = args[i].asNumber()
		}
		return numCode(func(in *Input) scalar {
			best := nums[0](in)
			for _, num := range nums[1:] {
				if best.kind == Missing {
					return best
				}
				x := num(in)
				if x.kind == Missing {
					return x
				}
				if c, ok := compareScalars(x, best); ok && c*sign > 0 || !ok && best.f != best.f {
					best = x
				}
			}
			return best
		}).from(args...)
	}
}

func compileInt(_ *checker, _ ast.Node, args []code) code {
	eval := args[0].eval
	return numCode(func(in *Input) scalar {
		d := eval(in)
		switch d.Kind {
		case Int:
			return intScalar(d.Int)
		case Float:
			if i, ok := exactInt(math.Trunc(d.Float)); ok {
				return intScalar(i)
			}
		case String:
			if i, err := strconv.ParseInt(d.Str, 10, 64); err == nil {
				return intScalar(i)
			}
		}
		return scalar{}
	}).from(args...)
}

func compileFloat(_ *checker, _ ast.Node, args []code) code {
	eval := args[0].eval
	return numCode(func(in *Input) scalar {
		d := eval(in)
		switch d.Kind {
		case Int, Float:
			n := d.scalar()
			return floatScalar(n.float())
		case String:
			if f, err := strconv.ParseFloat(d.Str, 64); err == nil {
				return floatScalar(f)
			}
		}
		return scalar{}
	}).from(args...)
}

func compileString(_ *checker, _ ast.Node, args []code) code {
	if args[0].kind == kindString {
		return args[0]
	}
	eval := args[0].eval
	return strCode(func(in *Input) (string, bool) {
		d := eval(in)
		if d.Kind == Missing {
			return "", false
		}
		s := d.Text()
		return s, len(s) <= maxTextBytes
	}).from(args...)
}

func compileLen(_ *checker, _ ast.Node, args []code) code {
	if args[0].field.name == "tags" {
		return numCode(func(in *Input) scalar {
			if in.Event == nil {
				return scalar{}
			}
			return intScalar(int64(len(in.Event.Tags())))
		}).from(args...)
	}
	eval := args[0].eval
	return numCode(func(in *Input) scalar {
		d := eval(in)
		if n := lengthOf(&d); n >= 0 {
			return intScalar(int64(n))
		}
		return scalar{}
	}).from(args...)
}

// textFunction compiles a function of one string.
func textFunction(f func(string) string) func(*checker, ast.Node, []code) code {
	return func(_ *checker, _ ast.Node, args []code) code {
		str := args[0].asString()
		return strCode(func(in *Input) (string, bool) {
			s, ok := str(in)
			if !ok {
				return "", false
			}
			s = f(s)
			return s, len(s) <= maxTextBytes
		}).from(args...)
	}
}

// cutFunction compiles a function of a string and what to cut off it.
func cutFunction(one func(string) string, two func(s, cut string) string) func(*checker, ast.Node, []code) code {
	return func(c *checker, n ast.Node, args []code) code {
		if len(args) == 1 {
			return textFunction(one)(c, n, args)
		}
		as, bs := args[0].asString(), args[1].asString()
		return strCode(func(in *Input) (string, bool) {
			s, ok := as(in)
			if !ok {
				return "", false
			}
			cut, ok := bs(in)
			if !ok {
				return "", false
			}
			return two(s, cut), true
		}).from(args...)
	}
}

// textTest compiles a test of two strings.
func textTest(holds func(s, part string) bool) func(*checker, ast.Node, []code) code {
	return func(_ *checker, _ ast.Node, args []code) code {
		as, bs := args[0].asString(), args[1].asString()
		return testCode(func(in *Input) bool {
			s, ok := as(in)
			if !ok {
				return false
			}
			part, ok := bs(in)
			return ok && holds(s, part)
		}).from(args...)
	}
}

func compileReplace(_ *checker, _ ast.Node, args []code) code {
	s, from, to := args[0].asString(), args[1].asString(), args[2].asString()
	return strCode(func(in *Input) (string, bool) {
		text, ok1 := s(in)
		a, ok2 := from(in)
		b, ok3 := to(in)
		if !ok1 || !ok2 || !ok3 {
			return "", false
		}
		if len(b) > len(a) { // bounded before it is built
			if len(text)+strings.Count(text, a)*(len(b)-len(a)) > maxTextBytes {
				return "", false
			}
		}
		return strings.ReplaceAll(text, a, b), true
	}).from(args...)
}

func compileJoin(c *checker, n ast.Node, args []code) code {
	list := args[0].eval
	glue := func(*Input) (string, bool) { return "", true }
	if len(args) == 2 {
		glue = args[1].asString()
	}
	return strCode(func(in *Input) (string, bool) {
		g, ok := glue(in)
		if !ok {
			return "", false
		}
		d := list(in)
		if d.Kind != List {
			return "", false
		}
		size := 0
		for i := range d.List {
			if d.List[i].Kind != String {
				return "", false
			}
			if size += len(d.List[i].Str) + len(g); size > maxTextBytes+len(g) {
				return "", false
			}
		}
		return strings.Join(datumStrings(d), g), true
	}).from(args...)
}

func compileIndexOf(_ *checker, _ ast.Node, args []code) code {
	as, bs := args[0].asString(), args[1].asString()
	return numCode(func(in *Input) scalar {
		s, ok1 := as(in)
		part, ok2 := bs(in)
		if !ok1 || !ok2 {
			return scalar{}
		}
		at := strings.Index(s, part)
		if at < 0 {
			return intScalar(-1)
		}
		return intScalar(int64(len([]rune(s[:at]))))
	}).from(args...)
}

// depends marks x as reading the clock, the index or the event, so that it is never decided beforehand.
func (x code) depends() code {
	x.konst, x.static = false, false
	return x
}

func compileNow(*checker, ast.Node, []code) code {
	return numCode(func(in *Input) scalar {
		if in.rt == nil || in.rt.Clock == nil {
			return scalar{}
		}
		return floatScalar(in.rt.Clock.Seconds())
	}).depends()
}

func compileDuration(c *checker, n ast.Node, args []code) code {
	if !args[0].konst {
		return c.fail(n, "a duration that depends on the event", `duration takes a constant such as "90s"`, "")
	}
	d, ok := ParseDuration(args[0].val.Str)
	if !ok {
		return c.fail(n, fmt.Sprintf("%q is no duration", args[0].val.Str), `durations are written "250ms", "90s", "1h30m" or "2d"`, "")
	}
	return constCode(FloatDatum(d.Seconds()))
}

func compileExpired(*checker, ast.Node, []code) code {
	return testCode(func(in *Input) bool {
		if in.Event == nil {
			return false
		}
		if in.rt == nil || in.rt.Clock == nil {
			return in.Event.State == event.Expired
		}
		return in.Event.IsExpired(in.rt.Clock.now)
	}).depends()
}

// taggedFunction compiles tagged, taggedAll and taggedAny.
func taggedFunction(all bool) func(*checker, ast.Node, []code) code {
	return func(c *checker, n ast.Node, args []code) code {
		arg := args[0]
		if !arg.konst {
			return c.fail(n, "tags that depend on the event", "the tags asked for are constants", `write x in tags`)
		}
		tags := []string{arg.val.Str}
		if arg.kind == kindList {
			if tags = datumStrings(arg.val); len(tags) != len(arg.val.List) {
				return c.fail(n, "a tag that is no string", "tags are strings", "")
			}
		}
		tests := make([]testFn, len(tags))
		for i, tag := range tags {
			tests[i] = inTags(constCode(StringDatum(tag)))
		}
		test := anyOf(tests)
		if all {
			test = allOf(tests)
		}
		x := testCode(test)
		x.static = true
		return x
	}
}

func compileLookup(_ *checker, _ ast.Node, args []code) code {
	hosts, services := args[0].asString(), args[1].asString()
	return evalCode(kindEvent, func(in *Input) Datum {
		host, ok1 := hosts(in)
		service, ok2 := services(in)
		if !ok1 || !ok2 || in.rt == nil || in.rt.Index == nil {
			return Datum{}
		}
		return ValueDatum(EventValue(in.rt.Index.Lookup(host, service)))
	}).depends()
}
