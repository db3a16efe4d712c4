package streams

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	slashpath "path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// The bounds of one set of rules.
const (
	maxFiles      = 1000
	maxTotalBytes = 64 << 20
	maxSources    = 10_000
)

// LoadOptions say where rules come from and what for.
type LoadOptions struct {
	FS       fs.FS                           // nil: the operating system's files
	Getenv   func(key string) (string, bool) // nil: os.LookupEnv
	Serve    bool                            // the rules are going to run: an environment variable that is not set is a problem
	Taps     bool                            // bare unknown names are taps, as in the corpus and in examples
	Coverage bool                            // conditions count how they come out, see Rules.Coverage; they are slower
	Root     Kind                            // what the top level gets; zero: events
	Opened   func(name string)               // called with each file of rules or of a table before it is read, and with each pattern of an include; may be nil

	places int // bound of operators and of uses of templates; zero: maxPlaces
}

func (o LoadOptions) opened(name string) {
	if o.Opened != nil {
		o.Opened(name)
	}
}

func (o LoadOptions) env(key string) (string, bool) {
	if o.Getenv != nil {
		return o.Getenv(key)
	}
	return os.LookupEnv(key)
}

// File is a file of rules as it was read.
type File struct{ Name, Text string }

// Declaration is a listen.KIND(…) statement.
type Declaration struct {
	Kind    string
	Options any    // the decoded options, of the type the listener registered
	Pos     string // file:line:col
}

// Rules are loaded rules: checked and compiled, but not running. They may be built many times and are safe
// for concurrent use by graphs that share one writer.
type Rules struct {
	Files      []File
	Tables     []File // files that the rules look things up in
	Listeners  []Declaration
	Sources    []SourceDeclaration
	Settings   map[string]any // by name, of the types the settings registered; all of them, with their defaults
	Sinks      []*Sink
	Tests      []*Test
	Properties []*Property
	Given      map[string]bool // settings that the files name

	root   part
	places []*node
	covers []*condCover
	taps   map[string]bool // names a test can expect at
	lets   map[string]*let
	live   []*let // the lets that statements use
	opts   LoadOptions
}

// Load reads the files and what they include, and compiles them. It returns all problems of all files, in
// the order of their places; the rules are nil if one of them is more than a warning.
func Load(files []string, opts LoadOptions) (*Rules, Problems) {
	l := newLoad(opts)
	for _, f := range files {
		l.read(f, file.Location{From: -1})
	}
	return l.finish()
}

// LoadText compiles a text as if it were the file name.
func LoadText(name, text string, opts LoadOptions) (*Rules, Problems) {
	l := newLoad(opts)
	l.text(name, text)
	return l.finish()
}

// load is one loading of rules.
type load struct {
	compiler
	rules   *Rules
	total   int
	opening []string // files being read, outermost first
	seen    map[string]bool
	streams []ast.Node // statements that are streams
	tests   []ast.Node
	late    []func()                 // statements that may use any name
	set     map[string]file.Location // settings
}

func newLoad(opts LoadOptions) *load {
	if opts.Root == Either {
		opts.Root = Events
	}
	if opts.places == 0 {
		opts.places = maxPlaces
	}
	rt := Runtime{}.filled()
	g := &Graph{rt: rt, rules: &Rules{}, lets: map[*let]Stream{}}
	scratch := &Env{rt: rt, scope: &scope{graph: g, in: &Input{rt: rt}}}
	return &load{
		compiler: compiler{
			opts: opts, src: &sources{}, lets: map[string]*let{}, defs: map[string]*def{}, ids: map[string]bool{},
			said:    map[said]bool{},
			scratch: scratch, root: newPath(),
		},
		rules: &Rules{Settings: map[string]any{}, Given: map[string]bool{}, taps: map[string]bool{}, opts: opts},
		seen:  map[string]bool{},
		set:   map[string]file.Location{},
	}
}

