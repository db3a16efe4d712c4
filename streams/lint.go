package streams

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// lintStreams says what is wrong with the way streams hang together, once all of them are compiled.
func (l *load) lintStreams() {
	for _, n := range l.places {
		if n.args == nil || n.template {
			continue // what a template is used with may well decide a condition
		}
		l.lintIdle(n)
		switch n.name {
		case "where":
			l.lintDecided(n, n.args[0])
			l.lintElse(n)
		case "split":
			l.lintCases(n)
		case "dual":
			l.lintDecided(n, n.args[0])
		}
	}
	w := pathLint{l: l, seen: map[visit]bool{}, slots: map[*slot]part{}}
	w.part(l.rules.root, visit{})
	for _, n := range l.places {
		n.args = nil // the syntax tree is not needed any more
	}
}

// lintIdle warns of an operator that gives to nobody.
func (l *load) lintIdle(n *node) {
	r := n.entry
	if r.kind == operatorName && !r.Leaf && !r.branches && r.Name != "tap" && n.idle && len(n.outlets) == 0 {
		l.warn(n.at, n.name, "nothing comes of it", "no stream follows", "put one behind its arguments, such as index or a sink")
	}
}

// lintDecided warns of a condition that is false as it is written. Names and variables of the environment
// are how rules are switched off on purpose.
func (l *load) lintDecided(n *node, cond ast.Node) {
	if isNever(cond) {
		l.warn(nodeLocation(cond), n.name, describe(cond)+" is never true", "the condition is never true", "")
	}
}

// lintElse reports an else(…) that nothing can reach.
func (l *load) lintElse(n *node) {
	for _, a := range n.args[1:] {
		if name, _, _ := callOf(a); name == "else" && isAlways(n.args[0]) {
			l.report(a.Location(), n.name, "else(…) is never reached", describe(n.args[0])+" always holds", "")
		}
	}
}

// lintCases reports what stands behind a case of split that always holds.
func (l *load) lintCases(n *node) {
	for i := 0; i+1 < len(n.args); i += 2 {
		l.lintDecided(n, n.args[i])
		if isAlways(n.args[i]) && i+2 < len(n.args) {
			l.report(nodeLocation(n.args[i+2]), n.name, "this is never reached", describe(n.args[i])+" always holds", "")
			return
		}
	}
}

// maxAlternatives bounds the alternatives that are held against one another.
const maxAlternatives = 50

// isAlways reports whether a condition is true for every event, as it is written.
func isAlways(n ast.Node) bool {
	if ors := chain(n, isOr, nil); len(ors) > 1 {
		return slices.ContainsFunc(ors, isAlways) || len(ors) <= maxAlternatives && slices.ContainsFunc(ors, func(a ast.Node) bool {
			return slices.ContainsFunc(ors, func(b ast.Node) bool { return isOpposite(a, b) })
		})
	}
	if ands := conjuncts(n, nil); len(ands) > 1 {
		return !slices.ContainsFunc(ands, func(a ast.Node) bool { return !isAlways(a) })
	}
	value, known := decided(n)
	return known && value
}

// isNever reports whether a condition is false for every event, as it is written.
func isNever(n ast.Node) bool {
	if ors := chain(n, isOr, nil); len(ors) > 1 {
		return !slices.ContainsFunc(ors, func(a ast.Node) bool { return !isNever(a) })
	}
	if ands := conjuncts(n, nil); len(ands) > 1 {
		return slices.ContainsFunc(ands, isNever)
	}
	value, known := decided(n)
	return known && !value
}

// decided evaluates a condition that reads nothing, names included.
func decided(n ast.Node) (value, known bool) {
	c := checker{in: Events, quiet: true}
	d, ok := c.quietConst(n)
	return d.Bool, ok && d.Kind == Bool
}

// isOpposite reports whether b is the negation of a: not a, or != for ==.
func isOpposite(a, b ast.Node) bool {
	if !isSmall(a, 16) || !isSmall(b, 16) {
		return false
	}
	if u, ok := b.(*ast.UnaryNode); ok && (u.Operator == "not" || u.Operator == "!") {
		return sourceText(u.Node) == sourceText(a)
	}
	x, isBinary := a.(*ast.BinaryNode)
	y, areBoth := b.(*ast.BinaryNode)
	return isBinary && areBoth && x.Operator == "==" && y.Operator == "!=" &&
		sourceText(x.Left) == sourceText(y.Left) && sourceText(x.Right) == sourceText(y.Right)
}

// fields is a set of fields of the event, by their place in eventFields.
type fields uint16

func fieldSet(names ...string) fields {
	var s fields
	for _, n := range names {
		if i := slices.Index(eventFields, n); i >= 0 {
			s |= 1 << i
		}
	}
	return s
}

// allFields is every field.
var allFields = fields(1<<len(eventFields) - 1)

// visit is what is known where a way through the rules comes to a node.
type visit struct {
	n      *node
	forked bool   // inside by
	pinned fields // decided by conditions: one value
	asked  fields // read by conditions
	set    fields // changed on the way
	lossy  bool   // not every event comes through, or not as the conditions let it
}

// maxVisits bounds the ways that are looked at.
const maxVisits = 100_000

// pathLint walks all ways through the rules.
type pathLint struct {
	l     *load
	seen  map[visit]bool
	slots map[*slot]part
}

