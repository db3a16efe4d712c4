package streams

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"
)

var patternTests = []string{
	`^web-\d+`, `^web-.*`, `^(web|api)-\d+\.prod1$`, `.*prod.*`, `prod1$`, `(?i)^WEB-`, `a`, `^$`, `$`, `^`, `$^`, `^a$|b`, `(a|ab)(c|bcd)$`,
	`x*`, `x+$`, `(?:)`, `[^a-z]`, `\x00`, `(?s).`, `.`, `(?i)k`, `ſ`, `[ä-ü]+`, `a{2,3}b?`, `(a*)*$`, `(^a|b$)c*`, `^(^a)`, `a$b`, `\Aab\z`, `(?i)straße`, `\x{FFFD}`, `a|^b|c$`,
}

func automatonOf(pattern string) *automaton {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		panic(err)
	}
	return newAutomaton(regexp.MustCompile(pattern), parsed.Simplify())
}

func TestAutomatonAgreesWithRegexp(t *testing.T) {
	subjects := []string{"", "a", "b", "ab", "abc", "abcd", "web-1", "WEB-x", "api-12.prod1", "api-12.prod1x", "prod", "x", "xx", "kK\u212a", "ä", "aä", "äa", "straße", "STRASSE", "aab", "aaab", "\n", "a\n", "\na", "\x00", "\xff", "a\xffb", "c", "bc", "ac"}
	automata := 0
	for _, p := range patternTests {
		re := regexp.MustCompile(p)
		if automatonOf(p) != nil {
			automata++
		}
		match := newMatcher(re)
		for _, s := range subjects {
			if got, want := match(s), re.MatchString(s); got != want {
				t.Errorf("%q matches %q = %v, want %v", s, p, got, want)
			}
		}
	}
	if automata < len(patternTests)*2/3 {
		t.Errorf("%d of %d patterns are automata", automata, len(patternTests))
	}
}

func TestAutomatonBounds(t *testing.T) {
	if automatonOf(`(a|b)*a(a|b){12}$`) != nil {
		t.Error("an automaton of more than 254 states was built")
	}
	if automatonOf(`\bweb`) != nil {
		t.Error("an automaton with a word boundary was built")
	}
}

// randomPattern writes a pattern over a small alphabet, so that subjects hit it.
func randomPattern(r *rand.Rand, depth int) string {
	if depth == 0 {
		return []string{"a", "b", "c", ".", "^", "$", "[ab]", "[^a]", `\d`, "ä", `\n`, "(?i:B)"}[r.IntN(12)]
	}
	x := func() string { return randomPattern(r, depth-1) }
	switch r.IntN(7) {
	case 0:
		return x() + x()
	case 1:
		return "(" + x() + "|" + x() + ")"
	case 2:
		return "(?:" + x() + ")" + []string{"*", "+", "?", "{2}", "*?"}[r.IntN(5)]
	case 3:
		return x() + x() + x()
	}
	return x()
}

func randomSubject(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(8) {
		b.WriteString([]string{"a", "b", "c", "B", "1", "\n", "ä", "\xff", "a"}[r.IntN(9)])
	}
	return b.String()
}

func TestAutomatonRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		p := randomPattern(r, 1+r.IntN(4))
		re, err := regexp.Compile(p)
		if err != nil {
			continue
		}
		match := newMatcher(re)
		for range 20 {
			s := randomSubject(r)
			if got, want := match(s), re.MatchString(s); got != want {
				t.Fatalf("%q matches %q = %v, want %v", s, p, got, want)
			}
		}
	}
}

func FuzzAutomaton(f *testing.F) {
	for _, p := range patternTests {
		f.Add(p, "web-1")
	}
	f.Fuzz(func(t *testing.T, p, s string) {
		if len(p) > 64 {
			return
		}
		re, err := regexp.Compile(p)
		if err != nil {
			return
		}
		if got, want := newMatcher(re)(s), re.MatchString(s); got != want {
			t.Errorf("%q matches %q = %v, want %v", s, p, got, want)
		}
	})
}