// fileProblem reports a file that cannot be read: at the include, or of the file as a whole.
func (l *load) fileProblem(name string, at file.Location, found, hint string) {
	if at.From >= 0 {
		l.report(at, "include", found, "", hint)
		return
	}
	l.errors++
	l.problems = append(l.problems, Problem{File: name, Found: found, Hint: hint})
}

// read reads one file.
func (l *load) read(name string, at file.Location) {
	switch {
	case slices.Contains(l.opening, name):
		l.fileProblem(name, at, fmt.Sprintf("%s includes itself", name), strings.Join(append(l.opening, name), " includes "))
		return
	case l.seen[name]:
		l.fileProblem(name, at, name+" is included twice", "each file of rules is read once")
		return
	case len(l.rules.Files) >= maxFiles:
		l.fileProblem(name, at, fmt.Sprintf("more than %d files", maxFiles), "")
		return
	}
	l.seen[name] = true
	text, err := l.readFile(name)
	if err != nil {
		l.fileProblem(name, at, fmt.Sprintf("read %s: %v", name, errorText(err)), "")
		return
	}
	l.text(name, text)
}

func (c *compiler) readFile(name string) (string, error) {
	c.opts.opened(name)
	var f fs.File
	var err error
	if c.opts.FS != nil {
		f, err = c.opts.FS.Open(name)
	} else {
		f, err = os.Open(name)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	switch {
	case info.IsDir():
		return "", fmt.Errorf("is a directory")
	case info.Size() > MaxFileBytes:
		return "", fmt.Errorf("%d bytes, more than %d", info.Size(), MaxFileBytes)
	}
	text := make([]byte, MaxFileBytes+1)
	n := 0
	for n < len(text) {
		m, err := f.Read(text[n:])
		if n += m; err != nil || m == 0 {
			break
		}
	}
	return string(text[:min(n, MaxFileBytes)]), nil
}

// errorText is the cause of a file error, without the name that is said anyway.
func errorText(err error) string {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err.Error()
	}
	return err.Error()
}

// text reads the statements of one file.
func (l *load) text(name, text string) {
	if l.total += len(text); l.total > maxTotalBytes || len(text) > MaxFileBytes {
		l.fileProblem(name, file.Location{From: -1}, "the rules are too long", fmt.Sprintf("at most %d bytes a file, %d in all", MaxFileBytes, maxTotalBytes))
		return
	}
	l.rules.Files = append(l.rules.Files, File{name, text})
	src := l.src.add(name, text)
	l.opening = append(l.opening, name)
	report := func(at file.Location, found, want, hint string) { l.report(at, "", found, want, hint) }
	for _, s := range scan(src, report) {
		if !s.broken && s.text != "" {
			l.statement(s)
		}
	}
	l.opening = l.opening[:len(l.opening)-1]
}

// statement takes in one statement: names are defined, the rest waits until all names are known.
func (l *load) statement(s statement) {
	text, offset := s.text, s.start
	name, value, isLet := cutLet(text)
	if word, _, _ := strings.Cut(text, " "); word == "let" && !isLet {
		l.report(file.Location{From: s.start, To: s.start + 3}, "let", "no name with a value", "write let NAME = value", "")
		return
	}
	if isLet {
		offset += runes(text[:len(text)-len(value)])
		text = value
	}
	n, at, found := parseStatement(text, offset)
	if n == nil {
		want, hint := l.src.syntaxAdvice(text, offset, at.From, found)
		l.report(at, "", found, want, hint)
		return
	}
	if isLet {
		at := file.Location{From: s.start, To: offset}
		if i := strings.Index(s.text, name); i >= 0 {
			at = file.Location{From: s.start + runes(s.text[:i]), To: s.start + runes(s.text[:i]) + runes(name)}
		}
		l.let(name, n, at)
		return
	}
	if c, ok := n.(*ast.CallNode); ok {
		if m, ok := c.Callee.(*ast.MemberNode); ok && identName(m.Node) == "listen" {
			l.late = append(l.late, func() { l.listen(c, m) })
			return
		}
		if m, ok := c.Callee.(*ast.MemberNode); ok && slices.Contains(sourceFamilies, identName(m.Node)) {
			l.late = append(l.late, func() { l.source(c, m) })
			return
		}
	}
	switch name, args, _ := callOf(n); {
	case name == "def":
		l.define(n, args)
	case name == "include":
		l.include(n, args)
	case name == "test" || name == "property":
		l.tests = append(l.tests, n)
	case registry[name] != nil && registry[name].kind == settingName:
		l.late = append(l.late, func() { l.setting(n, registry[name], args) })
	default:
		l.streams = append(l.streams, n)
	}
}

