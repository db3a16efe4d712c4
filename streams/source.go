package streams

import (
	"regexp"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// sources are the files of one load. Every character of them has one number, its offset: the files stand
// one behind the other, so that a syntax node says by its location alone where it was written.
type sources struct {
	files []*sourceFile
	next  int // offset of the next file's first character

	hidden []file.Location // literals of secrets
}

type sourceFile struct {
	name  string
	text  string
	base  int   // offset of the first character
	size  int   // in characters
	lines []int // byte index of each line's start
	marks []int // character index of each line's start
}

// add appends a file.
func (s *sources) add(name, text string) *sourceFile {
	f := &sourceFile{name: name, text: text, base: s.next, lines: []int{0}, marks: []int{0}}
	for i, r := range text {
		f.size++
		if r == '\n' {
			f.lines = append(f.lines, i+1)
			f.marks = append(f.marks, f.size)
		}
	}
	s.next += f.size + 1
	s.files = append(s.files, f)
	return f
}

// find returns the file of an offset; nil if there is none.
func (s *sources) find(offset int) *sourceFile {
	i := sort.Search(len(s.files), func(i int) bool { return s.files[i].base > offset }) - 1
	if i < 0 {
		return nil
	}
	return s.files[i]
}

// position is where a character stands, as people count.
type position struct {
	file      string
	line, col int
	text      string // the line
}

func (s *sources) position(offset int) position {
	f := s.find(offset)
	if f == nil {
		return position{}
	}
	at := offset - f.base
	i := sort.SearchInts(f.marks, at+1) - 1
	line := f.text[f.lines[i]:]
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	line = strings.TrimSuffix(line, "\r")
	return position{file: f.name, line: i + 1, col: at - f.marks[i] + 1, text: strings.ToValidUTF8(line, "\uFFFD")}
}

// problem makes a problem of what was found at a place.
func (s *sources) problem(at file.Location, operator, found, want, hint string) Problem {
	p := s.position(at.From)
	return Problem{
		File: p.file, Line: p.line, Col: p.col, Width: max(1, at.To-at.From), Text: p.text,
		Operator: operator, Found: found, Want: want, Hint: hint,
	}
}

// hide keeps the text of n, a secret, out of the lines that problems print.
func (s *sources) hide(n ast.Node) {
	if lit, ok := n.(*ast.StringNode); ok && s.find(lit.Location().From) != nil {
		s.hidden = append(s.hidden, lit.Location())
	}
}

// mask blots out secrets in the lines that problems quote: literals that were decoded as secrets, and strings
// behind the name of an option that is one, since a statement with a mistake may never be decoded.
func (s *sources) mask(ps []Problem) {
	for i := range ps {
		p := &ps[i]
		p.Text = secretOption().ReplaceAllStringFunc(p.Text, func(m string) string {
			at := strings.IndexAny(m, "\"'`")
			return m[:at+1] + strings.Repeat("*", max(0, runes(m[at:])-2)) + m[len(m)-1:]
		})
		for _, at := range s.hidden {
			from := s.position(at.From)
			if from.file == p.File && from.line == p.Line {
				line := []rune(p.Text)
				for j := from.col; j < min(from.col+at.To-at.From-2, len(line)); j++ {
					line[j] = '*'
				}
				p.Text = string(line)
			}
		}
	}
}

// secretOption finds options that are secrets with their values.
var secretOption = sync.OnceValue(func() *regexp.Regexp {
	names := []string{"token", "password", "secret"}
	for _, r := range registry {
		for _, f := range r.fields {
			if f.secret {
				names = append(names, regexp.QuoteMeta(f.name))
			}
		}
	}
	return regexp.MustCompile(`\b(` + strings.Join(names, "|") + `)["']?\s*:\s*("([^"\\]|\\.)*"|'([^'\\]|\\.)*'|` + "`[^`]*`" + `)`)
})

// runes counts the characters of text.
func runes(text string) int { return utf8.RuneCountInString(text) }