// part walks on from a node, of which at tells.
func (w *pathLint) part(p part, at visit) {
	switch p := p.(type) {
	case *node:
		w.node(p, at)
	case fan:
		for _, one := range p {
			w.part(one, at)
		}
	case *rootsPart:
		w.part(p.parts, at)
	case *letPart:
		at.forked = false // one instance, wherever it is used
		w.part(p.let.part, at)
	case *pipeline:
		for i, s := range p.slots {
			w.slots[s] = p.stages[i+1]
		}
		w.part(p.stages[0], at)
	case *slot:
		w.part(w.slots[p], at)
	}
}

func (w *pathLint) node(n *node, at visit) {
	at.n = n
	if w.seen[at] || len(w.seen) >= maxVisits {
		return
	}
	w.seen[at] = true
	other := at // what goes elsewhere than to the children
	switch n.name {
	case "reinject":
		w.reinject(n, at)
	case "throttle", "rollup", "slidingThrottle":
		w.throttle(n, at)
		at.lossy, other.lossy = true, true
	case "where":
		if len(n.args) > 0 {
			asked, pinned, sure := w.condition(n.args[0])
			at.asked |= asked
			at.pinned |= pinned
			at.lossy = at.lossy || !sure
			other.asked, other.lossy = at.asked, at.lossy
		}
	case "by", "byBuilder":
		other.forked = true
	case "with", "default":
		at.set |= patched(n.args)
	case "tag", "untag":
		at.set |= fieldSet("tags")
	case "scale":
		at.set |= fieldSet("metric")
	case "sdo", "tap", "io":
	default:
		at.lossy, other.lossy = true, true
	}
	for _, o := range n.outlets {
		w.part(*o.part, other)
	}
	w.part(n.next, at)
}

// condition returns the fields a condition asks for and those it allows one value only. It is sure if it holds again
// for an event of which these have not changed.
func (w *pathLint) condition(n ast.Node) (asked, pinned fields, sure bool) {
	errors, poisoned, unset := w.l.errors, w.l.poisoned, w.l.unset
	n = w.l.fill(n)
	w.l.errors, w.l.poisoned, w.l.unset = errors, poisoned, unset
	for _, part := range conjuncts(n, nil) {
		b, ok := part.(*ast.BinaryNode)
		if !ok || b.Operator != "==" {
			continue
		}
		for _, side := range [...][2]ast.Node{{b.Left, b.Right}, {b.Right, b.Left}} {
			if isConstNode(side[1]) {
				pinned |= fieldSet(identName(side[0]))
			}
		}
	}
	asked, sure = askedFields(n)
	return asked, pinned, sure
}

// askedFields returns the fields an expression reads; false if it reads more than the event.
func askedFields(n ast.Node) (asked fields, sure bool) {
	if n == nil {
		return 0, true
	}
	sure = true
	name, _, isCall := callOf(n)
	switch {
	case isCall && strings.HasPrefix(name, "tagged"):
		asked = fieldSet("tags")
	case isCall && (name == "now" || name == "expired" || name == "lookup" || name == "between"):
		return 0, false
	case identName(n) == "event":
		asked = allFields
	case identName(n) != "":
		return fieldSet(identName(n)), slices.Contains(eventFields, identName(n))
	}
	for i, child := range below(n) {
		if isCall && i == 0 {
			continue
		}
		more, ok := askedFields(*child)
		asked, sure = asked|more, sure && ok
	}
	return asked, sure
}

// patched returns the fields that with or default sets.
func patched(args []ast.Node) fields {
	if len(args) == 0 {
		return allFields
	}
	m, ok := args[0].(*ast.MapNode)
	if !ok {
		return fieldSet(identName(args[0])) | orAll(args[0])
	}
	var set fields
	for _, p := range m.Pairs {
		key, ok := p.(*ast.PairNode).Key.(*ast.StringNode)
		if !ok || !slices.Contains(eventFields, key.Value) {
			return allFields
		}
		set |= fieldSet(key.Value)
	}
	return set
}

// orAll is every field where n is not the name of one.
func orAll(n ast.Node) fields {
	if m, ok := n.(*ast.MemberNode); ok && identName(m.Node) == "attributes" {
		return fieldSet("attributes")
	}
	if slices.Contains(eventFields, identName(n)) {
		return 0
	}
	return allFields
}

// reinject reports a ring that every event goes round and round.
func (w *pathLint) reinject(n *node, at visit) {
	if at.lossy || at.set&at.asked != 0 {
		return
	}
	w.l.report(n.at, n.name, "an event that gets here comes here again, and again", "reinject sends it through all rules",
		`change a field that a condition asks for, e.g. where(service == "a", with({service: "b"}, reinject))`)
}

// throttle warns of a limit that events of all hosts and services share.
func (w *pathLint) throttle(n *node, at visit) {
	one := fieldSet("host", "service")
	if w.l.errors > 0 || at.forked || at.pinned&one == one || strings.HasPrefix(n.path.text, "id ") {
		return
	}
	w.l.warn(n.at, n.name, "outside by, one limit holds for all hosts and services together", "",
		fmt.Sprintf("put it inside by([host, service], …); if one limit is meant, write id(\"name\", %s(…))", n.name))
}
