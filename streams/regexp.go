package streams

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// maxPatternBytes bounds a regular expression.
const maxPatternBytes = 1 << 10

// compileRegexp compiles a pattern (found anywhere, Go's syntax) written at n.
func (c *checker) compileRegexp(n ast.Node, pattern string) (matches matcher, ok bool) {
	if len(pattern) > maxPatternBytes {
		c.problem(n, fmt.Sprintf("a pattern of %d bytes", len(pattern)), fmt.Sprintf("a pattern has at most %d bytes", maxPatternBytes), "")
		return nil, false
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		what := err.Error()
		if e, ok := err.(*syntax.Error); ok {
			what = e.Code.String()
			if e.Expr != "" && e.Expr != pattern {
				what += ": " + e.Expr
			}
		}
		hint := ""
		for _, perl := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
			if strings.Contains(pattern, perl) {
				hint = "there is no looking ahead or back; use two conditions joined by and"
			}
		}
		c.problem(n, fmt.Sprintf("the pattern %q does not compile: %s", pattern, what), "patterns are Go's regular expressions", hint)
		return nil, false
	}
	return newMatcher(re), true
}
