package streams

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/file"
)

// The bounds of a rules file, checked before expr's parser sees any of it.
const (
	MaxFileBytes      = 4 << 20
	MaxStatementBytes = 64 << 10
	MaxNesting        = 512
)

// statement is the text between two semicolons.
type statement struct {
	text     string
	start    int  // offset of its first character in the sources
	end      int  // offset behind its last
	broken   bool // it has a problem already and is not to be parsed
	comments []comment
}

// comment is one comment with its place.
type comment struct {
	text  string // with its slashes
	start int
}

// scan splits a file into statements at its semicolons. It knows strings, comments and brackets, no more.
// A semicolon ends a statement wherever it stands outside strings and comments, so that an open bracket
// spoils one statement and not the rest of the file. Empty statements are left out.
func scan(f *sourceFile, report func(at file.Location, found, want, hint string)) []statement {
	s := scanner{file: f, text: f.text, report: report}
	s.run()
	return s.out
}

type scanner struct {
	file   *sourceFile
	text   string
	pos    int // byte index
	at     int // character index
	report func(at file.Location, found, want, hint string)

	out      []statement
	cur      statement
	started  bool
	curByte  int // where the current statement starts and where its last token ends
	lastByte int
	last     int
	open     []bracket
}

type bracket struct {
	r  rune
	at int
}

func (s *scanner) run() {
	for s.pos < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[s.pos:])
		rest := s.text[s.pos:]
		switch {
		case r == ';':
			s.finish()
			s.skip(size)
		case strings.HasPrefix(rest, "//"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			s.comment(end)
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				s.fault(s.at, 2, "comment is not closed", "", "end it with */")
				s.comment(len(rest))
				break
			}
			s.comment(end + 4)
		case r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\uFEFF' && s.pos == 0:
			s.skip(size)
		case r == '"' || r == '\'':
			s.quoted(r)
		case r == '`':
			s.raw()
		default:
			s.token(r, size)
		}
	}
	s.finish()
}

// skip moves over size bytes that belong to no token.
func (s *scanner) skip(size int) {
	s.at += runes(s.text[s.pos : s.pos+size])
	s.pos += size
}

// take moves over size bytes of the current statement.
func (s *scanner) take(size int) {
	if !s.started {
		s.started = true
		s.curByte = s.pos
		s.cur.start = s.file.base + s.at
	}
	s.skip(size)
	s.lastByte, s.last = s.pos, s.at
}

func (s *scanner) comment(size int) {
	s.cur.comments = append(s.cur.comments, comment{text: s.text[s.pos : s.pos+size], start: s.file.base + s.at})
	s.skip(size)
}

// fault reports a problem that makes the current statement unfit for parsing.
func (s *scanner) fault(at, width int, found, want, hint string) {
	s.cur.broken = true
	at += s.file.base
	s.report(file.Location{From: at, To: at + width}, found, want, hint)
}

func (s *scanner) quoted(quote rune) {
	start := s.at
	for i := s.pos + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '\\':
			i++
		case c == '\n':
			ends := strings.HasSuffix(strings.TrimRight(s.text[s.pos:i], " \t\r"), ";")
			s.take(i - s.pos)
			s.fault(start, 1, "string is not closed", "a string ends on its line", fmt.Sprintf("end it with %c, or use `…` for one of several lines", quote))
			if ends {
				s.finish() // the semicolon was meant to be one
			}
			return
		case rune(c) == quote:
			s.take(i + 1 - s.pos)
			return
		}
	}
	s.take(len(s.text) - s.pos)
	s.fault(start, 1, "string is not closed", "", fmt.Sprintf("end it with %c", quote))
}

// raw takes a string in backquotes; two of them inside stand for one.
func (s *scanner) raw() {
	start := s.at
	for i := s.pos + 1; i < len(s.text); i++ {
		if s.text[i] != '`' {
			continue
		}
		if i+1 < len(s.text) && s.text[i+1] == '`' {
			i++
			continue
		}
		s.take(i + 1 - s.pos)
		return
	}
	s.take(len(s.text) - s.pos)
	s.fault(start, 1, "string is not closed", "", "end it with `")
}

var closing = map[rune]rune{'(': ')', '[': ']', '{': '}'}

func (s *scanner) token(r rune, size int) {
	at := s.at
	s.take(size)
	switch r {
	case '(', '[', '{':
		if len(s.open) == MaxNesting {
			s.fault(at, 1, fmt.Sprintf("nested deeper than %d brackets", MaxNesting), "", "name a part of it with let")
		}
		s.open = append(s.open, bracket{r, at})
	case ')', ']', '}':
		if len(s.open) == 0 {
			if s.cur.broken {
				return // most likely of the same mistake
			}
			s.fault(at, 1, fmt.Sprintf("%c closes nothing", r), "", "remove it, or look for a bracket or a string that was closed too early")
			return
		}
		last := s.open[len(s.open)-1]
		if closing[last.r] != r {
			if !s.cur.broken {
				p := s.position(last.at)
				s.fault(at, 1, fmt.Sprintf("found %c, want %c", r, closing[last.r]), fmt.Sprintf("%c at %d:%d is still open", last.r, p.line, p.col), "")
			}
			// Carry on as if the closer that is missing had been there.
			if len(s.open) > 1 && closing[s.open[len(s.open)-2].r] == r {
				s.open = s.open[:len(s.open)-1]
			}
		}
		s.open = s.open[:len(s.open)-1]
	}
}

func (s *scanner) position(at int) position {
	one := sources{files: []*sourceFile{s.file}}
	return one.position(s.file.base + at)
}

// finish ends the current statement.
func (s *scanner) finish() {
	if len(s.open) > 0 && !s.cur.broken {
		last := s.open[len(s.open)-1]
		p := s.position(s.at)
		s.fault(last.at, 1, fmt.Sprintf("%c is not closed", last.r),
			fmt.Sprintf("a %c before the end of the statement at %d:%d", closing[last.r], p.line, p.col), "")
	}
	if s.started || len(s.cur.comments) > 0 {
		if s.started {
			s.cur.text = s.text[s.curByte:s.lastByte]
			s.cur.end = s.file.base + s.last
		}
		if len(s.cur.text) > MaxStatementBytes {
			start := s.cur.start - s.file.base
			s.fault(start, 1, fmt.Sprintf("statement of %d bytes, longer than %d", len(s.cur.text), MaxStatementBytes), "", "name parts of it with let")
		}
		s.out = append(s.out, s.cur)
	}
	s.cur, s.started, s.open = statement{}, false, s.open[:0]
}
