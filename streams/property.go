package streams

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"zeta/event"
)

// Property is a property("name", over({…}), check…) statement: what holds of taps whatever comes in. It is tried
// with events made at random from a seed; those that break it are made fewer and simpler before they are told.
type Property struct {
	Name string
	Pos  string // file:line:col

	over   OverOptions
	checks []propertyCheck
}

// propertyCheck is one thing that holds: of the values that a tap saw in a run.
type propertyCheck struct {
	kind   string // a key of propertyForms
	tap    string
	cond   Cond          // never, always, eventually
	most   int           // atMost
	within time.Duration // atMost
	keys   Keys          // atMost: each of their values on its own; nil: all values together
}

// propertyForms are the checks, as they are written.
var propertyForms = map[string]string{
	"never":      "never(name, condition)",
	"always":     "always(name, condition)",
	"eventually": "eventually(name, condition)",
	"atMost":     `atMost(name, number, "1h", [keys])`,
}

const propertyForm = `write property("name", over({…}), never(name, condition)); beside never there are always, eventually and atMost(name, 1, "1h")`

// property takes in a property statement.
func (l *load) property(n ast.Node) {
	_, args, _ := callOf(n)
	at := l.src.position(n.Location().From)
	p := &Property{Pos: fmt.Sprintf("%s:%d:%d", at.file, at.line, at.col), over: overEntry().defaults.Interface().(OverOptions)}
	if len(args) > 0 {
		if s, ok := args[0].(*ast.StringNode); ok {
			p.Name = s.Value
			args = args[1:]
		}
	}
	if p.Name == "" {
		l.report(n.Location(), "property", "a property without a name", propertyForm, "")
		return
	}
	before := l.errors
	for _, a := range args {
		name, inner, _ := callOf(a)
		switch {
		case name == "over":
			l.over(p, a, inner)
		case propertyForms[name] != "":
			l.check(p, name, a, inner)
		default:
			l.report(nodeLocation(a), "property", fmt.Sprintf("found %s, want over({…}) or a check", clip(sourceText(a))), propertyForm, "")
		}
	}
	if len(p.checks) == 0 && l.errors == before {
		l.report(n.Location(), "property", fmt.Sprintf("the property %q says nothing", p.Name), propertyForm, "")
	}
	l.rules.Properties = append(l.rules.Properties, p)
}

// over takes in over({…}).
func (l *load) over(p *Property, n ast.Node, args []ast.Node) {
	if o, ok := l.declared(n, overEntry(), args); ok {
		p.over = o.(OverOptions)
	}
}

// check takes in one check.
func (l *load) check(p *Property, kind string, n ast.Node, args []ast.Node) {
	most := 2
	if kind == "atMost" {
		most = 4
	}
	if len(args) < min(most, 3) || len(args) > most {
		l.report(n.Location(), kind, plural(len(args), "argument"), "write "+propertyForms[kind], "")
		return
	}
	c := propertyCheck{kind: kind}
	var ok bool
	if c.tap, ok = l.tapName(args[0], kind); !ok {
		return
	}
	d := decoder{c: &l.compiler, r: &registration{Doc: Doc{Name: kind}}, call: n, x: context{in: Events}}
	if kind != "atMost" {
		c.cond = d.cond(&optionField{name: "condition", typ: typeCond}, args[1])
		p.checks = append(p.checks, c)
		return
	}
	number, isNumber := d.number(&optionField{name: "number", typ: reflect.TypeFor[int](), hasMin: true, minText: "0"}, args[1])
	within, isDuration := d.duration(&optionField{name: "within", typ: typeDuration}, args[2])
	if !isNumber || !isDuration {
		return
	}
	c.most, c.within = int(number), within
	if len(args) == 4 {
		c.keys, _ = compileKeys(d.checker(&optionField{name: "keys", typ: typeKeys}), l.fill(args[3]))
	}
	p.checks = append(p.checks, c)
}

// tapName returns the name of a tap, a let or a sink that the rules have.
func (l *load) tapName(n ast.Node, operator string) (name string, ok bool) {
	name = identName(n)
	if s, ok := n.(*ast.StringNode); ok {
		name = s.Value
	}
	if !l.rules.taps[name] {
		known := slices.Sorted(maps.Keys(l.rules.taps))
		want := "the rules have " + strings.Join(known, ", ")
		if len(known) == 0 {
			want = "the rules have no tap, no stream with a name and no sink"
		}
		l.report(nodeLocation(n), operator, fmt.Sprintf("nothing is called %s", clip(sourceText(n))), want, didYouMean(name, known))
		return name, false
	}
	if l := l.lets[name]; l != nil {
		l.used = true
	}
	return name, true
}

