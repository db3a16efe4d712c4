package streams

import (
	"fmt"
	"math"
	"slices"

	"github.com/expr-lang/expr/ast"

	"zeta/event"
)

// Test is a test("name", at(…)…, expect(…)…) statement.
type Test struct {
	Name string
	Pos  string // file:line:col

	steps   []testStep
	expects []testExpect
}

// testStep is at(t, e…).
type testStep struct {
	at     int64
	events []*event.Event
}

// testExpect is expect(name, list).
type testExpect struct {
	name string
	want []any
}

// TestResult is the outcome of a test; it has passed if Failures is empty.
type TestResult struct {
	Name, Pos string
	Failures  []string // one for each expect that does not hold, several lines each
}

// collectTaps notes what tests can expect at.
func (l *load) collectTaps() {
	for name := range l.lets {
		if l.isStreamLet(l.lets[name]) {
			l.rules.taps[name] = true
		}
	}
	for _, n := range l.places {
		switch {
		case n.name == "tap":
			name := n.opts.Field(0).String()
			l.rules.taps[name] = true
			if x := l.lets[name]; x != nil && l.isStreamLet(x) && x.part != part(n) {
				l.warn(n.at, "tap", fmt.Sprintf("%s is the name of a let, too", name), "in tests the values of both are recorded together", "give the tap another name")
			}
		case n.entry.kind == sinkName || n.name == "index" || n.name == "publish" || n.name == "reinject":
			l.rules.taps[n.name] = true
		}
	}
}

// test takes in a test statement.
func (l *load) test(n ast.Node) {
	_, args, _ := callOf(n)
	at := l.src.position(n.Location().From)
	t := &Test{Pos: fmt.Sprintf("%s:%d:%d", at.file, at.line, at.col)}
	const form = `write test("name", at(0, event({…})), expect(name, [{…}]))`
	if len(args) > 0 {
		if s, ok := args[0].(*ast.StringNode); ok {
			t.Name = s.Value
			args = args[1:]
		}
	}
	if t.Name == "" {
		l.report(n.Location(), "test", "a test without a name", form, "")
		return
	}
	expects := false
	for _, a := range args {
		switch name, inner, _ := callOf(a); name {
		case "at":
			l.testAt(t, a, inner)
		case "expect":
			expects = true
			l.testExpect(t, a, inner)
		default:
			l.report(nodeLocation(a), "test", fmt.Sprintf("found %s, want at(…) or expect(…)", clip(sourceText(a))), form, "")
		}
	}
	if !expects {
		l.report(n.Location(), "test", fmt.Sprintf("the test %q expects nothing", t.Name), form, "")
		return
	}
	l.rules.Tests = append(l.rules.Tests, t)
}

func (l *load) testAt(t *Test, n ast.Node, args []ast.Node) {
	if len(args) == 0 {
		l.report(n.Location(), "at", "at without a time", "write at(10, event({…})): seconds, then events", "")
		return
	}
	d := decoder{c: &l.compiler, r: &registration{Doc: Doc{Name: "at"}}, call: n, x: context{in: Events}}
	time, ok := d.duration(&optionField{name: "time", typ: typeDuration}, args[0])
	if !ok {
		return
	}
	step := testStep{at: time.Microseconds()}
	if len(t.steps) > 0 && step.at < t.steps[len(t.steps)-1].at {
		l.report(nodeLocation(args[0]), "at", fmt.Sprintf("%s is before the step above", sourceText(args[0])), "time does not run backwards", "")
		return
	}
	for _, a := range args[1:] {
		name, inner, _ := callOf(a)
		value, ok := any(nil), false
		switch {
		case name == "event" && len(inner) == 1:
			value, ok = l.constant(inner[0], "event")
		case name == "":
			value, ok = l.constant(a, "at")
		}
		fields, isMap := value.(map[string]any)
		if !ok || !isMap {
			l.report(nodeLocation(a), "at", fmt.Sprintf("found %s, want an event", clip(sourceText(a))), `write event({host: "web1", metric: 1})`, "")
			return
		}
		e, err := eventOf(fields)
		if err != nil {
			l.report(nodeLocation(a), "event", err.Error(), "", "")
			return
		}
		step.events = append(step.events, e)
	}
	t.steps = append(t.steps, step)
}

func (l *load) testExpect(t *Test, n ast.Node, args []ast.Node) {
	const form = "write expect(name, [{…}, …])"
	if len(args) != 2 {
		l.report(n.Location(), "expect", plural(len(args), "argument")+", want 2", form, "")
		return
	}
	name, ok := l.tapName(args[0], "expect")
	if !ok {
		return
	}
	value, ok := l.constant(args[1], "expect")
	want, isList := value.([]any)
	if ok && !isList {
		l.report(nodeLocation(args[1]), "expect", fmt.Sprintf("found %s, want a list", clip(sourceText(args[1]))), form, "")
		return
	}
	for _, w := range want {
		if err := checkWant(w, true); err != nil {
			l.report(nodeLocation(args[1]), "expect", err.Error(), form, "")
			return
		}
	}
	if ok {
		t.expects = append(t.expects, testExpect{name, want})
	}
}

