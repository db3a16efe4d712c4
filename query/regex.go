package query

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

// maxProgram bounds the instructions of a compiled regular expression: matching costs program × text.
const maxProgram = 2048

// maxSubject is how many bytes of a text are searched.
const maxSubject = 4 << 10

// compileRegex compiles a pattern within the bounds; bad says why not.
func compileRegex(pattern string) (re *regexp.Regexp, bad string) {
	if len(pattern) > MaxPattern {
		return nil, fmt.Sprintf("a regular expression of %d bytes (at most %d)", len(pattern), MaxPattern)
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, "a bad regular expression: " + regexProblem(err)
	}
	if programSize(tree) > maxProgram {
		return nil, "a regular expression that repeats too much"
	}
	re, err = regexp.Compile(pattern)
	if err != nil {
		return nil, "a bad regular expression: " + regexProblem(err)
	}
	return re, ""
}

func regexProblem(err error) string {
	if e, ok := err.(*syntax.Error); ok {
		return fmt.Sprintf("%s: %s", e.Code, clip(e.Expr))
	}
	return err.Error()
}

// programSize estimates the instructions of a pattern before its repetitions are unrolled, saturating
// just above maxProgram.
func programSize(re *syntax.Regexp) int {
	n := 1
	switch re.Op {
	case syntax.OpLiteral:
		n = len(re.Rune)
	case syntax.OpRepeat:
		times := re.Max
		if times < 0 {
			times = re.Min + 1
		}
		return min(maxProgram+1, max(1, times)*(programSize(re.Sub[0])+1))
	}
	for _, sub := range re.Sub {
		n = min(maxProgram+1, n+programSize(sub)+1)
	}
	return n
}

// searches reports whether re is found in s.
func searches(re *regexp.Regexp, s string) bool {
	if len(s) > maxSubject {
		s = s[:maxSubject]
	}
	return re.MatchString(s)
}
