package streams

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one mistake in the rules, or with Warning set, something that is probably one.
type Problem struct {
	File      string
	Line, Col int    // from 1; columns count characters
	Width     int    // characters the caret underlines
	Text      string // the line
	Operator  string // whose argument it is; "" outside of any
	Found     string // what is wrong
	Want      string // what is expected there
	Hint      string // what to do
	Warning   bool
}

// Error implements error: the whole message, several lines without a newline at the end.
//
//	zeta.expr:14:16: changedState: unknown option "initt"
//	   14 |   changedState({initt: "ok"}, ops)
//	      |                 ^^^^^
//	   changedState takes init, pairs; did you mean "init"?
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.head())
	if p.Line > 0 {
		line, col := clipLine(p.Text, p.Col)
		width := max(1, min(p.Width, utf8.RuneCountInString(line)-col+1))
		fmt.Fprintf(&b, "\n%5d | %s\n      | %s%s", p.Line, line, caretPad(line, col), strings.Repeat("^", width))
	}
	if advice := p.advice(); advice != "" {
		b.WriteString("\n   ")
		b.WriteString(advice)
	}
	return b.String()
}

// head is the first line: where, who and what.
func (p Problem) head() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Operator != "" {
		b.WriteString(p.Operator + ": ")
	}
	b.WriteString(p.Found)
	return b.String()
}

func (p Problem) advice() string {
	if p.Want != "" && p.Hint != "" {
		return p.Want + "; " + p.Hint
	}
	return p.Want + p.Hint
}

const clipWidth = 160

// clipLine cuts a very long line down to the part around col and returns the column within it.
func clipLine(line string, col int) (string, int) {
	runes := []rune(line)
	for i, r := range runes {
		if r != '\t' && unicode.IsControl(r) {
			runes[i] = utf8.RuneError // a terminal must not obey it
		}
	}
	if len(runes) <= clipWidth {
		return string(runes), col
	}
	from := max(0, min(col-clipWidth/2, len(runes)-clipWidth))
	return string(runes[from : from+clipWidth]), col - from
}

// caretPad is what stands left of the caret: tabs stay tabs so that it lines up on any terminal.
func caretPad(line string, col int) string {
	var b strings.Builder
	for _, r := range line {
		if col--; col <= 0 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	for ; col > 1; col-- {
		b.WriteByte(' ')
	}
	return b.String()
}

// Problems are the problems of all files of one load, ordered by file and position. It is an error if
// one of them is no warning.
type Problems []Problem

// Error prints every problem and a line that counts them.
func (ps Problems) Error() string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.Error())
		b.WriteByte('\n')
	}
	b.WriteString(ps.Summary())
	return b.String()
}

// Summary counts problems and warnings: "2 problems and 1 warning in zeta.expr".
func (ps Problems) Summary() string {
	var files []string
	problems, warnings := 0, 0
	for _, p := range ps {
		if !slices.Contains(files, p.File) {
			files = append(files, p.File)
		}
		if p.Warning {
			warnings++
		} else {
			problems++
		}
	}
	where := strings.Join(files, ", ")
	if len(files) > 3 {
		where = fmt.Sprintf("%d files", len(files))
	}
	what := plural(problems, "problem")
	switch {
	case problems == 0 && warnings > 0:
		what = plural(warnings, "warning")
	case warnings > 0:
		what += " and " + plural(warnings, "warning")
	}
	if where == "" {
		return what
	}
	return what + " in " + where
}

// Err returns ps as an error if it holds more than warnings, else nil.
func (ps Problems) Err() error {
	for _, p := range ps {
		if !p.Warning {
			return ps
		}
	}
	return nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sortProblems orders by file (in order of loading) and position and removes repetitions, as they come
// from a template that is used many times.
func sortProblems(ps []Problem, rank map[string]int) []Problem {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(rank[a.File], rank[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return slices.CompactFunc(ps, func(a, b Problem) bool { return a == b })
}

// nearest returns the name that is most like what was written, or "" if none is alike enough.
func nearest(name string, names []string) string {
	best, bestDistance := "", 1+min(3, (len(name)+1)/3)
	for _, n := range names {
		if d := editDistance(strings.ToLower(name), strings.ToLower(n)); d < bestDistance || d == bestDistance && best != "" && n < best {
			best, bestDistance = n, d
		}
	}
	return best
}

// didYouMean is the hint for an unknown name, or "".
func didYouMean(name string, names []string) string {
	if n := nearest(name, names); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}

// editDistance counts the insertions, deletions, replacements and swaps of neighbours that make a into b.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
