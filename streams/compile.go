package streams

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// maxPlaces bounds the operators of one set of rules, templates expanded.
const maxPlaces = 100_000

// compiler turns the statements of all files into the parts of a graph.
type compiler struct {
	opts     LoadOptions
	src      *sources
	problems []Problem
	said     map[said]bool
	errors   int // problems reported, repetitions too

	lets     map[string]*let
	letNames map[string]Datum // of expressions, for suggestions: fill has put their values in
	defs     map[string]*def
	ids      map[string]bool // names given by id(…)

	poisoned bool // fill met a mistake that has been reported: what follows from it is not
	unset    int  // how often fill put in the empty text of a variable that is not set

	places   []*node
	covers   []*condCover
	expanded int // uses of templates
	sinks    sinkSet
	tables   []File
	slots    int        // pipe markers
	scratch  *Env       // to probe constructors with
	root     *statePath // where the root's paths are numbered
}

// let is a name given by a let statement: a stream, of which there is one instance, or an expression.
type let struct {
	name  string
	value ast.Node
	at    file.Location
	used  bool

	stage    uint8    // 0: not looked at, 1: being compiled, 2: done
	expr     ast.Node // the expression, other lets put in
	size     int      // of expr
	poisoned bool     // expr has a problem
	unset    bool     // expr has the empty text of a variable that is not set
	part     part     // the stream
	from     []*let   // the lets that use it; nil stands for a use elsewhere
	live     bool     // a statement uses it, be it through other lets
	takes    Kind     // what has to reach the stream: see compiler.need
	taker    string   // who says so, with its place
	stateOf  *string  // see compiler.stateOf
}

// def is a template.
type def struct {
	name   string
	params []string
	body   ast.Node
	at     file.Location
	used   bool
}

// part is a compiled stream, of which instances can be made.
type part interface {
	// build makes an instance in the scope of env, which is the parent's.
	build(env *Env) Stream
}

// context is what is known at a place where a stream stands.
type context struct {
	in      Kind   // what reaches it
	giver   string // the operator that gives that; "": the top level
	given   *let   // the let whose own input it is, of which nothing is known there; nil: it is not
	vars    map[string]int
	slots   map[string]*slot // pipe markers
	path    *statePath
	opening []string // defs that are being expanded
	let     *let     // the let whose stream it belongs to
	top     bool     // at the top level
}

// maxProblems bounds what is said about one set of rules.
const maxProblems = 10_000

// said tells problems apart: a template gives the same one at each use.
type said struct {
	from  int
	found string
}

func (c *compiler) report(at file.Location, operator, found, want, hint string) {
	c.errors++
	c.say(at, operator, found, want, hint, false)
}

func (c *compiler) warn(at file.Location, operator, found, want, hint string) {
	c.say(at, operator, found, want, hint, true)
}

func (c *compiler) say(at file.Location, operator, found, want, hint string, warning bool) {
	key := said{at.From, found}
	if c.said[key] || len(c.said) >= maxProblems {
		return
	}
	c.said[key] = true
	p := c.src.problem(at, operator, found, want, hint)
	p.Warning = warning
	c.problems = append(c.problems, p)
}

// stream compiles n as a stream; nil after a problem.
func (c *compiler) stream(n ast.Node, x context) part {
	if x.top {
		name, _, _ := callOf(n)
		x.top = name == "where"
	}
	if name := identName(n); name != "" {
		return c.named(n, name, x)
	}
	if name, args, ok := callOf(n); ok {
		return c.called(n, name, args, x)
	}
	c.report(nodeLocation(n), "", fmt.Sprintf("%s is no stream", sourceText(n)), wantStream, c.streamHint(n))
	return nil
}

const wantStream = "a stream is expected here: an operator with its arguments, or a name"

// streamHint is the hint for what is no stream, or "".
func (c *compiler) streamHint(n ast.Node) string {
	if _, ok := n.(*ast.StringNode); ok {
		return `several texts of one argument are a list: ["…", "…"]`
	}
	switch name := hyphenated(n); {
	case name == "":
		return ""
	case registry[name] != nil && registry[name].kind == operatorName:
		return "names have no hyphens: " + name
	default:
		return formerNames[name]
	}
}