// broken returns what is wrong with what the taps saw in a run that is over, "" if nothing is.
func (c *propertyCheck) broken(run *testRun) string {
	in := &Input{rt: run.rt}
	c.cond.in = in
	seen := run.rec.seen[c.tap]
	switch c.kind {
	case "atMost":
		return c.tooMany(in, seen, run.rec.at[c.tap])
	case "eventually":
		for _, v := range seen {
			if c.holds(v, false) {
				return ""
			}
		}
		return fmt.Sprintf("%s: none of %s has %s", c.tap, plural(len(seen), "value"), c.cond.Text)
	}
	for i, v := range seen {
		if at := run.rec.at[c.tap][i]; c.kind == "always" && !c.holds(v, true) {
			return fmt.Sprintf("%s: at %s it is not true that %s: %s", c.tap, secondsText(at), c.cond.Text, seenText(v))
		} else if c.kind == "never" && c.holds(v, false) {
			return fmt.Sprintf("%s: at %s %s: %s", c.tap, secondsText(at), c.cond.Text, seenText(v))
		}
	}
	return ""
}

// holds reports whether the condition holds for v: for all events of a window, or for one.
func (c *propertyCheck) holds(v Value, all bool) bool {
	if !v.IsWindow() {
		return c.cond.Test(v)
	}
	for _, e := range v.Window {
		if c.cond.Test(EventValue(e)) != all {
			return !all
		}
	}
	return all
}

// tooMany looks for more values than allowed within the time, which is measured on the engine's clock from when one
// leaves, and ends before as much later. The keys of a window are those of its first event.
func (c *propertyCheck) tooMany(in *Input, seen []Value, at []int64) string {
	recent := map[string][]int64{}
	var key []byte
	for i, v := range seen {
		if len(v.Window) > 0 {
			v = EventValue(v.Window[0])
		}
		key = key[:0]
		for _, k := range c.keys {
			k.in = in
			key = k.Eval(v).AppendKey(key)
		}
		times := append(recent[string(key)], at[i])
		for at[i]-times[0] >= c.within.Microseconds() && len(times) > 1 {
			times = times[1:]
		}
		recent[string(key)] = times
		if len(times) > c.most {
			return fmt.Sprintf("%s: %s within %v, from %s to %s; want at most %d", c.tap, plural(len(times), "value"), c.within, secondsText(times[0]), secondsText(at[i]), c.most)
		}
	}
	return ""
}

// runProperty tries a property and returns the first run that breaks it.
func (r *Rules) runProperty(p *Property, opts RunOptions) TestResult {
	result := TestResult{Name: p.Name, Pos: p.Pos}
	for n := range p.over.Runs {
		steps := generate(p.over, n)
		broken, err := r.breaks(p, steps, opts)
		if err != nil {
			result.Failures = append(result.Failures, err.Error())
			return result
		}
		if broken == nil {
			continue
		}
		steps = r.shrink(p, broken.check, steps, opts)
		if b, err := r.breaks(p, steps, opts); err == nil && b != nil {
			broken = b
		}
		result.Failures = append(result.Failures, fmt.Sprintf("%s\nrun %d of seed %d breaks it; so few events do:\n%s",
			broken.text, n+1, p.over.Seed, testText(p, broken, steps)))
		return result
	}
	return result
}

// breach is a check that a run has broken.
type breach struct {
	check *propertyCheck
	text  string
	seen  []Value // what its tap saw
}

// breaks plays steps and returns the first check that they break; nil if they break none.
func (r *Rules) breaks(p *Property, steps []testStep, opts RunOptions) (*breach, error) {
	run, err := newTestRun(r, opts)
	if err != nil {
		return nil, err
	}
	run.rec.at = map[string][]int64{}
	run.rec.now = func() int64 { return run.rt.Clock.Now() }
	defer func() { run.graph.Close() }()
	if err := run.play(steps); err != nil {
		return nil, err
	}
	end := p.over.After.Microseconds()
	if len(steps) > 0 {
		end += steps[len(steps)-1].at
	}
	run.graph.Advance(end)
	for i := range p.checks {
		c := &p.checks[i]
		if text := c.broken(run); text != "" {
			return &breach{c, text, run.rec.seen[c.tap]}, nil
		}
	}
	return nil, nil
}

// play runs steps as they are.
func (t *testRun) play(steps []testStep) error {
	for _, s := range steps {
		t.graph.Advance(s.at)
		for _, e := range s.events {
			c := *e
			if c.Has&event.HasTime == 0 {
				c.SetTime(s.at)
			}
			t.push(EventValue(&c))
		}
		if err := t.restart(); err != nil {
			return err
		}
	}
	return nil
}
