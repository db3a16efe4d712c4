package streams

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/file"
)

// Format returns a file of rules in its one layout: a statement that fits stands on one line of 100 characters,
// else the streams of a call stand below it, each on a line of its own. Comments, the spelling of numbers and
// strings, and single blank lines are kept; else(…) comes last. What the rules mean does not change, and formatting
// twice is formatting once. Where the syntax has mistakes it returns text as it is, and the problems.
func Format(name, text string) (string, Problems) {
	src := &sources{}
	f := src.add(name, text)
	var problems []Problem
	report := func(at file.Location, found, want, hint string) {
		problems = append(problems, src.problem(at, "", found, want, hint))
	}
	if len(text) > MaxFileBytes {
		return text, Problems{{File: name, Found: "the rules are too long"}}
	}
	statements := scan(f, report)
	for _, s := range statements {
		if s.broken || s.text == "" {
			continue
		}
		value, offset, ok := statementValue(s)
		if !ok {
			report(file.Location{From: s.start, To: s.start + 3}, "let", "no name with a value", "write let NAME = value")
		} else if n, at, found := parseStatement(value, offset); n == nil {
			want, hint := src.syntaxAdvice(value, offset, at.From, found)
			report(at, found, want, hint)
		}
	}
	if len(problems) > 0 {
		src.mask(problems)
		return text, sortProblems(problems, map[string]int{})
	}
	w := fileWriter{text: text, bytes: byteIndex(text)}
	for _, s := range statements {
		w.statement(s)
	}
	if w.out.Len() > 0 {
		w.out.WriteByte('\n')
	}
	if w.out.Len() > MaxFileBytes {
		return text, nil
	}
	return w.out.String(), nil
}

// statementValue returns what expr's parser is to read of a statement, without let NAME =.
func statementValue(s statement) (value string, offset int, ok bool) {
	_, value, isLet := cutLet(s.text)
	if isLet {
		return value, s.start + runes(s.text[:len(s.text)-len(value)]), true
	}
	word, _, _ := strings.Cut(s.text, " ")
	return s.text, s.start, word != "let"
}

// fileWriter puts statements and the comments between them below one another.
type fileWriter struct {
	text  string
	bytes []int // of the characters
	out   strings.Builder
	end   int // byte index behind what was written last

	full        bool // a statement stands on the line
	lineComment bool // the line ends in a // comment
}

// gap writes what stands between what was written last and what stands at byte index from.
func (w *fileWriter) gap(from int, isStatement bool) {
	lines := strings.Count(w.text[w.end:from], "\n")
	switch {
	case w.out.Len() == 0:
		return
	case lines == 0 && !w.lineComment && !(isStatement && w.full):
		w.out.WriteByte(' ')
		return
	case lines > 1:
		w.out.WriteByte('\n')
	}
	w.out.WriteByte('\n')
	w.full, w.lineComment = false, false
}

func (w *fileWriter) comment(c comment) {
	from := w.bytes[c.start]
	w.gap(from, false)
	w.out.WriteString(trimComment(c.text))
	w.end = from + len(c.text)
	w.lineComment = strings.HasPrefix(c.text, "//")
}

func (w *fileWriter) statement(s statement) {
	if s.text == "" {
		for _, c := range s.comments {
			w.comment(c)
		}
		return
	}
	in := slices.IndexFunc(s.comments, func(c comment) bool { return c.start >= s.start })
	if in < 0 {
		in = len(s.comments)
	}
	out := slices.IndexFunc(s.comments, func(c comment) bool { return c.start >= s.end })
	if out < 0 {
		out = len(s.comments)
	}
	for _, c := range s.comments[:in] {
		w.comment(c)
	}
	from := w.bytes[s.start]
	w.gap(from, true)
	col := utf8.RuneCountInString(w.out.String()[strings.LastIndexByte(w.out.String(), '\n')+1:])
	text, ok := formatStatement(s, s.comments[in:out], col)
	if !ok {
		text = s.text
	}
	w.out.WriteString(text + ";")
	w.full, w.lineComment, w.end = true, false, w.bytes[s.end]
	for _, c := range s.comments[out:] {
		w.comment(c)
	}
	if i := strings.IndexByte(w.text[w.end:], ';'); i >= 0 && strings.TrimSpace(w.text[w.end:w.end+i]) == "" {
		w.end += i + 1
	}
}

// formatStatement lays out one statement that begins in column col. It is false if what came of it is not the
// same statement, as it may be too long or its brackets nested in a way no line has room for.
func formatStatement(s statement, comments []comment, col int) (string, bool) {
	value, offset, _ := statementValue(s)
	pieces, ok := lexStatement(value, offset, comments)
	if !ok {
		return "", false
	}
	tree := treeOf(pieces)
	tree.elseLast()
	if len(tree.items) != 1 {
		return "", false
	}
	head := ""
	if name, _, isLet := cutLet(s.text); isLet {
		head = "let " + name + " = "
	}
	body := tree.items[0].layout(continued)
	if head != "" && len(tree.items[0].before) > 0 {
		body = nestLayout(childIndent, body)
	}
	text := strings.TrimRight(printLayout(concatLayout(textLayout(head), body, textLayout(";")), col), " ")
	text = strings.TrimSuffix(text, ";")
	return text, len(text) <= MaxStatementBytes && sameStatement(tree, text)
}

// sameStatement reports whether text reads as tree does: a mistake in the layout must not change rules.
func sameStatement(tree *formatGroup, text string) bool {
	f := (&sources{}).add("", text)
	broken := false
	statements := scan(f, func(file.Location, string, string, string) { broken = true })
	if broken || len(statements) != 1 {
		return false
	}
	s := statements[0]
	value, offset, _ := statementValue(s)
	first := slices.IndexFunc(s.comments, func(c comment) bool { return c.start >= s.start })
	pieces, ok := lexStatement(value, offset, s.comments[max(first, 0):])
	if !ok {
		return false
	}
	again := treeOf(pieces)
	tokens, comments := tree.flatten(nil, nil)
	tokensAgain, commentsAgain := again.flatten(nil, nil)
	slices.Sort(comments)
	slices.Sort(commentsAgain)
	return slices.Equal(tokens, tokensAgain) && slices.Equal(comments, commentsAgain)
}

// flatten appends the tokens and the comments of brackets, as they are read.
func (g *formatGroup) flatten(tokens, comments []string) (t, c []string) {
	add := func(pieces []piece) {
		for _, p := range pieces {
			comments = append(comments, p.text)
		}
	}
	for i, x := range g.items {
		if i > 0 {
			tokens = append(tokens, ",")
		}
		add(x.before)
		for _, p := range x.parts {
			switch {
			case p.group != nil:
				tokens = append(tokens, p.group.open)
				tokens, comments = p.group.flatten(tokens, comments)
				tokens = append(tokens, p.group.close)
			case p.isComment():
				comments = append(comments, p.text)
			default:
				tokens = append(tokens, p.text)
			}
		}
		add(x.after)
	}
	add(g.end)
	return tokens, comments
}