// named compiles a bare name in the place of a stream.
func (c *compiler) named(n ast.Node, name string, x context) part {
	if s := x.slots[name]; s != nil {
		s.meet(x)
		return s
	}
	if l := c.lets[name]; l != nil {
		return c.shared(n, l, x)
	}
	if r := registry[name]; r != nil && r.kind == operatorName {
		return c.operator(n, r, nil, x)
	}
	if c.opts.Taps && c.isFree(name, x) {
		return c.operator(n, registry["tap"], []ast.Node{stringNode(n, name)}, x)
	}
	switch {
	case registry[name] != nil && registry[name].kind == sinkName:
		c.report(n.Location(), "", fmt.Sprintf("%s is a sink without its options", name), "", fmt.Sprintf("write %s({…}); `zeta operators %s` lists the options", name, name))
	case c.defs[name] != nil:
		d := c.defs[name]
		d.used = true
		c.report(n.Location(), "", fmt.Sprintf("%s is a template", name), "", fmt.Sprintf("call it: %s(%s)", name, strings.Join(d.params, ", ")))
	case slices.Contains(eventFields, name):
		c.report(n.Location(), "", fmt.Sprintf("%s is a field of the event, not a stream", name), wantStream, "several fields of one argument are a list: [host, service]")
	default:
		c.report(n.Location(), "", "unknown stream "+name, "", c.suggest(name, false))
	}
	return nil
}

// isFree reports whether a name means nothing, so that in tests and examples it is a tap.
func (c *compiler) isFree(name string, x context) bool {
	_, isVar := x.vars[name]
	_, isFold := foldByName(name)
	return !isVar && !isFold && name != "event" && name != "acc" && c.lets[name] == nil && c.defs[name] == nil &&
		registry[name] == nil && !slices.Contains(eventFields, name)
}

// suggest is the hint for an unknown name in the place of a stream.
func (c *compiler) suggest(name string, called bool) string {
	var known []string
	for n, r := range registry {
		if r.kind == operatorName || r.kind == sinkName || called {
			known = append(known, n)
		}
	}
	known = slices.AppendSeq(known, maps.Keys(c.defs))
	if !called {
		for n, l := range c.lets {
			if c.isStreamLet(l) {
				known = append(known, n)
			}
		}
	}
	slices.Sort(known)
	if hint := formerNames[name]; hint != "" {
		return hint
	}
	if hint := didYouMean(name, known); hint != "" {
		return hint
	}
	return "`zeta operators` lists the operators; a stream is named with let"
}

// called compiles a call in the place of a stream.
func (c *compiler) called(n ast.Node, name string, args []ast.Node, x context) part {
	if r := registry[name]; r != nil {
		switch {
		case r.kind == operatorName && name == "pipe":
			return c.pipe(n, args, x)
		case r.kind == operatorName:
			return c.operator(n, r, args, x)
		case r.kind == sinkName:
			return c.sink(n, r, args, x)
		}
		c.report(n.Location(), "", fmt.Sprintf("%s is a setting, not a stream", name), "", "settings stand at the top level of a file")
		return nil
	}
	if d := c.defs[name]; d != nil {
		return c.expand(n, d, args, x)
	}
	switch name {
	case "id":
		return c.id(n, args, x)
	case "else":
		c.report(n.Location(), "", "else(…) stands alone", "else(…) holds the other children of where: where(condition, …, else(…))", "")
		return nil
	case "test", "property", "include", "def", "let", "listen":
		c.report(n.Location(), "", name+" is a statement", "", "write it at the top level of a file")
		return nil
	}
	if l := c.lets[name]; l != nil {
		l.used = true
		c.report(n.Location(), "", fmt.Sprintf("%s is a let, not a template", name), "", fmt.Sprintf("write %s without brackets, or define it with def(%s(…), …)", name, name))
		return nil
	}
	c.report(n.Location(), "", "unknown operator "+name, "", c.suggest(name, true))
	x.in = Unknown
	for _, a := range args {
		if c.isStream(a, x) {
			c.stream(a, x) // for its own problems
		}
	}
	return nil
}

// shared compiles the use of a let.
func (c *compiler) shared(n ast.Node, l *let, x context) part {
	l.used = true
	if !c.isStreamLet(l) {
		c.report(n.Location(), "", fmt.Sprintf("%s is a value, not a stream", l.name), "a stream is expected here", "")
		return nil
	}
	if !c.resolve(n, l) {
		return nil
	}
	if !slices.Contains(l.from, x.let) {
		l.from = append(l.from, x.let)
	}
	c.flow(n, l.name, x, l.takes, l.taker)
	if l.part == nil {
		return nil
	}
	if name := c.stateOf(l); name != "" && x.path.outer != "" {
		c.warn(n.Location(), "", fmt.Sprintf("%s is one instance for all keys of by, and so is the state of its %s", l.name, name), "",
			fmt.Sprintf("for one a key write def(%s(), …) and %s()", l.name, l.name))
	}
	return &letPart{l}
}