// semicolonHint asks after a semicolon where a statement that begins at start goes wrong at the start of a line.
func (s *sources) semicolonHint(at, start int) string {
	if p := s.position(at); strings.TrimSpace(firstRunes(p.text, p.col-1)) == "" && at > start {
		return "is a ; missing at the end of the line before?"
	}
	return ""
}

func firstRunes(s string, n int) string {
	r := []rune(s)
	return string(r[:max(0, min(n, len(r)))])
}

// cutLet splits let NAME = VALUE.
func cutLet(text string) (name, value string, ok bool) {
	rest, ok := strings.CutPrefix(text, "let")
	if !ok || strings.TrimLeft(rest, " \t\r\n") == rest {
		return "", "", false
	}
	name, value, ok = strings.Cut(rest, "=")
	name = strings.TrimSpace(name)
	if !ok || !isName(name) || strings.HasPrefix(value, "=") {
		return "", "", false
	}
	return name, value, true
}

// let defines a name.
func (l *load) let(name string, value ast.Node, at file.Location) {
	if l.refuseName(name, at, "let") {
		return
	}
	l.lets[name] = &let{name: name, value: value, at: at}
}

// refuseName reports a name that is taken.
func (l *load) refuseName(name string, at file.Location, statement string) bool {
	switch other := l.lets[name]; {
	case other != nil:
		p := l.src.position(other.at.From)
		l.report(at, statement, fmt.Sprintf("%s is defined already", name), fmt.Sprintf("at %s:%d", p.file, p.line), "")
	case l.defs[name] != nil:
		p := l.src.position(l.defs[name].at.From)
		l.report(at, statement, fmt.Sprintf("%s is defined already", name), fmt.Sprintf("at %s:%d", p.file, p.line), "")
	case !l.isNewName(name):
		l.report(at, statement, fmt.Sprintf("%s has a meaning already", name), "", "choose a name that is no field, operator, function or fold")
	default:
		return false
	}
	return true
}

// define takes in def(name(params), stream).
func (l *load) define(n ast.Node, args []ast.Node) {
	const form = "write def(name(parameter, …), stream)"
	if len(args) != 2 {
		l.report(n.Location(), "def", plural(len(args), "argument")+", want 2", form, "")
		return
	}
	name, params, ok := callOf(args[0])
	if !ok {
		l.report(nodeLocation(args[0]), "def", sourceText(args[0])+" is no head of a template", form, "")
		return
	}
	at := args[0].Location()
	if l.refuseName(name, at, "def") {
		return
	}
	d := &def{name: name, body: args[1], at: at}
	for _, p := range params {
		param := identName(p)
		switch {
		case param == "":
			l.report(nodeLocation(p), "def", sourceText(p)+" is no parameter", form, "")
			return
		case !l.isNewName(param):
			l.report(nodeLocation(p), "def", fmt.Sprintf("%s has a meaning already", param), "", "choose a name that is no field, operator, function or fold")
			return
		case slices.Contains(d.params, param):
			l.report(nodeLocation(p), "def", fmt.Sprintf("the parameter %s stands there twice", param), "the parameters of a template have different names", "")
			return
		}
		d.params = append(d.params, param)
	}
	l.defs[name] = d
}

