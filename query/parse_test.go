package query

import (
	"errors"
	"strings"
	"testing"
)

func TestErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{``, "query:1:1: found the end of the query, expected a field, a value, not, tagged or ("},
		{`host =`, `query:1:7: found the end of the query, expected a field or a value after =
    1 | host =
      |       ^`},
		{`host="foo"`, `query:1:6: found the string "foo", expected and, or, or the end of the query
    1 | host="foo"
      |      ^
      host= is read as one name: put blanks around the operator`},
		{`metric >=5`, `query:1:8: found the name >=5, expected and, or, or the end of the query
    1 | metric >=5
      |        ^
      >=5 is read as one name: put blanks around the operator`},
		{`host = "a" AND state = "b"`, `query:1:12: found the name AND, expected and, or, or the end of the query
    1 | host = "a" AND state = "b"
      |            ^
      keywords are lower case: and`},
		{"host = \"é\"\n  and metric > \"x\"", `query:2:16: found the string "x", expected a number after >
    2 |   and metric > "x"
      |                ^`},
		{`host = 'foo'`, `query:1:8: found '\'', expected a field, a value, not, tagged or a parenthesis
    1 | host = 'foo'
      |        ^
      strings stand in double quotes: "ok"`},
		{`host = "foo`, `query:1:8: found a string that does not end, expected a closing "
    1 | host = "foo
      |        ^`},
		{`host ~= "db\d+"`, `query:1:12: found the unknown escape \d
    1 | host ~= "db\d+"
      |            ^
      the escapes are \t \r \n \\ \" \b \f, \u and four hex digits, and octal \101; double the backslashes of a regular expression`},
		{`host ~= "(a"`, `query:1:9: found a bad regular expression: missing closing ): (a
    1 | host ~= "(a"
      |         ^
      look-around, back-references and possessive quantifiers do not exist here`},
		{`(host = "a" and (state = "b")`, `query:1:30: found the end of the query, expected the ) of the ( at byte 0
    1 | (host = "a" and (state = "b")
      |                              ^`},
		{`(a b)`, `query:1:4: found the name b, expected and, or, or )
    1 | (a b)
      |    ^`},
		{`host = (1)`, `query:1:8: found "(", expected a field or a value after =
    1 | host = (1)
      |        ^`},
		{`tagged cat`, `query:1:8: found the name cat, expected a string after tagged
    1 | tagged cat
      |        ^`},
		{`metric = 99999999999999999999`, `query:1:10: found the number 99999999999999999999, expected an integer of at most 64 bits
    1 | metric = 99999999999999999999
      |          ^
      write 99999999999999999999N or make it a float`},
		{`metric = 1L`, `query:1:10: found the number 1L, expected an integer without L
    1 | metric = 1L
      |          ^`},
		{strings.Repeat(`state = "ok" or `, 20) + `%`, `query:1:321: found '%', expected a field, a value, not, tagged or a parenthesis
    1 | ok" or state = "ok" or state = "ok" or state = "ok" or state = "ok" or %
      |                                                                        ^`},
	} {
		_, err := Parse(c.in)
		if err == nil {
			t.Errorf("Parse(%q) succeeded, want\n%s", c.in, c.want)
		} else if err.Error() != c.want {
			t.Errorf("Parse(%q):\n%s\nwant\n%s", c.in, err, c.want)
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("Parse(%q) returned a %T", c.in, err)
		}
	}
}