// stateOf returns the first operator of a let whose state the uses of the let share; "" if there is none.
func (c *compiler) stateOf(l *let) string {
	if l.stage != 2 || l.stateOf != nil {
		if l.stateOf != nil {
			return *l.stateOf
		}
		return ""
	}
	l.stateOf = new(string)
	for _, n := range c.places {
		if n != nil && n.let == l && n.stateful && n.entry.kind == operatorName && n.path.outer == "" && n.name != "by" && n.name != "byBuilder" {
			*l.stateOf = n.name
			break
		}
	}
	return *l.stateOf
}

// resolve compiles a let on its first use; false says that there was a problem.
func (c *compiler) resolve(n ast.Node, l *let) bool {
	switch l.stage {
	case 2:
		return true
	case 1:
		hint := "write the value of one of the names without the others"
		if c.isStream(l.value, context{}) {
			hint = "streams run one way; use reinject to send events through the rules again"
		}
		c.report(n.Location(), "", fmt.Sprintf("%s is defined by itself", l.name), "", hint)
		return false
	}
	l.stage = 1
	if c.isStreamLet(l) {
		l.part = c.stream(l.value, context{in: Unknown, given: l, path: c.root.root("let " + l.name), let: l})
	} else {
		before, unset := c.poisoned, c.unset
		c.poisoned = false
		l.expr = c.fill(l.value)
		l.poisoned, c.poisoned = c.poisoned, before
		l.unset = c.unset > unset
		l.size = treeSize(l.expr, maxExprNodes+1)
		if l.size > maxExprNodes {
			c.report(l.at, "", fmt.Sprintf("%s is too large", l.name), fmt.Sprintf("at most %d parts, names put in", maxExprNodes), "")
			l.expr, l.poisoned = stringNode(l.value, ""), true
		}
	}
	l.stage = 2
	return true
}

// isStreamLet reports whether the let names a stream.
func (c *compiler) isStreamLet(l *let) bool {
	if name := identName(l.value); name != "" {
		if other := c.lets[name]; other != nil {
			return other != l && other.stage != 1 && c.isStreamLetBelow(other, 0)
		}
	}
	return c.isStream(l.value, context{})
}

func (c *compiler) isStreamLetBelow(l *let, depth int) bool {
	if other := c.lets[identName(l.value)]; other != nil {
		return depth < len(c.lets) && c.isStreamLetBelow(other, depth+1)
	}
	return c.isStream(l.value, context{})
}

// isStream reports whether n reads as a stream: it tells optional arguments from children.
func (c *compiler) isStream(n ast.Node, x context) bool {
	if name := identName(n); name != "" {
		if x.slots[name] != nil {
			return true
		}
		if _, isVar := x.vars[name]; isVar {
			return false
		}
		if l := c.lets[name]; l != nil {
			return c.isStreamLet(l)
		}
		if r := registry[name]; r != nil {
			_, isFold := foldByName(name)
			return !isFold && (r.kind == operatorName || r.kind == sinkName)
		}
		return c.opts.Taps && c.isFree(name, x)
	}
	name, args, ok := callOf(n)
	if !ok {
		return false
	}
	if name == "else" || name == "id" || c.defs[name] != nil {
		return true
	}
	r := registry[name]
	if r == nil || r.kind != operatorName && r.kind != sinkName {
		return false
	}
	if _, isFunction := findBuiltin(name); !isFunction {
		return true
	}
	// tagged("x") is a condition, tagged("x", out) a stream.
	return slices.ContainsFunc(args, func(a ast.Node) bool { return c.isStream(a, x) })
}

// fill puts the expressions of lets and the values of env("NAME") into n.
func (c *compiler) fill(n ast.Node) ast.Node {
	return rewrite(n, func(n ast.Node) ast.Node {
		if l := c.lets[identName(n)]; l != nil && !c.isStreamLet(l) {
			l.used = true
			if !c.resolve(n, l) || l.expr == nil {
				c.poisoned = true
				return stringNode(n, "")
			}
			c.poisoned = c.poisoned || l.poisoned
			if l.unset {
				c.unset++
			}
			return l.expr
		}
		if name, args, ok := callOf(n); ok && name == "env" {
			return c.environment(n, args)
		}
		return n
	})
}