// checkWant reports an expectation that nothing can fit.
func checkWant(w any, windows bool) error {
	switch w := w.(type) {
	case nil:
		return nil
	case map[string]any:
		for k := range w {
			if !slices.Contains(eventFields, k) {
				return unknownField(k)
			}
		}
		return nil
	case []any:
		for _, x := range w {
			if !windows {
				break
			}
			if err := checkWant(x, false); err != nil {
				return err
			}
		}
		if windows {
			return nil
		}
	}
	return fmt.Errorf("found %s, want an event {…}, a window [{…}, …] or nil", clip(anyText(w)))
}

// constant evaluates lists, maps and constants of a test.
func (l *load) constant(n ast.Node, operator string) (any, bool) {
	switch n := l.fill(n).(type) {
	case *ast.ArrayNode:
		list := []any{}
		for _, e := range n.Nodes {
			v, ok := l.constant(e, operator)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		return list, true
	case *ast.MapNode:
		m := map[string]any{}
		for _, p := range n.Pairs {
			pair := p.(*ast.PairNode)
			key, ok := pair.Key.(*ast.StringNode)
			if !ok {
				l.report(nodeLocation(n), operator, "a computed key", "keys are names", "")
				return nil, false
			}
			v, ok := l.constant(pair.Value, operator)
			if !ok {
				return nil, false
			}
			m[key.Value] = v
		}
		return m, true
	default:
		d, ok := compileConst(&checker{report: l.report, operator: operator, in: Events}, n)
		switch d.Kind {
		case Bool:
			return d.Bool, ok
		case Int:
			return d.Int, ok
		case Float:
			return d.Float, ok
		case String:
			return d.Str, ok
		}
		return nil, ok
	}
}

// RunOptions say how tests are run.
type RunOptions struct {
	Restart bool                   // save, build anew and load after every step
	Only    func(name string) bool // which tests; nil: all
	// Index makes the index of each test, which is swept on its clock; nil: an index in which nothing expires.
	Index func() ExpiringIndex

	anew func(g *Graph) // called with each graph that is to take over, before its state comes
}

func (o RunOptions) wants(name string) bool { return o.Only == nil || o.Only(name) }

// RunTests runs the tests and the properties of the rules, each with fresh rules and the clock at 0.
func (r *Rules) RunTests(opts RunOptions) []TestResult {
	var results []TestResult
	for _, t := range r.Tests {
		if opts.wants(t.Name) {
			results = append(results, r.runTest(t, opts))
		}
	}
	for _, p := range r.Properties {
		if opts.wants(p.Name) {
			results = append(results, r.runProperty(p, opts))
		}
	}
	return results
}

func (r *Rules) runTest(t *Test, opts RunOptions) TestResult {
	result := TestResult{Name: t.Name, Pos: t.Pos}
	fail := func(format string, args ...any) TestResult {
		result.Failures = append(result.Failures, fmt.Sprintf(format, args...))
		return result
	}
	run, err := newTestRun(r, opts)
	if err != nil {
		return fail("%v", err)
	}
	defer func() { run.graph.Close() }()
	if err := run.play(t.steps); err != nil {
		return fail("%v", err)
	}
	for _, x := range t.expects {
		if d := diff(x.name, x.want, run.rec.seen[x.name], defaultTolerance); d != "" {
			fail("%s", d)
		}
	}
	return result
}

// testRun is a graph under a scripted clock.
type testRun struct {
	rules *Rules
	opts  RunOptions
	rt    *Runtime
	rec   *recorder
	graph *Graph
	index *sweptIndex // nil: nothing expires
}

func newTestRun(r *Rules, opts RunOptions) (*testRun, error) {
	t := &testRun{rules: r, opts: opts, rec: newRecorder()}
	t.rt = &Runtime{Clock: NewClock(0), Testing: true, rec: t.rec}
	var index ExpiringIndex
	if opts.Index != nil {
		index = opts.Index()
	}
	if t.rt.Index = t.newIndex(index); index != nil {
		t.index.on(t.rt.Clock)
	}
	var err error
	t.graph, err = r.Build(t.rt)
	return t, err
}

func (t *testRun) push(v Value) { t.graph.Push(v) }

// restart replaces the graph by a new one with its state, if the options ask for it.
func (t *testRun) restart() error {
	if !t.opts.Restart {
		return nil
	}
	var s Saver
	t.graph.Save(&s)
	t.graph.Close()
	rt := *t.rt
	rt.Clock = NewClock(t.rt.Clock.Now())
	t.rt = &rt
	if t.index != nil {
		t.index.on(rt.Clock)
	}
	g, err := t.rules.Build(t.rt)
	if err != nil {
		return err
	}
	t.graph = g
	if t.opts.anew != nil {
		t.opts.anew(g)
	}
	moved, err := g.Move(NewLoader(s.Bytes()))
	if err != nil {
		return err
	}
	if len(moved.Lost) > 0 || len(moved.New) > 0 {
		return fmt.Errorf("a restart lost the state of %q and gave none to %q", moved.Lost, moved.New)
	}
	return nil
}

// scriptTime is a time of a script, in seconds, as microseconds.
func scriptTime(s float64) int64 {
	if math.IsNaN(s) {
		return 0
	}
	return event.SecondsToMicros(s)
}