// include reads the files that match a pattern, relative to the file where the statement stands.
func (l *load) include(n ast.Node, args []ast.Node) {
	var pattern *ast.StringNode
	if len(args) == 1 {
		pattern, _ = args[0].(*ast.StringNode)
	}
	if pattern == nil {
		found := plural(len(args), "argument") + ", want 1"
		if len(args) == 1 {
			found = sourceText(args[0]) + " is no pattern"
		}
		l.report(n.Location(), "include", found, `write include("rules.d/*.expr")`, "")
		return
	}
	here := l.opening[len(l.opening)-1]
	var names []string
	var err error
	if l.opts.FS != nil {
		full := pattern.Value
		if !slashpath.IsAbs(full) {
			full = slashpath.Join(slashpath.Dir(here), full)
		}
		l.opts.opened(full)
		names, err = fs.Glob(l.opts.FS, full)
	} else {
		full := pattern.Value
		if !filepath.IsAbs(full) {
			full = filepath.Join(filepath.Dir(here), full)
		}
		l.opts.opened(full)
		names, err = filepath.Glob(full)
	}
	switch {
	case err != nil:
		l.report(pattern.Location(), "include", fmt.Sprintf("%q is no pattern: %v", pattern.Value, err), "* stands for any name, ? for any character, […] for one of some", "")
	case len(names) == 0 && !strings.ContainsAny(pattern.Value, "*?["):
		l.report(pattern.Location(), "include", fmt.Sprintf("there is no file %s", pattern.Value), fmt.Sprintf("names are relative to %s", slashpath.Dir(filepath.ToSlash(here))), "")
	}
	slices.Sort(names)
	for _, name := range names {
		l.read(name, pattern.Location())
	}
}

// finish compiles what was read.
func (l *load) finish() (*Rules, Problems) {
	rank := map[string]int{}
	for i, f := range l.src.files {
		rank[f.name] = i + 1
	}
	l.letNames = map[string]Datum{}
	for name, x := range l.lets {
		if !l.isStreamLet(x) {
			l.letNames[name] = Datum{}
		}
	}
	for _, f := range l.late {
		f()
	}
	x := context{in: l.opts.Root, path: l.root, top: true}
	l.rules.root = newRoots(l.children(l.streams, x))
	for _, name := range slices.Sorted(maps.Keys(l.lets)) {
		l.resolve(l.lets[name].value, l.lets[name])
	}
	l.rules.Sinks = l.sinks.all
	l.rules.Tables = l.tables
	if i := slices.Index(l.places, nil); i >= 0 {
		l.places = l.places[:i]
	}
	l.rules.places, l.rules.covers = l.places, l.covers
	l.rules.lets, l.rules.live = l.lets, l.liveLets()
	l.collectTaps()
	for _, n := range l.tests {
		if name, _, _ := callOf(n); name == "property" {
			l.property(n)
		} else {
			l.test(n)
		}
	}
	l.lintStreams()
	if l.errors == 0 {
		l.unused()
	}
	for name, r := range registry {
		if _, ok := l.set[name]; !ok && r.kind == settingName {
			l.rules.Settings[name] = r.defaults.Interface()
		}
	}
	l.src.mask(l.problems)
	problems := Problems(sortProblems(l.problems, rank))
	if problems.Err() != nil {
		return nil, problems
	}
	return l.rules, problems
}

// unused warns of names that nothing uses.
func (l *load) unused() {
	for _, x := range l.lets {
		if !x.used {
			l.warn(x.at, "let", x.name+" is not used", "", "remove it, or put it where its events come from")
		}
	}
	for _, x := range l.defs {
		if !x.used {
			l.warn(x.at, "def", x.name+" is not used", "", "remove it, or call it where a stream is wanted")
		}
	}
}

// isLet reports whether name is given by a let.
func (r *Rules) isLet(name string) bool { return r.lets[name] != nil }