// environment is the string that env("NAME") stands for.
func (c *compiler) environment(n ast.Node, args []ast.Node) ast.Node {
	if len(args) != 1 {
		c.poisoned = true
		c.report(n.Location(), "env", plural(len(args), "argument")+", want 1", `write env("NAME")`, "")
		return stringNode(n, "")
	}
	key, ok := args[0].(*ast.StringNode)
	if !ok || key.Value == "" || strings.ContainsAny(key.Value, "=\x00") {
		c.poisoned = true
		c.report(nodeLocation(args[0]), "env", sourceText(args[0])+" is no name of an environment variable", `write env("NAME")`, "")
		return stringNode(n, "")
	}
	value, set := c.opts.env(key.Value)
	if !set && c.opts.Serve {
		c.report(n.Location(), "env", fmt.Sprintf("the environment variable %s is not set", key.Value), "", fmt.Sprintf("set it, or write env(%q) where an empty text will do only in tests", key.Value))
	}
	if !set {
		c.unset++
	}
	return stringNode(n, value)
}

func stringNode(at ast.Node, value string) ast.Node {
	s := &ast.StringNode{Value: value}
	s.SetLocation(at.Location())
	return s
}

// expand compiles the use of a template: its body with the arguments put in.
func (c *compiler) expand(n ast.Node, d *def, args []ast.Node, x context) part {
	d.used = true
	if c.expanded++; c.expanded > c.opts.places {
		if c.expanded == c.opts.places+1 {
			c.report(n.Location(), d.name, fmt.Sprintf("templates are used more than %d times", c.opts.places), "", "a template that uses another twice, and so on, doubles with each step")
		}
		return nil
	}
	if len(args) != len(d.params) {
		at := c.src.position(d.at.From)
		c.report(n.Location(), d.name, fmt.Sprintf("%s, want %d", plural(len(args), "argument"), len(d.params)),
			fmt.Sprintf("%s(%s) is defined at %s:%d", d.name, strings.Join(d.params, ", "), at.file, at.line), "")
		return nil
	}
	if slices.Contains(x.opening, d.name) {
		c.report(n.Location(), d.name, "uses itself", "a template is put in place of its use and would never end", "")
		return nil
	}
	values := map[string]ast.Node{}
	var text []string
	for i, p := range d.params {
		values[p] = args[i]
		text = append(text, sourceText(c.fill(args[i])))
	}
	body := rewrite(d.body, func(n ast.Node) ast.Node {
		if v := values[identName(n)]; v != nil {
			return v
		}
		return n
	})
	if treeSize(body, maxExprNodes+1) > maxExprNodes {
		c.report(n.Location(), d.name, fmt.Sprintf("%s is too large with these arguments", d.name), fmt.Sprintf("at most %d parts", maxExprNodes), "")
		return nil
	}
	x.opening = append(slices.Clone(x.opening), d.name)
	x.path = x.path.root(fmt.Sprintf("%s(%s)", d.name, strings.Join(text, ", ")))
	return c.stream(body, x)
}

// id compiles id("name", stream): the stream with a name of its own for its state.
func (c *compiler) id(n ast.Node, args []ast.Node, x context) part {
	if len(args) < 2 {
		c.report(n.Location(), "id", plural(len(args), "argument")+", want 2", `write id("name", stream)`, "")
		return nil
	}
	name, ok := args[0].(*ast.StringNode)
	if !ok || name.Value == "" {
		c.report(nodeLocation(args[0]), "id", sourceText(args[0])+" is no name", `write id("name", stream)`, "")
		return nil
	}
	if c.ids[name.Value] && len(x.opening) == 0 {
		c.report(nodeLocation(args[0]), "id", fmt.Sprintf("the id %q is taken", name.Value), "each id names one place", "")
		return nil
	}
	c.ids[name.Value] = true
	x.path = x.path.root("id " + name.Value)
	return c.children(args[1:], x)
}

// children compiles streams side by side; nil if there is none.
func (c *compiler) children(nodes []ast.Node, x context) part {
	var parts fan
	for _, n := range nodes {
		if p := c.stream(n, x); p != nil {
			parts = append(parts, p)
		}
	}
	switch len(parts) {
	case 0:
		return nil
	case 1:
		return parts[0]
	}
	return parts
}