// What Riemann refuses is refused, what it reads is read; the texts are the observations.
func TestGrammar(t *testing.T) {
	for _, in := range []string{
		`a b`, `state = 1)`, `HOST = 1 AND b = 2`, `x = 1, y = 2`, `metric > 1.`, `metric > .5`, `metric > +1`, `metric = - 1`, `metric = 0x1`,
		`metric = 1e+3`, `a\b = 1`, `"q"=host`, `1 =1`, `host= "q"`, `host=~"x"`, `a/b = "c"`, `state="ok"`, `metric > nil`, `2 < metric`, `metric > ttl`,
		`tagged("x")`, `# x`, `true ; no`, `$x , -a`, `a: = 1`, `a::b = 1`, `:a`, `^a`, `1L`, `not`, `host =`, `"\q"`, `"\ud800"`, `"\udc00\ud800"`, `"\400"`, `"\18"`, `"\1x"`, "host = \"\xff\"",
	} {
		if q, err := Parse(in); err == nil {
			t.Errorf("%q is read as %s, must be refused", in, q)
		}
	}
	for _, c := range []struct{ in, want string }{
		{`metric=2`, `metric=2`},
		{`metric >= 1`, `metric >= 1`},
		{`host ="q"`, `host = "q"`},
		{`1= 1`, `1 = 1`},
		{`host~="x"`, `host ~= "x"`},
		{`host =~"x"`, `host =~ "x"`},
		{`"x"= host`, `"x" = host`},
		{`metric = +5`, `metric = +5`},
		{`metric = .5`, `metric = .5`},
		{`a:b:c.d = -1x`, `a:b:c.d = -1x`},
		{`metric = -1`, `metric = -1`},
		{`metric = -1.5e-3`, `metric = -0.0015`},
		{`metric = 1e3`, `metric = 1000.0`},
		{`metric = 1E300`, `metric = 1e300`},
		{`metric = 1e999`, `metric = Infinity`},
		{`metric = -Infinity`, `metric = -Infinity`},
		{`metric = -NaN`, `metric = NaN`},
		{`Infinity_ = 1`, `Infinity_ = 1`},
		{`metric = 007`, `metric = 7`},
		{`metric = 5N`, `metric = 5`},
		{`metric < 99999999999999999999N`, `metric < 99999999999999999999N`},
		{`metric = -9223372036854775808`, `metric = -9223372036854775808`},
		{`nil = null`, `nil = nil`},
		{`tagged"x"`, `tagged "x"`},
		{`not(tagged "x")`, `not tagged "x"`},
		{`NOT`, `NOT`},
		{`TRUE`, `TRUE`},
		{`é = "ü"`, `é = "ü"`},
		{`a,and,b`, `a and b`},
		{`(((a)))`, `a`},
		{`(a and b) and (c and d)`, `a and b and c and d`},
		{`a or (b or c)`, `a or b or c`},
		{`a or b and c`, `a or b and c`},
		{`(a or b) and c`, `(a or b) and c`},
		{`not (a or b)`, `not (a or b)`},
		{`not (a and not not b)`, `not (a and not not b)`},
		{`not (a = 1)`, `not a = 1`},
		{`x = "a\tb\\\"\u00e9\101\uD83D\uDE00"`, `x = "a\tb\\\"éA😀"`},
		{"x = \"a\nb\"", `x = "a\nb"`},
		{`x = "\1" or y = "\12,"`, `x = "\u0001" or y = "\n,"`},
		{`service = "x\\" and host = "q"`, `service = "x\\" and host = "q"`}, // differs from Riemann
	} {
		q, err := Parse(c.in)
		switch {
		case err != nil:
			t.Errorf("%q: %v", c.in, err)
		case q.String() != c.want:
			t.Errorf("%q is read as %s, want %s", c.in, q, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name, in string
		ok       bool
	}{
		{"longest", strings.Repeat(" ", MaxLength-1) + "a", true},
		{"too long", strings.Repeat(" ", MaxLength) + "a", false},
		{"deepest", strings.Repeat("(", MaxDepth) + "a" + strings.Repeat(")", MaxDepth), true},
		{"too deep", strings.Repeat("(", MaxDepth+1) + "a" + strings.Repeat(")", MaxDepth+1), false},
		{"too many nots", strings.Repeat("not ", MaxDepth+1) + "a", false},
		{"a million parentheses", strings.Repeat("(", 1_000_000), false},
		{"many alternatives", strings.Repeat("a or ", MaxLength/5-1) + "a", true},
		{"long pattern", `a ~= "` + strings.Repeat("x", MaxPattern) + `"`, true},
		{"too long a pattern", `a ~= "` + strings.Repeat("x", MaxPattern+1) + `"`, false},
		{"a repetition", `a ~= "[a-z]{1,100}"`, true},
		{"a huge repetition", `a ~= "(` + strings.Repeat("x", 900) + `){1000}"`, false},
		{"nested repetitions", `a ~= "((a{10}){10}){10}b{1000}c{1000}"`, false},
		{"a repetition without end", `a ~= "(` + strings.Repeat("x", 900) + `){900,}"`, false},
	} {
		q, err := Parse(c.in)
		if (err == nil) != c.ok {
			t.Errorf("%s: error %v, want ok %v", c.name, err, c.ok)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("%s: an error of %d bytes", c.name, len(err.Error()))
		}
		if q != nil && q.Cost() <= 0 {
			t.Errorf("%s: cost %d", c.name, q.Cost())
		}
	}
}