// operator compiles the call of an operator.
func (c *compiler) operator(n ast.Node, r *registration, args []ast.Node, x context) part {
	place := c.place(n, r)
	if place == nil {
		return nil
	}
	before := c.errors
	d := decoder{c: c, r: r, call: n, x: x, opts: reflect.New(r.options).Elem(), binds: &place.binds}
	d.opts.Set(r.defaults)
	rest := d.arguments(args)
	if c.errors == before {
		d.check()
	}
	place.opts, place.let = d.opts, x.let
	failed := c.errors > before

	place.takes, place.gives = r.In, r.Out
	if r.takes != nil && !failed {
		place.takes = r.takes(d.opts)
	}
	c.flow(n, r.Name, x, place.takes, "")
	if place.takes == Either {
		place.takes = x.in
	}
	if place.gives == Either {
		place.gives = x.in
	}
	if r.gives != nil && !failed {
		place.gives = r.gives(d.opts, x.in)
	}
	if failed {
		place.gives = Unknown // say no more about what follows from the mistake
		rest = slices.DeleteFunc(rest, isLiteral)
	} else {
		c.probe(n, place)
	}
	if x.top && r.Name == "where" && !failed && !c.opts.Coverage {
		place.fixed, place.rest = compileSplitCond(d.checker(&r.fields[0]), c.fill(args[0]))
	}
	below := x
	below.top = false
	below.in, below.vars = place.gives, d.vars()
	if !r.passesKind(d.opts) {
		below.giver, below.given = r.Name, nil
	}
	below.path = x.path.below(place, c.argumentText(place))
	place.path = below.path
	d.branches(below)
	place.outlets = d.outlets
	if !failed {
		place.args, place.template, place.idle = args, len(x.opening) > 0, len(rest) == 0
	}
	switch {
	case r.Leaf && len(rest) > 0:
		c.report(nodeLocation(rest[0]), r.Name, "takes no streams", "nothing can follow it", fmt.Sprintf("write sdo(%s, …) to send the input to both", r.Name))
	case r.branches && len(rest) > 0:
		c.report(nodeLocation(rest[0]), r.Name, "one argument too many", c.usage(r), "")
	default:
		place.next = c.children(rest, below)
	}
	return place
}

// isLiteral reports whether n can be nothing but a value.
func isLiteral(n ast.Node) bool {
	_, _, isCall := callOf(n)
	return identName(n) == "" && !isCall
}

// place makes the node of a call.
func (c *compiler) place(n ast.Node, r *registration) *node {
	if len(c.places) >= c.opts.places {
		if len(c.places) == c.opts.places {
			c.report(n.Location(), r.Name, fmt.Sprintf("more than %d operators", c.opts.places), "", "a template that uses another twice, and so on, doubles with each step")
			c.places = append(c.places, nil)
		}
		return nil
	}
	at := c.src.position(n.Location().From)
	place := &node{entry: r, name: r.Name, pos: fmt.Sprintf("%s:%d:%d", at.file, at.line, at.col), order: len(c.places), at: n.Location()}
	c.places = append(c.places, place)
	return place
}

// probe makes one instance and drops it: what the constructor refuses is found when the rules are loaded,
// even below by, and whether the operator has state is known from then on.
func (c *compiler) probe(n ast.Node, place *node) {
	env := *c.scratch
	env.node = place
	scope := &scope{graph: env.scope.graph, in: &Input{Vars: make([]Datum, 16), rt: env.rt}}
	env.scope = scope
	s, err := place.entry.make(&env, place.bind(&env), Discard)
	scope.close()
	if err != nil {
		c.report(n.Location(), place.name, err.Error(), "", "")
		return
	}
	_, place.stateful = s.(Stateful)
}

// usage is how an operator is called.
func (c *compiler) usage(r *registration) string {
	return r.Name + " is called " + r.Usage()
}

// Usage is how the name is called, e.g. throttle(limit, every, streams…).
func (d *Doc) Usage() string {
	var args, options, streams []string
	for _, a := range d.Args {
		name := a.Name
		switch {
		case a.Rest:
			name += "…"
		case a.Optional:
			name = "[" + name + "]"
		}
		switch {
		case a.Option:
			options = append(options, a.Name)
		case a.Branch:
			streams = append(streams, name)
		default:
			args = append(args, name)
		}
	}
	if len(options) > 0 {
		args = append(args, "{"+strings.Join(options, ", ")+"}")
	}
	args = append(args, streams...)
	if !d.Leaf && !d.takesBranches() {
		args = append(args, "streams…")
	}
	if len(args) == 0 {
		return d.Name
	}
	return d.Name + "(" + strings.Join(args, ", ") + ")"
}

// takesBranches reports whether the children are arguments like others.
func (d *Doc) takesBranches() bool {
	return slices.ContainsFunc(d.Args, func(a ArgDoc) bool { return a.Branch && a.Name != "else" })
}
